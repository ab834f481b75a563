package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Attempts to get out of a sandbox, or to see out of it: the cases of {@code src/test/c/escape}.
 *
 * <p>Each must get out somewhere weaker first (bare Linux, as root or as a user, or a chroot), and
 * then be refused in a sandbox. All of it, the weak place and the sandboxes, is in throw-away
 * namespaces with a small world of its own (a secret, processes, services, shared directories),
 * whose pid 1 notices what reached it: {@code world.c}.
 */
final class EscapeTest {
  /** How long a race is run. */
  private static final int RACE_MILLIS = 100;

  private static final int LONG_RACE_MILLIS = 3000;

  private static Path program;
  private static Path base;

  /** What each case said, and what the world outside noticed. */
  private record Run(Map<String, String> verdicts, Set<String> happened, Outcome outcome) {

    static Run of(Outcome outcome) {
      Map<String, String> verdicts = new LinkedHashMap<>();
      Set<String> happened = new TreeSet<>();
      for (String line : outcome.out().split("\n")) {
        int colon = line.indexOf(": ");
        if (line.startsWith("world: happened ")) {
          happened.add(line.substring("world: happened ".length()));
        } else if (colon > 0 && !line.startsWith("world: ")) {
          verdicts.merge(
              line.substring(0, colon), line.substring(colon + 2), (a, b) -> a + '\n' + b);
        }
      }
      return new Run(verdicts, happened, outcome);
    }

    boolean isComplete() {
      return outcome.out().contains("== end\n") && outcome.out().endsWith("world: end 0\n");
    }
  }

  /** A case as the program lists it. */
  private record Attempt(String name, boolean hasWeakPlace, String family) {}

  @BeforeAll
  static void prepare() throws IOException {
    Redoubt.assumeSandbox();
    Redoubt.assumeRoot();
    program = Guests.compiledFolder("escape");
    base = Files.createTempDirectory(Path.of("/tmp"), "redoubt-escape");
    base.toFile().deleteOnExit();
    Files.setPosixFilePermissions(base, PosixFilePermissions.fromString("rwxr-xr-x"));
    Outcome probe = Command.of(enclosed(List.of("/bin/true"))).run();
    assumeTrue(probe.exit() == 0, () -> "no throw-away namespaces: " + probe.describe());
  }

  private static List<Attempt> attempts() {
    return Command.of(program.toString(), "list")
        .run()
        .out()
        .lines()
        .map(line -> line.split(" "))
        .map(words -> new Attempt(words[0], words[1].equals("weak"), words[2]))
        .toList();
  }

  /** Nothing in here is of the machine but its file systems, read-only. */
  private static List<String> enclosed(List<String> command) {
    List<String> words =
        new ArrayList<>(
            List.of(
                "unshare",
                "--mount",
                "--pid",
                "--net",
                "--ipc",
                "--uts",
                "--cgroup",
                "--fork",
                "--kill-child",
                "--mount-proc",
                "--",
                program.toString(),
                "world",
                base.toString()));
    words.addAll(command);
    return words;
  }

  private static Run run(int raceMillis, List<String> command) {
    return Run.of(
        Command.of(enclosed(command))
            .environment("ESCAPE_RACE_MS", Integer.toString(raceMillis))
            .timeout(Duration.ofSeconds(raceMillis == RACE_MILLIS ? 150 : 900))
            .run());
  }

  private static List<String> sandbox(List<String> before, String... options) {
    List<String> words = new ArrayList<>(before);
    words.addAll(
        List.of(
            Redoubt.front().toString(),
            "do",
            "--root",
            base + "/root",
            "--bind",
            base + "/shared:/shared",
            "--bind",
            base + "/fixed:/fixed:ro"));
    words.addAll(List.of(options));
    words.addAll(List.of("--", "/escape", "sandbox"));
    return words;
  }

  // ------------------------------------------------------------------------------ the weak place

  @TestFactory
  Stream<DynamicTest> getsOutSomewhereWeaker() {
    Run run = run(RACE_MILLIS, List.of(program.toString(), "weak"));
    return Stream.concat(
        attempts().stream()
            .filter(Attempt::hasWeakPlace)
            .map(a -> dynamicTest(a.family() + " " + a.name(), () -> mustGetOut(a, run))),
        Stream.of(dynamicTest("all were tried", () -> mustBeComplete(run))));
  }

  private static void mustGetOut(Attempt attempt, Run run) {
    String verdict = run.verdicts().getOrDefault(attempt.name(), "did not run");
    if (verdict.startsWith("lacking ")) {
      abort("the host kernel has no such thing: " + verdict);
    }
    boolean isOut =
        verdict.startsWith("out ")
            || (verdict.startsWith("tried ") && run.happened().contains(attempt.name()));
    assertTrue(isOut, () -> attempt + " proves nothing, since even unguarded it was: " + verdict);
  }

  private static void mustBeComplete(Run run) {
    if (!run.isComplete()) {
      fail(run.outcome().describe());
    }
  }

  @Test
  void thereAreEnough() {
    List<Attempt> attempts = attempts();
    long proven = attempts.stream().filter(Attempt::hasWeakPlace).count();
    assertTrue(proven >= 120, () -> proven + " attempts that succeed somewhere");
    assertEquals(attempts.size(), attempts.stream().map(Attempt::name).distinct().count());
  }

  // ------------------------------------------------------------------------------ the sandbox

  @TestFactory
  Stream<DynamicTest> isHeldAsGuestRoot() {
    return held("root", run(RACE_MILLIS, sandbox(List.of())));
  }

  @TestFactory
  Stream<DynamicTest> isHeldAsGuestUser() {
    return held("user", run(RACE_MILLIS, sandbox(List.of(), "--user", "1000")));
  }

  /** A container whose process has all capabilities there are, as root. */
  @TestFactory
  Stream<DynamicTest> isHeldInABundle() throws IOException {
    return held("bundle", run(RACE_MILLIS, bundle()));
  }

  /** The whole sandbox is started by an ordinary user of the host, who is root in it. */
  @TestFactory
  Stream<DynamicTest> isHeldWhenStartedByAUser() {
    assumeTrue(Guests.isOnPath("setpriv"), "setpriv is missing");
    List<String> asUser =
        List.of("/usr/bin/setpriv", "--reuid=1000", "--regid=1000", "--clear-groups");
    return held("started-by-user", run(RACE_MILLIS, sandbox(asUser, "--user", "0")));
  }

  @Tag("slow")
  @TestFactory
  Stream<DynamicTest> isHeldForLong() throws IOException {
    return Stream.of(
            held("root", run(LONG_RACE_MILLIS, sandbox(List.of()))),
            held("user", run(LONG_RACE_MILLIS, sandbox(List.of(), "--user", "1000"))),
            held("bundle", run(LONG_RACE_MILLIS, bundle())))
        .flatMap(tests -> tests);
  }

  private static Stream<DynamicTest> held(String title, Run run) {
    List<Attempt> attempts = attempts();
    Set<String> names = new TreeSet<>();
    attempts.forEach(a -> names.add(a.name()));
    return Stream.concat(
        attempts.stream()
            .map(a -> dynamicTest(a.family() + " " + a.name(), () -> mustBeHeld(title, a, run))),
        Stream.of(
            dynamicTest(
                "the sandbox comes to its end, and the world is as it was",
                () -> {
                  if (!run.isComplete() || !run.outcome().err().isEmpty()) {
                    fail(run.outcome().describe());
                  }
                  Set<String> others = new TreeSet<>(run.happened());
                  others.removeAll(names);
                  assertEquals(Set.of(), others);
                })));
  }

  private static void mustBeHeld(String title, Attempt attempt, Run run) {
    String verdict = run.verdicts().getOrDefault(attempt.name(), "did not run");
    assertTrue(
        (verdict.startsWith("held ") || verdict.startsWith("tried ")) && !verdict.contains("\n"),
        () -> attempt + ": " + verdict);
    if (run.happened().contains(attempt.name())) {
      KnownDifferences.skip("escape." + title + "." + attempt.name(), " (" + verdict + ")");
      fail(attempt + ": " + verdict + ", and it happened outside");
    }
  }

  private static List<String> bundle() throws IOException {
    Path bundle = Files.createTempDirectory(Path.of("/tmp"), "redoubt-escape-bundle");
    bundle.toFile().deleteOnExit();
    Path config = bundle.resolve("config.json");
    config.toFile().deleteOnExit();
    Files.writeString(config, CONFIG.replace("BASE", base.toString()).replace("CAPS", ALL));
    return List.of(
        Redoubt.front().toString(), "run", "--bundle", bundle.toString(), "redoubt-escape");
  }

  private static final String ALL =
      Stream.of(
              "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP"
                  + " LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK"
                  + " IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN"
                  + " SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE"
                  + " AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM"
                  + " BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE")
          .flatMap(names -> Stream.of(names.split(" ")))
          .map(name -> "\"CAP_" + name + '"')
          .reduce((a, b) -> a + ", " + b)
          .orElseThrow();

  private static final String CONFIG =
      """
      {"ociVersion": "1.2.0",
       "process": {"terminal": false, "user": {"uid": 0, "gid": 0},
         "args": ["/escape", "sandbox"], "env": ["PATH=/bin"], "cwd": "/",
         "capabilities": {"bounding": [CAPS], "effective": [CAPS], "permitted": [CAPS], "inheritable": [CAPS]},
         "noNewPrivileges": false},
       "root": {"path": "BASE/root"},
       "hostname": "box",
       "mounts": [
         {"destination": "/proc", "type": "proc", "source": "proc"},
         {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=65536k"]},
         {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["nosuid", "noexec", "newinstance"]},
         {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["nosuid", "nodev", "mode=1777"]},
         {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
         {"destination": "/shared", "type": "bind", "source": "BASE/shared", "options": ["bind", "rw"]},
         {"destination": "/fixed", "type": "bind", "source": "BASE/fixed", "options": ["bind", "ro"]}],
       "linux": {"namespaces": [{"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"},
         {"type": "network"}, {"type": "cgroup"}]}}
      """;
}
