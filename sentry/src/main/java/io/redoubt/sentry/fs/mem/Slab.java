package io.redoubt.sentry.fs.mem;

import io.redoubt.host.Mman;
import java.lang.foreign.MemorySegment;

/**
 * Memory for the content of small files: blocks of 64 bytes to 16 KiB, a power of two each, cut
 * from one reserved range that the host fills with pages as they are touched. Out of the Java heap,
 * so that many small files do not make its collector work.
 *
 * <p>Blocks are not zeroed. Lock: its own monitor, innermost.
 */
final class Slab {
  static final Slab SHARED = new Slab(4L << 30);

  /** Content up to this size may live here. */
  static final int MAX_BLOCK = 16 * 1024;

  private static final int MIN_SHIFT = 6;
  private static final int MAX_SHIFT = 14;

  private final long reserve;
  private MemorySegment memory; // null until the first use
  private long top;
  private final long[][] free = new long[MAX_SHIFT + 1][];
  private final int[] freeCount = new int[MAX_SHIFT + 1];

  Slab(long reserve) {
    this.reserve = reserve;
  }

  /** The size of block that {@code bytes} need. */
  static int blockSize(int bytes) {
    return bytes <= 1 << MIN_SHIFT ? 1 << MIN_SHIFT : Integer.highestOneBit(bytes - 1) << 1;
  }

  /**
   * @param size as {@link #blockSize} gives it. @return offset of a block, or -1 when there is no
   *     room
   */
  synchronized long allocate(int size) {
    int shift = Integer.numberOfTrailingZeros(size);
    if (freeCount[shift] > 0) {
      return free[shift][--freeCount[shift]];
    }
    if (memory == null) {
      long at =
          Mman.mmap(
              0,
              reserve,
              Mman.PROT_READ | Mman.PROT_WRITE,
              Mman.MAP_PRIVATE | Mman.MAP_ANONYMOUS | Mman.MAP_NORESERVE,
              -1,
              0);
      if (at < 0) {
        return -1;
      }
      memory = Mman.segment(at, reserve);
    }
    long at = (top + size - 1) & -size; // what alignment skips is less than one block
    if (at + size > reserve) {
      return -1;
    }
    top = at + size;
    return at;
  }

  /** Gives a block back. */
  synchronized void free(long at, int size) {
    int shift = Integer.numberOfTrailingZeros(size);
    long[] list = free[shift];
    if (list == null) {
      list = free[shift] = new long[16];
    } else if (freeCount[shift] == list.length) {
      list = free[shift] = java.util.Arrays.copyOf(list, 2 * list.length);
    }
    list[freeCount[shift]++] = at;
    if (size >= Mman.PAGE_SIZE) {
      Mman.madvise(memory.address() + at, size, Mman.MADV_DONTNEED);
    }
  }

  /** All blocks; offsets are those of {@link #allocate}. */
  MemorySegment memory() {
    return memory;
  }
}
