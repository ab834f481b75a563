package io.redoubt.sentry.fs;

/**
 * Attributes of an inode, as stat(2) and statx(2) give them; a reusable holder. Times in seconds
 * and nanoseconds.
 */
public final class Stat {
  public static final int S_IFMT = 0170000;
  public static final int S_IFSOCK = 0140000;
  public static final int S_IFLNK = 0120000;
  public static final int S_IFREG = 0100000;
  public static final int S_IFBLK = 0060000;
  public static final int S_IFDIR = 0040000;
  public static final int S_IFCHR = 0020000;
  public static final int S_IFIFO = 0010000;

  public long dev;
  public long ino;
  public int mode; // type and permission bits
  public long nlink;
  public int uid;
  public int gid;
  public long rdev;
  public long size;
  public int blksize = 4096;
  public long blocks; // of 512 bytes
  public long atimeSec;
  public int atimeNsec;
  public long mtimeSec;
  public int mtimeNsec;
  public long ctimeSec;
  public int ctimeNsec;

  /** Type bits of the mode. */
  public int type() {
    return mode & S_IFMT;
  }

  /** makedev(3), in the encoding of the kernel's stat. */
  public static long makedev(int major, int minor) {
    return (minor & 0xffL)
        | ((long) (major & 0xfff) << 8)
        | ((long) (minor & ~0xff) << 12)
        | ((long) (major & ~0xfff) << 32);
  }
}
