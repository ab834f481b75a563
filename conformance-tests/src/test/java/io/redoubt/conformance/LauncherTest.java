package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * {@code redoubt do}: its exit codes, options and messages, and where what a guest writes ends up.
 */
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

  /**
   * A refusal is one line that begins with our name, with this exit code, and no trace of an
   * exception.
   */
  static void assertRefused(int exit, String part, Outcome outcome) {
    assertFalse(outcome.timedOut(), outcome::describe);
    assertEquals(exit, outcome.exit(), outcome::describe);
    assertEquals("", outcome.out(), outcome::describe);
    assertTrue(outcome.err().startsWith("redoubt: "), outcome::describe);
    assertEquals(
        outcome.err().length() - 1,
        outcome.err().indexOf('\n'),
        () -> "one line: " + outcome.describe());
    assertTrue(
        outcome.err().contains(part), () -> "should name " + part + ": " + outcome.describe());
  }

  private static void assertPrints(String expected, Outcome outcome) {
    assertEquals(expected, outcome.out(), outcome::describe);
    assertEquals(0, outcome.exit(), outcome::describe);
    assertEquals("", outcome.err(), outcome::describe);
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
    assertRefused(127, command, Redoubt.command(command).run());
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"/etc/passwd", "/etc", "/dev/null"})
  void commandThatCannotBeRunIs126(String command) {
    assertRefused(126, command, Redoubt.command(command).run());
  }

  @Test
  void commandIsSearchedInPath() {
    assertPrints("found\n", Redoubt.command("echo", "found").run());
  }

  @Test
  void argumentsArePassedAsTheyAre() {
    assertPrints(
        "[a b][][--][-x][\u00c3\u00a4][*]",
        Redoubt.command("/usr/bin/printf", "[%s]", "a b", "", "--", "-x", "ä", "*").run());
  }

  // ---------------------------------------------------------------------------------- bad input

  @Test
  void noCommand() {
    assertRefused(1, "command", Redoubt.front("do").run());
    assertRefused(1, "command", Redoubt.front("do", "--").run());
  }

  @Test
  void unknownOptionAndSubcommand() {
    assertRefused(1, "--nonsense", Redoubt.front("do", "--nonsense", "--", "/bin/true").run());
    assertRefused(1, "nonsense", Redoubt.front("nonsense").run());
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
    assertRefused(
        1, option.substring(2), Redoubt.front("do", option, value, "--", "/bin/true").run());
  }

  @Test
  void optionWithoutItsValue() {
    assertRefused(1, "--root", Redoubt.front("do", "--root").run());
  }

  @Test
  void hostnameThatIsTooLong() {
    assertRefused(
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
    assertPrints("replaced|kept|two words|\n", outcome);
  }

  @Test
  void workingDirectoryIsTheCallers() {
    assertPrints("/usr/lib\n", Redoubt.command("/bin/pwd").in(Path.of("/usr/lib")).run());
  }

  @Test
  void workingDirectoryIsTheOneGiven() {
    assertPrints(
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
    assertPrints("redoubt-test\n", shell(List.of("--hostname", "redoubt-test"), "uname -n"));
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
    assertPrints("done\n", Redoubt.command("/bin/echo", "done").input(new byte[1_000_000]).run());
  }

  @Test
  void standardInputEndsEarly() {
    assertPrints(
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

  // ---------------------------------------------------------------------------------- files

  @Test
  void writesDoNotReachTheHost() throws IOException {
    Path file = Files.writeString(directory.resolve("victim"), "original");
    Path deleted = Files.writeString(directory.resolve("deleted"), "original");
    Path renamed = Files.writeString(directory.resolve("renamed"), "original");
    Path script = directory.resolve("new");
    Outcome outcome =
        shell(
            "cd "
                + directory
                + " && echo changed >victim && rm deleted && mv renamed moved && chmod 0 moved && echo x >new"
                + " && mkdir d && touch /etc/redoubt-was-here && cat victim && ls");
    assertPrints("changed\nd\nmoved\nnew\nvictim\n", withoutOtherFiles(outcome));
    assertEquals("original", Files.readString(file));
    assertEquals("original", Files.readString(deleted));
    assertEquals("original", Files.readString(renamed));
    assertFalse(Files.exists(script));
    assertFalse(Files.exists(Path.of("/etc/redoubt-was-here")));
    Outcome again = shell("cat " + file + "; ls /etc/redoubt-was-here");
    assertEquals("original", again.out(), again::describe);
  }

  /** Other tests of this class leave files in the shared directory. */
  private static Outcome withoutOtherFiles(Outcome outcome) {
    List<String> mine = List.of("changed", "d", "moved", "new", "victim");
    StringBuilder text = new StringBuilder();
    outcome.out().lines().filter(mine::contains).forEach(line -> text.append(line).append('\n'));
    return new Outcome(outcome.exit(), text.toString(), outcome.err(), outcome.timedOut());
  }

  @Test
  void bindIsWritable() throws IOException {
    Path source = Files.createDirectory(directory.resolve("writable"));
    Files.writeString(source.resolve("f"), "from the host");
    Outcome outcome =
        shell(
            List.of("--bind", source + ":/mnt"),
            "cat /mnt/f; echo from the sandbox >/mnt/g; mkdir /mnt/d; mv /mnt/f /mnt/d/f; chmod 600 /mnt/g");
    assertPrints("from the host", outcome);
    assertEquals("from the sandbox\n", Files.readString(source.resolve("g")));
    assertEquals("from the host", Files.readString(source.resolve("d/f")));
    assertEquals(
        "rw-------",
        java.nio.file.attribute.PosixFilePermissions.toString(
            Files.getPosixFilePermissions(source.resolve("g"))));
  }

  @Test
  void bindWithoutADestinationIsAtItsOwnPlace() throws IOException {
    Path source = Files.createDirectory(directory.resolve("own-place"));
    assertPrints("", shell(List.of("--bind", source.toString()), "echo kept >" + source + "/file"));
    assertEquals("kept\n", Files.readString(source.resolve("file")));
  }

  @Test
  void bindReadOnlyIsNotWritable() throws IOException {
    Path source = Files.createDirectory(directory.resolve("read-only"));
    Files.writeString(source.resolve("f"), "content");
    Outcome outcome =
        shell(
            List.of("--bind", source + ":/mnt:ro"),
            "cat /mnt/f; for c in 'echo x >/mnt/f' 'touch /mnt/g' 'rm /mnt/f' 'mkdir /mnt/d' 'chmod 0 /mnt/f'"
                + " 'ln -s x /mnt/l' 'truncate -s 0 /mnt/f'; do (eval \"$c\") 2>/dev/null && echo \"$c worked\"; done;"
                + " touch /mnt/g 2>&1 | grep -c 'Read-only file system'");
    assertEquals("content1\n", outcome.out(), outcome::describe);
    assertEquals("content", Files.readString(source.resolve("f")));
  }

  @Test
  void bindOfAFile() throws IOException {
    Path source = Files.writeString(directory.resolve("single"), "one file");
    assertPrints(
        "one file", shell(List.of("--bind", source + ":/etc/hostname:ro"), "cat /etc/hostname"));
  }

  @Test
  void bindCannotBeLeftUpwards() throws IOException {
    Path source = Files.createDirectories(directory.resolve("outer/inner"));
    Files.writeString(directory.resolve("outer/secret"), "secret");
    Files.createSymbolicLink(source.resolve("link"), Path.of("../secret"));
    Files.createSymbolicLink(source.resolve("absolute"), directory.resolve("outer/secret"));
    Outcome outcome =
        shell(
            List.of("--bind", source + ":/mnt"),
            "cat /mnt/../secret /mnt/link 2>/dev/null; ls /mnt/.. | grep -c '^usr$'");
    assertEquals("1\n", outcome.out(), outcome::describe);
  }

  @Test
  void ownRootReadOnlyBelow() throws IOException {
    Path root = rootWithBusybox("overlaid");
    Outcome outcome =
        Redoubt.command(
                List.of("--root", root.toString()),
                List.of(
                    "/bin/busybox",
                    "sh",
                    "-c",
                    "echo in memory >/new && cat /new && busybox ls / | busybox grep -c etc"))
            .run();
    assertEquals("in memory\n", outcome.out().replaceAll("[01]\n$", ""), outcome::describe);
    assertFalse(Files.exists(root.resolve("new")));
  }

  @Test
  void ownRootWritable() throws IOException {
    Path root = rootWithBusybox("written");
    Outcome outcome =
        Redoubt.command(
                List.of("--root", root.toString(), "--writable"),
                List.of("/bin/busybox", "sh", "-c", "echo on disk >/new"))
            .run();
    assertPrints("", outcome);
    assertEquals("on disk\n", Files.readString(root.resolve("new")));
  }

  static Path rootWithBusybox(Path parent, String name) throws IOException {
    Path busybox = Path.of("/usr/bin/busybox");
    if (!Files.exists(busybox)) {
      busybox = Path.of("/bin/busybox");
    }
    assumeTrue(Files.exists(busybox), "busybox is missing");
    assumeTrue(
        new String(Files.readAllBytes(busybox), StandardCharsets.ISO_8859_1)
                .indexOf("/lib64/ld-linux")
            < 0,
        "busybox is not static");
    Path root = parent.resolve(name);
    Files.createDirectories(root.resolve("bin"));
    Files.createDirectories(root.resolve("tmp"));
    Files.copy(busybox, root.resolve("bin/busybox"), StandardCopyOption.COPY_ATTRIBUTES);
    return root;
  }

  private static Path rootWithBusybox(String name) throws IOException {
    return rootWithBusybox(directory, name);
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

  // ---------------------------------------------------------------------------------- life and
  // death

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
    assertPrints("65534\nx\n", outcome);
  }
}
