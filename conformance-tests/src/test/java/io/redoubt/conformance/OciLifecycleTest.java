package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * create, start, state, kill, delete, list, ps, run --detach: the same scripts with runc, where it
 * is installed, and with redoubt.
 */
final class OciLifecycleTest {
  @TempDir static Path directory;
  private static Path bundle;

  @BeforeAll
  static void check() {
    Redoubt.assumeSandbox();
    Redoubt.assumeRoot();
    bundle = bundle(UnaryOperator.identity());
  }

  private static Path bundle(UnaryOperator<String> change) {
    return OciRuntime.bundle(directory, change);
  }

  private static void prints(String expected, Path of, String script) {
    OciRuntime.prints(directory, of, expected, script);
  }

  private static void refuses(int code, String phrase, String script) {
    OciRuntime.refuses(directory, bundle, code, phrase, script);
  }

  // ------------------------------------------------------------------------------ the way through

  @Test
  void createdStartedEndedDeleted() {
    prints(
        """
        created
        running
        42
        stopped 0
        0
        null
        """,
        bundle(OciRuntime.runs("sleep 0.5; exit 42")),
        """
        $RT create -b $B --pid-file $W/pid c1 </dev/null 2>&1
        status c1
        $RT start c1
        status c1
        exit_of $(cat $W/pid)
        echo $(status c1) $(pid c1)
        $RT delete c1; echo $?
        $RT list -f json
        """);
  }

  @Test
  void state() {
    prints(
        """
        {
          "ociVersion": X,
          "id": "c1",
          "pid": X,
          "status": "running",
          "bundle": X,
          "rootfs": X,
          "created": X,
          "annotations": {
            "a.b/c": "quoted \\"text\\""
          },
          "owner": ""
        }
        """,
        bundle(c ->
            c.replace(
                "\"hostname\"",
                "\"annotations\": {\"a.b/c\": \"quoted \\\"text\\\"\"}, \"hostname\"")),
        "$RT run -d -b $B c1 </dev/null >/dev/null 2>&1; $RT state c1; echo; $RT delete -f c1");
  }

  @Test
  void pidFileHasNoNewline() {
    prints(
        "same\n",
        bundle,
        """
        $RT create --bundle=$B --pid-file=$W/pid c1 </dev/null >/dev/null 2>&1
        [ "$(pid c1)" = "$(cat $W/pid)" ] && [ $(wc -l <$W/pid) = 0 ] && echo same
        $RT delete --force c1
        """);
  }

  @Test
  void signalsAndTheirNames() {
    prints(
        "caught 15\ncaught 10\ncaught 1\n137\n",
        bundle(
            OciRuntime.runs(
                "trap 'echo caught 15' TERM; trap 'echo caught 10' USR1; trap 'echo caught 1' HUP; touch /up; while :; do sleep 0.1; done")),
        """
        $RT run -d -b $B --pid-file $W/pid c1 </dev/null >$W/out 2>&1
        until [ -e $B/rootfs/up ]; do sleep 0.02; done
        lines() { n=0; until [ $(wc -l <$W/out) = $1 ]; do n=$((n+1)); [ $n -lt 100 ] || return; sleep 0.05; done; }
        $RT kill c1; lines 1; $RT kill c1 SIGUSR1; lines 2; $RT kill c1 1; lines 3
        cat $W/out
        $RT kill c1 KILL
        exit_of $(cat $W/pid)
        $RT delete c1
        rm $B/rootfs/up
        """);
  }

  @Test
  void killOfAll() {
    prints(
        "137\nstopped\n0\n",
        bundle,
        """
        $RT run -d -b $B --pid-file $W/pid c1 </dev/null >/dev/null 2>&1
        $RT kill --all c1 9
        exit_of $(cat $W/pid)
        status c1
        $RT kill -a c1 9 2>/dev/null; echo $?
        $RT delete c1
        """);
  }

  @Test
  void standardOutputIsTheContainersOwn() {
    prints(
        "out\nerr\n",
        bundle(OciRuntime.runs("cat; echo err >&2")),
        """
        echo out | $RT run -d -b $B --pid-file $W/pid c1 >$W/out 2>$W/err
        exit_of $(cat $W/pid) >/dev/null
        cat $W/out $W/err
        $RT delete c1
        """);
  }

  /**
   * Who reads the container's output sees its end when the container ends, not when a helper does.
   */
  @Test
  void nobodyElseKeepsStdioOpen() {
    prints(
        "out\nend\n",
        bundle(OciRuntime.runs("echo out")),
        """
        ( $RT run -d -b $B --pid-file $W/pid c1 </dev/null 2>&1; ) | cat
        echo end
        exit_of $(cat $W/pid) >/dev/null
        $RT delete c1
        """);
  }

  @Test
  void configIsReadAtCreate() {
    Path own = bundle(OciRuntime.runs("echo first"));
    prints(
        "first\n",
        own,
        """
        $RT create -b $B --pid-file $W/pid c1 </dev/null >$W/out 2>&1
        mv $B/config.json $B/kept; echo '{}' >$B/config.json
        $RT start c1
        exit_of $(cat $W/pid) >/dev/null
        cat $W/out
        $RT delete c1
        mv $B/kept $B/config.json
        """);
  }

  @Test
  void descriptorsAreHandedOn() {
    prints(
        "three\n3\n",
        bundle(OciRuntime.runs("cat <&3; ls /proc/self/fd | grep -c '^[0-3]$'")),
        """
        echo three >$W/three
        $RT run -d --preserve-fds 1 -b $B --pid-file $W/pid c1 3<$W/three 7<$W/three </dev/null >$W/out 2>&1
        exit_of $(cat $W/pid) >/dev/null
        sed 's/^4$/3/' $W/out
        $RT delete c1
        """);
  }

  @Test
  void processesOfAContainer() {
    prints(
        "[X]\nsame\n",
        bundle(c -> c.replace("\"/bin/sh\", \"-c\", \"sleep 100\"", "\"/bin/sleep\", \"100\"")),
        """
        $RT run -d -b $B c1 </dev/null >/dev/null 2>&1
        $RT ps --format json c1 | sed 's/[0-9][0-9]*/X/'
        [ "$($RT ps --format json c1)" = "[$(pid c1)]" ] && [ $($RT ps c1 | grep -c 'sleep 100') = 1 ] && echo same
        $RT delete -f c1
        """);
  }

  @Test
  void deleteTwice() {
    prints(
        "0 1 0\n",
        bundle,
        """
        $RT create -b $B c1 </dev/null >/dev/null 2>&1
        $RT delete -f c1; a=$?; $RT delete c1 2>/dev/null; b=$?; $RT delete -f c1; echo $a $b $?
        """);
  }

  /** containerd deletes a container whose shim was killed from another process. */
  @Test
  void deleteOfARunningContainer() {
    prints(
        "0\n137\nnull\n",
        bundle,
        """
        $RT run -d -b $B --pid-file $W/pid c1 </dev/null >/dev/null 2>&1
        $RT delete --force c1; echo $?
        exit_of $(cat $W/pid)
        $RT list --format=json
        """);
  }

  @Test
  void pauseAndResume() {
    prints(
        "paused\nrunning\n",
        bundle,
        """
        $RT run -d -b $B c1 </dev/null >/dev/null 2>&1
        $RT pause c1 && status c1
        $RT resume c1 && status c1
        $RT delete -f c1
        """);
  }

  @Test
  void hooks() {
    Path own =
        bundle(c -> {
          StringBuilder hooks = new StringBuilder("\"hooks\": {");
          for (String name :
              "prestart createRuntime createContainer poststart poststop".split(" ")) {
            hooks
                .append(hooks.charAt(hooks.length() - 1) == '{' ? "" : ", ")
                .append(
                    "\"%s\": [{\"path\": \"/bin/sh\", \"args\": [\"sh\", \"-c\", \"echo %s $(sed 's/.*\\\"status\\\":\\\"\\\\([a-z]*\\\\).*/\\\\1/') $X >>%s/hooks\"], \"env\": [\"X=y\", \"PATH=/bin:/usr/bin\"]}]"
                        .formatted(name, name, directory));
          }
          return c.replace("\"hostname\"", hooks + "}, \"hostname\"")
              .replace("\"sleep 100\"", "\"true\"");
        });
    prints(
        """
        prestart creating y
        createRuntime creating y
        createContainer creating y
        poststart X y
        poststop stopped y
        """,
        own,
        """
        rm -f %1$s/hooks
        $RT create -b $B --pid-file $W/pid c1 </dev/null >/dev/null 2>&1
        $RT start c1
        exit_of $(cat $W/pid) >/dev/null
        $RT delete c1
        sed 's/^poststart .* /poststart X /' %1$s/hooks # runc says created, the specification running
        """
            .formatted(directory));
  }

  // ------------------------------------------------------------------------------ what is refused

  @ParameterizedTest(name = "{0}")
  @ValueSource(
      strings = {
        "state x",
        "start x",
        "kill x 9",
        "delete x",
        "ps x",
        "pause x",
        "resume x",
        "exec x true",
        "events x"
      })
  void containerThatIsNotThere(String command) {
    refuses(
        command.startsWith("exec") ? 255 : 1,
        "does not exist",
        "$RT " + command + " >/dev/null 2>&1");
  }

  @Test
  void sameIdTwice() {
    refuses(
        1,
        "container with given ID already exists",
        "$RT create -b $B c1 </dev/null >/dev/null 2>&1; trap '$RT delete -f c1' EXIT; $RT create -b $B c1 </dev/null >/dev/null 2>&1");
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"..", "a/b", "a b", "é"})
  void badId(String id) {
    refuses(
        1,
        "invalid container ID format",
        "$RT create -b $B '" + id + "' </dev/null >/dev/null 2>&1");
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      value = {
        "start c1 | cannot start an already running container",
        "delete c1 | that is not stopped: running",
        "kill c1 NOSUCH | unknown signal",
        "resume c1 | container not paused",
      })
  void runningContainer(String command, String phrase) {
    refuses(
        1,
        phrase,
        "$RT run -d -b $B c1 </dev/null >/dev/null 2>&1; trap '$RT delete -f c1' EXIT; $RT "
            + command
            + " >/dev/null 2>&1");
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      value = {
        "start c1 | 1 | cannot start a container that has stopped",
        "kill c1 15 | 1 | container not running",
        "pause c1 | 1 | container not running",
      })
  void stoppedContainer(String command, int code, String phrase) {
    refuses(
        code,
        phrase,
        "$RT run -d -b $B --pid-file $W/pid c1 </dev/null >/dev/null 2>&1; trap '$RT delete -f c1' EXIT;"
            + " $RT kill c1 9; await c1 stopped; $RT "
            + command
            + " >/dev/null 2>&1");
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
    Path own = bundle(c -> c.replace("\"/bin/sh\"", OciRuntime.quoted(program)));
    OciRuntime.refuses(directory, own, 1, phrase, "$RT create -b $B c1 </dev/null >/dev/null 2>&1");
  }

  @Test
  void terminalWithoutASocket() {
    Path own = bundle(c -> c.replace("\"terminal\": false", "\"terminal\": true"));
    OciRuntime.refuses(
        directory,
        own,
        1,
        "cannot allocate tty if runc will detach without setting console socket",
        "$RT create -b $B c1 </dev/null >/dev/null 2>&1");
  }

  @Test
  void socketWithoutATerminal() {
    refuses(
        1,
        "cannot use console socket if runc will not detach or allocate tty",
        "$RT create -b $B --console-socket $W/none c1 </dev/null >/dev/null 2>&1");
  }

  @Test
  void failedCreateLeavesNothing() {
    Path own = bundle(c -> c.replace("\"/bin/sh\"", "\"/no/such\""));
    prints(
        "1\nnull\nnone left\n",
        own,
        """
        $RT create -b $B failed-$$ </dev/null >/dev/null 2>&1; echo $?
        $RT list -f json
        find /sys/fs/cgroup -maxdepth 4 -type d -name failed-$$ | grep . || echo none left
        """);
  }

  // ------------------------------------------------------------------------------ namespaces

  /** As the containers of a pod do it: /proc/PID/ns of another one's first process. */
  @Test
  void namespacesOfAnother() {
    assumeTrue(Guests.isOnPath("unshare"), "unshare is missing");
    prints(
        "net same\nipc same\nuts same\npid own\n",
        bundle(UnaryOperator.identity()),
        """
        unshare --net --ipc --uts sleep 60 & peer=$!
        until [ "$(cat /proc/$peer/comm)" = sleep ]; do sleep 0.02; done
        for n in network:net ipc:ipc uts:uts; do
          sed -i "s|{\\\"type\\\": \\\"${n%:*}\\\"[^}]*}|{\\\"type\\\": \\\"${n%:*}\\\", \\\"path\\\": \\\"/proc/$peer/ns/${n#*:}\\\"}|" $B/config.json
        done
        sed -i 's/"hostname": "box",//' $B/config.json
        $RT run -d -b $B --pid-file $W/pid c1 </dev/null >/dev/null 2>&1 || phrase
        for n in net ipc uts pid; do
          [ "$(readlink /proc/$peer/ns/$n)" = "$(readlink /proc/$(cat $W/pid)/ns/$n)" ] && echo $n same || echo $n own
        done
        $RT delete -f c1
        kill $peer
        """);
  }

  @Test
  void namespaceThatIsNotThere() {
    Path own =
        bundle(c ->
            c.replace(
                "{\"type\": \"network\"}", "{\"type\": \"network\", \"path\": \"/no/such\"}"));
    OciRuntime.refuses(
        directory,
        own,
        1,
        "/no/such: no such file or directory",
        "$RT create -b $B c1 </dev/null >/dev/null 2>&1");
  }

  // ------------------------------------------------------------------------------ consoles

  @Test
  void console() {
    Path own =
        bundle(c ->
            c.replace("\"terminal\": false", "\"terminal\": true")
                .replace("\"sleep 100\"", "\"stty size; tty; exit 4\""));
    prints(
        "33 77\n/dev/pts/0\n4\n",
        own,
        """
        python3 $SHIM recvtty $W/tty '' >$W/out & tty=$!
        until grep -q listening $W/out; do sleep 0.02; done
        $RT create -b $B --console-socket $W/tty --pid-file $W/pid c1 </dev/null || phrase
        sleep 0.1 # the size is set after the master has arrived
        $RT start c1
        code=$(exit_of $(cat $W/pid))
        wait $tty
        tr -d '\\r' <$W/out | grep -v listening
        echo $code
        $RT delete c1
        """);
  }

  // ------------------------------------------------------------------------------ ours only

  @Test
  void featuresAreJson() {
    Outcome outcome = Redoubt.front("features").run();
    assertTrue(outcome.out().startsWith("{") && outcome.err().isEmpty(), outcome::describe);
    for (String word :
        new String[] {"\"ociVersionMin\"", "\"rro\"", "\"potentiallyUnsafeConfigAnnotations\""}) {
      assertTrue(outcome.out().contains(word), outcome::describe);
    }
  }

  @Test
  void unknownFlagFails() {
    for (String command : new String[] {"create", "state", "kill", "exec", "list"}) {
      Expect.refused(1, "--nosuch", Redoubt.front(command, "--nosuch", "x").run());
    }
    Expect.refused(1, "checkpoint", Redoubt.front("checkpoint", "x").run());
  }

  /**
   * The first process inherits orphans, dead and alive, and forks itself: each child is known for
   * whose it is, and answered.
   */
  @Test
  void firstProcessForksBesideOrphans() throws IOException {
    Path bundle =
        OciRuntime.bundle(
            directory,
            config ->
                config
                    .replace("\"/bin/sh\", \"-c\", \"sleep 100\"", "\"/forks\"")
                    .replace("\"CAP_KILL\"", "\"CAP_KILL\", \"CAP_SETUID\", \"CAP_SETGID\"")
                    .replace("TERM=xterm", "TMPDIR=/dev"));
    Files.copy(Guests.compiled("forks", true), bundle.resolve("rootfs/forks"));
    OciRuntime.prints(
        directory,
        bundle,
        "== end\n0\n",
        "$RT run -b $B c1 </dev/null >$W/out 2>&1; tail -n 1 $W/out; grep -c '^!!' $W/out");
  }
}
