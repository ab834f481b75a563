package io.redoubt.sentry.syscalls;

import static io.redoubt.host.Errno.EBADF;
import static io.redoubt.host.Errno.EFBIG;
import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.EISDIR;
import static io.redoubt.host.Errno.ENODEV;
import static io.redoubt.host.Errno.EOPNOTSUPP;
import static io.redoubt.host.Errno.ESPIPE;
import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;

import io.redoubt.host.Fcntl;
import io.redoubt.sentry.fs.Access;
import io.redoubt.sentry.fs.FsNotify;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Opening;
import io.redoubt.sentry.fs.RegularFile;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.Walk;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;

/** The size of files, their allocation, what is said in advance of it, and bringing it to disk. */
final class SizeCalls {
  private static final int FALLOC_KNOWN =
      Fcntl.FALLOC_FL_KEEP_SIZE
          | Fcntl.FALLOC_FL_PUNCH_HOLE
          | Fcntl.FALLOC_FL_COLLAPSE_RANGE
          | Fcntl.FALLOC_FL_ZERO_RANGE
          | Fcntl.FALLOC_FL_INSERT_RANGE
          | Fcntl.FALLOC_FL_UNSHARE_RANGE;

  private SizeCalls() {}

  static void register(SyscallTable t) {
    t.on(74, "fsync", 1, c -> sync(c, false), FULL);
    t.on(75, "fdatasync", 1, c -> sync(c, true), FULL);
    t.on(76, "truncate", 2, SizeCalls::truncate, FULL);
    t.on(77, "ftruncate", 2, SizeCalls::ftruncate, FULL);
    t.on(162, "sync", 0, SizeCalls::syncAll, FULL);
    t.on(187, "readahead", 3, SizeCalls::readahead, FULL);
    t.on(221, "fadvise64", 4, SizeCalls::fadvise, FULL);
    t.on(277, "sync_file_range", 4, SizeCalls::syncFileRange, FULL);
    t.on(285, "fallocate", 4, SizeCalls::fallocate, FULL);
    t.on(306, "syncfs", 1, SizeCalls::syncfs, FULL);
  }

  private static long truncate(Syscall c) {
    long size = c.arg1;
    if (size < 0) {
      return -EINVAL;
    }
    Walk w = c.scratch().walk;
    try {
      int r = FsArgs.walk(c, w, Walk.AT_FDCWD, c.arg0, 0, 0);
      if (r < 0) {
        return r;
      }
      Inode i = w.inode();
      if (i.type() != Stat.S_IFREG) {
        return i.type() == Stat.S_IFDIR ? -EISDIR : -EINVAL;
      }
      r = Access.check(c, w.mount(), i, Access.WRITE);
      r = r < 0 ? r : RegularFile.checkSize(c, size);
      r = r < 0 ? r : Opening.truncate(c, i, size);
      if (r == 0) {
        FsNotify.changed(w.path(), FsNotify.MODIFY);
      }
      return r;
    } finally {
      w.end();
    }
  }

  private static long ftruncate(Syscall c) {
    if (c.arg1 < 0) {
      return -EINVAL;
    }
    OpenFile f = c.hold(c.arg0);
    if (f == null) {
      return c.error();
    }
    if (f.inode().type() != Stat.S_IFREG || !f.isWritable()) {
      return -EINVAL;
    }
    int r = RegularFile.checkSize(c, c.arg1);
    if (r < 0) {
      return r;
    }
    long done = f.truncate(c, c.arg1);
    if (done == 0) {
      FsNotify.used(f, FsNotify.MODIFY);
    }
    return done;
  }

  private static long fallocate(Syscall c) {
    int mode = (int) c.arg1;
    long offset = c.arg2;
    long length = c.arg3;
    OpenFile f = c.hold(c.arg0);
    if (f == null) {
      return c.error();
    }
    if (offset < 0 || length <= 0) {
      return -EINVAL;
    }
    boolean punch = (mode & Fcntl.FALLOC_FL_PUNCH_HOLE) != 0;
    if ((mode & ~FALLOC_KNOWN) != 0 || (punch && (mode & Fcntl.FALLOC_FL_KEEP_SIZE) == 0)) {
      return -EOPNOTSUPP;
    }
    if (punch && (mode & Fcntl.FALLOC_FL_ZERO_RANGE) != 0) {
      return -EOPNOTSUPP;
    }
    if (!f.isWritable()) {
      return -EBADF;
    }
    switch (f.inode().type()) {
      case Stat.S_IFREG -> {}
      case Stat.S_IFDIR -> {
        return -EISDIR;
      }
      case Stat.S_IFIFO -> {
        return -ESPIPE;
      }
      default -> {
        return -ENODEV;
      }
    }
    if (offset + length < 0) {
      return -EFBIG;
    }
    int r = (mode & Fcntl.FALLOC_FL_KEEP_SIZE) != 0 ? 0 : RegularFile.checkSize(c, offset + length);
    return r < 0 ? r : f.allocate(c, mode, offset, length);
  }

  private static long sync(Syscall c, boolean dataOnly) {
    OpenFile f = c.hold(c.arg0);
    return f == null ? c.error() : f.sync(c, dataOnly);
  }

  private static long syncAll(Syscall c) {
    for (var m : c.task.kernel.vfs.mounts()) {
      m.root.inode().syncFileSystem(c);
    }
    return 0; // always, says sync(2)
  }

  private static long syncfs(Syscall c) {
    OpenFile f = c.hold(c.arg0);
    return f == null ? c.error() : f.path().mount().root.inode().syncFileSystem(c);
  }

  private static long syncFileRange(Syscall c) {
    long offset = c.arg1;
    long length = c.arg2;
    OpenFile f = c.hold(c.arg0);
    if (f == null) {
      return c.error();
    }
    if ((c.arg3 & ~7L) != 0 || offset < 0 || length < 0 || offset + length < 0) {
      return -EINVAL;
    }
    int type = f.inode().type();
    if (type != Stat.S_IFREG
        && type != Stat.S_IFBLK
        && type != Stat.S_IFDIR
        && type != Stat.S_IFLNK) {
      return -ESPIPE;
    }
    return c.arg3 == 0 || type != Stat.S_IFREG ? 0 : f.sync(c, true);
  }

  private static long fadvise(Syscall c) {
    OpenFile f = c.hold(c.arg0);
    if (f == null) {
      return c.error();
    }
    if (f.inode().type() == Stat.S_IFIFO) {
      return -ESPIPE;
    }
    if (c.arg2 < 0 || c.arg3 < 0 || c.arg3 > Fcntl.POSIX_FADV_NOREUSE) {
      return -EINVAL;
    }
    return f.advise(c, c.arg1, c.arg2, (int) c.arg3);
  }

  private static long readahead(Syscall c) {
    OpenFile f = c.hold(c.arg0);
    if (f == null) {
      return c.error();
    }
    if (!f.isReadable()) {
      return -EBADF;
    }
    if (f.inode().type() != Stat.S_IFREG) {
      return -EINVAL;
    }
    return f.advise(c, c.arg1, Math.max(0, c.arg2), Fcntl.POSIX_FADV_WILLNEED);
  }
}
