package io.redoubt.host;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The system call: what everything else in this package is made of.
 *
 * <p>Returns the value, or the negative errno. Blocking is fine: the thread is in native state and
 * does not hold up a safepoint.
 *
 * <p>There are two ways to it. A JVM that runs a sandbox is given {@code -Dredoubt.trap=LIBRARY}, a
 * JNI library of one function, because linking a downcall costs 40 ms of every start (type switches
 * and lambda forms that no archive of JDK 25 holds), and loading the library 0.5 ms. Warm it is no
 * slower: 10.6 ns where the downcall takes 12.0 with errno and the look-up of its place, of a call
 * that does nothing. Everyone else (tests, benchmarks) gets libc's {@code syscall(2)} through
 * java.lang.foreign.
 */
public final class Syscall {
  private static final boolean HAS_TRAP = loadTrap();

  private Syscall() {}

  private static boolean loadTrap() {
    String library = System.getProperty("redoubt.trap");
    if (library == null) {
      return false;
    }
    System.load(library);
    return true;
  }

  /** Makes the call {@code nr} with six arguments; returns its value or -errno. */
  public static long call(long nr, long a, long b, long c, long d, long e, long f) {
    return HAS_TRAP ? trap(nr, a, b, c, d, e, f) : Downcall.call(nr, a, b, c, d, e, f);
  }

  private static native long trap(long nr, long a, long b, long c, long d, long e, long f);

  /**
   * Has every thread of this process make the call {@code nr}, by a signal: for what the kernel
   * keeps for each thread. Only with the library.
   *
   * @return 0, or -errno of the first thread in which it failed; -ETIMEDOUT if one does not answer
   */
  static int inEveryThread(long nr, long a, long b) {
    return HAS_TRAP ? (int) everyThread(nr, a, b) : -Errno.ENOSYS;
  }

  private static native long everyThread(long nr, long a, long b);

  /** Linked when it is first used. */
  private static final class Downcall {
    private static final MethodHandle SYSCALL = link();

    private static MethodHandle link() {
      Linker linker = Linker.nativeLinker();
      return linker.downcallHandle(
          linker.defaultLookup().findOrThrow("syscall"),
          FunctionDescriptor.of(
              JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG,
              JAVA_LONG),
          Linker.Option.firstVariadicArg(1),
          Linker.Option.captureCallState("errno"));
    }

    static long call(long nr, long a, long b, long c, long d, long e, long f) {
      MemorySegment errno = CallState.get().errno;
      long result;
      try {
        result = (long) SYSCALL.invokeExact(errno, nr, a, b, c, d, e, f);
      } catch (Throwable t) {
        throw new AssertionError(t);
      }
      return result == -1 ? -Memory.getInt(errno, 0) : result;
    }
  }

  /** Makes the call {@code nr} without arguments; returns its value or -errno. */
  public static long call(long nr) {
    return call(nr, 0, 0, 0, 0, 0, 0);
  }

  /** Makes the call {@code nr} with one argument; returns its value or -errno. */
  public static long call(long nr, long a) {
    return call(nr, a, 0, 0, 0, 0, 0);
  }

  /** Makes the call {@code nr} with two arguments; returns its value or -errno. */
  public static long call(long nr, long a, long b) {
    return call(nr, a, b, 0, 0, 0, 0);
  }

  /** Makes the call {@code nr} with three arguments; returns its value or -errno. */
  public static long call(long nr, long a, long b, long c) {
    return call(nr, a, b, c, 0, 0, 0);
  }

  /** Makes the call {@code nr} with four arguments; returns its value or -errno. */
  public static long call(long nr, long a, long b, long c, long d) {
    return call(nr, a, b, c, d, 0, 0);
  }

  /** Makes the call {@code nr} with five arguments; returns its value or -errno. */
  public static long call(long nr, long a, long b, long c, long d, long e) {
    return call(nr, a, b, c, d, e, 0);
  }

  /**
   * The address of a native segment that holds at least {@code length} bytes.
   *
   * @throws IllegalArgumentException if it does not, or lies on the Java heap
   */
  static long address(MemorySegment segment, long length) {
    if (length < 0 || length > segment.byteSize() || !segment.isNative()) {
      throw new IllegalArgumentException(
          "buffer too small or not native: size="
              + segment.byteSize()
              + ", wanted="
              + length
              + ", native="
              + segment.isNative());
    }
    return segment.address();
  }

  /**
   * The address of a native segment of at least {@code length} bytes, or 0 for {@code null}, which
   * C takes as absent.
   */
  static long addressOrNull(MemorySegment segment, long length) {
    return segment == null ? 0 : address(segment, length);
  }
}
