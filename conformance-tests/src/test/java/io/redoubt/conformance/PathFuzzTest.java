package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.fuzz.Fuzz;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The same random names walked on Linux, in a root of its own with a second file system mounted in
 * it, and in the sandbox, where that is a directory of the host ({@code fuzz/pathfuzz.c}): every
 * call returns the same. What is beside that directory on the host stays as it was.
 */
final class PathFuzzTest {
  /** Calls of a round. */
  private static final int COUNT = 6000;

  /** As {@link #COUNT}, with mounts. */
  private static final int MOUNT_COUNT = 3000;

  private static List<String> program(long seed, int count, boolean hasMounts) {
    List<String> words =
        List.of(
            Guests.compiled("fuzz/pathfuzz", true).toString(),
            Long.toString(seed),
            Integer.toString(count),
            "/mnt",
            "mounts");
    return hasMounts ? words : words.subList(0, 4);
  }

  /** A program behind a script that makes /mnt a file system of its own, with another at /mnt/m. */
  private static List<String> mounted(String second, List<String> program) {
    String script =
        "mount -t tmpfs -o mode=755 x /mnt && mkdir /mnt/m && mount %s /mnt/m && exec \"$@\""
            .formatted(second);
    List<String> words = new ArrayList<>(List.of("sh", "-c", script, "sh"));
    words.addAll(program);
    return words;
  }

  /** On Linux, in a mount namespace of its own. */
  private static Command bare(List<String> program) {
    List<String> words = new ArrayList<>(List.of("unshare", "-m"));
    words.addAll(mounted("-t tmpfs x", program));
    return Command.of(words);
  }

  /** With mounts the root is one in the sandbox too: it can be covered, and is busy. */
  private static Command inside(List<String> program, boolean hasMounts, Path world)
      throws IOException {
    Path shared = Files.createDirectories(world.resolve("shared"));
    if (Redoubt.isBare()) {
      return bare(program);
    }
    return hasMounts
        ? Redoubt.command(List.of("--bind", shared + ":/srv"), mounted("--bind /srv", program))
        : Redoubt.command(List.of("--bind", shared + ":/mnt/m"), program);
  }

  private static List<String> lines(Command command) {
    Outcome outcome = command.timeout(Duration.ofMinutes(2)).run();
    assertEquals(0, outcome.exit(), outcome::describe);
    assertEquals("", outcome.err());
    return outcome.out().lines().toList();
  }

  private void compare(long seed, int count, boolean hasMounts) throws IOException {
    Redoubt.assumeBuilt();
    Redoubt.assumeRoot();
    // Inodes of a tmpfs have numbers of their own, which no other file takes over.
    Path memory = Path.of("/dev/shm");
    Assumptions.assumeTrue(Files.isDirectory(memory), "no /dev/shm");
    Path world = Files.createTempDirectory(memory, "redoubt-pathfuzz");
    try {
      Files.writeString(world.resolve("a"), "beside");
      Files.createDirectory(world.resolve("b"));
      var program = program(seed, count, hasMounts);
      var linux = lines(bare(program));
      var here = lines(inside(program, hasMounts, world));
      for (int i = 0; i < Math.min(linux.size(), here.size()); i++) {
        int at = i;
        assertEquals(linux.get(i), here.get(i), () -> "seed " + seed + ", call " + at);
      }
      assertEquals(count, here.size());
      assertTrue(count < 1000 || linux.stream().filter(s -> s.contains(" = 0")).count() > 100);
      try (var beside = Files.list(world)) {
        assertEquals(3, beside.count(), "beside the bound directory");
      }
      assertEquals("beside", Files.readString(world.resolve("a")));
    } finally {
      Command.of("rm", "-rf", world.toString()).run();
    }
  }

  private void round(Random random) throws IOException {
    compare(random.nextLong(1L << 40), COUNT, false);
  }

  private void roundWithMounts(Random random) throws IOException {
    compare(random.nextLong(1L << 40), MOUNT_COUNT, true);
  }

  /** File systems come and go while names are walked: tmpfs and bind mounts, by guest root. */
  @Test
  void mountsAreCrossedAsOnLinux() {
    Fuzz.briefly(1, this::roundWithMounts);
  }

  @Test
  @Tag("slow")
  void mountsForTenMinutes() {
    Fuzz.atLength(600, this::roundWithMounts);
  }

  @Test
  void everyCallReturnsWhatItDoesOnLinux() {
    Fuzz.briefly(2, this::round);
  }

  @Test
  @Tag("slow")
  void forTenMinutes() {
    Fuzz.atLength(600, this::round);
  }

  /** What has been found: each once differed, at its last call. */
  @ParameterizedTest
  @CsvSource({
    "2, 6200, false",
    "696066100130, 3000, true",
    "110, 1138, true",
    "349712287433, 5318, false",
    "841386519645, 5967, false",
    "293347374330, 250, true"
  })
  void findings(long seed, int count, boolean hasMounts) throws IOException {
    compare(seed, count, hasMounts);
  }
}
