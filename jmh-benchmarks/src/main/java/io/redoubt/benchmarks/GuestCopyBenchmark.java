package io.redoubt.benchmarks;

import io.redoubt.sentry.kernel.BenchGuest;
import io.redoubt.sentry.kernel.GuestMemory;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Copies from and to another process: a child that sleeps, and the lower end of its stack, which it
 * does not use.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class GuestCopyBenchmark {
  @Param({"8", "4096", "65536"})
  public int bytes;

  private final MemorySegment local = Arena.global().allocate(65536, 4096);
  private Process child;
  private GuestMemory memory;
  private long address;

  @Setup
  public void setUp() throws IOException, InterruptedException {
    child = new ProcessBuilder("sleep", "1000").start();
    for (int i = 0; address == 0 && i < 100; i++) {
      Thread.sleep(20); // until it has executed
      if (Files.readString(Path.of("/proc/" + child.pid() + "/comm")).startsWith("sleep")) {
        address = stackOf(child.pid());
      }
    }
    memory = BenchGuest.memoryOf((int) child.pid());
    if (out() != bytes || in() != bytes) {
      throw new IllegalStateException(
          "cannot copy from and to a child: run as root, or with kernel.yama.ptrace_scope at most 1");
    }
  }

  private static long stackOf(long pid) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/maps"))) {
      if (line.endsWith("[stack]")) {
        return Long.parseUnsignedLong(line.substring(0, line.indexOf('-')), 16);
      }
    }
    return 0;
  }

  @TearDown
  public void tearDown() {
    child.destroyForcibly();
  }

  /** process_vm_readv(2). */
  @Benchmark
  public long in() {
    return memory.copyIn(address, local, 0, bytes);
  }

  /** process_vm_writev(2). */
  @Benchmark
  public long out() {
    return memory.copyOut(address, local, 0, bytes);
  }
}
