package io.redoubt.benchmarks;

import io.redoubt.seccomp.BpfInterpreter;
import io.redoubt.seccomp.BpfProgram;
import io.redoubt.seccomp.Filter;
import io.redoubt.seccomp.FilterCompiler;
import io.redoubt.seccomp.GuestProfile;
import io.redoubt.seccomp.SeccompData;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** The guest's filter: from rules to a program, and the interpreter on calls of each kind. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
public class BpfBenchmark {
  private final Filter filter = GuestProfile.filter();
  private final BpfProgram program = GuestProfile.program();
  private SeccompData futexWait = SeccompData.call(202, 0x1000, 128, 0);
  private SeccompData anonymousMmap = SeccompData.call(9, 0, 4096, 3, 0x22, -1, 0);
  private SeccompData read = SeccompData.call(0, 0, 0x1000, 8);
  private SeccompData ioUring = SeccompData.call(425, 8, 0x1000);

  @Benchmark
  @OutputTimeUnit(TimeUnit.MICROSECONDS)
  public BpfProgram compile() {
    return FilterCompiler.compile(filter);
  }

  @Benchmark
  @OutputTimeUnit(TimeUnit.NANOSECONDS)
  public int evaluateFutex() {
    return BpfInterpreter.run(program, futexWait);
  }

  @Benchmark
  @OutputTimeUnit(TimeUnit.NANOSECONDS)
  public int evaluateMmap() {
    return BpfInterpreter.run(program, anonymousMmap);
  }

  @Benchmark
  @OutputTimeUnit(TimeUnit.NANOSECONDS)
  public int evaluateTrapped() {
    return BpfInterpreter.run(program, read);
  }

  @Benchmark
  @OutputTimeUnit(TimeUnit.NANOSECONDS)
  public int evaluateDenied() {
    return BpfInterpreter.run(program, ioUring);
  }
}
