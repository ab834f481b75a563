package io.redoubt.benchmarks;

import io.redoubt.sentry.kernel.BenchGuest;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * What the sentry itself adds to a trapped call: arguments, begin, table, handler, end. No host
 * call is in it: receiving and answering are the mechanism's, and guest memory is an array here
 * (see {@link GuestCopyBenchmark}).
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class DispatchBenchmark {
  private static final int LSEEK = 8;
  private static final int GETCWD = 79;
  private static final int GETUID = 102;
  private static final int OPENAT = 257;
  private static final int AT_FDCWD = -100;
  private static final int O_CREAT = 0100;
  private static final int O_RDWR = 2;

  private static final int BUFFER = 8192; // offset in guest memory

  private BenchGuest guest;
  private long fd;

  @Setup
  public void setUp() {
    guest = new BenchGuest();
    fd = guest.must(OPENAT, AT_FDCWD, guest.string(0, "/file"), O_CREAT | O_RDWR, 0600);
  }

  /** A handler that only reads a field. */
  @Benchmark
  public long getuid() {
    return guest.call(GETUID, 0, 0, 0, 0);
  }

  /** A handler that looks an fd up and changes the file's position. */
  @Benchmark
  public long lseek() {
    return guest.call(LSEEK, fd, 0, 0, 0);
  }

  /** A handler that builds a string and copies it out. */
  @Benchmark
  public long getcwd() {
    return guest.call(GETCWD, BenchGuest.BASE + BUFFER, 4096, 0, 0);
  }
}
