package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/**
 * Small C programs that print what each system call returned, run on bare Linux and in the sandbox:
 * the outputs must be equal, line by line.
 *
 * <p>A family is one program and one run of the sandbox; each of its cases is a test. What a case
 * does not have in common on Linux itself (ext4 and tmpfs differ) is taken from a tmpfs, since the
 * sandbox keeps what a guest writes in memory.
 *
 * <p>{@code -Dredoubt.family=NAME} runs one family. A case that differs is run once more, alone,
 * and passes when it is equal then ({@code -Dredoubt.retries=0} for never): the clock decides some
 * of them on a loaded machine. Which did is printed.
 */
final class DifferentialTest {
  private static final Duration TIMEOUT = Duration.ofSeconds(150);
  private static final int RETRIES = Integer.getInteger("redoubt.retries", 1);

  /**
   * Families about files, which are also run in a directory of the host that is bound writable into
   * the sandbox.
   */
  private static final Set<String> ABOUT_FILES =
      Set.of(
          "dirs",
          "exec",
          "io",
          "largereads",
          "links",
          "locks",
          "mappings",
          "open",
          "paths",
          "perms",
          "pipes",
          "sockets",
          "space",
          "stat");

  /**
   * Families about the network: on Linux they run in a network namespace of their own with nothing
   * but loopback, which is what the sandbox has.
   */
  private static final Set<String> ABOUT_NETWORK =
      Set.of("inet", "netlink", "packets", "raw", "udp");

  /** Families that need an option of the sandbox. */
  private static final Map<String, String> OPTIONS =
      Map.of("raw", "--net-raw", "packets", "--net-raw");

  /** Families whose dynamically linked program is run as well. */
  private static final Set<String> DYNAMIC_TOO = Set.of("process", "signals", "threads");

  private static final Set<String> RING =
      Set.of("ring", "ringsignals", "ringsockets", "ringthreads", "ringwindows");

  /** What REQUIRE in {@code harness.h} prints. */
  private static final String NOT_IMPLEMENTED = "!! not implemented";

  private static final Path GUEST_MOUNT = Path.of("/mnt");

  private static Path tmpfs;

  @BeforeAll
  static void prepare() throws IOException {
    Redoubt.assumeBuilt();
    Redoubt.assumeRoot();
    Path shared = Path.of("/dev/shm");
    Path parent =
        Files.isDirectory(shared) && Files.getFileStore(shared).type().equals("tmpfs")
            ? shared
            : Path.of("/tmp");
    tmpfs = Files.createTempDirectory(parent, "redoubt-conformance");
    Files.setPosixFilePermissions(tmpfs, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  @AfterAll
  static void clean() {
    if (tmpfs != null) {
      Command.of("rm", "-rf", tmpfs.toString()).run();
    }
  }

  @TestFactory
  Stream<DynamicNode> inMemory() {
    return families().map(family -> container(family, family, true, List.of(), Path.of("/tmp")));
  }

  @TestFactory
  Stream<DynamicNode> boundFromTheHost() {
    return families()
        .filter(ABOUT_FILES::contains)
        .map(family ->
            container(
                family + " (bound)",
                family,
                true,
                List.of("--bind", tmpfs + ":" + GUEST_MOUNT),
                Redoubt.isBare() ? tmpfs : GUEST_MOUNT));
  }

  @TestFactory
  Stream<DynamicNode> linkedDynamically() {
    return families()
        .filter(DYNAMIC_TOO::contains)
        .map(family -> container(family + " (dynamic)", family, false, List.of(), Path.of("/tmp")));
  }

  /** The family about the ring tier in the modes that are not the default. */
  @TestFactory
  Stream<DynamicNode> inRingModes() {
    return families().filter(RING::contains).flatMap(DifferentialTest::inRingModes);
  }

  /** All that can be seen is the same in every mode. */
  @TestFactory
  @Tag("slow")
  Stream<DynamicNode> allInRingModes() {
    return families()
        .filter(family -> !RING.contains(family))
        .flatMap(DifferentialTest::inRingModes);
  }

  private static Stream<DynamicNode> inRingModes(String family) {
    return Stream.of("off", "always", "chaos")
        .map(mode ->
            container(
                family + " (ring " + mode + ")",
                family,
                true,
                List.of("--ring=" + mode),
                Path.of("/tmp")));
  }

  private static Stream<String> families() {
    String only = System.getProperty("redoubt.family");
    return Guests.families().stream().filter(family -> only == null || family.equals(only));
  }

  /** A container that runs the family only when JUnit comes to it. */
  private static DynamicNode container(
      String title, String family, boolean isStatic, List<String> options, Path place) {
    return dynamicContainer(
        title, Stream.of(family).flatMap(f -> tests(f, isStatic, options, place).stream()));
  }

  private static List<DynamicNode> tests(
      String family, boolean isStatic, List<String> options, Path place) {
    Path program = Guests.compiled(family, isStatic);
    Cases linux = Cases.parse(bare(program, List.of()).out());
    Outcome outcome = sandboxed(program, options, place, List.of());
    Cases sandbox = Cases.parse(outcome.out());
    List<DynamicNode> tests = new ArrayList<>();
    for (var entry : linux.lines().entrySet()) {
      String name = entry.getKey();
      tests.add(
          dynamicTest(
              family + "." + name,
              () ->
                  compare(
                      family, program, options, place, name, entry.getValue(), sandbox, outcome)));
    }
    tests.add(
        dynamicTest(
            family + " comes to its end",
            () -> {
              if (!linux.isComplete()) {
                fail("bare Linux did not come to the end");
              }
              if (!sandbox.isComplete() || outcome.exit() != 0 || !outcome.err().isEmpty()) {
                fail(outcome.describe());
              }
            }));
    return tests;
  }

  private static void compare(
      String family,
      Path program,
      List<String> options,
      Path place,
      String name,
      List<String> linux,
      Cases sandbox,
      Outcome outcome) {
    List<String> inSandbox = sandbox.lines().get(name);
    if (inSandbox != null && !inSandbox.isEmpty()) {
      String last = inSandbox.getLast();
      assumeFalse(last.startsWith(NOT_IMPLEMENTED), last);
    }
    String difference = inSandbox == null ? "\n  did not run" : Cases.difference(linux, inSandbox);
    for (int i = 0; i < RETRIES && difference != null && inSandbox != null; i++) {
      List<String> again = lines(bare(program, List.of(name)), name);
      difference =
          Cases.difference(again, lines(sandboxed(program, options, place, List.of(name)), name));
      if (difference == null) {
        System.out.println(
            "equal only when run again, alone: " + program.getFileName() + " " + name);
      }
    }
    if (difference != null) {
      KnownDifferences.skip(family + "." + name, difference);
      fail(name + ":" + difference + (inSandbox == null ? "\n" + outcome.describe() : ""));
    }
  }

  private static List<String> lines(Outcome outcome, String name) {
    return Cases.parse(outcome.out()).lines().getOrDefault(name, List.of("did not run"));
  }

  private static Outcome bare(Path program, List<String> cases) {
    List<String> words = words(program, tmpfs, cases);
    if (ABOUT_NETWORK.contains(program.getFileName().toString())) {
      words.add(1, "--own-network");
    }
    return Command.of(words).timeout(TIMEOUT).run();
  }

  private static Outcome sandboxed(
      Path program, List<String> options, Path place, List<String> cases) {
    List<String> all = new ArrayList<>(options);
    String own = OPTIONS.get(program.getFileName().toString());
    if (own != null) {
      all.add(own);
    }
    return Redoubt.command(all, words(program, place, cases)).timeout(TIMEOUT).run();
  }

  private static List<String> words(Path program, Path place, List<String> cases) {
    List<String> words = new ArrayList<>(List.of(program.toString(), "--dir", place.toString()));
    words.addAll(cases);
    return words;
  }
}
