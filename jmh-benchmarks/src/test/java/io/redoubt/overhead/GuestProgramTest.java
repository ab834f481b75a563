package io.redoubt.overhead;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.overhead.suites.MicroSuite;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The program in C, on bare Linux. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class GuestProgramTest {
  private static final String GUEST = Bench.TARGET.resolve("bin/bench-guest").toString();

  @TempDir Path folder;

  private Process start(String... words) throws IOException {
    List<String> all = new ArrayList<>(List.of(GUEST));
    all.addAll(List.of(words));
    return new ProcessBuilder(all)
        .directory(folder.toFile())
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  private String run(String... words) throws IOException {
    return new String(start(words).getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }

  @Test
  void theListsInCAndInJavaAreTheSame() throws IOException {
    List<String> inC = run("micro", "--list").lines().sorted().toList();
    assertEquals(
        inC, new MicroSuite(false).workloads().stream().map(w -> w.name()).sorted().toList());
  }

  @Test
  void everyOperationWorksOnBareLinux() throws IOException {
    List<String> lines =
        run("micro", "--warm", "1", "--batch", "1", "--batches", "2").lines().toList();
    assertEquals(new MicroSuite(false).workloads().size(), lines.size());
    for (String line : lines) {
      assertTrue(line.matches("\\S+ \\d+\\.\\d+ \\d+\\.\\d+"), line);
    }
    try (var left = java.nio.file.Files.list(folder)) {
      assertEquals(List.of(), left.toList(), "files that an operation left behind");
    }
  }

  @Test
  void timeIsAFigureAndTheCommandsExitCodeIsKept() throws Exception {
    Process p = start("time", "sh", "-c", "echo noise; exit 7");
    String out = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(out.matches("\\d+\n"), out);
    assertEquals(7, p.waitFor());
  }

  @Test
  void startupTellsThreeTimesInTheirOrder() throws IOException {
    List<String> lines = run("startup", "3", GUEST, "first").lines().toList();
    assertEquals(3, lines.size());
    for (String line : lines) {
      String[] words = line.split(" ");
      assertTrue(Long.parseLong(words[0]) > 0, line);
      assertTrue(Long.parseLong(words[0]) < Long.parseLong(words[1]), line);
      assertTrue(Long.parseLong(words[1]) < Long.parseLong(words[2]), line);
    }
  }

  @Test
  void startupNumbersTheCommands() throws IOException {
    // Fails for the ones that are not number 1: "sh" has no such option.
    Process p = start("startup", "2", "sh", "-c", "test {n} != 1 || exit 3; echo 1");
    assertEquals(
        1, new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8).lines().count());
  }

  /**
   * All that is started holds the pipe to this test: its end of file means that none of it is
   * alive.
   */
  @Test
  void nothingSurvivesTheEndOfAGuardedCommand() throws Exception {
    Process p =
        start("guard", "sh", "-c", "(setsid sleep 1000 &); sleep 1000 & echo started; exit 3");
    assertEquals(
        "started\n", new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
    assertEquals(3, p.waitFor());
  }

  @Test
  void nothingSurvivesTheHarness() throws Exception {
    Process p =
        start(
            "guard",
            "sh",
            "-c",
            "(setsid sleep 1000 &); trap '' TERM INT HUP; echo started; sleep 1000");
    assertEquals('s', p.getInputStream().read());
    p.getOutputStream().close(); // as the kernel does when this process dies
    p.getInputStream().readAllBytes();
    assertTrue(p.waitFor(20, TimeUnit.SECONDS));
  }
}
