package io.redoubt.sentry.ring;

/**
 * System calls that never end with EINTR on Linux, signal(7) and their own pages: what works on
 * names, attributes and positions in the kernel's memory, and closing, which is done when it
 * returns. fcntl is not among them, because F_SETLKW is, and its command is not in the code.
 */
final class Uninterrupted {
  private Uninterrupted() {}

  static boolean is(int nr) {
    return switch (nr) {
      case 3 -> true; // close
      case 4, 5, 6, 262, 332 -> true; // stat fstat lstat newfstatat statx
      case 8 -> true; // lseek
      case 21, 269, 439 -> true; // access faccessat faccessat2
      case 32 -> true; // dup
      case 63, 79 -> true; // uname getcwd
      case 89, 267 -> true; // readlink readlinkat
      case 95 -> true; // umask
      case 102, 104, 107, 108 -> true; // getuid getgid geteuid getegid
      default -> false;
    };
  }
}
