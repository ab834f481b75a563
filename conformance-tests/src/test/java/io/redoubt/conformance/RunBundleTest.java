package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.fuzz.Fuzz;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * {@code redoubt run --bundle DIR ID}: what of an OCI config is done, and what is said about a bad
 * one.
 */
final class RunBundleTest {
  private static final String ENV = "[\"PATH=/bin\", \"COLOR=green\"]";

  @TempDir static Path directory;
  private static int count;
  private Path bundle;

  @BeforeAll
  static void checkSandbox() {
    Redoubt.assumeSandbox();
  }

  @BeforeEach
  void makeBundle(TestInfo info) throws IOException {
    bundle = directory.resolve("bundle" + count++);
    Path root = BusyboxRoot.make(bundle, "rootfs");
    for (String name :
        new String[] {
          "sh", "cat", "id", "ls", "hostname", "grep", "stat", "touch", "pwd", "sleep"
        }) {
      Files.createSymbolicLink(root.resolve("bin").resolve(name), Path.of("busybox"));
    }
    for (String name : new String[] {"proc", "dev", "sys", "work"}) {
      Files.createDirectories(root.resolve(name));
    }
  }

  private Outcome run() {
    return Redoubt.front("run", "--bundle", bundle.toString(), "test-" + count).run();
  }

  private Outcome run(String config) throws IOException {
    Files.writeString(bundle.resolve("config.json"), config);
    return run();
  }

  /** A config that runs a shell script; the extra members go to the process and to the top. */
  private static String config(String script, String process, String top) {
    return """
    {
      "ociVersion": "1.2.0",
      "process": {
        "terminal": false,
        "user": {"uid": 0, "gid": 0},
        "args": ["/bin/sh", "-c", %s],
        "env": %s,
        "cwd": "/"
        %s
      },
      "root": {"path": "rootfs"}
      %s
    }
    """
        .formatted(quoted(script), ENV, process, top);
  }

  private static String quoted(String text) {
    return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }

  private static final String MOUNTS =
      """
      , "mounts": [
          {"destination": "/proc", "type": "proc", "source": "proc"},
          {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
          {"destination": "/dev/pts", "type": "devpts", "source": "devpts"},
          {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["ro"]}
          %s]
      """;

  private static void assertPrints(String expected, Outcome outcome) {
    assertEquals(expected, outcome.out(), outcome::describe);
    assertEquals(0, outcome.exit(), outcome::describe);
    assertEquals("", outcome.err(), outcome::describe);
  }

  // ------------------------------------------------------------------------------ what is done

  @Test
  void runsTheProcess() throws IOException {
    assertPrints("green in /\n", run(config("echo $COLOR in $(pwd)", "", "")));
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({"exit 7,7", "sleep 9 & kill -9 $!; wait $!,137", "exit 0,0"})
  void exitCode(String script, int code) throws IOException {
    Outcome outcome = run(config(script, "", ""));
    assertEquals(code, outcome.exit(), outcome::describe);
  }

  @Test
  void userGroupsAndUmask() throws IOException {
    String process =
        ", \"user\": {\"uid\": 1000, \"gid\": 2000, \"additionalGids\": [5, 6], \"umask\": 63}";
    String config =
        config("echo $(id -u) $(id -g) $(id -G); umask", process, "")
            .replace("\"user\": {\"uid\": 0, \"gid\": 0},", "");
    assertPrints("1000 2000 2000 5 6\n0077\n", run(config));
  }

  @Test
  void workingDirectory() throws IOException {
    assertPrints(
        "/work\n", run(config("pwd", "", "").replace("\"cwd\": \"/\"", "\"cwd\": \"/work\"")));
  }

  @Test
  void hostname() throws IOException {
    assertPrints("inside\n", run(config("hostname", "", ", \"hostname\": \"inside\"")));
  }

  @Test
  void resourceLimits() throws IOException {
    String limits = ", \"rlimits\": [{\"type\": \"RLIMIT_NOFILE\", \"soft\": 50, \"hard\": 60}]";
    assertPrints("50 60\n", run(config("echo $(ulimit -Sn) $(ulimit -Hn)", limits, "")));
  }

  @Test
  void mounts() throws IOException {
    Path shared = Files.createDirectory(bundle.resolve("shared"));
    Files.writeString(shared.resolve("f"), "of the host\n");
    String more =
        """
        , {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["size=10m", "mode=1777"]}
        , {"destination": "/shared", "type": "bind", "source": "%s", "options": ["rbind", "rw"]}
        , {"destination": "/fixed", "type": "bind", "source": "%s", "options": ["bind", "ro"]}
        """
            .formatted(shared, shared);
    Outcome outcome =
        run(
            config(
                "cat /shared/f; echo new >/shared/g; touch /fixed/h 2>/dev/null || echo fixed; stat -c %a /tmp;"
                    + " echo x >/tmp/x && cat /tmp/x; grep -c ^Name /proc/self/status; echo >/dev/null && echo null",
                "", MOUNTS.formatted(more)));
    assertPrints("of the host\nfixed\n1777\nx\n1\nnull\n", outcome);
    assertEquals("new\n", Files.readString(shared.resolve("g")));
    assertFalse(Files.exists(shared.resolve("h")));
  }

  @Test
  void writableRootIsWritten() throws IOException {
    assertPrints("", run(config("echo written >/work/f", "", "")));
    assertEquals("written\n", Files.readString(bundle.resolve("rootfs/work/f")));
  }

  @Test
  void readOnlyRootIsNot() throws IOException {
    String config =
        config("touch /work/f 2>/dev/null || echo refused", "", "")
            .replace("{\"path\": \"rootfs\"}", "{\"path\": \"rootfs\", \"readonly\": true}");
    assertPrints("refused\n", run(config));
    assertFalse(Files.exists(bundle.resolve("rootfs/work/f")));
  }

  @Test
  void noNewPrivilegesAndCapabilities() throws IOException {
    String process =
        ", \"noNewPrivileges\": true, \"capabilities\": {\"bounding\": [\"CAP_KILL\"], \"effective\": [\"CAP_KILL\"],"
            + " \"permitted\": [\"CAP_KILL\"]}";
    assertPrints(
        "CapEff:\t0000000000000020\nNoNewPrivs:\t1\n",
        run(
            config(
                "grep -E 'CapEff|NoNewPrivs' /proc/self/status", process, MOUNTS.formatted(""))));
  }

  @Test
  void absoluteRoot() throws IOException {
    String config =
        config("echo absolute", "", "")
            .replace("\"rootfs\"", '"' + bundle.resolve("rootfs").toString() + '"');
    assertPrints("absolute\n", run(config));
  }

  // ------------------------------------------------------------------------------ bad input

  @Test
  void bundleThatIsNotThere() {
    Expect.refused(1, "/no/such", Redoubt.front("run", "--bundle", "/no/such", "x").run());
  }

  @Test
  void configThatIsNotThere() {
    Expect.refused(1, "config.json", run());
  }

  @Test
  void noContainerId() {
    Expect.refused(1, "id", Redoubt.front("run", "--bundle", bundle.toString()).run());
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"../x", "a/b", "a b", "", "."})
  void badContainerId(String id) {
    Expect.refused(1, "id", Redoubt.front("run", "--bundle", bundle.toString(), id).run());
  }

  @Test
  void invalidJsonSaysWhere() throws IOException {
    Outcome outcome = run("{\n  \"ociVersion\": \"1.2.0\",\n  \"process\": {,}\n}\n");
    Expect.refused(1, "line 3", outcome);
    assertTrue(outcome.err().contains("config.json"), outcome::describe);
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(
      strings = {
        "",
        "[]",
        "null",
        "42",
        "{",
        "{}{}",
        "{\"process\": 5}",
        "{\"process\": {\"args\": \"x\"}}"
      })
  void configOfTheWrongShape(String config) throws IOException {
    Expect.refused(1, "config.json", run(config));
  }

  @Test
  void unknownFieldIsWarnedAbout() throws IOException {
    Outcome outcome = run(config("echo runs", ", \"mystery\": 1", ", \"riddle\": {}"));
    assertEquals("runs\n", outcome.out(), outcome::describe);
    assertEquals(0, outcome.exit());
    assertTrue(
        outcome.err().contains("mystery") && outcome.err().contains("riddle"), outcome::describe);
  }

  @Test
  void relativeWorkingDirectory() throws IOException {
    Expect.refused(
        1, "cwd", run(config("true", "", "").replace("\"cwd\": \"/\"", "\"cwd\": \"work\"")));
  }

  @Test
  void rootThatIsNotThere() throws IOException {
    Expect.refused(1, "missing", run(config("true", "", "").replace("\"rootfs\"", "\"missing\"")));
  }

  @Test
  void rootThatIsAFile() throws IOException {
    Files.writeString(bundle.resolve("file"), "");
    Expect.refused(1, "file", run(config("true", "", "").replace("\"rootfs\"", "\"file\"")));
  }

  @Test
  void noArguments() throws IOException {
    Expect.refused(
        1,
        "args",
        run(config("true", "", "").replaceFirst("\"args\": \\[[^]]*\\]", "\"args\": []")));
  }

  @Test
  void noProcessAndNoRoot() throws IOException {
    Expect.refused(
        1, "process", run("{\"ociVersion\": \"1.2.0\", \"root\": {\"path\": \"rootfs\"}}"));
    Expect.refused(
        1,
        "root",
        run(
            "{\"ociVersion\": \"1.2.0\", \"process\": {\"args\": [\"/bin/true\"], \"cwd\": \"/\"}}"));
  }

  @Test
  void programThatIsNotThere() throws IOException {
    String config = config("true", "", "").replace("\"/bin/sh\"", "\"/no/such\"");
    Expect.refused(127, "/no/such", run(config));
  }

  @Test
  void mountSourceThatIsNotThere() throws IOException {
    String mount =
        ", \"mounts\": [{\"destination\": \"/x\", \"type\": \"bind\", \"source\": \"/no/such\", \"options\": [\"bind\"]}]";
    Expect.refused(1, "/no/such", run(config("true", "", mount)));
  }

  @Test
  void badLimit() throws IOException {
    String limits = ", \"rlimits\": [{\"type\": \"RLIMIT_NONSENSE\", \"soft\": 1, \"hard\": 1}]";
    Expect.refused(1, "RLIMIT_NONSENSE", run(config("true", limits, "")));
  }

  // ------------------------------------------------------------------------------ spoiled ones

  /** What BundleFuzzTest has of the parser, of the whole way: a line of words, and nothing left. */
  @Test
  void ofASpoiledConfigurationNothingIsLeft() {
    Fuzz.briefly(3, this::spoiled);
  }

  @Test
  @Tag("slow")
  void ofSpoiledConfigurationsNothingIsLeft() {
    Fuzz.atLength(300, this::spoiled);
  }

  private void spoiled(Random random) throws IOException {
    String good = config("true", "", MOUNTS.formatted("") + LINUX);
    StringBuilder text = new StringBuilder(good);
    String[] words = {
      "",
      "\"\"",
      "-1",
      "[]",
      "{}",
      "null",
      "true",
      "\"/\"",
      "\"..\"",
      "99999999999",
      "\"a\\u0000b\""
    };
    for (int n = random.nextInt(3); n >= 0; n--) {
      int from = text.indexOf("\"", random.nextInt(text.length()));
      int to = from < 0 ? -1 : text.indexOf("\"", from + 1);
      if (to > 0 && random.nextInt(4) != 0) {
        text.replace(from, to + 1, words[random.nextInt(words.length)]);
      } else {
        text.setCharAt(random.nextInt(text.length()), "{}[]:,\"0".charAt(random.nextInt(8)));
      }
    }
    Files.writeString(bundle.resolve("config.json"), text);
    Path state = Files.createDirectories(bundle.resolve("state"));
    String id = "spoiled-" + Integer.toHexString(random.nextInt());
    Outcome outcome =
        Redoubt.front("--root", state.toString(), "run", "--bundle", bundle.toString(), id).run();
    assertFalse(outcome.err().contains("\tat "), outcome::describe);
    assertFalse(outcome.err().contains("Exception"), outcome::describe);
    for (String line : outcome.err().lines().toList()) {
      assertTrue(line.startsWith("redoubt: ") || outcome.exit() == 0, outcome::describe);
    }
    assertTrue(outcome.exit() == 0 || !outcome.err().isBlank(), outcome::describe);
    try (var left = Files.list(state)) {
      assertEquals(0, left.count(), () -> "state left: " + outcome.describe());
    }
    String processes = Command.of("ps", "-eo", "args").run().out();
    assertFalse(processes.contains(id), () -> "processes left: " + outcome.describe());
  }

  private static final String LINUX =
      """
      , "hostname": "box",
      "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "network"}],
        "sysctl": {"kernel.shmmax": "1000000"}, "maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"],
        "seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["swapon"], "action": "SCMP_ACT_ERRNO"}]}}
      """;
}
