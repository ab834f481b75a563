package io.redoubt.benchmarks;

import io.redoubt.gofer.InProcessGofer;
import io.redoubt.gofer.NodeAttr;
import io.redoubt.gofer.Root;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Round trips between a client and a server of the file protocol that are both awake. They are two
 * threads of one process here; the memory, the words and the messages are those of two. Needs two
 * CPUs that are free: with one, each side sleeps every time.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class RingBenchmark {
  private static final int NO_SUCH_FID = 1;

  private final NodeAttr attr = new NodeAttr();
  private Path directory;
  private InProcessGofer gofer;
  private int root;

  @Setup
  public void setUp() throws IOException {
    directory = Files.createTempDirectory("redoubt-ring");
    Files.createFile(directory.resolve("file"));
    gofer = new InProcessGofer(Root.readOnly(directory.toString()));
    root = gofer.client.nodes.attach(0, attr);
  }

  @TearDown
  public void tearDown() throws Exception {
    gofer.close();
    Files.delete(directory.resolve("file"));
    Files.delete(directory);
  }

  /** A request that the server answers without a system call. */
  @Benchmark
  public int bare() {
    return gofer.client.attributes.getattr(NO_SUCH_FID, attr);
  }

  /** With one fstatat(2) in it. */
  @Benchmark
  public int getattr() {
    return gofer.client.attributes.getattr(root, attr);
  }

  /** With a name, an openat2(2) and what belongs to it. */
  @Benchmark
  public int lstat() {
    return gofer.client.nodes.lstat(root, "file", attr);
  }
}
