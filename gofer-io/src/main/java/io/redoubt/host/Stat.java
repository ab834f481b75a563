package io.redoubt.host;

import java.lang.foreign.MemorySegment;

/** sys/stat.h, linux/stat.h and sys/statfs.h: attributes of files and of file systems. */
public final class Stat {
  public static final int S_IFMT = 0xf000;
  public static final int S_IFSOCK = 0xc000;
  public static final int S_IFLNK = 0xa000;
  public static final int S_IFREG = 0x8000;
  public static final int S_IFBLK = 0x6000;
  public static final int S_IFDIR = 0x4000;
  public static final int S_IFCHR = 0x2000;
  public static final int S_IFIFO = 0x1000;
  public static final int S_ISUID = 0x800;
  public static final int S_ISGID = 0x400;
  public static final int S_ISVTX = 0x200;
  public static final int STATX_TYPE = 0x1;
  public static final int STATX_MODE = 0x2;
  public static final int STATX_NLINK = 0x4;
  public static final int STATX_UID = 0x8;
  public static final int STATX_GID = 0x10;
  public static final int STATX_ATIME = 0x20;
  public static final int STATX_MTIME = 0x40;
  public static final int STATX_CTIME = 0x80;
  public static final int STATX_INO = 0x100;
  public static final int STATX_SIZE = 0x200;
  public static final int STATX_BLOCKS = 0x400;
  public static final int STATX_BASIC_STATS = 0x7ff;
  public static final int STATX_BTIME = 0x800;
  public static final int STATX_MNT_ID = 0x1000;

  /** Bit of {@link Statx#STX_ATTRIBUTES}: the root of a mount (Linux 5.8). */
  public static final int STATX_ATTR_MOUNT_ROOT = 0x2000;

  public static final int AT_STATX_SYNC_AS_STAT = 0x0;
  public static final int AT_STATX_FORCE_SYNC = 0x2000;
  public static final int AT_STATX_DONT_SYNC = 0x4000;

  /** statfs(2) f_type, linux/magic.h. */
  public static final int TMPFS_MAGIC = 0x1021994;

  public static final int PROC_SUPER_MAGIC = 0x9fa0;
  public static final int SYSFS_MAGIC = 0x62656572;
  public static final int EXT4_SUPER_MAGIC = 0xef53;
  public static final int OVERLAYFS_SUPER_MAGIC = 0x794c7630;
  public static final int DEVPTS_SUPER_MAGIC = 0x1cd1;
  public static final int CGROUP2_SUPER_MAGIC = 0x63677270;
  public static final int PIPEFS_MAGIC = 0x50495045;
  public static final int SOCKFS_MAGIC = 0x534f434b;
  public static final int ANON_INODE_FS_MAGIC = 0x9041934;
  public static final int NFS_SUPER_MAGIC = 0x6969;
  public static final int FUSE_SUPER_MAGIC = 0x65735546;
  public static final long RAMFS_MAGIC = 0x858458f6L;
  public static final long BTRFS_SUPER_MAGIC = 0x9123683eL;
  public static final int XFS_SUPER_MAGIC = 0x58465342;

  /** {@code struct statx}, statx(2). */
  public static final class Statx {
    public static final String C_NAME = "struct statx";
    public static final int SIZEOF = 256;
    public static final int STX_MASK = 0; // __u32
    public static final int STX_BLKSIZE = 4; // __u32
    public static final int STX_ATTRIBUTES = 8; // __u64
    public static final int STX_NLINK = 16; // __u32
    public static final int STX_UID = 20; // __u32
    public static final int STX_GID = 24; // __u32
    public static final int STX_MODE = 28; // __u16
    public static final int STX_INO = 32; // __u64
    public static final int STX_SIZE = 40; // __u64
    public static final int STX_BLOCKS = 48; // __u64, of 512 bytes
    public static final int STX_ATTRIBUTES_MASK = 56; // __u64
    public static final int STX_ATIME__TV_SEC = 64; // __s64
    public static final int STX_ATIME__TV_NSEC = 72; // __u32
    public static final int STX_BTIME__TV_SEC = 80; // __s64
    public static final int STX_BTIME__TV_NSEC = 88; // __u32
    public static final int STX_CTIME__TV_SEC = 96; // __s64
    public static final int STX_CTIME__TV_NSEC = 104; // __u32
    public static final int STX_MTIME__TV_SEC = 112; // __s64
    public static final int STX_MTIME__TV_NSEC = 120; // __u32
    public static final int STX_RDEV_MAJOR = 128; // __u32
    public static final int STX_RDEV_MINOR = 132; // __u32
    public static final int STX_DEV_MAJOR = 136; // __u32
    public static final int STX_DEV_MINOR = 140; // __u32
    public static final int STX_MNT_ID = 144; // __u64

    private Statx() {}
  }

  /** {@code struct stat}, stat(2), stat(3type). */
  public static final class StatBuf {
    public static final String C_NAME = "struct stat";
    public static final int SIZEOF = 144;
    public static final int ST_DEV = 0; // dev_t
    public static final int ST_INO = 8; // ino_t
    public static final int ST_NLINK = 16; // nlink_t, 8 bytes
    public static final int ST_MODE = 24; // mode_t
    public static final int ST_UID = 28; // uid_t
    public static final int ST_GID = 32; // gid_t
    public static final int ST_RDEV = 40; // dev_t
    public static final int ST_SIZE = 48; // off_t
    public static final int ST_BLKSIZE = 56; // blksize_t, 8 bytes
    public static final int ST_BLOCKS = 64; // blkcnt_t, of 512 bytes
    public static final int ST_ATIM__TV_SEC = 72; // time_t
    public static final int ST_ATIM__TV_NSEC = 80; // long
    public static final int ST_MTIM__TV_SEC = 88; // time_t
    public static final int ST_MTIM__TV_NSEC = 96; // long
    public static final int ST_CTIM__TV_SEC = 104; // time_t
    public static final int ST_CTIM__TV_NSEC = 112; // long

    private StatBuf() {}
  }

  /** {@code struct statfs}, statfs(2). */
  public static final class StatfsBuf {
    public static final String C_NAME = "struct statfs";
    public static final int SIZEOF = 120;
    public static final int F_TYPE = 0; // long
    public static final int F_BSIZE = 8; // long
    public static final int F_BLOCKS = 16; // __u64
    public static final int F_BFREE = 24; // __u64
    public static final int F_BAVAIL = 32; // __u64
    public static final int F_FILES = 40; // __u64
    public static final int F_FFREE = 48; // __u64
    public static final int F_FSID = 56; // int[2]
    public static final int F_NAMELEN = 64; // long
    public static final int F_FRSIZE = 72; // long
    public static final int F_FLAGS = 80; // long
    public static final int F_SPARE = 88; // long[4]

    private StatfsBuf() {}
  }

  private Stat() {}

  /** statx(2) into a {@link Statx}; "" with AT_EMPTY_PATH means the fd. Returns 0 or -errno. */
  public static int statx(int dirFd, String name, int flags, int mask, MemorySegment to) {
    long p = CallState.cString(name);
    return p < 0
        ? (int) p
        : (int) Syscall.call(Nr.STATX, dirFd, p, flags, mask, Syscall.address(to, Statx.SIZEOF));
  }

  /** statx(2) with a raw name into a {@link Statx}. Returns 0 or -errno. */
  public static int statx(int dirFd, long name, int flags, int mask, MemorySegment to) {
    return (int)
        Syscall.call(Nr.STATX, dirFd, name, flags, mask, Syscall.address(to, Statx.SIZEOF));
  }

  /** What fstatat(2) says of the file of a {@link Statx}: fills a {@link StatBuf}. */
  public static void toStat(MemorySegment x, MemorySegment to) {
    Memory.setLong(to, StatBuf.ST_DEV, device(x, Statx.STX_DEV_MAJOR));
    Memory.setLong(to, StatBuf.ST_INO, Memory.getLong(x, Statx.STX_INO));
    Memory.setLong(to, StatBuf.ST_NLINK, Memory.getInt(x, Statx.STX_NLINK) & 0xffff_ffffL);
    Memory.setInt(to, StatBuf.ST_MODE, Memory.getShort(x, Statx.STX_MODE) & 0xffff);
    Memory.setInt(to, StatBuf.ST_UID, Memory.getInt(x, Statx.STX_UID));
    Memory.setInt(to, StatBuf.ST_GID, Memory.getInt(x, Statx.STX_GID));
    Memory.setLong(to, StatBuf.ST_RDEV, device(x, Statx.STX_RDEV_MAJOR));
    Memory.setLong(to, StatBuf.ST_SIZE, Memory.getLong(x, Statx.STX_SIZE));
    Memory.setLong(to, StatBuf.ST_BLKSIZE, Memory.getInt(x, Statx.STX_BLKSIZE));
    Memory.setLong(to, StatBuf.ST_BLOCKS, Memory.getLong(x, Statx.STX_BLOCKS));
    Memory.setLong(to, StatBuf.ST_ATIM__TV_SEC, Memory.getLong(x, Statx.STX_ATIME__TV_SEC));
    Memory.setLong(to, StatBuf.ST_ATIM__TV_NSEC, Memory.getInt(x, Statx.STX_ATIME__TV_NSEC));
    Memory.setLong(to, StatBuf.ST_MTIM__TV_SEC, Memory.getLong(x, Statx.STX_MTIME__TV_SEC));
    Memory.setLong(to, StatBuf.ST_MTIM__TV_NSEC, Memory.getInt(x, Statx.STX_MTIME__TV_NSEC));
    Memory.setLong(to, StatBuf.ST_CTIM__TV_SEC, Memory.getLong(x, Statx.STX_CTIME__TV_SEC));
    Memory.setLong(to, StatBuf.ST_CTIM__TV_NSEC, Memory.getInt(x, Statx.STX_CTIME__TV_NSEC));
  }

  private static long device(MemorySegment x, long major) {
    return makedev(Memory.getInt(x, major), Memory.getInt(x, major + 4));
  }

  /** fstatat(2) into a {@link StatBuf}. Returns 0 or -errno. */
  public static int newfstatat(int dirFd, String name, MemorySegment to, int flags) {
    long p = CallState.cString(name);
    return p < 0
        ? (int) p
        : (int) Syscall.call(Nr.NEWFSTATAT, dirFd, p, Syscall.address(to, StatBuf.SIZEOF), flags);
  }

  /** fstatat(2) with a raw name into a {@link StatBuf}. Returns 0 or -errno. */
  public static int newfstatat(int dirFd, long name, MemorySegment to, int flags) {
    return (int)
        Syscall.call(Nr.NEWFSTATAT, dirFd, name, Syscall.address(to, StatBuf.SIZEOF), flags);
  }

  /** fstat(2) into a {@link StatBuf}; works on O_PATH descriptors. Returns 0 or -errno. */
  public static int fstat(int fd, MemorySegment to) {
    return (int) Syscall.call(Nr.FSTAT, fd, Syscall.address(to, StatBuf.SIZEOF));
  }

  /** Size of the open file in bytes (fstat(2)), or -errno. */
  public static long size(int fd) {
    MemorySegment s = CallState.get().scratch;
    int r = fstat(fd, s);
    return r < 0 ? r : Memory.getLong(s, StatBuf.ST_SIZE);
  }

  /** fstatfs(2) into a {@link StatfsBuf}. Returns 0 or -errno. */
  public static int fstatfs(int fd, MemorySegment to) {
    return (int) Syscall.call(Nr.FSTATFS, fd, Syscall.address(to, StatfsBuf.SIZEOF));
  }

  /** statfs(2) into a {@link StatfsBuf}. Returns 0 or -errno. */
  public static int statfs(String path, MemorySegment to) {
    long p = CallState.cString(path);
    return p < 0
        ? (int) p
        : (int) Syscall.call(Nr.STATFS, p, Syscall.address(to, StatfsBuf.SIZEOF));
  }

  /** makedev(3): the dev_t of user space. The kernel's calls take its low 32 bits' encoding. */
  public static long makedev(int major, int minor) {
    long ma = major & 0xffffffffL;
    long mi = minor & 0xffffffffL;
    return (ma & 0xfffff000L) << 32 | (ma & 0xfffL) << 8 | (mi & 0xffffff00L) << 12 | mi & 0xffL;
  }

  /** major(3). */
  public static int major(long dev) {
    return (int) (dev >>> 32 & 0xfffff000L | dev >>> 8 & 0xfffL);
  }

  /** minor(3). */
  public static int minor(long dev) {
    return (int) (dev >>> 12 & 0xffffff00L | dev & 0xffL);
  }
}
