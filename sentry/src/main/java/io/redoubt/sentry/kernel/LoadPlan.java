package io.redoubt.sentry.kernel;

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
 *    68 u32 strings offset  72 u32 strings length  76 u32 0
 *    80 object[2] of 360 bytes
 *   800 strings: execfn, prefix strings, comm, each with a NUL
 *
 *   object: 0 i32 fd  4 u32 segments  8 u64 min address  16 u64 span  24 u32 fixed  28 u32 log2 of alignment  32 u64 entry
 *          40 segment[8]: u64 vaddr, u64 memory size, u64 file size, u64 offset, u32 protection, u32 0
 * </pre>
 */
final class LoadPlan {
  static final int MAGIC = 0x54425452; // "RTBT"
  static final int OBJECTS = 80;
  static final int OBJECT_BYTES = 360;
  static final int SEGMENTS = 40;
  static final int SEGMENT_BYTES = 40;
  static final int STRINGS = 800;

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
      String comm) {
    to.asSlice(0, STRINGS).fill((byte) 0);
    to.set(INT, 0, MAGIC);
    to.set(INT, 4, interpreter == null ? 1 : 2);
    to.set(LONG, 8, program.entry);
    to.set(LONG, 16, program.phdrAddress);
    to.set(LONG, 24, 56);
    to.set(LONG, 32, program.phdrCount);
    to.set(INT, 40, who.uid());
    to.set(INT, 44, who.euid());
    to.set(INT, 48, who.gid());
    to.set(INT, 52, who.egid());
    to.set(INT, 56, secure);
    to.set(INT, 60, prefix.length);
    to.set(INT, 64, drop);
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
    to.set(INT, 68, STRINGS);
    to.set(INT, 72, at - STRINGS);
    return at;
  }

  private static void object(MemorySegment to, int at, Elf elf, int fd) {
    to.set(INT, at, fd);
    to.set(INT, at + 4, elf.segmentCount);
    to.set(LONG, at + 8, elf.minAddress);
    to.set(LONG, at + 16, elf.span);
    to.set(INT, at + 24, elf.isFixed ? 1 : 0);
    to.set(INT, at + 28, elf.alignmentLog2);
    to.set(LONG, at + 32, elf.entry);
    for (int i = 0; i < elf.segmentCount; i++) {
      Elf.Segment s = elf.segments[i];
      int p = at + SEGMENTS + i * SEGMENT_BYTES;
      to.set(LONG, p, s.vaddr());
      to.set(LONG, p + 8, s.memorySize());
      to.set(LONG, p + 16, s.fileSize());
      to.set(LONG, p + 24, s.offset());
      to.set(INT, p + 32, s.protection());
    }
  }

  private static int string(MemorySegment to, int at, int limit, String s) {
    if (at + s.length() + 1 > limit) {
      return -1;
    }
    for (int i = 0; i < s.length(); i++) {
      to.set(ValueLayout.JAVA_BYTE, at + i, (byte) s.charAt(i));
    }
    to.set(ValueLayout.JAVA_BYTE, at + s.length(), (byte) 0);
    return at + s.length() + 1;
  }
}
