package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/**
 * Scripts that use real programs, in {@code src/test/programs}: stdout and exit code in the sandbox
 * must be those of bare Linux. {@code -Dredoubt.program=NAME} runs one.
 */
final class ProgramsTest {
  private static final Path SCRIPTS = Guests.MODULE.resolve("src/test/programs");
  private static final String PATH =
      "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/root/.cargo/bin:/usr/local/go/bin";

  /** The sandbox is given this much more time than bare Linux. */
  private static final int PATIENCE = 3;

  /**
   * @param file the script
   * @param needs the programs without which it is skipped
   * @param seconds how long it may take bare
   * @param isSlow whether it is only run with the slow tests
   */
  private record Script(Path file, List<String> needs, int seconds, boolean isSlow) {

    static Script of(Path file) {
      List<String> needs = List.of();
      int seconds = 60;
      boolean slow = false;
      try {
        for (String line : Files.readAllLines(file)) {
          if (line.startsWith("# needs: ")) {
            needs = List.of(line.substring("# needs: ".length()).trim().split(" +"));
          } else if (line.startsWith("# timeout: ")) {
            seconds = Integer.parseInt(line.substring("# timeout: ".length()).trim());
          } else if (line.equals("# slow")) {
            slow = true;
          } else if (!line.startsWith("#")) {
            break;
          }
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      return new Script(file, needs, seconds, slow);
    }

    String name() {
      return file.getFileName().toString();
    }

    List<String> command() {
      return List.of(name().endsWith(".py") ? "/usr/bin/python3" : "/bin/bash", file.toString());
    }
  }

  @BeforeAll
  static void checkSandbox() {
    Redoubt.assumeBuilt();
    Redoubt.assumeRoot();
  }

  @TestFactory
  Stream<DynamicTest> programs() {
    return scripts().filter(script -> !script.isSlow()).map(ProgramsTest::test);
  }

  @TestFactory
  @Tag("slow")
  Stream<DynamicTest> slowPrograms() {
    return scripts().filter(Script::isSlow).map(ProgramsTest::test);
  }

  /** What a program does is the same however its calls come. */
  @TestFactory
  @Tag("slow")
  Stream<DynamicTest> programsInRingModes() {
    return Stream.of("--ring=off", "--ring=always", "--ring=chaos")
        .flatMap(mode ->
            scripts()
                .filter(script -> !script.isSlow())
                .map(s -> dynamicTest(s.name() + " " + mode, () -> check(s, List.of(mode)))));
  }

  private static Stream<Script> scripts() {
    String only = System.getProperty("redoubt.program");
    try (Stream<Path> files = Files.list(SCRIPTS)) {
      return files
          .filter(file -> !file.toString().endsWith(".md"))
          .sorted()
          .map(Script::of)
          .filter(script -> only == null || script.name().startsWith(only))
          .toList()
          .stream();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static DynamicTest test(Script script) {
    return dynamicTest(script.name(), () -> check(script, List.of()));
  }

  private static void check(Script script, List<String> options) throws IOException {
    for (String program : script.needs()) {
      assumeTrue(isPresent(program), () -> program + " is missing");
    }
    Outcome linux = bare(script);
    assertFalse(linux.timedOut(), () -> "on bare Linux: " + linux.describe());
    Outcome sandbox = run(Redoubt.command(options, script.command()), PATIENCE * script.seconds());
    assertFalse(sandbox.timedOut(), sandbox::describe);
    String difference =
        Cases.difference(List.of(linux.out().split("\n")), List.of(sandbox.out().split("\n")));
    if (difference != null) {
      assertEquals("", difference, () -> "stdout differs\n--- stderr\n" + sandbox.err());
    }
    assertEquals(linux.exit(), sandbox.exit(), sandbox::describe);
  }

  private static Outcome bare(Script script) throws IOException {
    Path directory = Files.createTempDirectory("redoubt-program");
    try {
      return run(
          Command.of(script.command()).environment("TMPDIR", directory.toString()),
          script.seconds());
    } finally {
      Command.of("rm", "-rf", directory.toString()).run();
    }
  }

  private static Outcome run(Command command, int seconds) {
    return command.environment("PATH", PATH).timeout(Duration.ofSeconds(seconds)).run();
  }

  private static boolean isPresent(String program) {
    for (String directory : PATH.split(":")) {
      if (Files.isExecutable(Path.of(directory, program))) {
        return true;
      }
    }
    return false;
  }
}
