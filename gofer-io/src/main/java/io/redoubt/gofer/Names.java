package io.redoubt.gofer;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Names on their way from the shared payload to the kernel: copied to private memory, checked
 * there, ended with a NUL. They never become Java strings.
 */
final class Names {
  private static final int NAME_MAX = 255;
  private static final int PATH_MAX = 4096;

  private final MemorySegment first;
  private final MemorySegment second;
  private final MemorySegment number;

  Names(Arena arena) {
    first = arena.allocate(NAME_MAX + 1);
    second = arena.allocate(PATH_MAX);
    number = arena.allocate(16);
  }

  /**
   * Takes one component: not empty, not "." or "..", without '/' or NUL, at most 255 bytes.
   *
   * @return address of the C string, or -ENOENT, -EINVAL, -ENAMETOOLONG
   */
  long component(MemorySegment from, long at, int length) {
    return component(from, at, length, first);
  }

  /** As {@link #component(MemorySegment, long, int)}, to a second place. */
  long secondComponent(MemorySegment from, long at, int length) {
    return component(from, at, length, second);
  }

  private static long component(MemorySegment from, long at, int length, MemorySegment to) {
    if (length > NAME_MAX) {
      return -Errno.ENAMETOOLONG;
    }
    if (length == 0) {
      return -Errno.ENOENT;
    }
    Memory.copy(from, at, to, 0, length);
    for (int i = 0; i < length; i++) {
      byte b = Memory.getByte(to, i);
      if (b == '/' || b == 0) {
        return -Errno.EINVAL;
      }
    }
    if (Memory.getByte(to, 0) == '.'
        && (length == 1 || (length == 2 && Memory.getByte(to, 1) == '.'))) {
      return -Errno.EINVAL;
    }
    Memory.setByte(to, length, (byte) 0);
    return to.address();
  }

  /**
   * Takes the target of a symlink: anything that is not empty and has no NUL.
   *
   * @return address of the C string, or -ENOENT, -EINVAL, -ENAMETOOLONG
   */
  long target(MemorySegment from, long at, int length) {
    if (length >= PATH_MAX) {
      return -Errno.ENAMETOOLONG;
    }
    if (length == 0) {
      return -Errno.ENOENT;
    }
    Memory.copy(from, at, second, 0, length);
    for (int i = 0; i < length; i++) {
      if (Memory.getByte(second, i) == 0) {
        return -Errno.EINVAL;
      }
    }
    Memory.setByte(second, length, (byte) 0);
    return second.address();
  }

  /** The decimal name of a descriptor, as /proc/self/fd has it. */
  long number(int fd) {
    int at = 15;
    Memory.setByte(number, at, (byte) 0);
    int n = fd;
    do {
      Memory.setByte(number, --at, (byte) ('0' + n % 10));
      n /= 10;
    } while (n > 0);
    return number.address() + at;
  }
}
