package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** exec: the same scripts with runc, where it is installed, and with redoubt. */
final class OciExecTest {
  @TempDir static Path directory;
  private static Path bundle;

  @BeforeAll
  static void check() {
    Redoubt.assumeSandbox();
    Redoubt.assumeRoot();
    bundle = OciRuntime.bundle(directory, UnaryOperator.identity());
  }

  private static void prints(String expected, String script) {
    OciRuntime.prints(
        directory,
        bundle,
        expected,
        "$RT run -d -b $B c1 </dev/null >/dev/null 2>&1\ntrap '$RT delete -f c1' EXIT\n" + script);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({"exit 0,0", "exit 7,7", "kill -9 $$,137"})
  void exitCode(String script, int code) {
    prints(code + "\n", "$RT exec c1 sh -c '" + script + "'; echo $?");
  }

  @Test
  void standardStreams() {
    prints(
        "in\nerr\n",
        "echo in | $RT exec c1 sh -c 'cat; echo err >&2' >$W/out 2>$W/err; cat $W/out $W/err");
  }

  @Test
  void sharesTheContainersFiles() {
    prints(
        "box\nshared\n",
        "$RT exec c1 hostname; $RT exec c1 sh -c 'echo shared >/dev/shared'; $RT exec c1 cat /dev/shared");
  }

  @Test
  void userGroupsEnvironmentDirectory() {
    prints(
        "1000 2000 2000 5 6\nB /etc\n",
        "$RT exec -u 1000:2000 -g 5 -g 6 -e A=B --cwd /etc c1 sh -c 'echo $(id -u) $(id -g) $(id -G); echo $A $(pwd)'");
  }

  @Test
  void capabilities() {
    prints(
        "CapPrm:\t0000000000000021\nCapBnd:\t0000000000000021\nNoNewPrivs:\t1\n",
        "$RT exec c1 grep -E 'CapPrm|CapBnd|NoNewPrivs' /proc/self/status");
  }

  @Test
  void processFromAFile() {
    prints(
        "1000 2 C\n9\n",
        """
        echo '{"args": ["/bin/sh", "-c", "echo $(id -u) $(id -g) $V; exit 9"], "env": ["PATH=/bin", "V=C"], "cwd": "/etc", "user": {"uid": 1000, "gid": 2}}' >$W/process
        $RT exec --process $W/process c1; echo $?
        """);
  }

  @Test
  void processFromADescriptor() {
    prints(
        "3\n",
        """
        echo '{"args": ["/bin/sh", "-c", "exit 3"], "env": ["PATH=/bin"], "cwd": "/", "user": {"uid": 0, "gid": 0}}' >$W/process
        $RT exec --process /dev/fd/9 c1 9<$W/process; echo $?
        """);
  }

  /** An input that is no terminal ends at once, and the terminal stays. */
  @Test
  void terminalWithoutInput() {
    assumeTrue(Guests.isOnPath("script"), "script is missing");
    prints(
        "/dev/pts/0\n0\n",
        """
        script -qec "$RT exec -t c1 sh -c 'sleep 0.5; tty' </dev/null" $W/typescript </dev/null >$W/out
        code=$?
        tr -cd '/a-z0-9\n' <$W/out
        echo $code
        """);
  }

  @Test
  void detached() {
    prints(
        "0\n5\nout\n",
        """
        $RT exec -d --pid-file $W/pid c1 sh -c 'sleep 0.3; echo out; exit 5' </dev/null >$W/out 2>&1; echo $?
        exit_of $(cat $W/pid)
        cat $W/out
        """);
  }

  @Test
  void detachedOnATerminal() {
    prints(
        "33 77\n6\n",
        """
        echo '{"terminal": true, "args": ["/bin/sh", "-c", "sleep 0.2; stty size; exit 6"], "env": ["PATH=/bin"], "cwd": "/", "user": {"uid": 0, "gid": 0}}' >$W/process
        python3 $SHIM recvtty $W/tty '' >$W/out & tty=$!
        until grep -q listening $W/out; do sleep 0.02; done
        $RT exec -d --console-socket $W/tty --pid-file $W/pid --process $W/process c1 </dev/null || phrase
        code=$(exit_of $(cat $W/pid))
        wait $tty
        tr -d '\\r' <$W/out | grep -v listening
        echo $code
        """);
  }

  /** Where nobody sets the size of the terminal, process.consoleSize counts. */
  @Test
  void consoleSize() {
    prints(
        "21 43\n",
        """
        echo '{"terminal": true, "consoleSize": {"height": 21, "width": 43}, "args": ["/bin/sh", "-c", "sleep 0.2; stty size"], "env": ["PATH=/bin"], "cwd": "/", "user": {"uid": 0, "gid": 0}}' >$W/process
        python3 $SHIM recvtty $W/tty '' keep >$W/out & tty=$!
        until grep -q listening $W/out; do sleep 0.02; done
        $RT exec -d --console-socket $W/tty --pid-file $W/pid --process $W/process c1 </dev/null || phrase
        wait $tty
        tr -d '\\r' <$W/out | grep -v listening
        """);
  }

  private static final String PRIORITIES =
      "echo $(chrt -p $(cat $W/pid) | sed -n 's/.*policy: //p') $(ps -o ni= -p $(cat $W/pid)) $(ionice -p $(cat $W/pid)) $(cat /proc/$(cat $W/pid)/oom_score_adj); kill -9 $(cat $W/pid)\n";

  /**
   * The process's own, else the container's. runc 1.1 knows neither schedulers nor I/O priorities.
   */
  @Test
  void schedulerAndIoPriority() {
    assumeTrue(Guests.isOnPath("chrt") && Guests.isOnPath("ionice"), "chrt is missing");
    Path of =
        OciRuntime.bundle(
            directory,
            c ->
                c.replace(
                    "\"noNewPrivileges\"",
                    "\"scheduler\": {\"policy\": \"SCHED_BATCH\", \"nice\": 3}, \"ioPriority\": {\"class\": \"IOPRIO_CLASS_IDLE\"}, \"oomScoreAdj\": 77, \"noNewPrivileges\""));
    Outcome o =
        OciRuntime.redoubt(directory)
            .run(
                of,
                """
                $RT run -d -b $B c1 </dev/null >/dev/null 2>&1
                trap '$RT delete -f c1' EXIT
                $RT exec -d --pid-file $W/pid c1 sleep 50 </dev/null >/dev/null 2>&1
                %1$s
                echo '{"scheduler": {"policy": "SCHED_OTHER", "nice": 9}, "ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 6}, "args": ["/bin/sleep", "50"], "cwd": "/", "env": ["PATH=/bin"]}' >$W/process
                $RT exec -d --pid-file $W/pid --process $W/process c1 </dev/null >/dev/null 2>&1
                %1$s
                """
                    .formatted(PRIORITIES));
    assertEquals(
        "SCHED_BATCH 3 idle 77\nSCHED_OTHER 9 best-effort: prio 6 77\n", o.out(), o::describe);
  }

  @Test
  void schedulerThatIsNone() {
    Outcome o =
        OciRuntime.redoubt(directory)
            .run(
                bundle,
                """
                $RT run -d -b $B c1 </dev/null >/dev/null 2>&1
                trap '$RT delete -f c1' EXIT
                echo '{"scheduler": {"policy": "SCHED_X"}, "args": ["/bin/true"], "cwd": "/"}' >$W/process
                $RT exec --process $W/process c1 2>/dev/null; echo $?; phrase
                """);
    assertEquals(
        "255\nconfig.json: scheduler.policy: invalid scheduler policy: SCHED_X\n",
        o.out(),
        o::describe);
  }

  @Test
  void signalToADetachedProcess() {
    prints(
        "143\n",
        "$RT exec -d --pid-file $W/pid c1 sleep 50 </dev/null >/dev/null 2>&1; kill $(cat $W/pid); exit_of $(cat $W/pid)");
  }

  @Test
  void endsWithItsContainer() {
    prints(
        "137\n",
        "$RT exec -d --pid-file $W/pid c1 sleep 50 </dev/null >/dev/null 2>&1; $RT kill c1 KILL; exit_of $(cat $W/pid)");
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      value = {
        "/no/such | no such file or directory",
        "nosuch | executable file not found in $PATH",
        "/etc | permission denied",
      })
  void programThatCannotBeRun(String program, String phrase) {
    OciRuntime.refuses(
        directory,
        bundle,
        255,
        phrase,
        "$RT run -d -b $B c1 </dev/null >/dev/null 2>&1; trap '$RT delete -f c1' EXIT; $RT exec c1 "
            + program
            + " >/dev/null 2>&1");
  }

  /** Who reads the output of an exec that failed sees its end. */
  @Test
  void nobodyKeepsTheOutputOfOneThatFailed() {
    prints(
        "255\nend\nstill there\n",
        """
        ( $RT exec c1 /no/such 2>&1; echo $? >$W/code ) | cat >$W/out
        cat $W/code; echo end
        $RT exec c1 sh -c 'echo still there'
        """);
  }

  /**
   * Many at once, and none left behind in the sentry: each has a listener and workers of its own.
   */
  @Test
  void manyAtOnce() {
    prints(
        "20\n",
        "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do $RT exec c1 sh -c 'echo x' >>$W/out & done; wait; grep -c x $W/out");
  }
}
