package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code redoubt do}: signals, and that nothing outlives it. */
final class DoLifeTest {
  @BeforeAll
  static void checkSandbox() {
    Redoubt.assumeSandbox();
  }

  private static Outcome shell(String script) {
    return Redoubt.command("/bin/sh", "-c", script).run();
  }

  private static Process start(String... command) {
    return Redoubt.command(command).start();
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"TERM", "INT", "HUP", "USR1", "USR2"})
  void signalsToTheCommandReachTheProgram(String signal) throws Exception {
    Process process =
        start(
            "/bin/sh",
            "-c",
            "trap 'echo got it; exit 33' " + signal + "; echo ready; while :; do sleep 0.05; done");
    try {
      var reader = process.inputReader();
      assertEquals("ready", reader.readLine());
      Command.of("kill", "-" + signal, Long.toString(process.pid())).run();
      assertEquals("got it", reader.readLine());
      assertEquals(33, process.waitFor());
    } finally {
      Command.killAll(process);
    }
  }

  @Test
  void orphansEndWithTheFirstProcess() throws Exception {
    Process process = start("/bin/sh", "-c", "setsid sleep 1000 & echo started; sleep 0.3");
    try {
      assertEquals("started", process.inputReader().readLine());
      List<Long> all = ProcessTree.below(process.pid());
      process.waitFor();
      assertEquals(List.of(), ProcessTree.survivors(all, 1000));
    } finally {
      Command.killAll(process);
    }
  }

  @ParameterizedTest(name = "kill -9 of the {0}")
  @ValueSource(strings = {"front", "sentry", "gofer", "guest"})
  void deathOfOneIsDeathOfAll(String victim) throws Exception {
    List<String> mounts = Files.readAllLines(Path.of("/proc/self/mounts"));
    Process process =
        start("/bin/sh", "-c", "sleep 1000 & (sleep 1001 & wait) & echo started; sleep 1002");
    try {
      long front = process.pid();
      assertEquals("started", process.inputReader().readLine());
      long guest = ProcessTree.await(front, "sleep");
      List<Long> all = new ArrayList<>(ProcessTree.below(front));
      all.add(front);
      assertTrue(all.size() >= 6, () -> "processes: " + ProcessTree.describe(front));
      long pid =
          switch (victim) {
            case "front" -> front;
            case "guest" -> firstGuest(front, guest);
            case "sentry" -> ProcessTree.sentry(front);
            default -> ProcessTree.gofer(front);
          };
      Command.of("kill", "-KILL", Long.toString(pid)).run();
      List<Long> alive = ProcessTree.survivors(all, 1000);
      assertEquals(
          List.of(),
          alive,
          () -> "a second later: " + alive.stream().map(ProcessTree::commandLine).toList());
      if (!victim.equals("front")) {
        int code = process.waitFor();
        assertEquals(victim.equals("guest") ? 137 : 1, code);
      }
      assertEquals(mounts, Files.readAllLines(Path.of("/proc/self/mounts")));
    } finally {
      Command.killAll(process);
    }
  }

  /** The guest's first process: the shell that is the parent of a sleep. */
  private static long firstGuest(long front, long sleep) {
    long pid = sleep;
    while (true) {
      long parent = Long.parseLong(ProcessTree.status(pid, "PPid"));
      if (parent == front || !ProcessTree.name(parent).equals("sh")) {
        return pid;
      }
      pid = parent;
    }
  }

  @Test
  void nothingIsLeftBehind() throws Exception {
    List<String> mounts = Files.readAllLines(Path.of("/proc/self/mounts"));
    List<List<String>> before = leftovers();
    for (int i = 0; i < 3; i++) {
      Outcome outcome =
          shell(
              "echo x >/tmp/a; mkdir /dev/shm/b; mkfifo /run/c; ipcmk -M 100 >/dev/null 2>&1; true");
      assertEquals(0, outcome.exit(), outcome::describe);
    }
    assertEquals(mounts, Files.readAllLines(Path.of("/proc/self/mounts")));
    assertEquals(before, leftovers());
  }

  /**
   * Names that a sandbox could leave in the usual places; other programs' names come and go and are
   * not looked at.
   */
  private static List<List<String>> leftovers() {
    List<List<String>> all = new ArrayList<>();
    for (String place :
        List.of(
            "/tmp",
            "/dev/shm",
            "/run",
            "/var/run",
            "/var/lib",
            "/sys/fs/cgroup",
            "/sys/fs/cgroup/unified")) {
      String[] names =
          new java.io.File(place)
              .list((parent, name) ->
                  name.contains("redoubt")
                      && !name.contains("conformance")
                      && !name.contains("program"));
      all.add(names == null ? List.of() : Arrays.stream(names).sorted().toList());
    }
    all.add(
        Command.of("ipcs", "-m")
            .run()
            .out()
            .lines()
            .filter(line -> line.startsWith("0x"))
            .toList());
    return all;
  }

  @Test
  void manySandboxesAtOnce() throws Exception {
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      processes.add(start("/bin/sh", "-c", "echo $(hostname >/dev/null; echo " + i + ")"));
    }
    for (int i = 0; i < processes.size(); i++) {
      assertEquals(Integer.toString(i), processes.get(i).inputReader().readLine());
      assertEquals(0, processes.get(i).waitFor());
    }
  }

  @Test
  void sandboxInASandboxIsRefused() {
    Outcome outcome = Redoubt.command(Redoubt.front().toString(), "do", "--", "/bin/true").run();
    assertTrue(outcome.exit() != 0 && !outcome.timedOut(), outcome::describe);
  }

  @Test
  void ordinaryUserCanRunIt() {
    Redoubt.assumeRoot();
    assumeTrue(Guests.isOnPath("setpriv"), "setpriv is missing");
    assumeTrue(
        Command.of(
                    "setpriv",
                    "--reuid=65534",
                    "--clear-groups",
                    "test",
                    "-x",
                    Redoubt.front().toString())
                .run()
                .exit()
            == 0,
        "the build cannot be read by an ordinary user");
    Outcome outcome =
        Command.of(
                "setpriv",
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
                Redoubt.front().toString(),
                "do",
                "--",
                "/bin/sh",
                "-c",
                "id -u; cat /etc/shadow 2>/dev/null; echo x >/tmp/f && cat /tmp/f")
            .run();
    Expect.prints("65534\nx\n", outcome);
  }
}
