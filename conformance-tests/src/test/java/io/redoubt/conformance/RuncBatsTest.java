package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * runc's own integration tests, of its Debian source package. What docs/operations/runc-bats.md
 * says passes has to.
 */
final class RuncBatsTest {
  /** {@code | exec.bats | runc exec | passes |}. */
  private static final Pattern ROW = Pattern.compile("\\| (\\w+\\.bats) \\| (.*) \\| passes \\|");

  private static final Pattern RESULT = Pattern.compile("(not )?ok \\d+ (.*?)( # skip.*)?");

  @TempDir Path directory;

  @Test
  @Tag("slow")
  void whatPassed() throws IOException, InterruptedException {
    Redoubt.assumeSandbox();
    Redoubt.assumeRoot();
    Guests.assumeInstalled(
        "bats", "jq", "gawk", "script", "python3", "apt-get", "ip", "unshare", "setpriv");
    String script = Guests.MODULE.resolve("src/test/oci/runc-bats.sh").toString();
    String work = Guests.MODULE.resolve("target/runc-bats").toString();
    Outcome fetched = Command.of("sh", script, work).timeout(Duration.ofMinutes(3)).run();
    assumeTrue(fetched.exit() == 0, () -> "no source of runc: " + fetched.describe());

    Set<String> expected = new TreeSet<>();
    Set<String> files = new TreeSet<>();
    Path list = Redoubt.ROOT.resolve("docs/operations/runc-bats.md");
    for (String line : Files.readAllLines(list)) {
      Matcher row = ROW.matcher(line);
      if (row.matches()) {
        expected.add(row.group(1) + ": " + row.group(2));
        files.add(row.group(1));
      }
    }
    assertTrue(expected.size() > 40, () -> "read from " + list + ": " + expected);
    String command =
        "sh %s %s %s %s; echo over; wait"
            .formatted(script, work, Redoubt.front(), String.join(" ", files));
    try (Enclosure enclosure = Enclosure.start(directory, command)) {
      boolean isOver =
          Enclosure.await(Duration.ofMinutes(20), () -> enclosure.log().endsWith("over\n"));
      assertTrue(isOver, enclosure::log);
      expected.removeAll(passed(enclosure.log()));
      assertEquals(Set.of(), expected, enclosure::log);
    }
  }

  private static List<String> passed(String log) {
    List<String> names = new ArrayList<>();
    String file = "";
    for (String line : log.split("\n")) {
      Matcher result = RESULT.matcher(line);
      if (line.startsWith("# file ")) {
        file = line.substring("# file ".length());
      } else if (result.matches() && result.group(1) == null && result.group(3) == null) {
        names.add(file + ": " + result.group(2));
      }
    }
    return names;
  }
}
