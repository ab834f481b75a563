package io.redoubt.conformance;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * A daemon in pid, mount, network and cgroup namespaces of its own, as {@code
 * src/test/oci/enclosure.sh} makes them: nothing of it or of its containers outlives this object,
 * or this JVM.
 */
final class Enclosure implements AutoCloseable {
  private final Path directory;
  private final Process process;
  private final String init;

  private Enclosure(Path directory, Process process, String init) {
    this.directory = directory;
    this.process = process;
    this.init = init;
  }

  /** Runs a shell script in an enclosure; what it prints goes to {@code DIRECTORY/log}. */
  static Enclosure start(Path directory, String script) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                "setsid",
                "sh",
                Guests.MODULE.resolve("src/test/oci/enclosure.sh").toString(),
                directory.toString(),
                script)
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("log").toFile())
            .start();
    Path init = directory.resolve("init");
    if (!await(() -> Files.exists(init) || !process.isAlive())) {
      process.destroy();
      throw new IOException("no enclosure: " + Files.readString(directory.resolve("log")));
    }
    return new Enclosure(directory, process, Files.readString(init).strip());
  }

  /** Whether something becomes true within ten seconds. */
  static boolean await(BooleanSupplier condition) throws InterruptedException {
    return await(Duration.ofSeconds(10), condition);
  }

  static boolean await(Duration timeout, BooleanSupplier condition) throws InterruptedException {
    long deadline = System.nanoTime() + timeout.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        return false;
      }
      Thread.sleep(20);
    }
    return true;
  }

  /** A command in there. */
  Command command(String... words) {
    List<String> all =
        new ArrayList<>(List.of("nsenter", "-t", init, "-m", "-p", "-n", "-C", "--"));
    all.addAll(List.of(words));
    return Command.of(all);
  }

  /** All that its processes have printed. */
  String log() {
    try {
      return Files.readString(directory.resolve("log"));
    } catch (IOException e) {
      return e.toString();
    }
  }

  @Override
  public void close() throws IOException, InterruptedException {
    process.getOutputStream().close();
    if (!process.waitFor(20, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new IOException("the enclosure does not end");
    }
  }
}
