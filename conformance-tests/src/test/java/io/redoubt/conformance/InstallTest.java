package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code ./redoubt install}: what it puts there runs by itself, and goes without a trace. */
final class InstallTest {
  private static final String USER = "setpriv --reuid 23456 --regid 23456 --clear-groups ";

  /** No JDK is found by this. */
  private static final String CLEAN = "env -i PATH=/usr/bin:/bin HOME=/nonexistent ";

  @TempDir static Path directory;
  private static Path prefix;

  @BeforeAll
  static void install() {
    Redoubt.assumeSandbox();
    Command.of("chmod", "755", directory.toString()).run();
    prefix = directory.resolve("a/prefix");
    Outcome outcome = sh(script("install.sh") + " " + dist() + " --prefix " + prefix);
    assertEquals(0, outcome.exit(), outcome::describe);
  }

  /** As the last one, of all tests: nothing is left, not even the folders. */
  @AfterAll
  static void uninstall() {
    if (prefix != null) {
      Outcome outcome = sh(CLEAN + prefix.resolve("bin/redoubt") + " uninstall");
      assertEquals(0, outcome.exit(), outcome::describe);
      assertFalse(Files.exists(directory.resolve("a")), "uninstall left something");
    }
  }

  private static Path dist() {
    return Redoubt.front().getParent().getParent();
  }

  private static String script(String name) {
    return Redoubt.ROOT.resolve("launcher/src/build").resolve(name).toString();
  }

  private static Outcome sh(String script) {
    return Command.of("/bin/sh", "-c", script).run();
  }

  private static void prints(String expected, String script) {
    Outcome outcome = sh(script.replace("RT ", CLEAN + prefix.resolve("bin/redoubt") + " "));
    assertEquals(expected, outcome.out(), outcome::describe);
  }

  @Test
  void runsWithoutAJdk() {
    prints("in a sandbox\n3\n", "RT do -- sh -c 'echo in a sandbox; exit 3'; echo $?");
  }

  @Test
  void runsAsAnOrdinaryUser() {
    Redoubt.assumeRoot();
    prints("23456\n", USER + "RT do -- id -u");
  }

  /** Nothing that it has open lies outside of it, but what belongs to the system. */
  @Test
  void dependsOnNothingOfTheBuild() {
    prints(
        "0\n",
        "RT do -- sleep 2 & sleep 1; for p in $(pgrep -f "
            + prefix
            + "/lib/redoubt/bin/redoubt-jvm); do cat /proc/$p/maps; done | grep -c "
            + dist()
            + "; wait");
  }

  @Test
  void aContainer() {
    Redoubt.assumeRoot();
    Path bundle = OciRuntime.bundle(directory, OciRuntime.runs("echo contained"));
    prints(
        "contained\n",
        "RT --root " + directory.resolve("state") + " run -b " + bundle + " installed");
  }

  /**
   * Who starts it may have the environment of a job: docs/security.md, Who may weaken a sandbox.
   */
  @Test
  void environmentNamesNoOtherProgram() throws IOException {
    Path evil = Files.createDirectories(directory.resolve("evil/bin")).getParent();
    Path trace = directory.resolve("started");
    for (String name : new String[] {"java", "redoubt-jvm"}) {
      Path program = evil.resolve("bin").resolve(name);
      Files.writeString(program, "#!/bin/sh\ntouch " + trace + "\nexit 1\n");
      assertTrue(program.toFile().setExecutable(true));
    }
    prints(
        "in a sandbox\n",
        "REDOUBT_JAVA=%s/bin/java REDOUBT_DIST=%s REDOUBT_JAVA_HOME=%s JAVA_TOOL_OPTIONS=-version"
                .replace("%s", evil.toString())
            + " "
            + prefix.resolve("bin/redoubt")
            + " do -- echo in a sandbox");
    assertFalse(Files.exists(trace));
  }

  /** What the front tells its sentry nobody else does: here, how many descriptors to hand on. */
  @Test
  void environmentHandsOnNoDescriptors() {
    Redoubt.assumeRoot();
    Path bundle =
        OciRuntime.bundle(directory, OciRuntime.runs("ls /proc/self/fd; echo $LISTEN_FDS"));
    for (String front :
        List.of(prefix.resolve("bin/redoubt").toString(), Redoubt.front().toString())) {
      prints(
          "0\n1\n2\n3\n\n",
          "REDOUBT_FDS=40 REDOUBT_LISTEN_FDS=40 LISTEN_FDS=1 LISTEN_PID=1 %s --root %s run -b %s fds"
                  .formatted(front, directory.resolve("state"), bundle)
              + " 9</etc/passwd 3</etc/passwd");
    }
  }

  /** A closed number is a free one, which the sentry's own files get: none of them may pass. */
  @Test
  void whatWasClosedStaysClosed() {
    String look = "for n in 0 1 2; do [ -e /proc/$$/fd/$n ] || printf $n; done";
    for (String front :
        List.of(prefix.resolve("bin/redoubt").toString(), Redoubt.front().toString())) {
      prints("0", front + " do -- sh -c '" + look + "' <&-");
      prints("02", front + " do -- sh -c '" + look + "' <&- 2>&-");
      prints(
          "1\n",
          front
              + " do -- sh -c '[ ! -e /proc/$$/fd/0 -a ! -e /proc/$$/fd/1 -a ! -e /proc/$$/fd/2 ]"
              + " && exit 77' <&- >&- 2>&-; [ $? = 77 ] && echo 1");
    }
  }

  @Test
  void preservedDescriptorsAreThoseThatThereAre() {
    Redoubt.assumeRoot();
    Path bundle = OciRuntime.bundle(directory, OciRuntime.runs("ls -l /proc/self/fd"));
    String run =
        " %s --root %s run %s -b %s fds"
            .formatted(Redoubt.front(), directory.resolve("state"), "%s", bundle);
    String names = " | sed -n 's/.* \\([0-9]*\\) -> /\\1 /p' | grep -v '^[0-2] ' | grep -v '/fd$'";
    prints("", run.formatted("--preserve-fds 6") + names);
    prints("", "LISTEN_FDS=6" + run.formatted("") + names);
    prints("4 /etc/hostname\n", run.formatted("--preserve-fds 4") + " 4</etc/hostname" + names);
  }

  @Test
  void checkSaysYes() {
    Outcome outcome = sh(CLEAN + prefix.resolve("bin/redoubt") + " check");
    assertEquals(0, outcome.exit(), outcome::describe);
    assertTrue(outcome.out().contains("ok  a sandbox"), outcome::describe);
    assertTrue(outcome.out().contains("ok  start-up cache of the gofer"), outcome::describe);
  }

  /** In a user namespace whose limit is zero. */
  @Test
  void checkSaysNoAndWhatToDo() {
    Redoubt.assumeRoot();
    Outcome outcome =
        sh(
            "unshare --user --map-root-user sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; "
                + CLEAN
                + prefix.resolve("bin/redoubt")
                + " check'");
    assertEquals(1, outcome.exit(), outcome::describe);
    assertTrue(
        outcome.out().contains("no  user namespaces")
            && outcome.out().contains("sysctl -w user.max_user_namespaces"),
        outcome::describe);
  }

  @Test
  void isReplacedAsAWhole() throws IOException {
    Path other = directory.resolve("again");
    Files.createDirectories(other.resolve("bin"));
    String install = script("install.sh") + " " + dist() + " --prefix " + other;
    assertEquals(0, sh(install).exit());
    Files.writeString(other.resolve("lib/redoubt/lib/stale.jar"), "");
    assertEquals(0, sh(install).exit());
    assertFalse(Files.exists(other.resolve("lib/redoubt/lib/stale.jar")));
    Outcome outcome = sh(other.resolve("bin/redoubt") + " uninstall --prefix " + other);
    assertEquals(0, outcome.exit(), outcome::describe);
    try (Stream<Path> left = Files.list(other)) {
      assertEquals(List.of(other.resolve("bin")), left.toList(), "a folder that was there stays");
    }
  }

  @Test
  void leavesAloneWhatItDidNotInstall() throws IOException {
    Path other = Files.createDirectories(directory.resolve("taken/bin")).getParent();
    Files.writeString(other.resolve("bin/redoubt"), "mine");
    Outcome outcome = sh(script("install.sh") + " " + dist() + " --prefix " + other);
    assertEquals(1, outcome.exit(), outcome::describe);
    assertEquals("mine", Files.readString(other.resolve("bin/redoubt")));
    assertFalse(Files.exists(other.resolve("lib")));
  }
}
