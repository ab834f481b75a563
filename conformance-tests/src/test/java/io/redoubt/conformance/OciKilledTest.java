package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** kill -9 of whatever belongs to a container: it ends, can be deleted, and leaves nothing. */
final class OciKilledTest {
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

  /** No way of killing helpers leaves a guest that runs, or a container that cannot be deleted. */
  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"monitor", "sentry", "gofer", "guard"})
  void helperThatIsKilled(String which) {
    String of =
        which.equals("monitor")
            ? "kill -9 $monitor"
            : "for p in $(cat /proc/$monitor/task/$monitor/children); do if tr '\\0' ' ' <$(echo /proc/$p/cmdline) | grep -q '"
                + (which.equals("sentry")
                    ? "launcher.Main create"
                    : which.equals("gofer") ? "GoferMain" : "redoubt-front")
                + "'; then kill -9 $p; fi; done";
    Outcome outcome =
        OciRuntime.redoubt(directory)
            .run(
                bundle(OciRuntime.runs("echo up; sleep 100")),
                """
                $RT run -d -b $B --pid-file $W/pid c1 </dev/null >$W/out 2>&1
                until grep -q up $W/out; do sleep 0.02; done # the kill is for a program, not for its start
                monitor=$(sed -n 's/^monitor //p' $W/state/c1/state)
                %s
                exit_of $(cat $W/pid)
                $RT delete c1; echo $?
                """
                    .formatted(of));
    assertEquals("137\n0\n", outcome.out(), outcome::describe);
  }

  @Test
  void createThatIsKilledCanBeDeleted() {
    Outcome outcome =
        OciRuntime.redoubt(directory)
            .run(
                bundle,
                """
                for delay in 0.02 0.1 0.2 0.3; do
                  $RT create -b $B c1 </dev/null >/dev/null 2>&1 & create=$!
                  sleep $delay; kill -9 $create
                  $RT delete --force c1; echo $?
                done
                ls $W/state
                """);
    assertEquals("0\n0\n0\n0\n", outcome.out(), outcome::describe);
  }

  /** A batch system kills all of a job at once: whoever comes next removes what is left. */
  @ParameterizedTest(name = "{0}")
  @ValueSource(
      strings = {
        "state other",
        "list",
        "kill other",
        "delete other",
        "delete -f other",
        "exec other true"
      })
  void runThatIsKilledIsSweptAway(String next) {
    Outcome outcome =
        OciRuntime.redoubt(directory)
            .run(
                bundle,
                """
                $RT run -b $B c1 </dev/null >/dev/null 2>&1 & run=$!
                await c1 running; init=$(pid c1)
                kill -9 $run; wait $run
                ls $W/state
                $RT %s >/dev/null 2>&1
                ls $W/state; ls -d /sys/fs/cgroup/*/c1 2>/dev/null
                ! kill -0 $init 2>/dev/null || echo alive
                $RT run -b $B --pid-file $W/pid c1 </dev/null >/dev/null 2>&1 & run=$!
                await c1 running; kill -9 $run; wait $run
                $RT run -d -b $B c1 </dev/null >/dev/null 2>&1; status c1; $RT list -q
                $RT delete -f c1
                """
                    .formatted(next));
    assertEquals("c1\nrunning\nc1\n", outcome.out(), outcome::describe);
  }

  /** containerd gives all runtimes of its shim one root: what stands there may be another's. */
  @Test
  void containersOfOtherRuntimesAreLeftAlone() {
    Outcome outcome =
        OciRuntime.redoubt(directory)
            .run(
                bundle,
                """
                mkdir -p -m 711 $W/state/theirs $W/state/making; echo {} >$W/state/theirs/state.json
                $RT list -q
                $RT delete theirs 2>/dev/null; echo $?
                $RT delete -f theirs; echo $?
                $RT delete -f making; echo $?
                $RT create -b $B c1 </dev/null >/dev/null 2>&1; $RT delete -f c1
                ls -R $W/state | grep .
                rm -r $W/state/theirs $W/state/making
                """);
    assertEquals(
        "1\n0\n0\nSTATE:\nmaking\ntheirs\nSTATE/making:\nSTATE/theirs:\nstate.json\n",
        outcome.out().replaceAll("/\\S*/state(?=[:/])", "STATE"),
        outcome::describe);
  }

  /** At any time, and with or without what they have started. */
  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"run -b $B", "create -b $B", "run -d -b $B"})
  void nothingIsLeftOfOneThatIsKilledWhileItIsMade(String command) {
    Outcome outcome =
        OciRuntime.redoubt(directory)
            .run(
                bundle,
                """
                for delay in 0.005 0.02 0.05 0.07 0.1 0.12 0.14 0.16 0.18 0.2 0.3; do
                  $RT %s c1 </dev/null >/dev/null 2>&1 & made=$!
                  sleep $delay; kill -9 $made $(cat /proc/$made/task/$made/children 2>/dev/null); wait $made
                  # What was born in between ends by itself, unless the command was done before the kill: it has said that the
                  # container is kept, or had no time to end. Then it is there until it is deleted, killed or not.
                  is_made() { [ -e $W/state/c1/kept ] || case $(status c1) in created | running) ;; *) false ;; esac; }
                  while ! is_made && pgrep -f -- "$W/state" >/dev/null; do sleep 0.02; done
                  ! is_made || $RT delete -f c1
                  $RT list -q; ls $W/state; ls -d /sys/fs/cgroup/*/c1 2>/dev/null
                done
                echo done
                """
                    .formatted(command));
    assertEquals("done\n", outcome.out(), outcome::describe);
  }
}
