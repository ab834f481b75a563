package io.redoubt.host;

import java.lang.foreign.MemorySegment;

/**
 * sys/xattr.h: extended attributes.
 *
 * <p>The {@code f} calls refuse O_PATH descriptors with -EBADF; the path calls with {@code
 * /proc/self/fd/N} follow the link to the file itself and so serve those.
 */
public final class Xattr {
  public static final int XATTR_CREATE = 1;
  public static final int XATTR_REPLACE = 2;
  public static final int XATTR_SIZE_MAX = 65536;
  public static final int XATTR_NAME_MAX = 255;

  private Xattr() {}

  /** fgetxattr(2); a length of 0 asks for the size. Returns bytes or -errno. */
  public static long fgetxattr(int fd, String name, MemorySegment to, long length) {
    long n = CallState.cString(name);
    return n < 0 ? n : Syscall.call(Nr.FGETXATTR, fd, n, Syscall.addressOrNull(to, length), length);
  }

  /** getxattr(2), following symlinks. Returns bytes or -errno. */
  public static long getxattr(String path, String name, MemorySegment to, long length) {
    long p = CallState.cString(path);
    long n = CallState.secondCString(name);
    if (p < 0 || n < 0) {
      return Math.min(p, n);
    }
    return Syscall.call(Nr.GETXATTR, p, n, Syscall.addressOrNull(to, length), length);
  }

  /** flistxattr(2): names, each with its NUL. Returns bytes or -errno. */
  public static long flistxattr(int fd, MemorySegment to, long length) {
    return Syscall.call(Nr.FLISTXATTR, fd, Syscall.addressOrNull(to, length), length);
  }

  /** listxattr(2), following symlinks. Returns bytes or -errno. */
  public static long listxattr(String path, MemorySegment to, long length) {
    long p = CallState.cString(path);
    return p < 0 ? p : Syscall.call(Nr.LISTXATTR, p, Syscall.addressOrNull(to, length), length);
  }

  /** fsetxattr(2). Returns 0 or -errno. */
  public static int fsetxattr(int fd, String name, MemorySegment from, long length, int flags) {
    long n = CallState.cString(name);
    return n < 0
        ? (int) n
        : (int)
            Syscall.call(Nr.FSETXATTR, fd, n, Syscall.addressOrNull(from, length), length, flags);
  }

  /** setxattr(2), following symlinks. Returns 0 or -errno. */
  public static int setxattr(String path, String name, MemorySegment from, long length, int flags) {
    long p = CallState.cString(path);
    long n = CallState.secondCString(name);
    if (p < 0 || n < 0) {
      return (int) Math.min(p, n);
    }
    return (int)
        Syscall.call(Nr.SETXATTR, p, n, Syscall.addressOrNull(from, length), length, flags);
  }

  /** fremovexattr(2). Returns 0 or -errno. */
  public static int fremovexattr(int fd, String name) {
    long n = CallState.cString(name);
    return n < 0 ? (int) n : (int) Syscall.call(Nr.FREMOVEXATTR, fd, n);
  }

  /** removexattr(2), following symlinks. Returns 0 or -errno. */
  public static int removexattr(String path, String name) {
    long p = CallState.cString(path);
    long n = CallState.secondCString(name);
    if (p < 0 || n < 0) {
      return (int) Math.min(p, n);
    }
    return (int) Syscall.call(Nr.REMOVEXATTR, p, n);
  }
}
