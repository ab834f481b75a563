package io.redoubt.sentry.syscalls;

import static io.redoubt.host.Errno.EAGAIN;
import static io.redoubt.host.Errno.EBADF;
import static io.redoubt.host.Errno.EFAULT;
import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.EISDIR;
import static io.redoubt.host.Errno.ENOMEM;
import static io.redoubt.host.Errno.EOVERFLOW;
import static io.redoubt.host.Errno.EPIPE;
import static io.redoubt.host.Errno.ESPIPE;
import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;
import static io.redoubt.sentry.kernel.SyscallTable.Support.PARTIAL;

import io.redoubt.host.Memory;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.ipc.CopyBuffer;
import io.redoubt.sentry.ipc.Pipe;
import io.redoubt.sentry.ipc.PipeFile;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import io.redoubt.sentry.kernel.UserBuffer;
import java.lang.foreign.MemorySegment;

/**
 * Copies between files that do not pass through the guest: splice(2), tee(2), vmsplice(2),
 * sendfile(2), copy_file_range(2).
 *
 * <p>A pipe lends its bytes, or its free space, to the other file for the time of one read or
 * write, so nothing is copied twice and nothing is lost when the other side takes less.
 */
final class SpliceCalls {
  private static final int SPLICE_F_NONBLOCK = 2;
  private static final int SPLICE_F_ALL = 15; // MOVE, NONBLOCK, MORE, GIFT
  private static final int SIGPIPE = 13;
  private static final int SEEK_SET = 0;
  private static final int SEEK_CUR = 1;
  private static final long NO_OFFSET = -1;

  private SpliceCalls() {}

  static void register(SyscallTable t) {
    t.on(40, "sendfile", 4, SpliceCalls::sendfile, FULL);
    t.on(275, "splice", 6, SpliceCalls::splice, FULL);
    t.on(276, "tee", 4, SpliceCalls::tee, PARTIAL, "copies");
    t.on(278, "vmsplice", 4, SpliceCalls::vmsplice, PARTIAL, "copies");
    t.on(326, "copy_file_range", 6, SpliceCalls::copyFileRange, FULL);
  }

  private static boolean isPipe(OpenFile f) {
    return f instanceof PipeFile;
  }

  private static long splice(Syscall c) {
    long length = c.arg4;
    int flags = (int) c.arg5;
    if (length == 0) {
      return 0;
    }
    if ((flags & ~SPLICE_F_ALL) != 0) {
      return -EINVAL;
    }
    OpenFile in = c.hold(c.arg0);
    OpenFile out = in == null ? null : c.holdSecond(c.arg2);
    if (out == null) {
      return -EBADF;
    }
    if ((isPipe(in) && c.arg1 != 0) || (isPipe(out) && c.arg3 != 0)) {
      return -ESPIPE;
    }
    long inOffset = NO_OFFSET;
    long outOffset = NO_OFFSET;
    MemorySegment s = c.scratch().small;
    if (c.arg3 != 0) {
      if (c.memory().read(c.arg3, s, 8) != 0) {
        return -EFAULT;
      }
      outOffset = Memory.getLong(s, 0);
    }
    if (c.arg1 != 0) {
      if (c.memory().read(c.arg1, s, 8) != 0) {
        return -EFAULT;
      }
      inOffset = Memory.getLong(s, 0);
    }
    if (!in.isReadable() || !out.isWritable()) {
      return -EBADF;
    }
    length = Math.min(length < 0 ? Long.MAX_VALUE : length, UserBuffer.MAX_TRANSFER);
    boolean nonblock = (flags & SPLICE_F_NONBLOCK) != 0;
    if (in instanceof PipeFile from && out instanceof PipeFile to) {
      nonblock |= in.isNonblocking() || out.isNonblocking();
      return from.pipe() == to.pipe() ? -EINVAL : pipeToPipe(c, from, to, length, nonblock, true);
    }
    if (in instanceof PipeFile from) {
      if ((c.arg3 != 0 && (!out.isSeekable() || outOffset < 0))
          || (out.flags() & OpenFile.O_APPEND) != 0) {
        return -EINVAL;
      }
      nonblock |= in.isNonblocking();
      long n = pipeToFile(c, from.pipe(), out, outOffset, length, nonblock);
      return n > 0 && c.arg3 != 0 && c.memory().writeLong(c.arg3, outOffset + n) != 0 ? -EFAULT : n;
    }
    if (out instanceof PipeFile to) {
      if (c.arg1 != 0 && (!in.isSeekable() || inOffset < 0)) {
        return -EINVAL;
      }
      nonblock |= out.isNonblocking();
      long n = fileToPipe(c, in, inOffset, to.pipe(), length, nonblock);
      return n > 0 && c.arg1 != 0 && c.memory().writeLong(c.arg1, inOffset + n) != 0 ? -EFAULT : n;
    }
    return -EINVAL;
  }

  /**
   * Blocks for either file: one registration covers every reason to wait that later runs may find.
   */
  private static long await(Syscall c, OpenFile in, OpenFile out) {
    if (!c.isRetry()) {
      c.alsoWait(in.waitQueue(), PollEvents.IN);
      c.alsoWait(out.waitQueue(), PollEvents.OUT);
    }
    return c.blockHere(c.progress > 0 ? c.progress : Syscall.ERESTARTSYS);
  }

  private static long brokenPipe(Syscall c) {
    c.task.sendSignal(SIGPIPE);
    return -EPIPE;
  }

  /** What a pipe without bytes to lend means: its end, or a wait. */
  private static long nothingIn(Syscall c, Pipe pipe, OpenFile out, boolean nonblock) {
    if (pipe.isAtEnd()) {
      return 0;
    }
    return nonblock ? -EAGAIN : await(c, c.hold(c.arg0), out);
  }

  private static long pipeToFile(
      Syscall c, Pipe pipe, OpenFile out, long offset, long length, boolean nonblock) {
    UserBuffer data = pipe.lendData(length);
    if (data == null) {
      return nothingIn(c, pipe, out, nonblock);
    }
    long n = 0;
    try {
      n = out.isSeekable() ? FileCalls.limitSize(c, out, data, offset) : 0;
      if (n == 0) {
        n = offset == NO_OFFSET ? out.write(c, data) : out.writeAt(c, data, offset);
      }
    } finally {
      pipe.takeBack(Math.max(0, n));
    }
    if (n == -EAGAIN && !nonblock && !out.isNonblocking()) {
      return await(c, c.hold(c.arg0), out);
    }
    return n;
  }

  private static long fileToPipe(
      Syscall c, OpenFile in, long offset, Pipe pipe, long length, boolean nonblock) {
    if (pipe.isBroken()) {
      return brokenPipe(c);
    }
    UserBuffer space = pipe.lendSpace(length);
    OpenFile out = c.holdSecond(c.arg2);
    if (space == null) {
      return nonblock ? -EAGAIN : await(c, in, out);
    }
    long n = 0;
    try {
      n = offset == NO_OFFSET ? in.read(c, space) : in.readAt(c, space, offset);
    } finally {
      pipe.takeFilled(Math.max(0, n));
    }
    if (n == -EAGAIN && !nonblock && !in.isNonblocking()) {
      return await(c, in, out);
    }
    return n;
  }

  private static long pipeToPipe(
      Syscall c, PipeFile in, PipeFile out, long length, boolean nonblock, boolean consume) {
    Pipe from = in.pipe();
    Pipe to = out.pipe();
    if (to.isBroken()) {
      return brokenPipe(c);
    }
    UserBuffer data = from.lendData(length);
    if (data == null) {
      return from.isAtEnd() ? 0 : nonblock ? -EAGAIN : await(c, in, out);
    }
    long done = 0;
    try {
      MemorySegment s = c.scratch().bulk;
      while (data.remaining() > 0) {
        UserBuffer space = to.lendSpace(data.remaining());
        if (space == null) {
          break;
        }
        long n = data.copyIn(s, 0, Math.min(space.remaining(), s.byteSize()));
        to.takeFilled(space.copyOut(s, 0, n));
        done += n;
      }
    } finally {
      from.takeBack(consume ? done : 0);
    }
    return done > 0 ? done : nonblock ? -EAGAIN : await(c, in, out);
  }

  private static long tee(Syscall c) {
    int flags = (int) c.arg3;
    if ((flags & ~SPLICE_F_ALL) != 0) {
      return -EINVAL;
    }
    if (c.arg2 == 0) {
      return 0;
    }
    OpenFile in = c.hold(c.arg0);
    OpenFile out = in == null ? null : c.holdSecond(c.arg1);
    if (out == null || !in.isReadable() || !out.isWritable()) {
      return -EBADF;
    }
    if (!(in instanceof PipeFile from)
        || !(out instanceof PipeFile to)
        || from.pipe() == to.pipe()) {
      return -EINVAL;
    }
    boolean nonblock =
        (flags & SPLICE_F_NONBLOCK) != 0 || in.isNonblocking() || out.isNonblocking();
    long length = Math.min(c.arg2 < 0 ? Long.MAX_VALUE : c.arg2, UserBuffer.MAX_TRANSFER);
    return pipeToPipe(c, from, to, length, nonblock, false);
  }

  private static long vmsplice(Syscall c) {
    int flags = (int) c.arg3;
    if ((flags & ~SPLICE_F_ALL) != 0) {
      return -EINVAL;
    }
    OpenFile f = c.hold(c.arg0);
    if (f == null) {
      return c.error();
    }
    boolean write = f.isWritable();
    if (!write && !f.isReadable()) {
      return -EBADF;
    }
    long[] pairs = c.memory().readIovecs(c, c.arg1, c.arg2);
    if (pairs == null) {
      return c.error();
    }
    if (!UserBuffer.accessOk(pairs)) {
      return -EFAULT;
    }
    UserBuffer buffer = UserBuffer.of(c.memory(), pairs);
    if (buffer.remaining() == 0) {
      return 0;
    }
    if (!(f instanceof PipeFile)) {
      return -EBADF;
    }
    long n;
    if (write) {
      buffer.skip(c.progress);
      n = f.write(c, buffer);
      if (n > 0) {
        c.progress += n;
        boolean partial = buffer.remaining() > 0 && (flags & SPLICE_F_NONBLOCK) == 0;
        return partial ? f.await(c, PollEvents.OUT) : c.progress;
      }
    } else {
      n = f.read(c, buffer);
    }
    if (n != -EAGAIN || (flags & SPLICE_F_NONBLOCK) != 0) {
      return c.progress > 0 ? c.progress : n;
    }
    return f.await(c, write ? PollEvents.OUT : PollEvents.IN);
  }

  private static long sendfile(Syscall c) {
    long offset = NO_OFFSET;
    if (c.arg2 != 0) {
      MemorySegment s = c.scratch().small;
      if (c.memory().read(c.arg2, s, 8) != 0) {
        return -EFAULT;
      }
      offset = Memory.getLong(s, 0);
    }
    OpenFile in = c.hold(c.arg1);
    if (in == null || !in.isReadable()) {
      return -EBADF;
    }
    if (c.arg2 != 0 && !in.isSeekable()) {
      return -ESPIPE;
    }
    if (c.arg2 != 0 && offset < 0) {
      return -EINVAL;
    }
    OpenFile out = c.holdSecond(c.arg0);
    if (out == null || !out.isWritable()) {
      return -EBADF;
    }
    if (!in.isSeekable() || c.arg3 < 0 || (out.flags() & OpenFile.O_APPEND) != 0) {
      return -EINVAL;
    }
    if (c.arg3 == 0) {
      return 0;
    }
    if (c.state == null) {
      c.state = c.arg2 != 0 ? (Long) offset : (Long) in.seek(c, 0, SEEK_CUR);
    }
    long start = (Long) c.state;
    long n =
        copy(
            c,
            in,
            start + c.progress,
            out,
            NO_OFFSET,
            Math.min(c.arg3, UserBuffer.MAX_TRANSFER) - c.progress);
    if (n > 0) {
      c.progress += n;
      if (c.arg2 == 0) {
        in.seek(c, start + c.progress, SEEK_SET);
      }
    }
    if (c.arg2 != 0 && c.memory().writeLong(c.arg2, start + c.progress) != 0) {
      return -EFAULT;
    }
    if (n == -EAGAIN && !out.isNonblocking()) {
      return await(c, in, out);
    }
    if (n > 0
        && n < c.arg3
        && out.continuesWrites()
        && !out.isNonblocking()
        && shortOnlyBecauseFull(c, out)) {
      return await(c, in, out);
    }
    return c.progress > 0 ? c.progress : n;
  }

  /**
   * Whether a copy into a pipe or socket stopped because it is full, and not at the end of its
   * source.
   */
  private static boolean shortOnlyBecauseFull(Syscall c, OpenFile out) {
    return c.progress < Math.min(c.arg3, UserBuffer.MAX_TRANSFER)
        && (out.poll(PollEvents.OUT) & (PollEvents.OUT | PollEvents.ERR | PollEvents.HUP)) == 0;
  }

  private static long copyFileRange(Syscall c) {
    OpenFile in = c.hold(c.arg0);
    OpenFile out = in == null ? null : c.holdSecond(c.arg2);
    if (out == null) {
      return -EBADF;
    }
    MemorySegment s = c.scratch().small;
    long from;
    long to;
    if (c.arg1 == 0) {
      from = in.seek(c, 0, SEEK_CUR);
    } else if (c.memory().read(c.arg1, s, 8) == 0) {
      from = Memory.getLong(s, 0);
    } else {
      return -EFAULT;
    }
    if (c.arg3 == 0) {
      to = out.seek(c, 0, SEEK_CUR);
    } else if (c.memory().read(c.arg3, s, 8) == 0) {
      to = Memory.getLong(s, 0);
    } else {
      return -EFAULT;
    }
    if ((int) c.arg5 != 0) {
      return -EINVAL;
    }
    int inType = in.inode().type();
    int outType = out.inode().type();
    if (inType == Stat.S_IFDIR || outType == Stat.S_IFDIR) {
      return -EISDIR;
    }
    if (inType != Stat.S_IFREG || outType != Stat.S_IFREG) {
      return -EINVAL;
    }
    if (!in.isReadable() || !out.isWritable() || (out.flags() & OpenFile.O_APPEND) != 0) {
      return -EBADF;
    }
    long length = c.arg4;
    if (from < 0 || to < 0) {
      return -EINVAL;
    }
    if (length < 0 || from > Long.MAX_VALUE - length || to > Long.MAX_VALUE - length) {
      return -EOVERFLOW;
    }
    Stat st = new Stat();
    if (in.inode().getattr(c, st) != 0 || from >= st.size) {
      return 0;
    }
    length = Math.min(Math.min(length, st.size - from), UserBuffer.MAX_TRANSFER);
    if (in.inode() == out.inode() && from < to + length && to < from + length) {
      return -EINVAL;
    }
    long n = length == 0 ? 0 : copy(c, in, from, out, to, length);
    if (n > 0) {
      long r =
          c.arg1 == 0
              ? Math.min(0, in.seek(c, from + n, SEEK_SET))
              : c.memory().writeLong(c.arg1, from + n);
      long w =
          c.arg3 == 0
              ? Math.min(0, out.seek(c, to + n, SEEK_SET))
              : c.memory().writeLong(c.arg3, to + n);
      if (r < 0 || w < 0) {
        return -EFAULT;
      }
    }
    return n;
  }

  /**
   * Copies through a buffer of the sentry.
   *
   * @param to {@link #NO_OFFSET}: write(2) at the position
   * @return bytes copied, which may be fewer; 0 at the end of {@code in}; or what the first read or
   *     write gave
   */
  private static long copy(Syscall c, OpenFile in, long from, OpenFile out, long to, long length) {
    try (CopyBuffer buffer = new CopyBuffer()) {
      if (!buffer.isThere()) {
        return -ENOMEM;
      }
      long done = 0;
      while (done < length) {
        long n = in.readAt(c, buffer.of(length - done), from + done);
        if (n <= 0) {
          return done > 0 ? done : n;
        }
        UserBuffer src = buffer.of(n);
        while (src.remaining() > 0) {
          long w =
              out.isSeekable()
                  ? FileCalls.limitSize(c, out, src, to == NO_OFFSET ? to : to + done)
                  : 0;
          if (w == 0 && src.remaining() > 0) {
            w = to == NO_OFFSET ? out.write(c, src) : out.writeAt(c, src, to + done);
          }
          if (w <= 0) {
            return done > 0 ? done : w;
          }
          done += w;
          if (src.remaining() > 0 && !out.continuesWrites()) {
            return done;
          }
        }
      }
      return done;
    }
  }
}
