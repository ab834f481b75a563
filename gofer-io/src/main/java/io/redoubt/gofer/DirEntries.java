package io.redoubt.gofer;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.redoubt.host.Dir.LinuxDirent64;
import io.redoubt.host.Memory;
import java.lang.foreign.MemorySegment;

/** Takes struct linux_dirent64 apart, as it came from a gofer that may lie about every length. */
final class DirEntries {
  static final int MALFORMED = -1;
  static final int ONLY_DOTS = -2;

  /** Least bytes of an entry, with a name of one byte. */
  static final int SMALLEST = LinuxDirent64.D_NAME + 2;

  private static final int NAME_MAX = 255;

  private DirEntries() {}

  /**
   * Gives each entry but "." and ".." to the sink, until it has enough.
   *
   * @return entries taken, {@link #ONLY_DOTS} or {@link #MALFORMED}
   */
  static int parse(byte[] entries, DirSink sink) {
    int taken = 0;
    boolean isRefused = false;
    for (int at = 0; at < entries.length && !isRefused; ) {
      int size = size(entries, at);
      if (size < 0) {
        return MALFORMED;
      }
      int start = at + LinuxDirent64.D_NAME;
      int end = start;
      while (end < at + size && entries[end] != 0) {
        if (entries[end++] == '/') {
          return MALFORMED;
        }
      }
      int length = end - start;
      if (length == 0 || length > NAME_MAX || end == at + size) {
        return MALFORMED;
      }
      if (!isDots(entries, start, length)) {
        isRefused =
            !sink.entry(
                Memory.getLong(entries, at + LinuxDirent64.D_INO),
                entries[at + LinuxDirent64.D_TYPE] & 0xff,
                new String(entries, start, length, ISO_8859_1),
                Memory.getLong(entries, at + LinuxDirent64.D_OFF));
        taken += isRefused ? 0 : 1;
      }
      at += size;
    }
    return taken == 0 && !isRefused ? ONLY_DOTS : taken;
  }

  /** d_reclen if the entry lies within the bytes, else -1. */
  private static int size(byte[] entries, int at) {
    if (entries.length - at <= LinuxDirent64.D_NAME) {
      return -1;
    }
    int low = entries[at + LinuxDirent64.D_RECLEN] & 0xff;
    int size = low | (entries[at + LinuxDirent64.D_RECLEN + 1] & 0xff) << 8;
    return size > LinuxDirent64.D_NAME && size <= entries.length - at ? size : -1;
  }

  /** Whether an entry that the kernel has written is "." or "..". */
  static boolean isDots(MemorySegment entries, long at) {
    long name = at + LinuxDirent64.D_NAME;
    if (Memory.getByte(entries, name) != '.') {
      return false;
    }
    byte second = Memory.getByte(entries, name + 1);
    return second == 0 || (second == '.' && Memory.getByte(entries, name + 2) == 0);
  }

  private static boolean isDots(byte[] entries, int start, int length) {
    return entries[start] == '.' && (length == 1 || (length == 2 && entries[start + 1] == '.'));
  }

  /**
   * d_off of the last entry of bytes that {@link #parse} has accepted; where its sink had enough,
   * what lies behind was not looked at and may be anything: then of the last one that makes sense.
   */
  static long lastCursor(byte[] entries) {
    long last = 0;
    int size;
    for (int at = 0; at < entries.length && (size = size(entries, at)) > 0; at += size) {
      last = Memory.getLong(entries, at + LinuxDirent64.D_OFF);
    }
    return last;
  }
}
