package io.redoubt.sentry.syscalls;

import static io.redoubt.host.Errno.E2BIG;
import static io.redoubt.host.Errno.EAGAIN;
import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.EOPNOTSUPP;
import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;
import static io.redoubt.sentry.kernel.SyscallTable.Support.NONE;
import static io.redoubt.sentry.kernel.SyscallTable.Support.PARTIAL;

import io.redoubt.host.Fcntl.OpenHow;
import io.redoubt.host.Memory;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Opening;
import io.redoubt.sentry.fs.Walk;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import java.lang.foreign.MemorySegment;

/** open(2) and its kin: fs/open.c. */
final class OpenCalls {
  /** VALID_OPEN_FLAGS. */
  private static final int VALID =
      OpenFile.O_ACCMODE
          | Opening.O_CREAT
          | Opening.O_EXCL
          | Opening.O_NOCTTY
          | Opening.O_TRUNC
          | OpenFile.O_APPEND
          | OpenFile.O_NONBLOCK
          | Opening.O_SYNC
          | OpenFile.O_DSYNC
          | OpenFile.O_ASYNC
          | OpenFile.O_DIRECT
          | Opening.O_LARGEFILE
          | Opening.O_DIRECTORY
          | Opening.O_NOFOLLOW
          | OpenFile.O_NOATIME
          | Opening.O_CLOEXEC
          | OpenFile.O_PATH
          | Opening.O_TMPFILE_BIT;

  private static final int WITH_O_PATH =
      Opening.O_DIRECTORY | Opening.O_NOFOLLOW | OpenFile.O_PATH | Opening.O_CLOEXEC;
  private static final int RESOLVE_CACHED = 0x20;
  private static final int VALID_RESOLVE = 0x3f;
  private static final int PAGE = 4096;

  private OpenCalls() {}

  static void register(SyscallTable t) {
    t.on(2, "open", 3, OpenCalls::open, FULL);
    t.on(85, "creat", 2, OpenCalls::creat, FULL);
    t.on(257, "openat", 4, OpenCalls::openat, FULL);
    t.on(303, "name_to_handle_at", 5, c -> -EOPNOTSUPP, NONE, "no file system here has handles");
    t.on(304, "open_by_handle_at", 3, c -> -EOPNOTSUPP, NONE, "no file system here has handles");
    t.on(437, "openat2", 4, OpenCalls::openat2, PARTIAL, "RESOLVE_CACHED is always EAGAIN");
  }

  private static long open(Syscall c) {
    return open(c, Walk.AT_FDCWD, c.arg0, (int) c.arg1, (int) c.arg2);
  }

  private static long creat(Syscall c) {
    return open(
        c,
        Walk.AT_FDCWD,
        c.arg0,
        Opening.O_CREAT | OpenFile.O_WRONLY | Opening.O_TRUNC,
        (int) c.arg1);
  }

  private static long openat(Syscall c) {
    return open(c, c.arg0, c.arg1, (int) c.arg2, (int) c.arg3);
  }

  private static long open(Syscall c, long dirFd, long path, int flags, int mode) {
    int f = flags & VALID | Opening.O_LARGEFILE; // what is unknown is ignored, as it always was
    if ((f & OpenFile.O_PATH) != 0) {
      f &= WITH_O_PATH;
    }
    return open(c, dirFd, path, f, mode & 07777, 0);
  }

  private static long openat2(Syscall c) {
    long size = c.arg3;
    if (size < OpenHow.SIZEOF) {
      return -EINVAL;
    }
    if (size > PAGE) {
      return -E2BIG;
    }
    MemorySegment how = c.scratch().small;
    if (c.memory().read(c.arg2, how, size) < 0) {
      return -io.redoubt.host.Errno.EFAULT;
    }
    for (long i = OpenHow.SIZEOF; i < size; i++) {
      if (Memory.getByte(how, i) != 0) {
        return -E2BIG; // a newer program wants something that is not known here
      }
    }
    long flags = Memory.getLong(how, OpenHow.FLAGS);
    long mode = Memory.getLong(how, OpenHow.MODE);
    long resolve = Memory.getLong(how, OpenHow.RESOLVE);
    if ((flags & ~VALID) != 0 || (resolve & ~VALID_RESOLVE) != 0) {
      return -EINVAL;
    }
    int beneathAndInRoot = (Walk.BENEATH | Walk.IN_ROOT) >> Walk.RESOLVE_SHIFT;
    if ((resolve & beneathAndInRoot) == beneathAndInRoot) {
      return -EINVAL;
    }
    boolean creates = (flags & (Opening.O_CREAT | Opening.O_TMPFILE_BIT)) != 0;
    if (creates ? (mode & ~07777) != 0 : mode != 0) {
      return -EINVAL;
    }
    if ((flags & OpenFile.O_PATH) != 0 && (flags & ~WITH_O_PATH) != 0) {
      return -EINVAL;
    }
    if ((resolve & RESOLVE_CACHED) != 0) {
      return -EAGAIN;
    }
    return open(c, c.arg0, c.arg1, (int) flags, (int) mode, (int) resolve << Walk.RESOLVE_SHIFT);
  }

  /** build_open_flags() and the rest. */
  private static long open(
      Syscall c, long dirFd, long pathAddress, int flags, int mode, int resolve) {
    if ((flags & (Opening.O_DIRECTORY | Opening.O_CREAT))
        == (Opening.O_DIRECTORY | Opening.O_CREAT)) {
      return -EINVAL;
    }
    if ((flags & Opening.O_TMPFILE_BIT) != 0) {
      boolean writes = (flags & OpenFile.O_ACCMODE) != OpenFile.O_RDONLY;
      if ((flags & Opening.O_DIRECTORY) == 0 || !writes) {
        return -EINVAL;
      }
    }
    if ((flags & Opening.O_SYNC) == (Opening.O_SYNC & ~OpenFile.O_DSYNC)) {
      flags |= OpenFile.O_DSYNC;
    }
    String path = c.memory().readPath(c, pathAddress);
    if (path == null) {
      return c.error();
    }
    OpenFile f = Opening.open(c, dirFd, path, flags, mode, resolve);
    if (f == null) {
      return c.error();
    }
    return FsArgs.install(c, f, (flags & Opening.O_CLOEXEC) != 0);
  }
}
