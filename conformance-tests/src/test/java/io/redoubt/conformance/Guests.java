package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The C programs in {@code src/test/c}, compiled when they are first wanted and when they have
 * changed.
 */
final class Guests {
  private Guests() {}

  static final Path MODULE = Redoubt.ROOT.resolve("conformance-tests");
  private static final Path SOURCES = MODULE.resolve("src/test/c");
  private static final Path BINARIES = MODULE.resolve("target/guests");

  /** The families: the C files that include the harness. */
  static List<String> families() {
    try (Stream<Path> files = Files.list(SOURCES)) {
      return files
          .map(path -> path.getFileName().toString())
          .filter(name -> name.endsWith(".c"))
          .map(name -> name.substring(0, name.length() - 2))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns the program of a family, linked as told. */
  static Path compiled(String name, boolean isStatic) {
    Path binary = BINARIES.resolve(isStatic ? name : name + "-dynamic");
    Path source = SOURCES.resolve(name + ".c");
    return compiled(
        binary,
        List.of(source),
        List.of(source, SOURCES.resolve("harness.h"), SOURCES.resolve("rawsockets.h")),
        isStatic ? "-static" : "");
  }

  /** Returns the program of a family, linked with an option of its own. */
  static Path compiled(String name, String option) {
    Path source = SOURCES.resolve(name + ".c");
    return compiled(BINARIES.resolve(name + option), List.of(source), List.of(source), option);
  }

  /** Returns the static program of all C files of a folder. */
  static Path compiledFolder(String name) {
    try (Stream<Path> files = Files.list(SOURCES.resolve(name))) {
      List<Path> all = files.sorted().toList();
      List<Path> sources = all.stream().filter(file -> file.toString().endsWith(".c")).toList();
      return compiled(BINARIES.resolve(name).resolve(name), sources, all, "-static");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path compiled(Path binary, List<Path> sources, List<Path> needed, String option) {
    assumeTrue(isOnPath("gcc"), "gcc is missing");
    try {
      Files.createDirectories(binary.getParent());
      boolean isFresh = true;
      for (Path file : needed) {
        isFresh &= isNewer(binary, file);
      }
      if (isFresh) {
        return binary;
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    List<String> words = new ArrayList<>(List.of("gcc", "-O1", "-Wall", "-Wextra", "-Werror"));
    // Wrong arguments are what the cases are about.
    words.addAll(
        List.of(
            "-Wno-format-truncation",
            "-Wno-nonnull",
            "-Wno-unused-result",
            "-Wno-stringop-overflow",
            "-Wno-stringop-overread",
            "-Wno-clobbered",
            "-pthread"));
    if (!option.isEmpty()) {
      words.add(option);
    }
    words.addAll(List.of("-o", binary.toString()));
    sources.forEach(source -> words.add(source.toString()));
    Outcome outcome = Command.of(words).timeout(Duration.ofSeconds(60)).run();
    assertEquals(0, outcome.exit(), outcome::describe);
    return binary;
  }

  private static boolean isNewer(Path product, Path source) throws IOException {
    return Files.exists(product)
        && Files.getLastModifiedTime(product).compareTo(Files.getLastModifiedTime(source)) > 0;
  }

  /** Whether a program is in one of the usual places. */
  static boolean isOnPath(String program) {
    for (String directory : List.of("/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin")) {
      if (Files.isExecutable(Path.of(directory, program))) {
        return true;
      }
    }
    return false;
  }

  /** Skips the test unless all of these are there. */
  static void assumeInstalled(String... programs) {
    for (String program : programs) {
      assumeTrue(isOnPath(program), () -> program + " is missing");
    }
  }
}
