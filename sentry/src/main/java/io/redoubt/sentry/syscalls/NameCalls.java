package io.redoubt.sentry.syscalls;

import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.ENOENT;
import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;
import static io.redoubt.sentry.kernel.SyscallTable.Support.PARTIAL;

import io.redoubt.host.Memory;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.Names;
import io.redoubt.sentry.fs.Rename;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.Walk;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import java.lang.foreign.MemorySegment;

/** Making, linking, renaming and removing names: the calls of fs/namei.c. */
final class NameCalls {
  private static final long CWD = Walk.AT_FDCWD;
  private static final int RENAME_WHITEOUT = 4;

  private NameCalls() {}

  static void register(SyscallTable t) {
    t.on(82, "rename", 2, c -> rename(c, CWD, c.arg0, CWD, c.arg1, 0), FULL);
    t.on(83, "mkdir", 2, c -> mkdir(c, CWD, c.arg0, (int) c.arg1), FULL);
    t.on(84, "rmdir", 1, c -> remove(c, CWD, c.arg0, true), FULL);
    t.on(86, "link", 2, c -> link(c, CWD, c.arg0, CWD, c.arg1, 0), FULL);
    t.on(87, "unlink", 1, c -> remove(c, CWD, c.arg0, false), FULL);
    t.on(88, "symlink", 2, c -> symlink(c, c.arg0, CWD, c.arg1), FULL);
    t.on(89, "readlink", 3, c -> readlink(c, CWD, c.arg0, c.arg1, (int) c.arg2), FULL);
    t.on(133, "mknod", 3, c -> mknod(c, CWD, c.arg0, (int) c.arg1, c.arg2), FULL);
    t.on(258, "mkdirat", 3, c -> mkdir(c, c.arg0, c.arg1, (int) c.arg2), FULL);
    t.on(259, "mknodat", 4, c -> mknod(c, c.arg0, c.arg1, (int) c.arg2, c.arg3), FULL);
    t.on(263, "unlinkat", 3, NameCalls::unlinkat, FULL);
    t.on(264, "renameat", 4, c -> rename(c, c.arg0, c.arg1, c.arg2, c.arg3, 0), FULL);
    t.on(265, "linkat", 5, c -> link(c, c.arg0, c.arg1, c.arg2, c.arg3, (int) c.arg4), FULL);
    t.on(266, "symlinkat", 3, c -> symlink(c, c.arg0, c.arg1, c.arg2), FULL);
    t.on(267, "readlinkat", 4, c -> readlink(c, c.arg0, c.arg1, c.arg2, (int) c.arg3), FULL);
    t.on(
        316,
        "renameat2",
        5,
        c -> rename(c, c.arg0, c.arg1, c.arg2, c.arg3, (int) c.arg4),
        PARTIAL,
        "no RENAME_WHITEOUT");
  }

  private static long mkdir(Syscall c, long dirFd, long path, int mode) {
    Walk w = c.scratch().walk;
    try {
      int r = FsArgs.parent(c, w, dirFd, path);
      return r < 0 ? r : Names.mkdir(c, w, mode);
    } finally {
      w.end();
    }
  }

  private static long mknod(Syscall c, long dirFd, long path, int mode, long dev) {
    // The system call has the 32-bit encoding of a device number, which is the low half of the one
    // in struct stat.
    long rdev = dev & 0xffffffffL;
    int r = Names.mayMknod(c, mode, rdev);
    if (r == -EINVAL || (mode & Stat.S_IFMT) == Stat.S_IFDIR) {
      return r; // may_mknod() looks at the type before the path
    }
    Walk w = c.scratch().walk;
    try {
      int found = FsArgs.parent(c, w, dirFd, path);
      return found < 0 ? found : Names.mknod(c, w, mode & (Stat.S_IFMT | 07777), rdev);
    } finally {
      w.end();
    }
  }

  private static long symlink(Syscall c, long targetAddress, long dirFd, long path) {
    String target = c.memory().readPath(c, targetAddress);
    if (target == null) {
      return c.error();
    }
    if (target.isEmpty()) {
      return -ENOENT;
    }
    Walk w = c.scratch().walk;
    try {
      int r = FsArgs.parent(c, w, dirFd, path);
      return r < 0 ? r : Names.symlink(c, w, target);
    } finally {
      w.end();
    }
  }

  private static long link(
      Syscall c, long oldFd, long oldPath, long newFd, long newPath, int flags) {
    if ((flags & ~(FsArgs.AT_SYMLINK_FOLLOW | FsArgs.AT_EMPTY_PATH)) != 0) {
      return -EINVAL;
    }
    if ((flags & FsArgs.AT_EMPTY_PATH) != 0
        && !c.task.credentials.has(Credentials.CAP_DAC_READ_SEARCH)) {
      return -ENOENT;
    }
    Walk from = c.scratch().walk;
    Walk to = c.scratch().secondWalk;
    try {
      int at =
          flags & FsArgs.AT_EMPTY_PATH
              | ((flags & FsArgs.AT_SYMLINK_FOLLOW) == 0 ? FsArgs.AT_SYMLINK_NOFOLLOW : 0);
      int r = FsArgs.walk(c, from, oldFd, oldPath, at, 0);
      if (r == 0) {
        r = FsArgs.parent(c, to, newFd, newPath);
      }
      return r < 0 ? r : Names.link(c, from, to);
    } finally {
      from.end();
      to.end();
    }
  }

  private static long unlinkat(Syscall c) {
    int flags = (int) c.arg2;
    return (flags & ~FsArgs.AT_REMOVEDIR) != 0 ? -EINVAL : remove(c, c.arg0, c.arg1, flags != 0);
  }

  private static long remove(Syscall c, long dirFd, long path, boolean directory) {
    Walk w = c.scratch().walk;
    try {
      int r = FsArgs.parent(c, w, dirFd, path, Walk.LONG_NAME);
      return r < 0 ? r : directory ? Names.rmdir(c, w) : Names.unlink(c, w);
    } finally {
      w.end();
    }
  }

  private static long rename(
      Syscall c, long oldFd, long oldPath, long newFd, long newPath, int flags) {
    if ((flags & ~(Rename.NOREPLACE | Rename.EXCHANGE | RENAME_WHITEOUT)) != 0
        || ((flags & Rename.EXCHANGE) != 0 && flags != Rename.EXCHANGE)
        || (flags & RENAME_WHITEOUT) != 0) {
      return -EINVAL;
    }
    Walk from = c.scratch().walk;
    Walk to = c.scratch().secondWalk;
    try {
      int r = FsArgs.parent(c, from, oldFd, oldPath, Walk.LONG_NAME);
      if (r == 0) {
        r = FsArgs.parent(c, to, newFd, newPath, Walk.LONG_NAME);
      }
      return r < 0 ? r : Rename.rename(c, from, to, flags);
    } finally {
      from.end();
      to.end();
    }
  }

  private static long readlink(Syscall c, long dirFd, long path, long to, int size) {
    if (size <= 0) {
      return -EINVAL;
    }
    Walk w = c.scratch().walk;
    String target;
    try {
      String name = c.memory().readPath(c, path);
      if (name == null) {
        return c.error();
      }
      int r = w.from(c, dirFd, name, Walk.EMPTY_PATH);
      if (r < 0) {
        return r;
      }
      Inode i = w.inode();
      if (i.type() != Stat.S_IFLNK) {
        return name.isEmpty() ? -ENOENT : -EINVAL;
      }
      target = i.readlink(c);
      if (target == null) {
        return c.error();
      }
    } finally {
      w.end();
    }
    int n = Math.min(size, Math.min(target.length(), (int) c.scratch().small.byteSize()));
    MemorySegment s = c.scratch().small;
    for (int i = 0; i < n; i++) {
      Memory.setByte(s, i, (byte) target.charAt(i));
    }
    int r = c.memory().write(to, s, n);
    return r < 0 ? r : n;
  }
}
