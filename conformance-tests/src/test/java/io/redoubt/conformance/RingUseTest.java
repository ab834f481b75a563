package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * That calls do come by the ring. Everything else that is tested of it is equal to Linux when all
 * of them trap, too.
 */
class RingUseTest {
  private static final List<String> USER =
      List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups");

  private static final Pattern RING =
      Pattern.compile(
          "ring: (\\d+) processes, (\\d+) calls served, (\\d+) refused, (\\d+) with a payload");

  @BeforeAll
  static void check() {
    Redoubt.assumeSandbox();
  }

  @ParameterizedTest
  @CsvSource({"root, true", "root, false", "user, true", "user, false"})
  void callsComeByTheRing(String who, boolean isStatic) {
    List<String> words = new ArrayList<>();
    if (who.equals("user")) {
      Redoubt.assumeRoot();
      assumeTrue(Guests.isOnPath("setpriv"), "setpriv is missing");
      words.addAll(USER);
    }
    Path program = Guests.compiled("isolation/often", isStatic);
    words.addAll(
        List.of(
            Redoubt.front().toString(),
            "do",
            "--ring=always",
            "--stats",
            "--",
            program.toString()));
    Outcome o = Command.of(words).run();
    assertEquals(0, o.exit(), o::describe);
    assertEquals("good\n", o.out(), o::describe);
    Matcher m = RING.matcher(o.err());
    assertTrue(m.find(), o::describe);
    assertTrue(Long.parseLong(m.group(2)) >= 4000, o::describe);
    // Half of the calls have a pointer, and it is to the stack. PROCMAP_QUERY of Linux 6.11 tells
    // that.
    assertTrue(Long.parseLong(m.group(4)) >= 1000 || !hasProcmapQuery(), o::describe);
  }

  private static boolean hasProcmapQuery() {
    String[] version = System.getProperty("os.version").split("[.-]");
    int major = Integer.parseInt(version[0]);
    return major > 6 || (major == 6 && Integer.parseInt(version[1]) >= 11);
  }
}
