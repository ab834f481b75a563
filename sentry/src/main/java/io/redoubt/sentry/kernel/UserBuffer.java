package io.redoubt.sentry.kernel;

import java.lang.foreign.MemorySegment;

/**
 * The caller's side of a transfer: a cursor over one or more ranges of guest memory.
 *
 * <p>Ranges were read from the guest once and checked (count, lengths, their sum at most {@link
 * #MAX_TRANSFER}). Copies move the cursor by what was copied; a fault in the middle ends the
 * transfer short, as on Linux, and is -EFAULT only when nothing was copied.
 */
public final class UserBuffer {
  /** MAX_RW_COUNT of the kernel: INT_MAX rounded down to a page. */
  public static final long MAX_TRANSFER = 0x7ffff000L;

  private static final long USER_TOP = 0x7ffffffff000L; // TASK_SIZE_MAX

  private final GuestMemory memory;
  private final long[] ranges; // address, length pairs
  private int index; // of the current pair
  private long offset; // within it
  private long remaining;

  private UserBuffer(GuestMemory memory, long[] ranges, long total) {
    this.memory = memory;
    this.ranges = ranges;
    this.remaining = total;
  }

  /**
   * One range; {@code length} is clamped to {@link #MAX_TRANSFER}. The length must not be negative.
   */
  public static UserBuffer of(GuestMemory memory, long address, long length) {
    long n = Math.min(length, MAX_TRANSFER);
    return new UserBuffer(memory, new long[] {address, n}, n);
  }

  /**
   * Makes this one, which has one range and was made by {@link #of(GuestMemory, long, long)}, the
   * buffer of another transfer.
   */
  void reset(long address, long length) {
    long n = Math.min(length, MAX_TRANSFER);
    ranges[0] = address;
    ranges[1] = n;
    index = 0;
    offset = 0;
    remaining = n;
  }

  /** Several ranges: address, length pairs already checked by the caller. */
  public static UserBuffer of(GuestMemory memory, long[] pairs) {
    long total = 0;
    for (int i = 1; i < pairs.length; i += 2) {
      pairs[i] = Math.min(pairs[i], MAX_TRANSFER - total);
      total += pairs[i];
    }
    return new UserBuffer(memory, pairs, total);
  }

  /**
   * Whether a range can be the guest's at all: below the top of user space, no overflow
   * (access_ok() of the kernel).
   */
  public static boolean accessOk(long address, long length) {
    return address >= 0 && length >= 0 && address <= USER_TOP - length;
  }

  /**
   * As {@link #accessOk(long, long)} of the transfer that {@code length} becomes: what is longer
   * than {@link #MAX_TRANSFER}, or negative, is that long.
   */
  public static boolean transferOk(long address, long length) {
    return accessOk(address, clamped(length));
  }

  /** A length as an unsigned number, at most {@link #MAX_TRANSFER}. */
  public static long clamped(long length) {
    return length < 0 ? MAX_TRANSFER : Math.min(length, MAX_TRANSFER);
  }

  /** Whether every range of address, length pairs can be the guest's. */
  public static boolean accessOk(long[] pairs) {
    for (int i = 0; i < pairs.length; i += 2) {
      if (!accessOk(pairs[i], pairs[i + 1])) {
        return false;
      }
    }
    return true;
  }

  /** Makes the transfer at most {@code length} bytes long from here. */
  public void limit(long length) {
    remaining = Math.min(remaining, length);
  }

  /** Bytes still to transfer. */
  public long remaining() {
    return remaining;
  }

  /** Copies to the guest. @return bytes copied, or -EFAULT when none could be */
  public long copyOut(MemorySegment src, long from, long length) {
    return transfer(src, from, length, true);
  }

  /**
   * The same by the process itself, from its own mapping of a file: all of the transfer.
   *
   * @return whether it will
   */
  public boolean copyFromWindow(WindowedFile file, long from, long length) {
    if (ranges.length != 2
        || offset != 0
        || !memory.copyFromWindow(file, from, ranges[0], length)) {
      return false;
    }
    skip(length);
    return true;
  }

  /**
   * Copies by the process itself, to its own mapping of a file: {@code length} bytes.
   *
   * @return whether it will
   */
  public boolean copyToWindow(WindowedFile file, long to, long length) {
    if (ranges.length != 2 || offset != 0 || !memory.copyToWindow(file, to, ranges[0], length)) {
      return false;
    }
    skip(length);
    return true;
  }

  /** Copies from the guest. @return bytes copied, or -EFAULT when none could be */
  public long copyIn(MemorySegment dst, long to, long length) {
    return transfer(dst, to, length, false);
  }

  /**
   * Takes the cursor back by {@code length} bytes that were copied but not used, no further than to
   * the start.
   */
  public void rewind(long length) {
    long left = length;
    while (left > 0 && (index > 0 || offset > 0)) {
      if (offset == 0) {
        index--;
        offset = ranges[2 * index + 1];
      }
      long n = Math.min(left, offset);
      offset -= n;
      remaining += n;
      left -= n;
    }
  }

  /** Moves the cursor without copying. */
  public void skip(long length) {
    long left = Math.min(length, remaining);
    while (left > 0) {
      long n = Math.min(left, ranges[2 * index + 1] - offset);
      advance(n);
      left -= n;
      settle();
    }
  }

  private long transfer(MemorySegment local, long at, long length, boolean out) {
    long want = Math.min(length, remaining);
    long done = 0;
    while (done < want) {
      settle();
      long n = Math.min(want - done, ranges[2 * index + 1] - offset);
      long address = ranges[2 * index] + offset;
      long r =
          out
              ? memory.copyOut(address, local, at + done, n)
              : memory.copyIn(address, local, at + done, n);
      if (r <= 0) {
        return done > 0 ? done : -14;
      }
      advance(r);
      done += r;
      if (r < n) {
        return done;
      }
    }
    return done;
  }

  private void settle() {
    while (2 * index < ranges.length && offset == ranges[2 * index + 1]) {
      index++;
      offset = 0;
    }
  }

  private void advance(long n) {
    offset += n;
    remaining -= n;
  }
}
