package io.redoubt.host;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** What a thread needs to make system calls: a place for errno and room for two C strings. */
final class CallState {
  /** PATH_MAX with the final NUL, limits.h. */
  private static final int PATH_MAX = 4096;

  /** Bytes of {@link #scratch}; big enough for every struct in this package. */
  static final int SCRATCH_SIZE = 512;

  private static final ThreadLocal<CallState> CURRENT =
      new ThreadLocal<>() {
        @Override
        protected CallState initialValue() {
          return new CallState();
        }
      };

  /** Where the linker leaves errno after a call. Lives as long as the thread. */
  final MemorySegment errno;

  /** Room for a struct of a call that is being made. Clobbered by the next call that uses it. */
  final MemorySegment scratch;

  private final MemorySegment first;
  private final MemorySegment second;

  private CallState() {
    // Automatic: freed after the thread. The thread itself keeps it reachable during calls.
    MemorySegment block = Arena.ofAuto().allocate(16 + SCRATCH_SIZE + 2 * PATH_MAX, 16);
    errno = block.asSlice(0, 4);
    scratch = block.asSlice(16, SCRATCH_SIZE);
    first = block.asSlice(16 + SCRATCH_SIZE, PATH_MAX);
    second = block.asSlice(16 + SCRATCH_SIZE + PATH_MAX, PATH_MAX);
  }

  static CallState get() {
    return CURRENT.get();
  }

  /**
   * Copies {@code s} to this thread's first string buffer; returns its address, -ENAMETOOLONG, or
   * -EINVAL for a NUL or a char over 255. No user address is negative.
   */
  static long cString(String s) {
    return copy(s, get().first);
  }

  /** As {@link #cString}, into the second buffer, for calls that take two names. */
  static long secondCString(String s) {
    return copy(s, get().second);
  }

  private static long copy(String s, MemorySegment to) {
    int n = s.length();
    if (n >= PATH_MAX) {
      return -Errno.ENAMETOOLONG;
    }
    for (int i = 0; i < n; i++) {
      char c = s.charAt(i);
      if (c == 0 || c > 255) {
        return -Errno.EINVAL;
      }
      Memory.setByte(to, i, (byte) c);
    }
    Memory.setByte(to, n, (byte) 0);
    return to.address();
  }
}
