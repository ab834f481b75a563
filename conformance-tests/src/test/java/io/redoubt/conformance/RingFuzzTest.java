package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A guest that writes nonsense into the memory that it shares with the sentry, from two threads at
 * full speed: the sandbox goes on, and the calls of another process of it are answered as ever.
 */
final class RingFuzzTest {
  private static final Pattern RESULT = Pattern.compile("calls (\\d+) wrong 0 identity 0\\s*");

  @BeforeAll
  static void prepare() {
    Redoubt.assumeSandbox();
    Redoubt.assumeRoot();
  }

  private static void fuzz(String mode, int seconds) {
    Path program = Guests.compiled("isolation/ringfuzz", true);
    Outcome outcome =
        Redoubt.command(
                List.of("--ring=" + mode, "--workdir", "/tmp"),
                List.of(program.toString(), Integer.toString(seconds)))
            .timeout(Duration.ofSeconds(60 + 2L * seconds))
            .run();
    assertEquals(0, outcome.exit(), outcome::describe);
    var found = RESULT.matcher(outcome.out());
    assertTrue(found.matches(), outcome::describe);
    assertTrue(Long.parseLong(found.group(1)) >= 100, outcome::describe);
    assertEquals("", outcome.err());
  }

  @Test
  void nonsenseInTheRegionHarmsNobodyElse() {
    fuzz("always", 4);
  }

  @Test
  @Tag("slow")
  void forTenMinutes() {
    fuzz("always", 300);
    fuzz("auto", 300);
  }
}
