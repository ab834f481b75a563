package io.redoubt.sentry.tty;

import io.redoubt.host.Errno;
import io.redoubt.host.Ioctl;
import io.redoubt.host.Memory;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.ResourceLimits;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.UserBuffer;
import io.redoubt.sentry.kernel.WaitQueue;
import java.lang.foreign.MemorySegment;

/** The master of a pty: what a terminal emulator, sshd or expect has. */
final class PtyMaster extends OpenFile {
  private static final int CHUNK = 8192;
  private static final int TIOCGPTN = 0x80045430;
  private static final int TIOCGPKT = 0x80045438;
  private static final int TIOCGPTLCK = 0x80045439;
  private static final int TIOCSIG = 0x40045436;
  private static final int O_CLOEXEC = 02000000;
  private static final int PEER_FLAGS = O_ACCMODE | O_NOCTTY | O_NONBLOCK | O_CLOEXEC;

  private final Terminal terminal;
  private final Terminals terminals;

  PtyMaster(Path path, int flags, Terminals terminals, Terminal terminal) {
    super(path, flags);
    this.terminals = terminals;
    this.terminal = terminal;
  }

  @Override
  protected void release() {
    terminal.closeMaster();
  }

  @Override
  public long read(Syscall c, UserBuffer dst) {
    int want = (int) Math.min(dst.remaining(), CHUNK);
    if (want == 0) {
      return 0;
    }
    MemorySegment small = c.scratch().small;
    int head = 0;
    if (terminal.isPacketMode()) {
      int status = terminal.takePacketStatus();
      Memory.setByte(small, 0, (byte) status);
      if (status != 0) {
        return dst.copyOut(small, 0, 1);
      }
      head = 1;
    }
    byte[] bytes = new byte[want];
    int n = terminal.takeOutput(bytes, want - head);
    if (n == 0 && want > head) {
      return terminal.isSlaveGone() ? -Errno.EIO : -Errno.EAGAIN;
    }
    Memory.copy(bytes, 0, small, head, n);
    return dst.copyOut(small, 0, head + n);
  }

  @Override
  public long write(Syscall c, UserBuffer src) {
    MemorySegment small = c.scratch().small;
    byte[] bytes = new byte[(int) Math.min(src.remaining(), CHUNK)];
    long done = 0;
    while (src.remaining() > 0) {
      long have = src.copyIn(small, 0, Math.min(src.remaining(), bytes.length));
      if (have < 0) {
        return done > 0 ? done : have;
      }
      Memory.copy(small, 0, bytes, 0, (int) have);
      int n = terminal.input(bytes, (int) have);
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
    return terminal.pollMaster() & (interest | PollEvents.ALWAYS);
  }

  @Override
  public WaitQueue waitQueue() {
    return terminal.masterQueue;
  }

  @Override
  public long ioctl(Syscall c, int command, long arg) {
    return switch (command) {
      case TIOCGPTN -> c.memory().writeInt(arg, terminal.index);
      case Ioctl.TIOCSPTLCK -> withInt(c, arg, v -> terminal.setLocked(v != 0));
      case TIOCGPTLCK -> c.memory().writeInt(arg, terminal.isLocked() ? 1 : 0);
      case Ioctl.TIOCPKT -> withInt(c, arg, v -> terminal.setPacketMode(v != 0));
      case TIOCGPKT -> c.memory().writeInt(arg, terminal.isPacketMode() ? 1 : 0);
      case Ioctl.TIOCGPTPEER -> peer(c, (int) arg);
      case TIOCSIG -> signal(c, (int) arg);
      case Ioctl.FIONREAD -> c.memory().writeInt(arg, terminal.outputReadable());
      default -> TerminalIoctl.call(c, terminal, command, arg, true, true);
    };
  }

  @FunctionalInterface
  private interface IntUse {
    void accept(int value);
  }

  private static long withInt(Syscall c, long arg, IntUse use) {
    MemorySegment s = c.scratch().small;
    int r = c.memory().read(arg, s, 4);
    if (r == 0) {
      use.accept(Memory.getInt(s, 0));
    }
    return r;
  }

  private long signal(Syscall c, int signal) {
    if (signal != LineDiscipline.SIGINT
        && signal != LineDiscipline.SIGQUIT
        && signal != LineDiscipline.SIGTSTP) {
      return -Errno.EINVAL;
    }
    if (terminal.foregroundGroup() > 0) {
      c.task.kernel.signals.toGroup(terminal.foregroundGroup(), signal);
    }
    return 0;
  }

  /** TIOCGPTPEER: opens the slave without a name, whatever is mounted over /dev/pts. */
  private long peer(Syscall c, int flags) {
    if ((flags & ~PEER_FLAGS) != 0) {
      return -Errno.EINVAL;
    }
    OpenFile slave =
        terminals.openSlave(
            c, terminals.slavePath(path(), terminal), flags & ~O_CLOEXEC, terminal.index);
    if (slave == null) {
      return c.error();
    }
    long limit = c.task.process.limits.soft(ResourceLimits.NOFILE);
    int fd = c.task.files.install(slave, 0, (flags & O_CLOEXEC) != 0, limit);
    if (fd < 0) {
      slave.close();
    }
    return fd;
  }
}
