package io.redoubt.sentry.mm;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.host.Unistd;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * What of an ELF file the loader needs (elf(5)): checked, from a file that the guest chose.
 *
 * <p>All addresses are as in the file, without load bias.
 */
public final class Elf {
  private static final int PT_LOAD = 1;
  private static final int PT_INTERP = 3;
  private static final int EHDR_BYTES = 64;
  private static final int PHDR_BYTES = 56;
  private static final int MAX_PHDRS = 65536 / PHDR_BYTES; // as load_elf_phdrs() has it

  /** How many bytes {@link #parse} needs to be given. */
  public static final int HEAD_BYTES = 65536;

  private static final long PAGE = 4096;
  private static final long TASK_SIZE = 0x7ffffffff000L;

  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

  /** One PT_LOAD. */
  public record Segment(long vaddr, long memorySize, long fileSize, long offset, int protection) {}

  public boolean isFixed; // ET_EXEC
  public long entry;
  public long phdrAddress;
  public int phdrCount;
  public long minAddress; // page aligned
  public long span; // page aligned
  public int alignmentLog2 = 12; // of the load address, for an object that may be loaded anywhere
  public int segmentCount;
  public Segment[] segments = new Segment[8]; // segmentCount of them, at most MAX_PHDRS
  public String interpreter; // Latin-1, or null

  /**
   * Whether the segments make sense. The host kernel looks at them only when it has opened the
   * interpreter, which may be wrong in a way of its own.
   */
  public boolean isLoadable;

  /** Whether the first bytes are those of an ELF file. */
  public static boolean isElf(MemorySegment head, long length) {
    return length >= 4 && Memory.getInt(head, 0) == 0x464c457f;
  }

  /**
   * Parses the file behind {@code fd}.
   *
   * @param head its first {@code length} bytes in {@link #HEAD_BYTES}, may be overwritten
   * @return 0; -ENOEXEC for what the host kernel would not run either, -EIO or another errno where
   *     the interpreter's name cannot be read. Then look at {@link #isLoadable}
   */
  public int parse(int fd, MemorySegment head, long length) {
    if (length < EHDR_BYTES
        || !isElf(head, length)
        // not EI_CLASS nor EI_DATA: fs/binfmt_elf.c does not look at them
        || Memory.getShort(head, 18) != 62) { // EM_X86_64
      return -Errno.ENOEXEC;
    }
    int type = Memory.getShort(head, 16);
    if (type != 2 && type != 3) {
      return -Errno.ENOEXEC;
    }
    isFixed = type == 2;
    entry = Memory.getLong(head, 24);
    long phoff = Memory.getLong(head, 32);
    int phentsize = Memory.getShort(head, 54) & 0xffff;
    phdrCount = Memory.getShort(head, 56) & 0xffff;
    if (phentsize != PHDR_BYTES || phdrCount == 0 || phdrCount > MAX_PHDRS || phoff < 0) {
      return -Errno.ENOEXEC;
    }
    long bytes = (long) phdrCount * PHDR_BYTES;
    MemorySegment table;
    if (phoff <= length - bytes) {
      table = head.asSlice(phoff, bytes);
    } else {
      if (Unistd.pread(fd, head, bytes, phoff) != bytes) {
        return -Errno.ENOEXEC;
      }
      table = head.asSlice(0, bytes);
    }
    boolean hasInterpreter = false;
    long interpOffset = 0;
    long interpSize = 0;
    boolean isSane = true;
    long first = Long.MAX_VALUE;
    long end = 0;
    phdrAddress = 0;
    for (int i = 0; i < phdrCount; i++) {
      long at = (long) i * PHDR_BYTES;
      long offset = Memory.getLong(table, at + 8);
      long vaddr = Memory.getLong(table, at + 16);
      long fileSize = Memory.getLong(table, at + 32);
      long memorySize = Memory.getLong(table, at + 40);
      switch (Memory.getInt(table, at)) {
        case PT_LOAD -> {
          if (vaddr < 0
              || memorySize < fileSize
              || fileSize < 0
              || vaddr > TASK_SIZE
              || memorySize > TASK_SIZE
              || offset < 0
              || (offset - vaddr) % PAGE != 0) {
            isSane = false;
            break;
          }
          if (memorySize == 0) {
            break;
          }
          long align = Memory.getLong(table, at + 48);
          if (align > PAGE && Long.bitCount(align) == 1 && align <= 1L << 30) {
            alignmentLog2 = Math.max(alignmentLog2, Long.numberOfTrailingZeros(align));
          }
          int flags = Memory.getInt(table, at + 4);
          int protection =
              ((flags & 4) != 0 ? 1 : 0) | ((flags & 2) != 0 ? 2 : 0) | ((flags & 1) != 0 ? 4 : 0);
          if (segmentCount == segments.length) {
            segments = Arrays.copyOf(segments, 2 * segmentCount);
          }
          segments[segmentCount++] = new Segment(vaddr, memorySize, fileSize, offset, protection);
          first = Math.min(first, vaddr);
          end = Math.max(end, vaddr + memorySize);
          // The last that holds the table; a PT_PHDR has no say in it, load_elf_binary().
          if (phoff >= offset && phoff - offset < fileSize) {
            phdrAddress = phoff - offset + vaddr;
          }
        }
        case PT_INTERP -> {
          if (!hasInterpreter) { // of several the first
            hasInterpreter = true;
            interpOffset = offset;
            interpSize = fileSize;
          }
        }
        default -> {}
      }
    }
    minAddress = first & -PAGE;
    span = ((end + PAGE - 1) & -PAGE) - minAddress;
    isLoadable = isSane && segmentCount > 0 && span > 0 && span <= TASK_SIZE;
    if (hasInterpreter) {
      // With its NUL it is at least two bytes and at most a path, fs/binfmt_elf.c.
      if (interpSize < 2 || interpSize > 4096) {
        return -Errno.ENOEXEC;
      }
      long n = Unistd.pread(fd, head, interpSize, interpOffset);
      if (n != interpSize) {
        return n < 0 ? (int) n : -Errno.EIO;
      }
      if (Memory.getByte(head, interpSize - 1) != 0) {
        return -Errno.ENOEXEC;
      }
      int nameLength = 0;
      while (Memory.getByte(head, nameLength) != 0) {
        nameLength++;
      }
      byte[] b = new byte[nameLength];
      Memory.copy(head, 0, b, 0, b.length);
      interpreter = new String(b, StandardCharsets.ISO_8859_1);
    }
    return 0;
  }
}
