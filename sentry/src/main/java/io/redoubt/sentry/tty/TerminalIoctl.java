package io.redoubt.sentry.tty;

import io.redoubt.host.Errno;
import io.redoubt.host.Ioctl;
import io.redoubt.host.Memory;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.Signals;
import io.redoubt.sentry.kernel.Syscall;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** ioctl_tty(2): the requests that both ends of a pty answer. */
final class TerminalIoctl {
  static final int TCGETS2 = 0x802c542a;
  static final int TCSETS2 = 0x402c542b;
  static final int TCSETSW2 = 0x402c542c;
  static final int TCSETSF2 = 0x402c542d;
  static final int TIOCGDEV = 0x80045432;
  static final int TIOCGEXCL = 0x80045440;

  private TerminalIoctl() {}

  /**
   * @param master whether it came through the master: modes and window are still those of the slave
   */
  static long call(Syscall c, Terminal t, int command, long arg, boolean master, boolean readable) {
    switch (command) {
      case Ioctl.TCSETS,
          Ioctl.TCSETSW,
          Ioctl.TCSETSF,
          TCSETS2,
          TCSETSW2,
          TCSETSF2,
          Ioctl.TCFLSH,
          Ioctl.TCXONC,
          Ioctl.TCSBRK,
          Ioctl.TCSBRKP,
          Ioctl.TIOCSETD -> {
        long r = master ? 0 : JobControl.check(c, t, Signals.SIGTTOU);
        if (r != 0) {
          return r;
        }
      }
      default -> {}
    }
    return switch (command) {
      case Ioctl.TCGETS -> getModes(c, t, arg, false);
      case TCGETS2 -> getModes(c, t, arg, true);
      case Ioctl.TCSETS, Ioctl.TCSETSW -> setModes(c, t, arg, false, false);
      case Ioctl.TCSETSF -> setModes(c, t, arg, false, true);
      case TCSETS2, TCSETSW2 -> setModes(c, t, arg, true, false);
      case TCSETSF2 -> setModes(c, t, arg, true, true);
      case Ioctl.TCFLSH -> flush(t, arg, master);
      case Ioctl.TCXONC -> flow(t, arg);
      case Ioctl.TCSBRK, Ioctl.TCSBRKP ->
          0; // nothing is ever in transit, and a break has no meaning
      case Ioctl.TIOCGWINSZ -> c.memory().writeLong(arg, t.windowSize());
      case Ioctl.TIOCSWINSZ -> setWindow(c, t, arg);
      case Ioctl.TIOCSCTTY -> master ? -Errno.EPERM : JobControl.acquire(c, t, arg, readable);
      case Ioctl.TIOCNOTTY -> JobControl.giveUp(c, t);
      case Ioctl.TIOCGPGRP -> JobControl.foreground(c, t, arg, master);
      case Ioctl.TIOCSPGRP -> setForeground(c, t, arg);
      case Ioctl.TIOCGSID -> JobControl.session(c, t, arg, master);
      case Ioctl.TIOCEXCL -> exclusive(t, true);
      case Ioctl.TIOCNXCL -> exclusive(t, false);
      case TIOCGEXCL -> c.memory().writeInt(arg, t.isExclusive() ? 1 : 0);
      case Ioctl.TIOCGETD -> c.memory().writeInt(arg, 0); // N_TTY
      case Ioctl.TIOCSETD -> setDiscipline(c, arg);
      case Ioctl.TIOCOUTQ ->
          c.memory().writeInt(arg, 0); // as on Linux: what is written is at the other end already
      case TIOCGDEV -> c.memory().writeInt(arg, t.deviceNumber());
      case Ioctl.TIOCSTI ->
          -Errno
              .EIO; // as with dev.tty.legacy_tiocsti=0: typing for others is how sandboxes are left
      default -> -Errno.ENOTTY;
    };
  }

  private static long getModes(Syscall c, Terminal t, long arg, boolean withSpeeds) {
    MemorySegment s = c.scratch().small;
    t.getModes(s, withSpeeds);
    return c.memory().write(arg, s, withSpeeds ? Termios.SIZEOF2 : Termios.SIZEOF);
  }

  private static long setModes(Syscall c, Terminal t, long arg, boolean withSpeeds, boolean flush) {
    MemorySegment s = c.scratch().small;
    int r = c.memory().read(arg, s, withSpeeds ? Termios.SIZEOF2 : Termios.SIZEOF);
    if (r == 0) {
      t.setModes(s, withSpeeds, flush);
    }
    return r;
  }

  private static long flush(Terminal t, long arg, boolean master) {
    if (arg < 0 || arg > 2) {
      return -Errno.EINVAL;
    }
    int what = arg == 0 ? 1 : arg == 1 ? 2 : 3;
    t.flush(master && what != 3 ? what ^ 3 : what);
    return 0;
  }

  private static long flow(Terminal t, long arg) {
    if (arg < 0 || arg > 3) {
      return -Errno.EINVAL;
    }
    if (arg < 2) {
      t.setStopped(arg == 0);
    } else {
      t.sendFlowCharacter(arg == 2);
    }
    return 0;
  }

  private static long setWindow(Syscall c, Terminal t, long arg) {
    MemorySegment s = c.scratch().small;
    int r = c.memory().read(arg, s, Ioctl.Winsize.SIZEOF);
    if (r == 0) {
      ValueLayout.OfChar u16 = ValueLayout.JAVA_CHAR_UNALIGNED;
      t.resize(
          s.get(u16, Ioctl.Winsize.WS_ROW),
          s.get(u16, Ioctl.Winsize.WS_COL),
          s.get(u16, Ioctl.Winsize.WS_XPIXEL),
          s.get(u16, Ioctl.Winsize.WS_YPIXEL));
    }
    return r;
  }

  private static long setForeground(Syscall c, Terminal t, long arg) {
    MemorySegment s = c.scratch().small;
    int r = c.memory().read(arg, s, 4);
    return r < 0 ? r : JobControl.setForeground(c, t, Memory.getInt(s, 0));
  }

  private static long exclusive(Terminal t, boolean on) {
    t.setExclusive(on);
    return 0;
  }

  private static long setDiscipline(Syscall c, long arg) {
    MemorySegment s = c.scratch().small;
    int r = c.memory().read(arg, s, 4);
    return r < 0 ? r : Memory.getInt(s, 0) == 0 ? 0 : -Errno.EINVAL;
  }

  static boolean mayIgnoreExclusive(Syscall c) {
    return c.task.credentials.has(Credentials.CAP_SYS_ADMIN);
  }
}
