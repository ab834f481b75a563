package io.redoubt.conformance;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The sandbox under test.
 *
 * <p>{@code -Dredoubt.sandbox=none} runs everything bare instead, to prove the tests themselves:
 * then all must be equal. {@code -Dredoubt.front=PATH} names another front.
 */
final class Redoubt {
  private Redoubt() {}

  /** The source tree. */
  static final Path ROOT =
      Path.of(System.getProperty("redoubt.root", "..")).toAbsolutePath().normalize();

  private static final boolean BARE = "none".equals(System.getProperty("redoubt.sandbox"));

  static Path front() {
    String given = System.getProperty("redoubt.front");
    return given != null ? Path.of(given) : ROOT.resolve("launcher/target/dist/bin/redoubt-front");
  }

  /** Whether what should be in the sandbox is run bare, to test the tests. */
  static boolean isBare() {
    return BARE;
  }

  /** Aborts a test that has no sandbox to run in. */
  static void assumeBuilt() {
    assumeTrue(BARE || Files.isExecutable(front()), () -> "not built: " + front());
  }

  /** For tests of the sandbox's own behaviour, which has no bare counterpart. */
  static void assumeSandbox() {
    assumeTrue(!BARE, "-Dredoubt.sandbox=none");
    assumeBuilt();
  }

  static void assumeRoot() {
    assumeTrue(isRoot(), "needs root");
  }

  static boolean isRoot() {
    return "root".equals(System.getProperty("user.name"));
  }

  /** {@code do -- COMMAND} with options before it; bare the command itself. */
  static Command command(List<String> options, List<String> command) {
    if (BARE) {
      return Command.of(command);
    }
    List<String> words = new ArrayList<>();
    words.add(front().toString());
    words.add("do");
    words.addAll(options);
    words.add("--");
    words.addAll(command);
    return Command.of(words);
  }

  static Command command(String... command) {
    return command(List.of(), Arrays.asList(command));
  }

  /** The front with these words, whatever they are. */
  static Command front(String... words) {
    List<String> all = new ArrayList<>();
    all.add(front().toString());
    all.addAll(Arrays.asList(words));
    return Command.of(all);
  }
}
