package io.redoubt.sentry.ring;

import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Ioctl;
import io.redoubt.host.Memory;
import io.redoubt.host.Unistd;
import java.lang.foreign.MemorySegment;

/**
 * Looks mappings of a process up by address, in the host's /proc/PID/maps.
 *
 * <p>Since Linux 6.11 that file answers for a single address, PROCMAP_QUERY of linux/fs.h: 1 us,
 * however many there are. Before, its text is read, up to a limit, because a guest may have 65,530
 * mappings; those behind the limit are not found.
 */
final class ProcessMaps implements AutoCloseable {
  /** Bytes of text that are looked at: some 3,000 mappings. */
  static final int MAX_TEXT = 256 * 1024;

  static final int PROCMAP_QUERY = 0xc0686611; // _IOWR('f', 17, struct procmap_query)
  private static final int VMA_READABLE = 0x01;
  private static final int VMA_WRITABLE = 0x02;
  private static final int VMA_EXECUTABLE = 0x04;
  private static final int VMA_SHARED = 0x08;

  /** {@code struct procmap_query}, linux/fs.h. */
  static final class ProcmapQuery {
    static final int SIZEOF = 104;
    static final int SIZE = 0; // __u64
    static final int QUERY_FLAGS = 8; // __u64
    static final int QUERY_ADDR = 16; // __u64
    static final int VMA_START = 24; // __u64
    static final int VMA_END = 32; // __u64
    static final int VMA_FLAGS = 40; // __u64
    static final int VMA_PAGE_SIZE = 48; // __u64
    static final int VMA_OFFSET = 56; // __u64
    static final int INODE = 64; // __u64
    static final int DEV_MAJOR = 72; // __u32
    static final int DEV_MINOR = 76; // __u32
    static final int VMA_NAME_SIZE = 80; // __u32
    static final int BUILD_ID_SIZE = 84; // __u32
    static final int VMA_NAME_ADDR = 88; // __u64
    static final int BUILD_ID_ADDR = 96; // __u64

    private ProcmapQuery() {}
  }

  private final int fd;
  private final MemorySegment buffer;
  private boolean isQueried;
  private byte[] text; // once it is read

  /**
   * @param fd maps of the process; closed with this
   * @param buffer for answers and pieces of text, a page at least
   * @param isQueried whether to try PROCMAP_QUERY
   */
  ProcessMaps(int fd, MemorySegment buffer, boolean isQueried) {
    this.fd = fd;
    this.buffer = buffer;
    this.isQueried = isQueried;
  }

  /** Opens maps of a thread's process, below a descriptor of /proc. @return an fd, or -errno */
  static int open(int procFd, int tid) {
    return Fcntl.openat(procFd, tid + "/maps", Fcntl.O_RDONLY | Fcntl.O_CLOEXEC, 0);
  }

  /** Whether the kernel has PROCMAP_QUERY, as far as is known. */
  boolean isQueried() {
    return isQueried;
  }

  /** Finds the mapping with {@code address} in it. @return false if there is none */
  boolean find(long address, Mapping to) {
    if (isQueried) {
      int r = query(address, to);
      if (r != -Errno.ENOTTY && r != -Errno.EINVAL) {
        return r == 0;
      }
      isQueried = false;
    }
    if (text == null) {
      text = readText();
    }
    return search(text, address, to);
  }

  private int query(long address, Mapping to) {
    Memory.zero(buffer, 0, ProcmapQuery.SIZEOF);
    Memory.setLong(buffer, ProcmapQuery.SIZE, ProcmapQuery.SIZEOF);
    Memory.setLong(buffer, ProcmapQuery.QUERY_ADDR, address);
    int r = Ioctl.ioctl(fd, PROCMAP_QUERY, buffer);
    if (r < 0) {
      return r; // -ENOENT
    }
    long flags = Memory.getLong(buffer, ProcmapQuery.VMA_FLAGS);
    to.start = Memory.getLong(buffer, ProcmapQuery.VMA_START);
    to.end = Memory.getLong(buffer, ProcmapQuery.VMA_END);
    to.offset = Memory.getLong(buffer, ProcmapQuery.VMA_OFFSET);
    to.inode = Memory.getLong(buffer, ProcmapQuery.INODE);
    to.device =
        (long) Memory.getInt(buffer, ProcmapQuery.DEV_MAJOR) << 32
            | Memory.getInt(buffer, ProcmapQuery.DEV_MINOR) & 0xffffffffL;
    to.isReadable = (flags & VMA_READABLE) != 0;
    to.isWritable = (flags & VMA_WRITABLE) != 0;
    to.isExecutable = (flags & VMA_EXECUTABLE) != 0;
    to.isShared = (flags & VMA_SHARED) != 0;
    return 0;
  }

  private byte[] readText() {
    byte[] all = new byte[MAX_TEXT];
    int have = 0;
    while (have < all.length) {
      long want = Math.min(buffer.byteSize(), all.length - have);
      long n = Unistd.read(fd, buffer, want);
      if (n <= 0) {
        break;
      }
      Memory.copy(buffer, 0, all, have, (int) n);
      have += (int) n;
    }
    return java.util.Arrays.copyOf(all, have);
  }

  /** Looks through lines of {@code start-end perms offset major:minor inode path}. */
  static boolean search(byte[] text, long address, Mapping to) {
    Cursor c = new Cursor(text);
    while (c.at < text.length) {
      to.start = c.number(16);
      to.end = c.number(16);
      if (Long.compareUnsigned(address, to.end) < 0) {
        if (Long.compareUnsigned(address, to.start) < 0 || !c.has(4)) {
          return false;
        }
        to.isReadable = text[c.at] == 'r';
        to.isWritable = text[c.at + 1] == 'w';
        to.isExecutable = text[c.at + 2] == 'x';
        to.isShared = text[c.at + 3] == 's';
        c.at += 5;
        to.offset = c.number(16);
        long major = c.number(16);
        to.device = major << 32 | c.number(16);
        to.inode = c.number(10);
        return c.at < text.length; // a line that was cut off may lack digits
      }
      c.skipLine();
    }
    return false;
  }

  /** A place in the text. */
  private static final class Cursor {
    final byte[] text;
    int at;

    Cursor(byte[] text) {
      this.text = text;
    }

    boolean has(int bytes) {
      return bytes <= text.length - at;
    }

    /** Reads a number and the character behind it. */
    long number(int radix) {
      long v = 0;
      while (at < text.length) {
        int d = Character.digit(text[at++], radix);
        if (d < 0) {
          break;
        }
        v = v * radix + d;
      }
      return v;
    }

    void skipLine() {
      while (at < text.length && text[at++] != '\n') {}
    }
  }

  @Override
  public void close() {
    Unistd.close(fd);
  }
}
