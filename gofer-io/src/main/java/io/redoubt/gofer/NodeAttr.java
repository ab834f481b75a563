package io.redoubt.gofer;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.redoubt.host.Stat;
import java.lang.foreign.MemorySegment;

/**
 * Attributes of a file as the gofer sees them, and their record in the region:
 *
 * <pre>
 *   0 int mode     16 long dev    40 long size        56 int blksize     72 long mtime s
 *   4 int nlink    24 long ino    48 long blocks      60 int atime ns    80 long ctime s
 *   8 int uid      32 long rdev      (of 512 bytes)   64 long atime s    88 int mtime ns
 *  12 int gid                                                            92 int ctime ns
 * </pre>
 */
public final class NodeAttr {
  /** Bytes of a record. */
  static final int SIZE = 96;

  /** File type and permissions, S_IF* and 07777. */
  public int mode;

  public int nlink;
  public int uid;
  public int gid;

  /** dev_t of the host file system, in the encoding of libc ({@link Stat#makedev}). */
  public long dev;

  public long ino;
  public long rdev;
  public long size;

  /** Allocated units of 512 bytes. */
  public long blocks;

  public int blksize;
  public long atimeSeconds;
  public int atimeNanos;
  public long mtimeSeconds;
  public int mtimeNanos;
  public long ctimeSeconds;
  public int ctimeNanos;

  /** The type bits of {@link #mode}: one of S_IF*. */
  public int type() {
    return mode & Stat.S_IFMT;
  }

  /** Fills a record from a {@link Stat.StatBuf}. */
  static void store(MemorySegment stat, MemorySegment to, long at) {
    to.set(JAVA_INT, at, stat.get(JAVA_INT, Stat.StatBuf.ST_MODE));
    to.set(JAVA_INT, at + 4, (int) stat.get(JAVA_LONG, Stat.StatBuf.ST_NLINK));
    to.set(JAVA_INT, at + 8, stat.get(JAVA_INT, Stat.StatBuf.ST_UID));
    to.set(JAVA_INT, at + 12, stat.get(JAVA_INT, Stat.StatBuf.ST_GID));
    to.set(JAVA_LONG, at + 16, stat.get(JAVA_LONG, Stat.StatBuf.ST_DEV));
    to.set(JAVA_LONG, at + 24, stat.get(JAVA_LONG, Stat.StatBuf.ST_INO));
    to.set(JAVA_LONG, at + 32, stat.get(JAVA_LONG, Stat.StatBuf.ST_RDEV));
    to.set(JAVA_LONG, at + 40, stat.get(JAVA_LONG, Stat.StatBuf.ST_SIZE));
    to.set(JAVA_LONG, at + 48, stat.get(JAVA_LONG, Stat.StatBuf.ST_BLOCKS));
    to.set(JAVA_INT, at + 56, (int) stat.get(JAVA_LONG, Stat.StatBuf.ST_BLKSIZE));
    to.set(JAVA_INT, at + 60, (int) stat.get(JAVA_LONG, Stat.StatBuf.ST_ATIM__TV_NSEC));
    to.set(JAVA_LONG, at + 64, stat.get(JAVA_LONG, Stat.StatBuf.ST_ATIM__TV_SEC));
    to.set(JAVA_LONG, at + 72, stat.get(JAVA_LONG, Stat.StatBuf.ST_MTIM__TV_SEC));
    to.set(JAVA_LONG, at + 80, stat.get(JAVA_LONG, Stat.StatBuf.ST_CTIM__TV_SEC));
    to.set(JAVA_INT, at + 88, (int) stat.get(JAVA_LONG, Stat.StatBuf.ST_MTIM__TV_NSEC));
    to.set(JAVA_INT, at + 92, (int) stat.get(JAVA_LONG, Stat.StatBuf.ST_CTIM__TV_NSEC));
  }

  /**
   * Reads a record, each field once.
   *
   * @return whether it can be an honest one: a known type, a size that is not negative, nanoseconds
   *     below a second
   */
  boolean load(MemorySegment from, long at) {
    mode = from.get(JAVA_INT, at);
    nlink = from.get(JAVA_INT, at + 4);
    uid = from.get(JAVA_INT, at + 8);
    gid = from.get(JAVA_INT, at + 12);
    dev = from.get(JAVA_LONG, at + 16);
    ino = from.get(JAVA_LONG, at + 24);
    rdev = from.get(JAVA_LONG, at + 32);
    size = from.get(JAVA_LONG, at + 40);
    blocks = from.get(JAVA_LONG, at + 48);
    blksize = from.get(JAVA_INT, at + 56);
    atimeNanos = from.get(JAVA_INT, at + 60);
    atimeSeconds = from.get(JAVA_LONG, at + 64);
    mtimeSeconds = from.get(JAVA_LONG, at + 72);
    ctimeSeconds = from.get(JAVA_LONG, at + 80);
    mtimeNanos = from.get(JAVA_INT, at + 88);
    ctimeNanos = from.get(JAVA_INT, at + 92);
    return isType(mode)
        && size >= 0
        && isNanos(atimeNanos)
        && isNanos(mtimeNanos)
        && isNanos(ctimeNanos);
  }

  private static boolean isNanos(int n) {
    return n >= 0 && n < 1_000_000_000;
  }

  private static boolean isType(int mode) {
    return switch (mode & ~07777) {
      case Stat.S_IFREG,
          Stat.S_IFDIR,
          Stat.S_IFLNK,
          Stat.S_IFIFO,
          Stat.S_IFSOCK,
          Stat.S_IFCHR,
          Stat.S_IFBLK ->
          true;
      default -> false;
    };
  }

  /** Copies all fields from another. */
  public void set(NodeAttr other) {
    mode = other.mode;
    nlink = other.nlink;
    uid = other.uid;
    gid = other.gid;
    dev = other.dev;
    ino = other.ino;
    rdev = other.rdev;
    size = other.size;
    blocks = other.blocks;
    blksize = other.blksize;
    atimeSeconds = other.atimeSeconds;
    atimeNanos = other.atimeNanos;
    mtimeSeconds = other.mtimeSeconds;
    mtimeNanos = other.mtimeNanos;
    ctimeSeconds = other.ctimeSeconds;
    ctimeNanos = other.ctimeNanos;
  }
}
