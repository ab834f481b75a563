package io.redoubt.conformance.build;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the build puts together for {@code ./redoubt}, and that its parts fit each other. */
class DistributionTest {
  private static final Path DIST =
      Path.of(System.getProperty("redoubt.root"), "launcher", "target", "dist");

  /** Program header type of the path of a dynamic loader (elf(5)). */
  private static final int PT_INTERP = 3;

  /** They run in an empty root, where there is no loader and no library. */
  @ParameterizedTest
  @ValueSource(strings = {"redoubt-front", "stub"})
  void nativeProgramsNeedNoLoader(String name) throws IOException {
    var elf = ByteBuffer.wrap(Files.readAllBytes(DIST.resolve("bin").resolve(name)));
    elf.order(ByteOrder.LITTLE_ENDIAN);
    int headers = (int) elf.getLong(32);
    int headerSize = elf.getShort(54);
    int headerCount = elf.getShort(56);
    assertTrue(headerCount > 0);
    for (int i = 0; i < headerCount; i++) {
      assertFalse(elf.getInt(headers + i * headerSize) == PT_INTERP, "has a dynamic loader");
    }
  }

  @Test
  void theClassPathHoldsWhatTheSandboxNeedsAndNoMore() throws IOException {
    try (Stream<Path> jars = Files.list(DIST.resolve("lib"))) {
      List<String> names =
          jars.map(jar -> jar.getFileName().toString().replaceFirst("-\\d.*", ""))
              .sorted()
              .toList();
      assertEquals(
          List.of(
              "agrona",
              "disruptor",
              "gofer-io",
              "gson",
              "launcher",
              "seccomp-profiles",
              "sentry",
              "slf4j-api"),
          names);
    }
  }

  /**
   * With {@code AOTMode=on} a JVM that cannot use its cache ends with an error instead of starting
   * slowly.
   */
  @ParameterizedTest
  @ValueSource(strings = {"sentry", "gofer"})
  void theCacheIsUsedWithTheFlagsOfTheFront(String name) throws Exception {
    Path cache = DIST.resolve("aot").resolve(name + ".aot");
    assumeTrue(
        Files.exists(cache) || "root".equals(System.getProperty("user.name")),
        "needs root, or a kernel that let the build's training run have a user namespace");
    assertTrue(
        Files.exists(cache), "the training run of the build failed, see aot/guest.log: " + DIST);

    var command = new ArrayList<String>();
    command.add(DIST.resolve("runtime/bin/java").toString());
    try (Stream<String> lines = Files.lines(DIST.resolve("etc").resolve(name + ".jvmopts"))) {
      lines.filter(line -> !line.isBlank() && !line.startsWith("#")).forEach(command::add);
    }
    command.add("-XX:AOTMode=on");
    command.add("-XX:AOTCache=" + cache);
    command.add("-cp");
    try (Stream<Path> jars = Files.list(DIST.resolve("lib"))) {
      command.add(jars.sorted().map(Path::toString).collect(Collectors.joining(":")));
    }
    command.add("-version");
    var process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertEquals(0, process.waitFor(), output);
  }
}
