package io.redoubt.host;

import java.lang.foreign.MemorySegment;

/** fcntl.h and linux/openat2.h: opening files, descriptor flags, leases, locks, preallocation. */
public final class Fcntl {
  public static final int O_RDONLY = 0x0;
  public static final int O_WRONLY = 0x1;
  public static final int O_RDWR = 0x2;
  public static final int O_ACCMODE = 0x3;
  public static final int O_CREAT = 0x40;
  public static final int O_EXCL = 0x80;
  public static final int O_NOCTTY = 0x100;
  public static final int O_TRUNC = 0x200;
  public static final int O_APPEND = 0x400;
  public static final int O_NONBLOCK = 0x800;
  public static final int O_DSYNC = 0x1000;
  public static final int O_ASYNC = 0x2000;
  public static final int O_DIRECT = 0x4000;

  /** What the kernel sees; C sees 0 on 64-bit. */
  public static final int KERNEL_O_LARGEFILE = 0x8000;

  public static final int O_DIRECTORY = 0x10000;
  public static final int O_NOFOLLOW = 0x20000;
  public static final int O_NOATIME = 0x40000;
  public static final int O_CLOEXEC = 0x80000;
  public static final int O_SYNC = 0x101000;
  public static final int O_PATH = 0x200000;
  public static final int O_TMPFILE = 0x410000;

  public static final int AT_FDCWD = -100;
  public static final int AT_SYMLINK_NOFOLLOW = 0x100;
  public static final int AT_REMOVEDIR = 0x200;
  public static final int AT_EACCESS = 0x200;
  public static final int AT_SYMLINK_FOLLOW = 0x400;
  public static final int AT_NO_AUTOMOUNT = 0x800;
  public static final int AT_EMPTY_PATH = 0x1000;

  public static final int F_DUPFD = 0;
  public static final int F_GETFD = 1;
  public static final int F_SETFD = 2;
  public static final int F_GETFL = 3;
  public static final int F_SETFL = 4;
  public static final int F_GETLK = 5;
  public static final int F_SETLK = 6;
  public static final int F_SETLKW = 7;
  public static final int F_SETOWN = 8;
  public static final int F_GETOWN = 9;
  public static final int F_SETSIG = 10;
  public static final int F_GETSIG = 11;
  public static final int F_SETOWN_EX = 15;
  public static final int F_GETOWN_EX = 16;
  public static final int F_OFD_GETLK = 36;
  public static final int F_OFD_SETLK = 37;
  public static final int F_OFD_SETLKW = 38;
  public static final int F_SETLEASE = 1024;
  public static final int F_GETLEASE = 1025;
  public static final int F_NOTIFY = 1026;
  public static final int F_DUPFD_CLOEXEC = 1030;
  public static final int F_SETPIPE_SZ = 1031;
  public static final int F_GETPIPE_SZ = 1032;
  public static final int F_ADD_SEALS = 1033;
  public static final int F_GET_SEALS = 1034;
  public static final int FD_CLOEXEC = 1;
  public static final int F_RDLCK = 0;
  public static final int F_WRLCK = 1;
  public static final int F_UNLCK = 2;
  public static final int F_SEAL_SEAL = 0x1;
  public static final int F_SEAL_SHRINK = 0x2;
  public static final int F_SEAL_GROW = 0x4;
  public static final int F_SEAL_WRITE = 0x8;
  public static final int F_SEAL_FUTURE_WRITE = 0x10;

  public static final int LOCK_SH = 1;
  public static final int LOCK_EX = 2;
  public static final int LOCK_NB = 4;
  public static final int LOCK_UN = 8;
  public static final int SEEK_SET = 0;
  public static final int SEEK_CUR = 1;
  public static final int SEEK_END = 2;
  public static final int SEEK_DATA = 3;
  public static final int SEEK_HOLE = 4;
  public static final int FALLOC_FL_KEEP_SIZE = 0x1;
  public static final int FALLOC_FL_PUNCH_HOLE = 0x2;
  public static final int FALLOC_FL_COLLAPSE_RANGE = 0x8;
  public static final int FALLOC_FL_ZERO_RANGE = 0x10;
  public static final int FALLOC_FL_INSERT_RANGE = 0x20;
  public static final int FALLOC_FL_UNSHARE_RANGE = 0x40;
  public static final int POSIX_FADV_NORMAL = 0;
  public static final int POSIX_FADV_RANDOM = 1;
  public static final int POSIX_FADV_SEQUENTIAL = 2;
  public static final int POSIX_FADV_WILLNEED = 3;
  public static final int POSIX_FADV_DONTNEED = 4;
  public static final int POSIX_FADV_NOREUSE = 5;
  public static final int RESOLVE_NO_XDEV = 0x1;
  public static final int RESOLVE_NO_MAGICLINKS = 0x2;
  public static final int RESOLVE_NO_SYMLINKS = 0x4;
  public static final int RESOLVE_BENEATH = 0x8;
  public static final int RESOLVE_IN_ROOT = 0x10;
  public static final int RESOLVE_CACHED = 0x20;

  /** {@code struct open_how}, openat2(2). */
  public static final class OpenHow {
    public static final String C_NAME = "struct open_how";
    public static final int SIZEOF = 24;
    public static final int FLAGS = 0; // __u64
    public static final int MODE = 8; // __u64
    public static final int RESOLVE = 16; // __u64

    private OpenHow() {}
  }

  /** {@code struct flock}, fcntl_locking(2). */
  public static final class Flock {
    public static final String C_NAME = "struct flock";
    public static final int SIZEOF = 32;
    public static final int L_TYPE = 0; // short
    public static final int L_WHENCE = 2; // short
    public static final int L_START = 8; // off_t
    public static final int L_LEN = 16; // off_t
    public static final int L_PID = 24; // pid_t

    private Flock() {}
  }

  private Fcntl() {}

  /** open(2): {@code openat(AT_FDCWD, path, flags, mode)}. Returns an fd or -errno. */
  public static int open(String path, int flags, int mode) {
    return openat(AT_FDCWD, path, flags, mode);
  }

  /** openat(2). Returns an fd or -errno. */
  public static int openat(int dirFd, String path, int flags, int mode) {
    long p = CallState.cString(path);
    return p < 0 ? (int) p : (int) Syscall.call(Nr.OPENAT, dirFd, p, flags, mode);
  }

  /** openat(2) with the address of a C string. Returns an fd or -errno. */
  public static int openat(int dirFd, long path, int flags, int mode) {
    return (int) Syscall.call(Nr.OPENAT, dirFd, path, flags, mode);
  }

  /**
   * openat2(2), Linux 5.6: unlike openat it refuses unknown flags and a mode without O_CREAT.
   *
   * @param resolve RESOLVE_* bits
   * @return an fd or -errno; -EXDEV where RESOLVE_BENEATH or RESOLVE_NO_XDEV was hit, -ELOOP for
   *     the symlink limits, -EAGAIN when a rename raced with "..": try again
   */
  public static int openat2(int dirFd, String path, long flags, long mode, long resolve) {
    long p = CallState.cString(path);
    if (p < 0) {
      return (int) p;
    }
    MemorySegment how = CallState.get().scratch;
    Memory.setLong(how, OpenHow.FLAGS, flags);
    Memory.setLong(how, OpenHow.MODE, mode);
    Memory.setLong(how, OpenHow.RESOLVE, resolve);
    return (int) Syscall.call(Nr.OPENAT2, dirFd, p, how.address(), OpenHow.SIZEOF);
  }

  /** openat2(2) with a raw name and a {@link OpenHow} that the caller keeps. */
  public static int openat2(int dirFd, long path, MemorySegment how) {
    return (int)
        Syscall.call(Nr.OPENAT2, dirFd, path, Syscall.address(how, OpenHow.SIZEOF), OpenHow.SIZEOF);
  }

  /** fcntl(2) with an integer or raw pointer argument. Returns its value or -errno. */
  public static int fcntl(int fd, int command, long argument) {
    return (int) Syscall.call(Nr.FCNTL, fd, command, argument);
  }

  /** fcntl(2) F_SETLK and its kin with a {@link Flock}. Returns 0 or -errno. */
  public static int fcntl(int fd, int command, MemorySegment flock) {
    return (int) Syscall.call(Nr.FCNTL, fd, command, Syscall.address(flock, Flock.SIZEOF));
  }

  /**
   * fcntl_locking(2): one lock or unlock of a range of bytes relative to the start of the file.
   *
   * @param command F_SETLK, F_OFD_SETLK, ...
   * @param type F_RDLCK, F_WRLCK or F_UNLCK
   * @param length bytes; 0 means to the end of the file
   */
  public static int lock(int fd, int command, int type, long start, long length) {
    MemorySegment s = CallState.get().scratch;
    Memory.setShort(s, Flock.L_TYPE, (short) type);
    Memory.setShort(s, Flock.L_WHENCE, (short) SEEK_SET);
    Memory.setLong(s, Flock.L_START, start);
    Memory.setLong(s, Flock.L_LEN, length);
    Memory.setInt(s, Flock.L_PID, 0); // must be 0 for the OFD commands
    return fcntl(fd, command, s);
  }

  /** flock(2). Returns 0 or -errno. */
  public static int flock(int fd, int operation) {
    return (int) Syscall.call(Nr.FLOCK, fd, operation);
  }

  /** fallocate(2). Returns 0 or -errno. */
  public static int fallocate(int fd, int mode, long offset, long length) {
    return (int) Syscall.call(Nr.FALLOCATE, fd, mode, offset, length);
  }

  /**
   * posix_fadvise(2): hint only. Returns 0 or -errno (the system call, unlike libc, has a sign).
   */
  public static int fadvise(int fd, long offset, long length, int advice) {
    return (int) Syscall.call(Nr.FADVISE64, fd, offset, length, advice);
  }

  /** splice(2) between pipes and files at their own positions. Returns bytes or -errno. */
  public static long splice(int in, int out, long length, int flags) {
    return Syscall.call(Nr.SPLICE, in, 0, out, 0, length, flags);
  }
}
