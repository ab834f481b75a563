package io.redoubt.sentry.syscalls;

import static io.redoubt.host.Errno.EBADF;

import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Walk;
import io.redoubt.sentry.kernel.Syscall;

/** What the calls that name files have in common. */
final class FsArgs {
  static final int AT_SYMLINK_NOFOLLOW = 0x100;
  static final int AT_REMOVEDIR = 0x200;
  static final int AT_EACCESS = 0x200;
  static final int AT_SYMLINK_FOLLOW = 0x400;
  static final int AT_NO_AUTOMOUNT = 0x800;
  static final int AT_EMPTY_PATH = 0x1000;

  private FsArgs() {}

  /** Puts a new file in the fd table. @return the fd, or -EMFILE with the file closed */
  static long install(Syscall c, OpenFile f, boolean cloexec) {
    int fd = c.task.files.install(f, 0, cloexec, c.task.process.limits.files());
    if (fd < 0) {
      f.close();
    }
    return fd;
  }

  /**
   * Reads a path and walks it.
   *
   * @param atFlags AT_EMPTY_PATH and AT_SYMLINK_NOFOLLOW count
   * @param walk further flags of {@link Walk}
   */
  static int walk(Syscall c, Walk w, long dirFd, long pathAddress, int atFlags, int walk) {
    String path = path(c, pathAddress, atFlags);
    return path == null ? (int) c.error() : walk(c, w, dirFd, path, atFlags, walk);
  }

  /** As {@link #walk(Syscall, Walk, long, long, int, int)}, with a path that has been read. */
  static int walk(Syscall c, Walk w, long dirFd, String path, int atFlags, int walk) {
    int flags = walk;
    if ((atFlags & AT_SYMLINK_NOFOLLOW) == 0) {
      flags |= Walk.FOLLOW;
    }
    if ((atFlags & AT_EMPTY_PATH) != 0) {
      flags |= Walk.EMPTY_PATH;
    }
    return w.from(c, dirFd, path, flags);
  }

  /** Walks to the parent of the last component. */
  static int parent(Syscall c, Walk w, long dirFd, long pathAddress) {
    return parent(c, w, dirFd, pathAddress, 0);
  }

  /** As {@link #parent(Syscall, Walk, long, long)}, with more flags of {@link Walk}. */
  static int parent(Syscall c, Walk w, long dirFd, long pathAddress, int flags) {
    String path = c.memory().readPath(c, pathAddress);
    return path == null ? (int) c.error() : w.from(c, dirFd, path, Walk.PARENT | flags);
  }

  /** A path argument; NULL is an empty one where that is allowed (Linux 6.11). */
  static String path(Syscall c, long address, int atFlags) {
    if (address == 0 && (atFlags & AT_EMPTY_PATH) != 0) {
      return "";
    }
    return c.memory().readPath(c, address);
  }

  /**
   * The file of {@code fd}, an O_PATH one too, held until the end of the call; null with -EBADF.
   */
  static OpenFile any(Syscall c, long fd) {
    OpenFile f = c.file((int) fd);
    if (f != null && (f.flags() & OpenFile.O_PATH) != 0) {
      return f;
    }
    return f == null ? c.fail(-EBADF) : c.hold(fd);
  }
}
