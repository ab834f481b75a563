package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.fuzz.Fuzz;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Spoiled ELF files and #! lines, executed on Linux and in the sandbox ({@code fuzz/execfuzz.c}):
 * what Linux runs says the same here, what Linux refuses is refused with the same errno. What Linux
 * kills on its way, since it had given up the old program by then, may be refused here, or run.
 */
final class ExecFuzzTest {
  private static Path directory;

  @BeforeAll
  static void prepare() throws IOException {
    Redoubt.assumeBuilt();
    Redoubt.assumeRoot();
    directory = Files.createTempDirectory("redoubt-execfuzz");
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  @AfterAll
  static void clean() {
    if (directory != null) {
      Command.of("rm", "-rf", directory.toString()).run();
    }
  }

  /** A static program, one for the dynamic linker, and both at fixed addresses and not. */
  private static List<String> programs() {
    return List.of(
        Guests.compiled("fuzz/echo", true).toString(),
        Guests.compiled("fuzz/echo", false).toString(),
        Guests.compiled("fuzz/echo", "-static-pie").toString(),
        Guests.compiled("fuzz/echo", "-no-pie").toString());
  }

  private static List<String> lines(Outcome outcome) {
    assertEquals(0, outcome.exit(), outcome::describe);
    assertEquals("", outcome.err());
    return outcome.out().lines().toList();
  }

  private static void compare(long seed, int count) {
    List<String> words = new ArrayList<>();
    words.add(Guests.compiled("fuzz/execfuzz", true).toString());
    words.add(Long.toString(seed));
    words.add(Integer.toString(count));
    words.addAll(programs());
    Duration time = Duration.ofSeconds(60 + count);
    var bare = lines(Command.of(words).in(directory).timeout(time).run());
    var inside = lines(Redoubt.command(List.of("--workdir", "/tmp"), words).timeout(time).run());
    assertEquals(count, bare.size());
    assertEquals(count, inside.size());
    var wrong = new ArrayList<String>();
    for (int i = 0; i < count; i++) {
      String linux = bare.get(i);
      // 127 is what the dynamic linker leaves with, and our loader.
      boolean isDead = linux.contains(": killed") || linux.contains(": exit 127");
      if (!isDead && !linux.equals(inside.get(i))) {
        wrong.add("seed " + (seed + i) + ": Linux: " + linux + ", here: " + inside.get(i));
      }
    }
    assertTrue(wrong.isEmpty(), () -> String.join("\n", wrong));
    assertTrue(count < 50 || bare.stream().anyMatch(line -> line.contains("exit 7")), "none ran");
  }

  private static void round(Random random) {
    compare(random.nextLong(1L << 40), 120);
  }

  @Test
  void whatLinuxRunsRunsAndWhatItRefusesIsRefused() {
    Fuzz.briefly(1, ExecFuzzTest::round);
  }

  @Test
  @Tag("slow")
  void forTenMinutes() {
    Fuzz.atLength(600, ExecFuzzTest::round);
  }

  /** What has been found: each once differed. */
  @ParameterizedTest
  @ValueSource(
      longs = {
        18,
        35,
        119,
        200,
        203,
        41,
        70,
        236,
        875294022984L,
        875294022999L,
        270793676914L,
        253917234131L,
        4980627176L
      })
  void findings(long seed) {
    compare(seed, 1);
  }
}
