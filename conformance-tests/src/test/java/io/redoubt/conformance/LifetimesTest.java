package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The death of front, sentry or gofer, in whatever order and while the guest makes calls all the
 * time, is the death of all; and no call of the guest's is answered by nobody: with ENOSYS.
 */
final class LifetimesTest {
  @TempDir Path directory;

  private Process sandbox;
  private Path counters;

  @BeforeAll
  static void check() {
    Redoubt.assumeSandbox();
  }

  private int word(int index) throws IOException {
    return ByteBuffer.wrap(Files.readAllBytes(counters))
        .order(ByteOrder.LITTLE_ENDIAN)
        .getInt(4 * index);
  }

  private void awaitCalls(int more) throws Exception {
    int from = word(0);
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (word(0) - from < more) {
      assertTrue(sandbox.isAlive() && System.nanoTime() < deadline, () -> "no load");
      TimeUnit.MILLISECONDS.sleep(5);
    }
  }

  /** Returns all processes of a sandbox whose guest is busy. */
  private List<Long> storm(String... options) throws Exception {
    Files.copy(Guests.compiled("isolation/storm", true), directory.resolve("storm"));
    counters = Files.write(directory.resolve("counters"), new byte[4096]);
    List<String> words = new ArrayList<>(List.of(Redoubt.front().toString(), "do"));
    words.addAll(List.of(options));
    words.addAll(List.of("--bind", directory + ":/mnt", "--", "/mnt/storm", "/mnt/counters"));
    sandbox = Command.of(words).start();
    awaitCalls(1000);
    List<Long> all = new ArrayList<>(ProcessTree.below(sandbox.pid()));
    all.add(sandbox.pid());
    assertTrue(all.size() >= 7, () -> "processes: " + ProcessTree.describe(sandbox.pid()));
    return all;
  }

  private List<String> pids(String names) {
    List<String> pids = new ArrayList<>();
    for (String name : names.split(" ")) {
      long front = sandbox.pid();
      long pid =
          switch (name) {
            case "front" -> front;
            case "sentry" -> ProcessTree.sentry(front);
            case "gofer" -> ProcessTree.gofer(front);
            case "guard" -> ProcessTree.await(front, "redoubt-guard");
            default -> throw new IllegalArgumentException(name);
          };
      pids.add(Long.toString(pid));
    }
    return pids;
  }

  private void send(String signal, List<String> pids) {
    List<String> words = new ArrayList<>(List.of("kill", "-" + signal));
    words.addAll(pids);
    Command.of(words).run();
  }

  private void assertAllIsOver(List<Long> all) throws Exception {
    List<Long> alive = ProcessTree.survivors(all, 1000);
    assertEquals(
        List.of(),
        alive,
        () -> "a second later: " + alive.stream().map(ProcessTree::commandLine).toList());
    assertEquals(0, word(1), "calls that were answered with ENOSYS");
  }

  @ParameterizedTest(name = "kill -9 {0}")
  @ValueSource(
      strings = {
        "front",
        "sentry",
        "gofer",
        "guard",
        "front sentry gofer",
        "front gofer sentry",
        "sentry front gofer",
        "sentry gofer front",
        "gofer front sentry",
        "gofer sentry front"
      })
  void deathUnderLoad(String order) throws Exception {
    List<Long> all = storm();
    try {
      send("KILL", pids(order));
      assertAllIsOver(all);
    } finally {
      Command.killAll(sandbox);
    }
  }

  /** Who does not answer any more has no say in it. */
  @ParameterizedTest(name = "{0} is stopped")
  @ValueSource(strings = {"sentry", "gofer", "sentry gofer"})
  void whoIsStuckDiesWithTheFront(String stuck) throws Exception {
    List<Long> all = storm();
    try {
      send("STOP", pids(stuck));
      send("KILL", pids("front"));
      assertAllIsOver(all);
    } finally {
      send("CONT", all.stream().map(String::valueOf).toList());
      Command.killAll(sandbox);
    }
  }

  @Test
  void theSentryIsKilledWhileTheOthersAreStuck() throws Exception {
    List<Long> all = storm();
    try {
      send("STOP", pids("gofer"));
      send("KILL", pids("sentry"));
      assertAllIsOver(all);
      assertEquals(1, sandbox.waitFor());
    } finally {
      Command.killAll(sandbox);
    }
  }

  /** A process that joined has a listener of its own, which somebody must hold just as well. */
  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"exec -d", "exec"})
  void theSentryIsKilledUnderAnExec(String exec) throws Exception {
    Redoubt.assumeRoot();
    Path bundle = OciRuntime.bundle(directory, config -> config);
    Path root = bundle.resolve("rootfs");
    Files.copy(Guests.compiled("isolation/storm", true), root.resolve("storm"));
    counters = Files.write(root.resolve("counters"), new byte[4096]);
    Outcome outcome =
        OciRuntime.redoubt(directory)
            .run(
                bundle,
                """
                $RT run -d -b $B c1 </dev/null >/dev/null 2>&1
                monitor=$(sed -n 's/^monitor //p' $W/state/c1/state)
                %s c1 /storm /counters </dev/null >/dev/null 2>&1 %s
                calls() { od -An -tu4 -N4 $B/rootfs/counters | tr -d ' '; }
                n=0; until [ $(calls) -gt 1000 ] || [ $n -gt 400 ]; do n=$((n+1)); sleep 0.05; done
                [ $n -le 400 ] || echo no load
                for p in $(cat /proc/$monitor/task/$monitor/children); do
                  ! tr '\\0' ' ' </proc/$p/cmdline | grep -q 'launcher.Main' || kill -9 $p
                done
                await c1 stopped; $RT delete c1; echo "delete $?"
                """
                    .formatted("$RT " + exec, exec.equals("exec") ? "&" : ""));
    assertEquals("delete 0\n", outcome.out(), outcome::describe);
    assertEquals(0, word(1), "calls that were answered with ENOSYS");
  }
}
