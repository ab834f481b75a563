package io.redoubt.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * The native half against a sentry in C ({@code src/test/native}): what the guest's process looks
 * like, every way to end, the terminal. Once as whoever runs this, and once more as an ordinary
 * user where that is root.
 */
class NativeFrontTest {
  private static final Pattern RESULT =
      Pattern.compile("^(test_\\w+) \\(.*\\.\\.\\. (ok|FAIL|ERROR)$");

  @TestFactory
  List<DynamicTest> asCaller() throws Exception {
    return run("root");
  }

  @TestFactory
  List<DynamicTest> asUser() throws Exception {
    assumeTrue(isRoot(), "not root: asCaller ran as an ordinary user");
    return run("user");
  }

  private static boolean isRoot() throws IOException {
    return (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0;
  }

  private static List<DynamicTest> run(String who) throws Exception {
    assumeTrue(Files.exists(Path.of("/usr/bin/python3")), "python3 is missing");
    Path script = Path.of(System.getProperty("redoubt.root"), "launcher/src/test/native/run.sh");
    Path log = Files.createTempFile("front-test", ".log");
    try {
      var command = new ProcessBuilder("timeout", "-k", "5", "120", script.toString(), who, "-v");
      command.environment().put("REDOUBT_JDK", System.getProperty("java.home"));
      int code = command.redirectErrorStream(true).redirectOutput(log.toFile()).start().waitFor();
      String output = Files.readString(log);
      List<DynamicTest> tests = new ArrayList<>();
      for (String line : output.lines().toList()) {
        var match = RESULT.matcher(line);
        if (match.matches()) {
          String result = match.group(2);
          tests.add(
              DynamicTest.dynamicTest(
                  who + " " + match.group(1), () -> assertEquals("ok", result, output)));
        }
      }
      tests.add(DynamicTest.dynamicTest(who + " all", () -> assertEquals(0, code, output)));
      return tests;
    } finally {
      Files.delete(log);
    }
  }
}
