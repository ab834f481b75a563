package io.redoubt.benchmarks;

import io.redoubt.sentry.fs.Walk;
import io.redoubt.sentry.kernel.BenchGuest;
import io.redoubt.sentry.kernel.Syscall;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * A path walk over dentries that are all in the cache, and stat(2) of the same path through its
 * handler.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class PathWalkBenchmark {
  private static final int STAT = 4;
  private static final int MKDIR = 83;
  private static final int AT_FDCWD = -100;
  private static final long BUFFER = BenchGuest.BASE + 8192;

  @Param({"1", "4", "8"})
  public int components;

  private BenchGuest guest;
  private Walk walk;
  private Syscall call;
  private String path;
  private long pathAddress;

  @Setup
  public void setUp() {
    guest = new BenchGuest();
    path = "";
    for (int i = 0; i < components; i++) {
      path += "/component" + i;
      pathAddress = guest.string(0, path);
      guest.must(MKDIR, pathAddress, 0755, 0, 0);
    }
    walk = new Walk();
    call = guest.syscall();
  }

  @Benchmark
  public long walk() {
    int r = walk.from(call, AT_FDCWD, path, Walk.FOLLOW);
    if (r != 0) {
      throw new IllegalStateException("walk failed: result=" + r);
    }
    walk.end();
    return r;
  }

  @Benchmark
  public long stat() {
    return guest.must(STAT, pathAddress, BUFFER, 0, 0);
  }
}
