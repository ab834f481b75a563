package io.redoubt.sentry.ring;

import io.redoubt.host.Memory;

/**
 * The loaded segment that a mapping of code is from, found in the ELF headers of the file: where
 * its bytes end, and what is left of the last page behind them.
 *
 * <p>That rest, the tail, is of no use to the program: the host maps whole pages. Thunks go there.
 * The headers come from guest memory, so they may say anything. All that follows from a lie is
 * where in its own mapping a guest has its thunks.
 */
final class TextSegment {
  private static final int PAGE = 4096;
  private static final int EHDR_BYTES = 64;
  private static final int PHDR_BYTES = 56;
  private static final int PT_LOAD = 1;
  private static final int PF_X = 1;
  private static final long MAX_OFFSET = 1L << 46; // sums of two stay far from an overflow

  /** Address of the first byte of the segment in the mapping. */
  long start;

  /** Address behind its last byte. */
  long end;

  /** Address of the first slot for a thunk. */
  long tailStart;

  /** Address behind the last page. */
  long tailEnd;

  /**
   * Finds the segment with {@code address} in it or in its tail.
   *
   * @param head the first bytes of the file, as they are in memory
   * @param text the mapping with that address
   * @return null when found, or why not
   */
  SiteResult find(byte[] head, int length, Mapping text, long address) {
    if (length < EHDR_BYTES
        || (int) Memory.getLong(head, 0) != 0x464c457f
        || head[4] != 2 // ELFCLASS64
        || head[5] != 1 // little endian
        || word(head, 18) != 62) { // EM_X86_64
      return SiteResult.NOT_ELF;
    }
    long table = Memory.getLong(head, 32);
    int count = word(head, 56);
    if (word(head, 54) != PHDR_BYTES
        || table < 0
        || table > length
        || (long) count * PHDR_BYTES > length - table) {
      return SiteResult.NOT_ELF;
    }
    if (text.offset < 0 || text.offset > MAX_OFFSET) {
      return SiteResult.NO_SEGMENT;
    }
    long place = text.offset + (address - text.start);
    int first = (int) table;
    int tailAt = -1; // of the one whose tail it is in
    for (int i = 0; i < count; i++) {
      int at = first + i * PHDR_BYTES;
      if (!isCode(head, at)) {
        continue;
      }
      long offset = Memory.getLong(head, at + 8);
      long fileSize = Memory.getLong(head, at + 32);
      if (place >= offset && place < offset + fileSize) {
        return take(head, first, count, at, text);
      }
      if (place >= offset && place < pageEnd(offset + fileSize)) {
        tailAt = at;
      }
    }
    return tailAt < 0 ? SiteResult.NO_SEGMENT : take(head, first, count, tailAt, text);
  }

  private static int word(byte[] head, int at) {
    return head[at] & 0xff | (head[at + 1] & 0xff) << 8;
  }

  private static boolean isLoaded(byte[] head, int at) {
    return (int) Memory.getLong(head, at) == PT_LOAD;
  }

  /** Whether it is a segment of code, with numbers that can be added up. */
  private static boolean isCode(byte[] head, int at) {
    return isLoaded(head, at)
        && ((int) (Memory.getLong(head, at) >>> 32) & PF_X) != 0
        && isSmall(Memory.getLong(head, at + 8))
        && isSmall(Memory.getLong(head, at + 16))
        && isSmall(Memory.getLong(head, at + 32));
  }

  private static long pageEnd(long at) {
    return at + PAGE - 1 & -PAGE;
  }

  private static boolean isSmall(long v) {
    return v >= 0 && v <= MAX_OFFSET;
  }

  private SiteResult take(byte[] head, int first, int count, int at, Mapping text) {
    long offset = Memory.getLong(head, at + 8);
    long virtual = Memory.getLong(head, at + 16);
    long fileSize = Memory.getLong(head, at + 32);
    if (Memory.getLong(head, at + 40) != fileSize) {
      return SiteResult.NO_ROOM; // the program has a use for what is behind it
    }
    start = Math.max(text.start, text.start + (offset - text.offset));
    end = text.start + (offset + fileSize - text.offset);
    tailStart = end + Thunk.SLOT_BYTES - 1 & -Thunk.SLOT_BYTES;
    tailEnd = pageEnd(end);
    if (tailEnd > text.end || tailEnd - tailStart < Thunk.SLOT_BYTES) {
      return SiteResult.NO_ROOM;
    }
    // A segment that goes on in the same page. Linkers make none, but then there would be one.
    long bias = end - (virtual + fileSize);
    for (int i = 0; i < count; i++) {
      int other = first + i * PHDR_BYTES;
      if (other != at && isLoaded(head, other)) {
        long from = Memory.getLong(head, other + 16);
        long size = Memory.getLong(head, other + 40);
        if (!isSmall(from)
            || !isSmall(size)
            || bias + from < tailEnd && bias + from + size > tailStart) {
          return SiteResult.NO_ROOM;
        }
      }
    }
    return null;
  }
}
