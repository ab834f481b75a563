package io.redoubt.sentry.syscalls;

import static io.redoubt.host.Errno.EBADF;
import static io.redoubt.host.Errno.EFAULT;
import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.EPERM;
import static io.redoubt.host.Errno.EROFS;
import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;

import io.redoubt.host.Memory;
import io.redoubt.sentry.fs.Access;
import io.redoubt.sentry.fs.FsNotify;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.Mount;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.SetAttr;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.Walk;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import java.lang.foreign.MemorySegment;

/** Setting file times: fs/utimes.c. */
final class TimeCalls {
  private static final long UTIME_NOW = 0x3fffffff;
  private static final long UTIME_OMIT = 0x3ffffffe;
  private static final long NANOS = 1_000_000_000L;
  private static final long MICROS = 1_000_000L;

  /** Two times: seconds and nanoseconds (or UTIME_*) of access and of modification. */
  private record Times(long atimeSec, long atimeNsec, long mtimeSec, long mtimeNsec) {
    static final Times NOW = new Times(0, UTIME_NOW, 0, UTIME_NOW);

    boolean areBothNow() {
      return atimeNsec == UTIME_NOW && mtimeNsec == UTIME_NOW;
    }

    boolean areBothOmitted() {
      return atimeNsec == UTIME_OMIT && mtimeNsec == UTIME_OMIT;
    }
  }

  private TimeCalls() {}

  static void register(SyscallTable t) {
    t.on(132, "utime", 2, TimeCalls::utime, FULL);
    t.on(235, "utimes", 2, c -> utimes(c, Walk.AT_FDCWD, c.arg0, c.arg1), FULL);
    t.on(261, "futimesat", 3, c -> utimes(c, c.arg0, c.arg1, c.arg2), FULL);
    t.on(280, "utimensat", 4, TimeCalls::utimensat, FULL);
  }

  private static long utime(Syscall c) {
    Times times = Times.NOW;
    if (c.arg1 != 0) {
      MemorySegment s = c.scratch().small;
      if (c.memory().read(c.arg1, s, 16) < 0) {
        return -EFAULT;
      }
      times = new Times(Memory.getLong(s, 0), 0, Memory.getLong(s, 8), 0);
    }
    return set(c, Walk.AT_FDCWD, c.arg0, times, 0);
  }

  private static long utimes(Syscall c, long dirFd, long path, long address) {
    Times times = Times.NOW;
    if (address != 0) {
      MemorySegment s = c.scratch().small;
      if (c.memory().read(address, s, 32) < 0) {
        return -EFAULT;
      }
      long a = Memory.getLong(s, 8);
      long m = Memory.getLong(s, 24);
      if (a < 0 || a >= MICROS || m < 0 || m >= MICROS) {
        return -EINVAL;
      }
      times = new Times(Memory.getLong(s, 0), a * 1000, Memory.getLong(s, 16), m * 1000);
    }
    return path == 0 && (int) dirFd != Walk.AT_FDCWD
        ? setFd(c, dirFd, times)
        : set(c, dirFd, path, times, 0);
  }

  private static long utimensat(Syscall c) {
    Times times = Times.NOW;
    if (c.arg2 != 0) {
      MemorySegment s = c.scratch().small;
      if (c.memory().read(c.arg2, s, 32) < 0) {
        return -EFAULT;
      }
      times =
          new Times(
              Memory.getLong(s, 0),
              Memory.getLong(s, 8),
              Memory.getLong(s, 16),
              Memory.getLong(s, 24));
      if (times.areBothOmitted()) {
        return 0;
      }
      if (!isValid(times.atimeNsec) || !isValid(times.mtimeNsec)) {
        return -EINVAL;
      }
    }
    int flags = (int) c.arg3;
    if (c.arg1 == 0 && (int) c.arg0 != Walk.AT_FDCWD) {
      return flags != 0 ? -EINVAL : setFd(c, c.arg0, times);
    }
    if ((flags & ~(FsArgs.AT_SYMLINK_NOFOLLOW | FsArgs.AT_EMPTY_PATH)) != 0) {
      return -EINVAL;
    }
    return set(c, c.arg0, c.arg1, times, flags);
  }

  private static boolean isValid(long nsec) {
    return (nsec >= 0 && nsec < NANOS) || nsec == UTIME_NOW || nsec == UTIME_OMIT;
  }

  private static long set(Syscall c, long dirFd, long path, Times times, int flags) {
    Walk w = c.scratch().walk;
    try {
      int r = FsArgs.walk(c, w, dirFd, path, flags, 0);
      return r < 0 ? r : apply(c, w.path(), times);
    } finally {
      w.end();
    }
  }

  private static long setFd(Syscall c, long fd, Times times) {
    OpenFile f = c.hold(fd);
    return f == null ? -EBADF : apply(c, f.path(), times);
  }

  private static int apply(Syscall c, Path path, Times times) {
    int r = apply(c, path.mount(), path.inode(), times);
    if (r == 0) {
      // fsnotify_change(): one time alone counts as what it stands for
      FsNotify.changed(
          path,
          times.mtimeNsec == UTIME_OMIT
              ? FsNotify.ACCESS
              : times.atimeNsec == UTIME_OMIT ? FsNotify.MODIFY : FsNotify.ATTRIB);
    }
    return r;
  }

  private static int apply(Syscall c, Mount mount, Inode i, Times times) {
    if (mount.isReadOnly()) {
      return -EROFS;
    }
    Stat st = c.scratch().stat;
    int r = i.permissions(c, st);
    if (r < 0) {
      return r;
    }
    if (!Access.ownerOrCapable(c, st)) {
      if (!times.areBothNow()) {
        return -EPERM;
      }
      r = i.access(c, Access.WRITE); // who may write may say that he has
      if (r < 0) {
        return r;
      }
    }
    SetAttr change = new SetAttr();
    long now = System.currentTimeMillis();
    if (times.atimeNsec != UTIME_OMIT) {
      change.mask |= SetAttr.ATIME;
      boolean isNow = times.atimeNsec == UTIME_NOW;
      change.atimeSec = isNow ? now / 1000 : times.atimeSec;
      change.atimeNsec = isNow ? (int) (now % 1000) * 1_000_000 : (int) times.atimeNsec;
    }
    if (times.mtimeNsec != UTIME_OMIT) {
      change.mask |= SetAttr.MTIME;
      boolean isNow = times.mtimeNsec == UTIME_NOW;
      change.mtimeSec = isNow ? now / 1000 : times.mtimeSec;
      change.mtimeNsec = isNow ? (int) (now % 1000) * 1_000_000 : (int) times.mtimeNsec;
    }
    return i.setattr(c, change);
  }
}
