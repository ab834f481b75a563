package io.redoubt.host;

import java.lang.foreign.MemorySegment;

/**
 * Names in directories: the {@code *at} calls that make, move, change and remove files, and
 * dirent.h.
 *
 * <p>A name of "" together with AT_EMPTY_PATH means the fd itself, where the call allows it.
 */
public final class Dir {
  public static final int RENAME_NOREPLACE = 1;
  public static final int RENAME_EXCHANGE = 2;
  public static final int RENAME_WHITEOUT = 4;
  public static final int DT_UNKNOWN = 0;
  public static final int DT_FIFO = 1;
  public static final int DT_CHR = 2;
  public static final int DT_DIR = 4;
  public static final int DT_BLK = 6;
  public static final int DT_REG = 8;
  public static final int DT_LNK = 10;
  public static final int DT_SOCK = 12;
  public static final int DT_WHT = 14;
  public static final int F_OK = 0;
  public static final int R_OK = 4;
  public static final int W_OK = 2;
  public static final int X_OK = 1;
  public static final int UTIME_NOW = 1073741823;
  public static final int UTIME_OMIT = 1073741822;

  /** {@code struct linux_dirent64}, getdents(2). */
  public static final class LinuxDirent64 {
    public static final String C_NAME = "struct linux_dirent64";
    public static final int SIZEOF = 24;
    public static final int D_INO = 0; // __u64
    public static final int D_OFF = 8; // __s64
    public static final int D_RECLEN = 16; // unsigned short
    public static final int D_TYPE = 18; // unsigned char
    public static final int D_NAME = 19; // char[]

    private LinuxDirent64() {}
  }

  /** {@code struct timespec}, clock_gettime(2). */
  public static final class Timespec {
    public static final String C_NAME = "struct timespec";
    public static final int SIZEOF = 16;
    public static final int TV_SEC = 0; // time_t
    public static final int TV_NSEC = 8; // long

    private Timespec() {}
  }

  private Dir() {}

  /** getdents(2), the 64-bit form. Returns bytes filled, 0 at the end, or -errno. */
  public static long getdents64(int fd, MemorySegment to, long length) {
    return Syscall.call(Nr.GETDENTS64, fd, Syscall.address(to, length), length);
  }

  /** unlinkat(2). Returns 0 or -errno. */
  public static int unlinkat(int dirFd, String name, int flags) {
    long p = CallState.cString(name);
    return p < 0 ? (int) p : (int) Syscall.call(Nr.UNLINKAT, dirFd, p, flags);
  }

  /** mkdirat(2). Returns 0 or -errno. */
  public static int mkdirat(int dirFd, String name, int mode) {
    long p = CallState.cString(name);
    return p < 0 ? (int) p : (int) Syscall.call(Nr.MKDIRAT, dirFd, p, mode);
  }

  /** mknodat(2). Returns 0 or -errno. */
  public static int mknodat(int dirFd, String name, int mode, long dev) {
    long p = CallState.cString(name);
    return p < 0 ? (int) p : (int) Syscall.call(Nr.MKNODAT, dirFd, p, mode, dev);
  }

  /** symlinkat(2). Returns 0 or -errno. */
  public static int symlinkat(String target, int dirFd, String name) {
    long t = CallState.cString(target);
    long p = CallState.secondCString(name);
    if (t < 0 || p < 0) {
      return (int) Math.min(t, p);
    }
    return (int) Syscall.call(Nr.SYMLINKAT, t, dirFd, p);
  }

  /** linkat(2). Returns 0 or -errno. AT_EMPTY_PATH needs CAP_DAC_READ_SEARCH. */
  public static int linkat(int oldDir, String oldName, int newDir, String newName, int flags) {
    long o = CallState.cString(oldName);
    long n = CallState.secondCString(newName);
    if (o < 0 || n < 0) {
      return (int) Math.min(o, n);
    }
    return (int) Syscall.call(Nr.LINKAT, oldDir, o, newDir, n, flags);
  }

  /** renameat2(2). Returns 0 or -errno. */
  public static int renameat2(int oldDir, String oldName, int newDir, String newName, int flags) {
    long o = CallState.cString(oldName);
    long n = CallState.secondCString(newName);
    if (o < 0 || n < 0) {
      return (int) Math.min(o, n);
    }
    return (int) Syscall.call(Nr.RENAMEAT2, oldDir, o, newDir, n, flags);
  }

  /**
   * readlinkat(2); "" reads the symlink that {@code dirFd} is (O_PATH | O_NOFOLLOW).
   *
   * @return bytes, without a NUL and silently cut to {@code length}, or -errno
   */
  public static int readlinkat(int dirFd, String name, MemorySegment to, long length) {
    long p = CallState.cString(name);
    return p < 0
        ? (int) p
        : (int) Syscall.call(Nr.READLINKAT, dirFd, p, Syscall.address(to, length), length);
  }

  /** fchmod(2): not for O_PATH descriptors (-EBADF). Returns 0 or -errno. */
  public static int fchmod(int fd, int mode) {
    return (int) Syscall.call(Nr.FCHMOD, fd, mode);
  }

  /** fchmodat(2), which follows a symlink in the last place. Returns 0 or -errno. */
  public static int fchmodat(int dirFd, String name, int mode) {
    long p = CallState.cString(name);
    return p < 0 ? (int) p : (int) Syscall.call(Nr.FCHMODAT, dirFd, p, mode);
  }

  /** fchmodat2, Linux 6.6: fchmodat(2) with flags. Returns 0 or -errno, -ENOSYS before 6.6. */
  public static int fchmodat2(int dirFd, String name, int mode, int flags) {
    long p = CallState.cString(name);
    return p < 0 ? (int) p : (int) Syscall.call(Nr.FCHMODAT2, dirFd, p, mode, flags);
  }

  /** fchown(2); an id of -1 stays. Returns 0 or -errno. */
  public static int fchown(int fd, int uid, int gid) {
    return (int) Syscall.call(Nr.FCHOWN, fd, uid, gid);
  }

  /** fchownat(2); an id of -1 stays. Returns 0 or -errno. */
  public static int fchownat(int dirFd, String name, int uid, int gid, int flags) {
    long p = CallState.cString(name);
    return p < 0 ? (int) p : (int) Syscall.call(Nr.FCHOWNAT, dirFd, p, uid, gid, flags);
  }

  /**
   * utimensat(2).
   *
   * @param name the name, or null for the fd itself (futimens(3); not for O_PATH descriptors)
   * @param atimeNanos nanoseconds part, or UTIME_NOW or UTIME_OMIT
   * @return 0 or -errno
   */
  public static int utimensat(
      int dirFd,
      String name,
      long atimeSeconds,
      long atimeNanos,
      long mtimeSeconds,
      long mtimeNanos,
      int flags) {
    long p = name == null ? 0 : CallState.cString(name);
    if (p < 0) {
      return (int) p;
    }
    MemorySegment times = CallState.get().scratch;
    Memory.setLong(times, 0, atimeSeconds);
    Memory.setLong(times, 8, atimeNanos);
    Memory.setLong(times, 16, mtimeSeconds);
    Memory.setLong(times, 24, mtimeNanos);
    return (int) Syscall.call(Nr.UTIMENSAT, dirFd, p, times.address(), flags);
  }

  /** faccessat2(2). Returns 0 or -errno. */
  public static int faccessat2(int dirFd, String name, int mode, int flags) {
    long p = CallState.cString(name);
    return p < 0 ? (int) p : (int) Syscall.call(Nr.FACCESSAT2, dirFd, p, mode, flags);
  }

  /** umask(2), which is shared by all threads. Returns the old mask. */
  public static int umask(int mask) {
    return (int) Syscall.call(Nr.UMASK, mask);
  }

  // The same with C strings at raw addresses, for the gofer, whose names never become Java strings.

  /** unlinkat(2) with a raw name. Returns 0 or -errno. */
  public static int unlinkat(int dirFd, long name, int flags) {
    return (int) Syscall.call(Nr.UNLINKAT, dirFd, name, flags);
  }

  /** mkdirat(2) with a raw name. Returns 0 or -errno. */
  public static int mkdirat(int dirFd, long name, int mode) {
    return (int) Syscall.call(Nr.MKDIRAT, dirFd, name, mode);
  }

  /** mknodat(2) with a raw name. Returns 0 or -errno. */
  public static int mknodat(int dirFd, long name, int mode, long dev) {
    return (int) Syscall.call(Nr.MKNODAT, dirFd, name, mode, dev);
  }

  /** symlinkat(2) with raw strings. Returns 0 or -errno. */
  public static int symlinkat(long target, int dirFd, long name) {
    return (int) Syscall.call(Nr.SYMLINKAT, target, dirFd, name);
  }

  /** linkat(2) with raw names. Returns 0 or -errno. */
  public static int linkat(int oldDir, long oldName, int newDir, long newName, int flags) {
    return (int) Syscall.call(Nr.LINKAT, oldDir, oldName, newDir, newName, flags);
  }

  /** renameat2(2) with raw names. Returns 0 or -errno. */
  public static int renameat2(int oldDir, long oldName, int newDir, long newName, int flags) {
    return (int) Syscall.call(Nr.RENAMEAT2, oldDir, oldName, newDir, newName, flags);
  }

  /** readlinkat(2) with raw addresses. Returns bytes or -errno. */
  public static int readlinkat(int dirFd, long name, long to, long length) {
    return (int) Syscall.call(Nr.READLINKAT, dirFd, name, to, length);
  }

  /** fchmodat(2) with a raw name. Returns 0 or -errno. */
  public static int fchmodat(int dirFd, long name, int mode) {
    return (int) Syscall.call(Nr.FCHMODAT, dirFd, name, mode);
  }
}
