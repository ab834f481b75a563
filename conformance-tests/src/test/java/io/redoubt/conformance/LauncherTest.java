package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code redoubt do}: its exit codes, options and messages. */
final class LauncherTest {
  @TempDir static Path directory;

  @BeforeAll
  static void checkSandbox() {
    Redoubt.assumeSandbox();
  }

  private static Outcome shell(String script) {
    return Redoubt.command("/bin/sh", "-c", script).run();
  }

  private static Outcome shell(List<String> options, String script) {
    return Redoubt.command(options, List.of("/bin/sh", "-c", script)).run();
  }

  // ---------------------------------------------------------------------------------- exit codes

  @ParameterizedTest(name = "exit {0}")
  @ValueSource(ints = {0, 1, 42, 125, 126, 127, 128, 255})
  void exitCodeIsTheProgramsOwn(int code) {
    Outcome outcome = shell("exit " + code);
    assertEquals(code, outcome.exit(), outcome::describe);
    assertEquals("", outcome.err());
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "HUP,129",
    "INT,130",
    "KILL,137",
    "SEGV,139",
    "PIPE,141",
    "ALRM,142",
    "TERM,143",
    "USR1,138"
  })
  void endBySignalIs128AndItsNumber(String signal, int code) {
    Outcome outcome = shell("kill -" + signal + " $$; sleep 5");
    assertEquals(code, outcome.exit(), outcome::describe);
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(
      strings = {"/no/such/program", "no-such-program", "./no-such-program", "/etc/passwd/x"})
  void commandThatIsNotThereIs127(String command) {
    Expect.refused(127, command, Redoubt.command(command).run());
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"/etc/passwd", "/etc", "/dev/null"})
  void commandThatCannotBeRunIs126(String command) {
    Expect.refused(126, command, Redoubt.command(command).run());
  }

  @Test
  void commandIsSearchedInPath() {
    Expect.prints("found\n", Redoubt.command("echo", "found").run());
  }

  @Test
  void argumentsArePassedAsTheyAre() {
    Expect.prints(
        "[a b][][--][-x][\u00c3\u00a4][*]",
        Redoubt.command("/usr/bin/printf", "[%s]", "a b", "", "--", "-x", "ä", "*").run());
  }

  // ---------------------------------------------------------------------------------- bad input

  @Test
  void noCommand() {
    Expect.refused(1, "command", Redoubt.front("do").run());
    Expect.refused(1, "command", Redoubt.front("do", "--").run());
  }

  @Test
  void unknownOptionAndSubcommand() {
    Expect.refused(1, "--nonsense", Redoubt.front("do", "--nonsense", "--", "/bin/true").run());
    Expect.refused(1, "nonsense", Redoubt.front("nonsense").run());
  }

  @ParameterizedTest(name = "{0} {1}")
  @CsvSource({
    "--root,/no/such/directory",
    "--root,/etc/passwd",
    "--bind,/no/such/file:/mnt",
    "--bind,/tmp:relative",
    "--bind,:",
    "--workdir,relative",
    "--workdir,/no/such/directory",
    "--env,NOVALUE",
    "--env,=x",
    "--user,no-such-user",
    "--user,-5",
    "--user,99999999999",
    "--hostname,''"
  })
  void badOptionValue(String option, String value) {
    Expect.refused(
        1, option.substring(2), Redoubt.front("do", option, value, "--", "/bin/true").run());
  }

  @Test
  void optionWithoutItsValue() {
    Expect.refused(1, "--root", Redoubt.front("do", "--root").run());
  }

  @Test
  void hostnameThatIsTooLong() {
    Expect.refused(
        1, "hostname", Redoubt.front("do", "--hostname", "n".repeat(65), "--", "/bin/true").run());
  }

  @Test
  void helpGoesToStdout() {
    for (Outcome outcome :
        List.of(Redoubt.front("--help").run(), Redoubt.front("do", "--help").run())) {
      assertEquals(0, outcome.exit(), outcome::describe);
      assertTrue(outcome.out().contains("Usage"), outcome::describe);
      assertEquals("", outcome.err());
    }
  }

  // ---------------------------------------------------------------------------------- options

  @Test
  void environmentIsTheCallersAndWhatIsAdded() {
    Outcome outcome =
        Redoubt.command(
                List.of("--env", "ADDED=two words", "--env", "EMPTY=", "--env", "GIVEN=replaced"),
                List.of("/bin/sh", "-c", "echo \"$GIVEN|$KEPT|$ADDED|${EMPTY-unset}\""))
            .environment("GIVEN", "original")
            .environment("KEPT", "kept")
            .run();
    Expect.prints("replaced|kept|two words|\n", outcome);
  }

  @Test
  void workingDirectoryIsTheCallers() {
    Expect.prints("/usr/lib\n", Redoubt.command("/bin/pwd").in(Path.of("/usr/lib")).run());
  }

  @Test
  void workingDirectoryIsTheOneGiven() {
    Expect.prints(
        "/usr/include\n",
        Redoubt.command(List.of("--workdir", "/usr/include"), List.of("/bin/pwd")).run());
  }

  @ParameterizedTest(name = "--user {0}")
  @CsvSource({"1234,1234", "1234:5678,1234:5678", "root,0:0", "nobody,65534"})
  void userIsTheOneGiven(String user, String ids) {
    Outcome outcome = shell(List.of("--user", user, "--workdir", "/"), "echo $(id -u):$(id -g)");
    assertTrue(outcome.out().startsWith(ids), outcome::describe);
  }

  @Test
  void userHasNoRightsOfRoot() {
    Outcome outcome =
        shell(
            List.of("--user", "1234:5678", "--workdir", "/"),
            "cat /etc/shadow; touch /etc/new; chown 0 /tmp; grep CapEff /proc/self/status");
    assertEquals("CapEff:\t0000000000000000\n", outcome.out(), outcome::describe);
    assertEquals(3, outcome.err().lines().count(), outcome::describe);
  }

  @Test
  void hostnameIsTheOneGiven() {
    Expect.prints("redoubt-test\n", shell(List.of("--hostname", "redoubt-test"), "uname -n"));
  }

  // ---------------------------------------------------------------------------------- stdio

  @Test
  void standardInputIsPiped() {
    byte[] data = new byte[3_000_000];
    for (int i = 0; i < data.length; i++) {
      data[i] = (byte) (i * 31 + (i >> 8));
    }
    Outcome outcome = Redoubt.command("/bin/cat").input(data).run();
    assertEquals(0, outcome.exit(), outcome.err());
    assertArrayEquals(data, outcome.out().getBytes(StandardCharsets.ISO_8859_1));
  }

  @Test
  void standardInputThatNobodyReads() {
    Expect.prints("done\n", Redoubt.command("/bin/echo", "done").input(new byte[1_000_000]).run());
  }

  @Test
  void standardInputEndsEarly() {
    Expect.prints(
        "5\n",
        Redoubt.command("/bin/sh", "-c", "head -c 5 | wc -c").input(new byte[500_000]).run());
  }

  @Test
  void outputAndErrorStayApart() {
    Outcome outcome = shell("echo out; echo err >&2");
    assertEquals("out\n", outcome.out());
    assertEquals("err\n", outcome.err());
  }

  @Test
  void outputThatNobodyReadsEndsTheProgram() {
    Outcome outcome =
        Command.of("/bin/sh", "-c", Redoubt.front() + " do -- /usr/bin/yes | head -n 1; echo left")
            .run();
    assertEquals("y\nleft\n", outcome.out(), outcome::describe);
  }

  @Test
  void outputGoesToAFile() throws IOException {
    Path file = directory.resolve("output");
    Outcome outcome =
        Command.of(
                "/bin/sh",
                "-c",
                Redoubt.front() + " do -- /bin/sh -c 'echo one; echo two' >" + file)
            .run();
    assertEquals(0, outcome.exit(), outcome::describe);
    assertEquals("one\ntwo\n", Files.readString(file));
  }

  @Test
  void closedStandardDescriptors() {
    Outcome outcome =
        Command.of("/bin/sh", "-c", Redoubt.front() + " do -- /bin/sh -c 'echo still here' <&-")
            .run();
    assertEquals("still here\n", outcome.out(), outcome::describe);
  }

  // ---------------------------------------------------------------------------------- trace, stats

  @Test
  void traceGoesToAFile() throws IOException {
    Path file = directory.resolve("trace");
    Outcome outcome = shell(List.of("--trace=" + file), "cat /etc/hostname >/dev/null");
    assertEquals(0, outcome.exit(), outcome::describe);
    String trace = Files.readString(file, StandardCharsets.ISO_8859_1);
    assertTrue(
        trace.contains("execve(") && trace.contains("/etc/hostname"),
        () -> trace.substring(0, Math.min(2000, trace.length())));
  }

  @Test
  void statsArePrinted() {
    Outcome outcome = shell(List.of("--stats"), "true");
    assertEquals(0, outcome.exit(), outcome::describe);
    assertTrue(outcome.err().contains("execve"), outcome::describe);
  }
}
