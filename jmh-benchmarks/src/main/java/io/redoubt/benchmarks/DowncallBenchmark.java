package io.redoubt.benchmarks;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.TimeUnit;
import jnr.ffi.LibraryLoader;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/**
 * getppid(2), the cheapest call that enters the kernel, by every way there is to make it from Java.
 * What differs between the rows is the way; the call itself is in all of them.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class DowncallBenchmark {
  /** The C library as jnr-ffi binds it. */
  public interface Libc {
    int getppid();
  }

  private static final MethodHandle FFM = link();
  private static final MethodHandle FFM_CRITICAL = link(Linker.Option.critical(false));
  private static final Libc JNR = LibraryLoader.create(Libc.class).load("c");

  private static MethodHandle link(Linker.Option... options) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(
        linker.defaultLookup().findOrThrow("getppid"),
        FunctionDescriptor.of(ValueLayout.JAVA_INT),
        options);
  }

  @Benchmark
  public int ffm() throws Throwable {
    return (int) FFM.invokeExact();
  }

  /** Without the change of thread state: only for calls that can never block. */
  @Benchmark
  public int ffmCritical() throws Throwable {
    return (int) FFM_CRITICAL.invokeExact();
  }

  /** The binding that Redoubt uses: syscall(2) with six arguments and errno. */
  @Benchmark
  public int redoubtSyscall() {
    return io.redoubt.host.Process.getppid();
  }

  @Benchmark
  public int jnrFfi() {
    return JNR.getppid();
  }
}
