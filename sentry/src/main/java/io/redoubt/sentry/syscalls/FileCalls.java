package io.redoubt.sentry.syscalls;

import static io.redoubt.host.Errno.EAGAIN;
import static io.redoubt.host.Errno.EBADF;
import static io.redoubt.host.Errno.EFAULT;
import static io.redoubt.host.Errno.EFBIG;
import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.EOPNOTSUPP;
import static io.redoubt.host.Errno.ESPIPE;
import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;
import static io.redoubt.sentry.kernel.SyscallTable.Support.PARTIAL;

import io.redoubt.sentry.fs.FsNotify;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.RegularFile;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.ResourceLimits;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import io.redoubt.sentry.kernel.UserBuffer;

/** Reading, writing and seeking: fs/read_write.c of Linux, in its order of checks. */
public final class FileCalls {
  private static final int RWF_HIPRI = 0x1;
  private static final int RWF_DSYNC = 0x2;
  private static final int RWF_SYNC = 0x4;
  private static final int RWF_NOWAIT = 0x8;
  private static final int RWF_APPEND = 0x10;
  private static final int RWF_SUPPORTED = RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT;

  private static final int SEEK_SET = 0;
  private static final int SEEK_CUR = 1;
  private static final int SEEK_MAX = 4; // SEEK_HOLE
  private static final int SIGXFSZ = 25;
  private static final long NO_POSITION = -1;

  private FileCalls() {}

  /**
   * Adds the rows of this family and of its neighbours: descriptors, locks, pipes, events, polling.
   */
  public static void register(SyscallTable t) {
    t.on(0, "read", 3, FileCalls::read, FULL);
    t.on(1, "write", 3, FileCalls::write, FULL);
    t.on(8, "lseek", 3, FileCalls::lseek, FULL);
    t.on(17, "pread64", 4, FileCalls::pread, FULL);
    t.on(18, "pwrite64", 4, FileCalls::pwrite, FULL);
    t.on(19, "readv", 3, FileCalls::readv, FULL);
    t.on(20, "writev", 3, FileCalls::writev, FULL);
    t.on(295, "preadv", 5, FileCalls::preadv, FULL);
    t.on(296, "pwritev", 5, FileCalls::pwritev, FULL);
    t.on(327, "preadv2", 6, FileCalls::preadv2, PARTIAL, "flags HIPRI, DSYNC, SYNC, NOWAIT");
    t.on(
        328,
        "pwritev2",
        6,
        FileCalls::pwritev2,
        PARTIAL,
        "the same, and APPEND, which is not atomic");
    FdCalls.register(t);
    LockCalls.register(t);
    PipeCalls.register(t);
    EventCalls.register(t);
    InotifyCalls.register(t);
    PollCalls.register(t);
    EpollCalls.register(t);
    SpliceCalls.register(t);
    SocketCalls.register(t);
    MessageCalls.register(t);
  }

  static long read(Syscall c) {
    OpenFile f = c.hold(c.arg0);
    if (f == null) {
      return c.error();
    }
    return readSome(c, f, c.arg1, c.arg2, NO_POSITION);
  }

  static long write(Syscall c) {
    OpenFile f = c.hold(c.arg0);
    if (f == null) {
      return c.error();
    }
    return writeAll(c, f, c.arg1, c.arg2, NO_POSITION);
  }

  static long pread(Syscall c) {
    if (c.arg3 < 0) {
      return -EINVAL;
    }
    OpenFile f = c.hold(c.arg0);
    if (f == null) {
      return c.error();
    }
    return f.isSeekable() ? readSome(c, f, c.arg1, c.arg2, c.arg3) : -ESPIPE;
  }

  static long pwrite(Syscall c) {
    if (c.arg3 < 0) {
      return -EINVAL;
    }
    OpenFile f = c.hold(c.arg0);
    if (f == null) {
      return c.error();
    }
    return f.isSeekable() ? writeAll(c, f, c.arg1, c.arg2, c.arg3) : -ESPIPE;
  }

  private static long readSome(Syscall c, OpenFile f, long address, long length, long position) {
    if (!f.isReadable()) {
      return -EBADF;
    }
    if (!UserBuffer.accessOk(address, length)) {
      return -EFAULT;
    }
    if (position > Long.MAX_VALUE - length) {
      return -EINVAL;
    }
    if (f instanceof RegularFile r && !FsNotify.isActive()) {
      long n = r.readInGuest(c, length, position);
      if (n != 0) {
        return n;
      }
    }
    return finishRead(c, f, c.buffer(address, length), position, 0);
  }

  private static long writeAll(Syscall c, OpenFile f, long address, long length, long position) {
    if (!f.isWritable()) {
      return -EBADF;
    }
    if (!UserBuffer.accessOk(address, length)) {
      return -EFAULT;
    }
    if (position > Long.MAX_VALUE - length) {
      return -EINVAL;
    }
    return finishWrite(c, f, c.buffer(address, length), position, 0);
  }

  static long readv(Syscall c) {
    return vectored(c, false, NO_POSITION, 0);
  }

  static long writev(Syscall c) {
    return vectored(c, true, NO_POSITION, 0);
  }

  // On 64 bits the "high" half of the position (arg4) is shifted out: pos_from_hilo().
  static long preadv(Syscall c) {
    return c.arg3 < 0 ? -EINVAL : vectored(c, false, c.arg3, 0);
  }

  static long pwritev(Syscall c) {
    return c.arg3 < 0 ? -EINVAL : vectored(c, true, c.arg3, 0);
  }

  static long preadv2(Syscall c) {
    return c.arg3 < NO_POSITION ? -EINVAL : vectored(c, false, c.arg3, (int) c.arg5);
  }

  static long pwritev2(Syscall c) {
    return c.arg3 < NO_POSITION ? -EINVAL : vectored(c, true, c.arg3, (int) c.arg5);
  }

  private static long vectored(Syscall c, boolean write, long position, int flags) {
    OpenFile f = c.hold(c.arg0);
    if (f == null) {
      return c.error();
    }
    if (position != NO_POSITION && !f.isSeekable()) {
      return -ESPIPE;
    }
    long[] pairs = c.memory().readIovecs(c, c.arg1, c.arg2);
    if (pairs == null) {
      return c.error();
    }
    if (!UserBuffer.accessOk(pairs)) {
      return -EFAULT;
    }
    if (write ? !f.isWritable() : !f.isReadable()) {
      return -EBADF;
    }
    UserBuffer buffer = UserBuffer.of(c.memory(), pairs);
    long total = buffer.remaining();
    if (total == 0) {
      return 0;
    }
    if (position > Long.MAX_VALUE - total) {
      return -EINVAL;
    }
    if ((flags & ~(write ? RWF_SUPPORTED | RWF_APPEND : RWF_SUPPORTED)) != 0) {
      return -EOPNOTSUPP;
    }
    if (!write) {
      return finishRead(c, f, buffer, position, flags);
    }
    long n =
        (flags & RWF_APPEND) != 0 && f.isSeekable()
            ? append(c, f, buffer, position, flags)
            : finishWrite(c, f, buffer, position, flags);
    if (n > 0 && (flags & (RWF_DSYNC | RWF_SYNC)) != 0) {
      f.sync(c, (flags & RWF_SYNC) == 0);
    }
    return n;
  }

  /** Writes at the end, wherever the position is: pwritev2(2) with RWF_APPEND. */
  private static long append(Syscall c, OpenFile f, UserBuffer src, long position, int flags) {
    Stat st = new Stat();
    int r = f.inode().getattr(c, st);
    if (r != 0) {
      return r;
    }
    long n = finishWrite(c, f, src, st.size, flags);
    if (n > 0 && position == NO_POSITION) {
      f.seek(c, st.size + n, SEEK_SET);
    }
    return n;
  }

  private static long finishRead(Syscall c, OpenFile f, UserBuffer dst, long position, int flags) {
    long n = position == NO_POSITION ? f.read(c, dst) : f.readAt(c, dst, position);
    if (n > 0 && FsNotify.isActive()) {
      FsNotify.used(f, FsNotify.ACCESS);
    }
    return n != -EAGAIN || (flags & RWF_NOWAIT) != 0 ? n : f.await(c, PollEvents.IN);
  }

  private static long finishWrite(Syscall c, OpenFile f, UserBuffer src, long position, int flags) {
    if (f.isSeekable()) {
      long refused = limitSize(c, f, src, position);
      if (refused != 0) {
        return refused;
      }
      long n = position == NO_POSITION ? f.write(c, src) : f.writeAt(c, src, position);
      if (n > 0 && FsNotify.isActive()) {
        FsNotify.used(f, FsNotify.MODIFY);
      }
      return n;
    }
    src.skip(c.progress);
    for (; ; ) {
      long n = f.write(c, src);
      if (n == -EAGAIN && (flags & RWF_NOWAIT) == 0) {
        return f.await(c, PollEvents.OUT);
      }
      if (n < 0) {
        return c.progress > 0 ? c.progress : n;
      }
      c.progress += n;
      boolean done = n == 0 || src.remaining() == 0 || f.isNonblocking() || !f.continuesWrites();
      if (done) {
        return c.progress;
      }
    }
  }

  /**
   * RLIMIT_FSIZE: shortens a write that would pass it; one that starts at or behind it gets SIGXFSZ
   * and EFBIG.
   */
  static long limitSize(Syscall c, OpenFile f, UserBuffer src, long position) {
    long limit = c.task.process.limits.soft(ResourceLimits.FSIZE);
    if (limit < 0 || src.remaining() == 0 || f.inode().type() != Stat.S_IFREG) {
      return 0;
    }
    long at = position;
    if ((f.flags() & OpenFile.O_APPEND) != 0) {
      Stat st = new Stat();
      at = f.inode().getattr(c, st) == 0 ? st.size : 0;
    } else if (position == NO_POSITION) {
      at = f.seek(c, 0, SEEK_CUR);
    }
    if (at >= limit) {
      c.task.sendSignal(SIGXFSZ);
      return -EFBIG;
    }
    src.limit(limit - at);
    return 0;
  }

  static long lseek(Syscall c) {
    OpenFile f = c.hold(c.arg0);
    if (f == null) {
      return c.error();
    }
    int whence = (int) c.arg2;
    if (whence < 0 || whence > SEEK_MAX) {
      return -EINVAL;
    }
    return f.seek(c, c.arg1, whence);
  }
}
