package io.redoubt.sentry.kernel;

import io.redoubt.host.Memory;
import io.redoubt.sentry.mm.Elf;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What the sentry tells the stub to load, as the stub reads it ({@code
 * launcher/src/main/native/stub.c} has the same offsets).
 *
 * <pre>
 *     0 u32 magic            4 u32 objects (1: program, 2: and interpreter)
 *     8 u64 entry           16 u64 phdr address   24 u64 phdr size   32 u64 phdr count      (of the program, unbiased)
 *    40 u32 uid, euid, gid, egid    56 u32 secure
 *    60 u32 argv prefix count       64 u32 argv drop count
 *    68 u32 strings offset  72 u32 strings length  76 u32 flags
 *    80 object[2] of 360 bytes
 *   800 strings: execfn, prefix strings, comm, each with a NUL
 *
 *   object: 0 i32 fd  4 u32 segments  8 u64 min address  16 u64 span  24 u32 fixed  28 u32 log2 of alignment  32 u64 entry
 *          40 segment[8]: u64 vaddr, u64 memory size, u64 file size, u64 offset, u32 protection, u32 0
 * </pre>
 *
 * Of more than eight segments the stub asks for the next eight when it has mapped these.
 */
final class LoadPlan {
  static final int MAGIC = 0x54425452; // "RTBT"
  static final int OBJECTS = 80;
  static final int OBJECT_BYTES = 360;
  static final int SEGMENTS = 40;
  static final int SEGMENT_BYTES = 40;
  static final int WINDOW = 8;
  static final int STRINGS = 800;

  /** Bring in the trampoline of the ring tier. */
  static final int RING = 1;

  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

  private LoadPlan() {}

  /**
   * Writes a plan.
   *
   * @return its length, or -E2BIG when the strings do not fit
   */
  static int write(
      MemorySegment to,
      int limit,
      Elf program,
      int programFd,
      Elf interpreter,
      int interpreterFd,
      Credentials who,
      int secure,
      String execfn,
      String[] prefix,
      int drop,
      String comm,
      int flags) {
    Memory.zero(to, 0, STRINGS);
    Memory.setInt(to, 0, MAGIC);
    Memory.setInt(to, 4, interpreter == null ? 1 : 2);
    Memory.setLong(to, 8, program.entry);
    Memory.setLong(to, 16, program.phdrAddress);
    Memory.setLong(to, 24, 56);
    Memory.setLong(to, 32, program.phdrCount);
    Memory.setInt(to, 40, who.uid());
    Memory.setInt(to, 44, who.euid());
    Memory.setInt(to, 48, who.gid());
    Memory.setInt(to, 52, who.egid());
    Memory.setInt(to, 56, secure);
    Memory.setInt(to, 60, prefix.length);
    Memory.setInt(to, 64, drop);
    Memory.setInt(to, 76, flags);
    object(to, OBJECTS, program, programFd);
    if (interpreter != null) {
      object(to, OBJECTS + OBJECT_BYTES, interpreter, interpreterFd);
    }
    int at = string(to, STRINGS, limit, execfn);
    for (int i = 0; i < prefix.length && at > 0; i++) {
      at = string(to, at, limit, prefix[i]);
    }
    at = at > 0 ? string(to, at, limit, comm) : at;
    if (at <= 0) {
      return -7;
    }
    Memory.setInt(to, 68, STRINGS);
    Memory.setInt(to, 72, at - STRINGS);
    return at;
  }

  private static void object(MemorySegment to, int at, Elf elf, int fd) {
    Memory.setInt(to, at, fd);
    Memory.setInt(to, at + 4, elf.segmentCount);
    Memory.setLong(to, at + 8, elf.minAddress);
    Memory.setLong(to, at + 16, elf.span);
    Memory.setInt(to, at + 24, elf.isFixed ? 1 : 0);
    Memory.setInt(to, at + 28, elf.alignmentLog2);
    Memory.setLong(to, at + 32, elf.entry);
    segments(to, at + SEGMENTS, elf, 0);
  }

  /**
   * Writes up to {@link #WINDOW} segments.
   *
   * @param from number of the first
   * @return how many bytes; 0 when there is none of that number
   */
  static int segments(MemorySegment to, int at, Elf elf, int from) {
    int n = from < 0 ? 0 : Math.clamp((long) elf.segmentCount - from, 0, WINDOW);
    for (int i = 0; i < n; i++) {
      Elf.Segment s = elf.segments[from + i];
      int p = at + i * SEGMENT_BYTES;
      Memory.setLong(to, p, s.vaddr());
      Memory.setLong(to, p + 8, s.memorySize());
      Memory.setLong(to, p + 16, s.fileSize());
      Memory.setLong(to, p + 24, s.offset());
      Memory.setInt(to, p + 32, s.protection());
    }
    return n * SEGMENT_BYTES;
  }

  private static int string(MemorySegment to, int at, int limit, String s) {
    if (at + s.length() + 1 > limit) {
      return -1;
    }
    for (int i = 0; i < s.length(); i++) {
      Memory.setByte(to, at + i, (byte) s.charAt(i));
    }
    Memory.setByte(to, at + s.length(), (byte) 0);
    return at + s.length() + 1;
  }
}
