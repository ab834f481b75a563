package io.redoubt.sentry.kernel;

import io.redoubt.host.Memory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Guest memory as a call sees it. Addresses are hostile: any long. Every value is read once; what
 * was read is what is used.
 *
 * <p>The notify tier implements this with process_vm_readv(2), tests with an array, the ring tier
 * with the slot's own buffer.
 */
public abstract class GuestMemory {
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

  private static final int FIRST_PIECE = 128;

  /** PATH_MAX: bytes of a path with its NUL. */
  public static final int PATH_MAX = 4096;

  /**
   * Copies from the guest to {@code local} at {@code offset}.
   *
   * @return bytes copied, less than {@code length} when a page in the middle is not readable,
   *     -EFAULT when the first is not
   */
  public abstract long copyIn(long address, MemorySegment local, long offset, long length);

  /** Copies to the guest. @return bytes copied, or -EFAULT when none could be */
  public abstract long copyOut(long address, MemorySegment local, long offset, long length);

  /**
   * Has the process itself copy bytes of a file to {@code address}, from a mapping that it has of
   * it, when its call is answered: with {@code length} as its result.
   *
   * @return false when it has none that holds all of them: nothing is copied then
   */
  public boolean copyFromWindow(WindowedFile file, long offset, long address, long length) {
    return false;
  }

  /** The same from {@code address} to a mapping that it has of the file. */
  public boolean copyToWindow(WindowedFile file, long offset, long address, long length) {
    return false;
  }

  /** Reads all of a struct. @return 0 or -EFAULT */
  public final int read(long address, MemorySegment local, long length) {
    return copyIn(address, local, 0, length) == length ? 0 : -14;
  }

  /** Writes all of a struct. @return 0 or -EFAULT */
  public final int write(long address, MemorySegment local, long length) {
    return copyOut(address, local, 0, length) == length ? 0 : -14;
  }

  /** Writes one int. @return 0 or -EFAULT */
  public final int writeInt(long address, int value) {
    MemorySegment s = KernelThread.scratch().word;
    Memory.setInt(s, 0, value);
    return write(address, s, 4);
  }

  /** Writes one long. @return 0 or -EFAULT */
  public final int writeLong(long address, long value) {
    MemorySegment s = KernelThread.scratch().word;
    Memory.setLong(s, 0, value);
    return write(address, s, 8);
  }

  /** Writes bytes. @return 0 or -EFAULT */
  public final int writeBytes(long address, byte[] bytes, int from, int length) {
    MemorySegment s = KernelThread.scratch().bulk;
    int done = 0;
    while (done < length) {
      int n = (int) Math.min(length - done, s.byteSize());
      Memory.copy(bytes, from + done, s, 0, n);
      if (copyOut(address + done, s, 0, n) != n) {
        return -14;
      }
      done += n;
    }
    return 0;
  }

  /** Reads bytes. @return 0 or -EFAULT */
  public final int readBytes(long address, byte[] bytes, int to, int length) {
    MemorySegment s = KernelThread.scratch().bulk;
    int done = 0;
    while (done < length) {
      int n = (int) Math.min(length - done, s.byteSize());
      if (copyIn(address + done, s, 0, n) != n) {
        return -14;
      }
      Memory.copy(s, 0, bytes, to + done, n);
      done += n;
    }
    return 0;
  }

  /**
   * Reads a NUL-terminated string of at most {@code limit} bytes with its NUL, as Latin-1.
   *
   * @return the string; null with {@link Syscall#error()} -EFAULT, or {@code tooLong} when there is
   *     no NUL within the limit
   */
  public final String readString(Syscall c, long address, int limit, int tooLong) {
    MemorySegment s = KernelThread.scratch().bulk;
    byte[] bytes = new byte[Math.min(FIRST_PIECE, limit)];
    int have = 0;
    while (have < limit) {
      // First a piece that holds nearly every path, then the rest; a fault behind the NUL does no
      // harm.
      int want = have == 0 ? bytes.length : limit - have;
      long n = copyIn(address + have, s, 0, want);
      if (n <= 0) {
        return c.fail(-14);
      }
      if (have > 0) {
        bytes = Arrays.copyOf(bytes, have + (int) n);
      }
      // An array is searched much faster than a segment before the second compiler has seen it.
      Memory.copy(s, 0, bytes, have, (int) n);
      for (int i = have; i < have + n; i++) {
        if (bytes[i] == 0) {
          return new String(bytes, 0, i, StandardCharsets.ISO_8859_1);
        }
      }
      have += (int) n;
      if (n < want) {
        return c.fail(-14);
      }
    }
    return c.fail(tooLong);
  }

  /** Reads a path: -EFAULT, -ENAMETOOLONG; an empty path is "". */
  public final String readPath(Syscall c, long address) {
    return readString(c, address, PATH_MAX, -36);
  }

  /**
   * Reads an array of {@code count} iovecs (readv(2)). @return address, length pairs, or null with
   * -EINVAL or -EFAULT
   */
  public final long[] readIovecs(Syscall c, long address, long count) {
    if (count < 0 || count > 1024) {
      return c.fail(-22);
    }
    int n = (int) count;
    MemorySegment s = KernelThread.scratch().small;
    if (n > 0 && read(address, s, n * 16L) != 0) {
      return c.fail(-14);
    }
    long[] pairs = new long[2 * n];
    for (int i = 0; i < n; i++) {
      pairs[2 * i] = Memory.getLong(s, i * 16L);
      long length = Memory.getLong(s, i * 16L + 8);
      if (length < 0) {
        return c.fail(-22);
      }
      pairs[2 * i + 1] = length;
    }
    return pairs;
  }
}
