package io.redoubt.host;

import java.lang.foreign.MemorySegment;

/** unistd.h: bytes in and out of descriptors, and the descriptors themselves. */
public final class Unistd {
  public static final int STDIN_FILENO = 0;
  public static final int STDOUT_FILENO = 1;
  public static final int STDERR_FILENO = 2;
  public static final int CLOSE_RANGE_UNSHARE = 0x2;
  public static final int CLOSE_RANGE_CLOEXEC = 0x4;
  public static final int RWF_HIPRI = 0x1;
  public static final int RWF_DSYNC = 0x2;
  public static final int RWF_SYNC = 0x4;
  public static final int RWF_NOWAIT = 0x8;
  public static final int RWF_APPEND = 0x10;

  private Unistd() {}

  /** read(2). Returns bytes, 0 at the end, or -errno. */
  public static long read(int fd, MemorySegment to, long length) {
    return Syscall.call(Nr.READ, fd, Syscall.address(to, length), length);
  }

  /** read(2) to a raw address. */
  public static long read(int fd, long to, long length) {
    return Syscall.call(Nr.READ, fd, to, length);
  }

  /** write(2). Returns bytes or -errno. SIGPIPE is ignored in a JVM, so EPIPE comes back. */
  public static long write(int fd, MemorySegment from, long length) {
    return Syscall.call(Nr.WRITE, fd, Syscall.address(from, length), length);
  }

  /** write(2) from a raw address. */
  public static long write(int fd, long from, long length) {
    return Syscall.call(Nr.WRITE, fd, from, length);
  }

  /** pread(2). Returns bytes, 0 at the end, or -errno. */
  public static long pread(int fd, MemorySegment to, long length, long offset) {
    return Syscall.call(Nr.PREAD64, fd, Syscall.address(to, length), length, offset);
  }

  /** pread(2) to a raw address. */
  public static long pread(int fd, long to, long length, long offset) {
    return Syscall.call(Nr.PREAD64, fd, to, length, offset);
  }

  /** pwrite(2). Returns bytes or -errno. With O_APPEND Linux appends, whatever the offset. */
  public static long pwrite(int fd, MemorySegment from, long length, long offset) {
    return Syscall.call(Nr.PWRITE64, fd, Syscall.address(from, length), length, offset);
  }

  /** pwrite(2) from a raw address. */
  public static long pwrite(int fd, long from, long length, long offset) {
    return Syscall.call(Nr.PWRITE64, fd, from, length, offset);
  }

  /** readv(2) with {@code count} iovecs at a raw address ({@link Uio.Iovec}). */
  public static long readv(int fd, long iovecs, int count) {
    return Syscall.call(Nr.READV, fd, iovecs, count);
  }

  /** writev(2) with {@code count} iovecs at a raw address ({@link Uio.Iovec}). */
  public static long writev(int fd, long iovecs, int count) {
    return Syscall.call(Nr.WRITEV, fd, iovecs, count);
  }

  /** preadv2(2): an offset of -1 uses and moves the file position. Returns bytes or -errno. */
  public static long preadv2(int fd, long iovecs, int count, long offset, int flags) {
    // The offset is two registers, low and high half; x86-64 ignores the second.
    return Syscall.call(Nr.PREADV2, fd, iovecs, count, offset, 0, flags);
  }

  /** pwritev2(2): an offset of -1 uses and moves the file position. Returns bytes or -errno. */
  public static long pwritev2(int fd, long iovecs, int count, long offset, int flags) {
    return Syscall.call(Nr.PWRITEV2, fd, iovecs, count, offset, 0, flags);
  }

  /** lseek(2). Returns the new offset or -errno. */
  public static long lseek(int fd, long offset, int whence) {
    return Syscall.call(Nr.LSEEK, fd, offset, whence);
  }

  /** close(2). Returns 0 or -errno; the fd is gone even on -EINTR and -EIO: never call it twice. */
  public static int close(int fd) {
    return (int) Syscall.call(Nr.CLOSE, fd);
  }

  /** close_range(2), both ends included. Returns 0 or -errno. */
  public static int closeRange(int first, int last, int flags) {
    return (int) Syscall.call(Nr.CLOSE_RANGE, first, last, flags);
  }

  /**
   * pipe2(2).
   *
   * @return both fds or -errno: the read end in the low and the write end in the high 32 bits
   */
  public static long pipe2(int flags) {
    MemorySegment fds = CallState.get().scratch;
    long r = Syscall.call(Nr.PIPE2, fds.address(), flags);
    return r < 0 ? r : pair(fds);
  }

  /** Two fds as one non-negative long: the first in the low, the second in the high 32 bits. */
  static long pair(MemorySegment fds) {
    return (long) Memory.getInt(fds, 4) << 32 | Memory.getInt(fds, 0);
  }

  /** The first of two fds that came as one long ({@link #pipe2}, {@link Socket#socketpair}). */
  public static int first(long pair) {
    return (int) pair;
  }

  /** The second of two fds that came as one long. */
  public static int second(long pair) {
    return (int) (pair >> 32);
  }

  /** dup(2). Returns an fd, not close-on-exec, or -errno. */
  public static int dup(int fd) {
    return (int) Syscall.call(Nr.DUP, fd);
  }

  /** dup3(2): fails with -EINVAL where both numbers are equal. Returns the new fd or -errno. */
  public static int dup3(int oldFd, int newFd, int flags) {
    return (int) Syscall.call(Nr.DUP3, oldFd, newFd, flags);
  }

  /** ftruncate(2). Returns 0 or -errno. */
  public static int ftruncate(int fd, long length) {
    return (int) Syscall.call(Nr.FTRUNCATE, fd, length);
  }

  /** fsync(2). Returns 0 or -errno. */
  public static int fsync(int fd) {
    return (int) Syscall.call(Nr.FSYNC, fd);
  }

  /** fdatasync(2). Returns 0 or -errno. */
  public static int fdatasync(int fd) {
    return (int) Syscall.call(Nr.FDATASYNC, fd);
  }

  /** sync_file_range(2). Returns 0 or -errno. */
  public static int syncFileRange(int fd, long offset, long length, int flags) {
    return (int) Syscall.call(Nr.SYNC_FILE_RANGE, fd, offset, length, flags);
  }

  /** syncfs(2). Returns 0 or -errno. */
  public static int syncfs(int fd) {
    return (int) Syscall.call(Nr.SYNCFS, fd);
  }

  /**
   * copy_file_range(2) at explicit offsets; the files' own positions stay. Returns bytes or -errno.
   */
  public static long copyFileRange(int in, long inOffset, int out, long outOffset, long length) {
    MemorySegment s = CallState.get().scratch;
    Memory.setLong(s, 0, inOffset);
    Memory.setLong(s, 8, outOffset);
    long at = s.address();
    return Syscall.call(Nr.COPY_FILE_RANGE, in, at, out, at + 8, length, 0);
  }

  /** sendfile(2) from an explicit offset. Returns bytes or -errno. */
  public static long sendfile(int out, int in, long offset, long length) {
    MemorySegment s = CallState.get().scratch;
    Memory.setLong(s, 0, offset);
    return Syscall.call(Nr.SENDFILE, out, in, s.address(), length);
  }

  /** fchdir(2). Returns 0 or -errno. */
  public static int fchdir(int fd) {
    return (int) Syscall.call(Nr.FCHDIR, fd);
  }

  /** chdir(2). Returns 0 or -errno. */
  public static int chdir(String path) {
    long p = CallState.cString(path);
    return p < 0 ? (int) p : (int) Syscall.call(Nr.CHDIR, p);
  }

  /** chroot(2). Returns 0 or -errno. */
  public static int chroot(String path) {
    long p = CallState.cString(path);
    return p < 0 ? (int) p : (int) Syscall.call(Nr.CHROOT, p);
  }

  /** getuid(2). */
  public static int getuid() {
    return (int) Syscall.call(Nr.GETUID);
  }

  /** geteuid(2). */
  public static int geteuid() {
    return (int) Syscall.call(Nr.GETEUID);
  }

  /** getgid(2). */
  public static int getgid() {
    return (int) Syscall.call(Nr.GETGID);
  }

  /** getegid(2). */
  public static int getegid() {
    return (int) Syscall.call(Nr.GETEGID);
  }

  /** getgroups(2) into {@code count} gid_t of 4 bytes. Returns their number or -errno. */
  public static int getgroups(int count, MemorySegment to) {
    return (int) Syscall.call(Nr.GETGROUPS, count, Syscall.addressOrNull(to, 4L * count));
  }

  /** setsid(2). Returns the session or -errno. */
  public static int setsid() {
    return (int) Syscall.call(Nr.SETSID);
  }

  /** setpgid(2). Returns 0 or -errno. */
  public static int setpgid(int pid, int pgid) {
    return (int) Syscall.call(Nr.SETPGID, pid, pgid);
  }

  /** getpgid(2). Returns the group or -errno. */
  public static int getpgid(int pid) {
    return (int) Syscall.call(Nr.GETPGID, pid);
  }

  /** getsid(2). Returns the session or -errno. */
  public static int getsid(int pid) {
    return (int) Syscall.call(Nr.GETSID, pid);
  }

  /** sethostname(2). Returns 0 or -errno. */
  public static int sethostname(String name) {
    long p = CallState.cString(name);
    return p < 0 ? (int) p : (int) Syscall.call(Nr.SETHOSTNAME, p, name.length());
  }

  /** _exit(2), of the whole process at once: no shutdown hooks, no flushing. */
  public static void exit(int status) {
    Syscall.call(Nr.EXIT_GROUP, status);
    throw new AssertionError("exit_group returned");
  }
}
