package io.redoubt.sentry.tty;

import io.redoubt.host.Errno;
import io.redoubt.host.Ioctl;
import io.redoubt.host.Memory;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Signals;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.UserBuffer;
import io.redoubt.sentry.kernel.WaitQueue;
import java.lang.foreign.MemorySegment;

/** The slave of a pty: what programs take for a terminal. */
final class PtySlave extends OpenFile {
  private static final int CHUNK = 4096;
  private static final long TENTH_NANOS = 100_000_000L;

  final Terminal terminal;

  /** Takes over one of the terminal's counted opens. */
  PtySlave(Path path, int flags, Terminal terminal) {
    super(path, flags);
    this.terminal = terminal;
  }

  @Override
  protected void release() {
    terminal.closeSlave();
  }

  @Override
  public long read(Syscall c, UserBuffer dst) {
    if (terminal.isHungUp()) {
      return 0;
    }
    long r = JobControl.check(c, terminal, Signals.SIGTTIN);
    if (r != 0) {
      return r;
    }
    int want = (int) Math.min(dst.remaining(), CHUNK);
    if (want == 0) {
      return 0;
    }
    byte[] bytes = new byte[want];
    int n = terminal.takeInput(bytes, want, enough(c, want));
    if (n == -Errno.EAGAIN) {
      return waitOrEnd(c);
    }
    MemorySegment small = c.scratch().small;
    Memory.copy(bytes, 0, small, 0, n);
    return n == 0 ? 0 : dst.copyOut(small, 0, n);
  }

  /**
   * How many bytes a raw read waits for: VMIN, but with a timer, or without the wish to wait, one
   * is enough.
   */
  private int enough(Syscall c, int want) {
    int minimum = terminal.minimum();
    if (minimum <= 1 || isNonblocking()) {
      return 1;
    }
    if (terminal.time() > 0 && c.timedOut()) {
      return 1;
    }
    return Math.min(minimum, want);
  }

  /** Nothing to read yet: VMIN and VTIME of termios(3) say whether and for how long to wait. */
  private long waitOrEnd(Syscall c) {
    if (terminal.isCanonical()) {
      return -Errno.EAGAIN;
    }
    int time = terminal.time();
    if (terminal.minimum() == 0) {
      if (time == 0 || c.timedOut()) {
        return 0;
      }
      if (!isNonblocking()) {
        c.deadline(time * TENTH_NANOS);
      }
    } else if (time > 0 && !isNonblocking() && terminal.inputReadable() > 0) {
      // The timer runs between bytes; it is not set back by each further one, so a slow typist gets
      // what there is earlier.
      c.deadline(time * TENTH_NANOS);
    }
    return -Errno.EAGAIN;
  }

  @Override
  public long write(Syscall c, UserBuffer src) {
    if (terminal.isHungUp()) {
      return -Errno.EIO;
    }
    if (terminal.stopsBackgroundOutput()) {
      long r = JobControl.check(c, terminal, Signals.SIGTTOU);
      if (r != 0) {
        return r;
      }
    }
    MemorySegment small = c.scratch().small;
    byte[] bytes = new byte[(int) Math.min(src.remaining(), CHUNK)];
    long done = 0;
    while (src.remaining() > 0) {
      long have = src.copyIn(small, 0, Math.min(src.remaining(), bytes.length));
      if (have < 0) {
        return done > 0 ? done : have;
      }
      Memory.copy(small, 0, bytes, 0, (int) have);
      int n = terminal.output(bytes, 0, (int) have);
      src.rewind(have - n);
      done += n;
      if (n < have) {
        return done > 0 ? done : -Errno.EAGAIN;
      }
    }
    return done;
  }

  @Override
  public boolean continuesWrites() {
    return true;
  }

  @Override
  public int poll(int interest) {
    return terminal.pollSlave() & (interest | PollEvents.ALWAYS);
  }

  @Override
  public WaitQueue waitQueue() {
    return terminal.slaveQueue;
  }

  @Override
  public long ioctl(Syscall c, int command, long arg) {
    if (terminal.isHungUp()) {
      return command == Ioctl.TIOCSPGRP ? -Errno.ENOTTY : -Errno.EIO;
    }
    if (command == Ioctl.FIONREAD) {
      return c.memory().writeInt(arg, terminal.inputReadable());
    }
    return TerminalIoctl.call(c, terminal, command, arg, false, isReadable());
  }
}
