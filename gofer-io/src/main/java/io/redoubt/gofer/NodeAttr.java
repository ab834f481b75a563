package io.redoubt.gofer;

import io.redoubt.host.Memory;
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
    Memory.setInt(to, at, Memory.getInt(stat, Stat.StatBuf.ST_MODE));
    Memory.setInt(to, at + 4, (int) Memory.getLong(stat, Stat.StatBuf.ST_NLINK));
    Memory.setInt(to, at + 8, Memory.getInt(stat, Stat.StatBuf.ST_UID));
    Memory.setInt(to, at + 12, Memory.getInt(stat, Stat.StatBuf.ST_GID));
    Memory.setLong(to, at + 16, Memory.getLong(stat, Stat.StatBuf.ST_DEV));
    Memory.setLong(to, at + 24, Memory.getLong(stat, Stat.StatBuf.ST_INO));
    Memory.setLong(to, at + 32, Memory.getLong(stat, Stat.StatBuf.ST_RDEV));
    Memory.setLong(to, at + 40, Memory.getLong(stat, Stat.StatBuf.ST_SIZE));
    Memory.setLong(to, at + 48, Memory.getLong(stat, Stat.StatBuf.ST_BLOCKS));
    Memory.setInt(to, at + 56, (int) Memory.getLong(stat, Stat.StatBuf.ST_BLKSIZE));
    Memory.setInt(to, at + 60, (int) Memory.getLong(stat, Stat.StatBuf.ST_ATIM__TV_NSEC));
    Memory.setLong(to, at + 64, Memory.getLong(stat, Stat.StatBuf.ST_ATIM__TV_SEC));
    Memory.setLong(to, at + 72, Memory.getLong(stat, Stat.StatBuf.ST_MTIM__TV_SEC));
    Memory.setLong(to, at + 80, Memory.getLong(stat, Stat.StatBuf.ST_CTIM__TV_SEC));
    Memory.setInt(to, at + 88, (int) Memory.getLong(stat, Stat.StatBuf.ST_MTIM__TV_NSEC));
    Memory.setInt(to, at + 92, (int) Memory.getLong(stat, Stat.StatBuf.ST_CTIM__TV_NSEC));
  }

  /**
   * Reads a record, each field once.
   *
   * @return whether it can be an honest one: a known type, a size that is not negative, nanoseconds
   *     below a second
   */
  boolean load(MemorySegment from, long at) {
    mode = Memory.getInt(from, at);
    nlink = Memory.getInt(from, at + 4);
    uid = Memory.getInt(from, at + 8);
    gid = Memory.getInt(from, at + 12);
    dev = Memory.getLong(from, at + 16);
    ino = Memory.getLong(from, at + 24);
    rdev = Memory.getLong(from, at + 32);
    size = Memory.getLong(from, at + 40);
    blocks = Memory.getLong(from, at + 48);
    blksize = Memory.getInt(from, at + 56);
    atimeNanos = Memory.getInt(from, at + 60);
    atimeSeconds = Memory.getLong(from, at + 64);
    mtimeSeconds = Memory.getLong(from, at + 72);
    ctimeSeconds = Memory.getLong(from, at + 80);
    mtimeNanos = Memory.getInt(from, at + 88);
    ctimeNanos = Memory.getInt(from, at + 92);
    return isType(mode)
        && size >= 0
        && isNanos(atimeNanos)
        && isNanos(mtimeNanos)
        && isNanos(ctimeNanos);
  }

  /** Fills this from a {@link Stat.StatBuf}, which is the host kernel's own. */
  public void loadStat(MemorySegment stat) {
    mode = Memory.getInt(stat, Stat.StatBuf.ST_MODE);
    nlink = (int) Memory.getLong(stat, Stat.StatBuf.ST_NLINK);
    uid = Memory.getInt(stat, Stat.StatBuf.ST_UID);
    gid = Memory.getInt(stat, Stat.StatBuf.ST_GID);
    dev = Memory.getLong(stat, Stat.StatBuf.ST_DEV);
    ino = Memory.getLong(stat, Stat.StatBuf.ST_INO);
    rdev = Memory.getLong(stat, Stat.StatBuf.ST_RDEV);
    size = Memory.getLong(stat, Stat.StatBuf.ST_SIZE);
    blocks = Memory.getLong(stat, Stat.StatBuf.ST_BLOCKS);
    blksize = (int) Memory.getLong(stat, Stat.StatBuf.ST_BLKSIZE);
    atimeSeconds = Memory.getLong(stat, Stat.StatBuf.ST_ATIM__TV_SEC);
    atimeNanos = (int) Memory.getLong(stat, Stat.StatBuf.ST_ATIM__TV_NSEC);
    mtimeSeconds = Memory.getLong(stat, Stat.StatBuf.ST_MTIM__TV_SEC);
    mtimeNanos = (int) Memory.getLong(stat, Stat.StatBuf.ST_MTIM__TV_NSEC);
    ctimeSeconds = Memory.getLong(stat, Stat.StatBuf.ST_CTIM__TV_SEC);
    ctimeNanos = (int) Memory.getLong(stat, Stat.StatBuf.ST_CTIM__TV_NSEC);
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
