package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

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

  /**
   * A call that needs the gofer is not served by the ring. So these need none: the directory is
   * watched, also by a gofer that is confined, and a user's.
   */
  @ParameterizedTest
  @ValueSource(strings = {"root", "user"})
  void namesOfABoundDirectoryAreKnown(String who, @TempDir Path directory) throws IOException {
    List<String> words = new ArrayList<>();
    if (who.equals("user")) {
      Redoubt.assumeRoot();
      assumeTrue(Guests.isOnPath("setpriv"), "setpriv is missing");
      words.addAll(USER);
    }
    Files.writeString(directory.resolve("file"), "four");
    Command.of("chmod", "a+rx", directory.toString()).run();
    words.addAll(
        List.of(
            Redoubt.front().toString(),
            "do",
            "--ring=always",
            "--stats",
            "--bind",
            directory.toString(),
            "--",
            Guests.compiled("isolation/often", true).toString(),
            directory.toString()));
    Outcome o = Command.of(words).run();
    assertEquals(0, o.exit(), o::describe);
    assertEquals("good\n", o.out(), o::describe);
    for (String call : List.of("newfstatat", "access", "openat")) {
      Matcher m =
          Pattern.compile("(?m)^ *[0-9.]+ +[0-9.]+ +\\d+ +\\d+ +(\\d+) .* " + call + "$")
              .matcher(o.err());
      assertTrue(m.find(), () -> call + ": " + o.describe());
      assertTrue(Long.parseLong(m.group(1)) >= 500, () -> call + ": " + o.describe());
    }
  }

  private static boolean hasProcmapQuery() {
    String[] version = System.getProperty("os.version").split("[.-]");
    int major = Integer.parseInt(version[0]);
    return major > 6 || (major == 6 && Integer.parseInt(version[1]) >= 11);
  }
}
