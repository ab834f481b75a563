package io.redoubt.sentry.tty;

import io.redoubt.host.Errno;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.Process;
import io.redoubt.sentry.kernel.Signals;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.Task;

/**
 * Sessions and their terminals: who may read, write and change a terminal, and who gets one
 * (drivers/tty/tty_jobctrl.c).
 */
public final class JobControl {
  private JobControl() {}

  // ---- background processes ----

  /**
   * Checks a process that wants to do what only the foreground may: a background one is stopped
   * with {@code signal}.
   *
   * @param signal SIGTTIN for reads, SIGTTOU for writes and changes
   * @return 0: go on; -EIO; or {@link Syscall#ERESTARTSYS}, with the signal on its way
   */
  static long check(Syscall c, Terminal t, int signal) {
    Process p = c.task.process;
    int foreground = t.foregroundGroup();
    if (p.controllingTerminal != t || foreground == 0 || p.pgid == foreground) {
      return 0;
    }
    if (refuses(c.task, signal)) {
      return signal == Signals.SIGTTIN ? -Errno.EIO : 0;
    }
    if (isOrphaned(c, p.pgid)) {
      return -Errno.EIO;
    }
    c.task.kernel.signals.toGroup(p.pgid, signal);
    return Syscall.ERESTARTSYS;
  }

  /** Whether the signal is blocked or ignored: only the host kernel knows. */
  private static boolean refuses(Task t, int signal) {
    String status = t.kernel.hostProc.read(t.process.hostPid, t.hostTid, "status");
    return status != null
        && ((mask(status, "\nSigBlk:") | mask(status, "\nSigIgn:")) & 1L << (signal - 1)) != 0;
  }

  private static long mask(String status, String key) {
    int at = status.indexOf(key);
    if (at < 0) {
      return 0;
    }
    at += key.length() + 1;
    int end = status.indexOf('\n', at);
    return end < 0 ? 0 : Long.parseUnsignedLong(status, at, end, 16);
  }

  /**
   * Whether nobody is left who could bring the group to the foreground: no parent in the same
   * session and another group.
   */
  private static boolean isOrphaned(Syscall c, int pgid) {
    for (Process p : c.task.kernel.tasks.processes()) {
      Process parent = p.parent;
      if (p.pgid == pgid
          && !p.exited
          && parent != null
          && parent.pgid != pgid
          && parent.sid == p.sid) {
        return false;
      }
    }
    return true;
  }

  // ---- getting a controlling terminal ----

  /** A session leader without a terminal that opens one makes it its own, unless O_NOCTTY. */
  static void opened(Syscall c, Terminal t) {
    Process p = c.task.process;
    if (isLeader(p) && p.controllingTerminal == null) {
      t.control(p);
    }
  }

  /** TIOCSCTTY. @param force 1: take it from another session, for CAP_SYS_ADMIN */
  static long acquire(Syscall c, Terminal t, long force, boolean readable) {
    Process p = c.task.process;
    if (isLeader(p) && p.sid == t.session()) {
      return 0;
    }
    if (!isLeader(p) || p.controllingTerminal != null) {
      return -Errno.EPERM;
    }
    boolean privileged = c.task.credentials.has(Credentials.CAP_SYS_ADMIN);
    if (t.session() != 0) {
      if (force != 1 || !privileged) {
        return -Errno.EPERM;
      }
      t.release();
      detachAll(c, t);
    }
    if (!readable && !privileged) {
      return -Errno.EPERM;
    }
    return t.control(p) ? 0 : -Errno.EPERM;
  }

  /** Gives a terminal to a process that the sentry has started as a session leader. */
  public static void give(Terminal t, Process leader) {
    t.control(leader);
  }

  private static boolean isLeader(Process p) {
    return p.sid == p.pid;
  }

  // ---- losing it ----

  /**
   * TIOCNOTTY: the caller gives its controlling terminal up; the leader does it for the whole
   * session.
   */
  static long giveUp(Syscall c, Terminal t) {
    Process p = c.task.process;
    if (p.controllingTerminal != t) {
      return -Errno.ENOTTY;
    }
    if (!isLeader(p)) {
      p.controllingTerminal = null;
      return 0;
    }
    int group = t.release();
    if (group > 0) {
      c.task.kernel.signals.toGroup(group, Signals.SIGHUP);
      c.task.kernel.signals.toGroup(group, Signals.SIGCONT);
    }
    detachAll(c, t);
    return 0;
  }

  /**
   * A process ends. When it leads a session with a terminal, the foreground group gets SIGHUP and
   * nobody has the terminal.
   */
  public static void exited(Process p) {
    if (!isLeader(p) || !(p.controllingTerminal instanceof Terminal t)) {
      return;
    }
    int group = t.release();
    if (group > 0) {
      p.kernel.signals.toGroup(group, Signals.SIGHUP);
    }
    for (Process other : p.kernel.tasks.processes()) {
      if (other.controllingTerminal == t) {
        other.controllingTerminal = null;
      }
    }
    p.controllingTerminal = null;
  }

  private static void detachAll(Syscall c, Terminal t) {
    for (Process other : c.task.kernel.tasks.processes()) {
      if (other.controllingTerminal == t) {
        other.controllingTerminal = null;
      }
    }
  }

  // ---- foreground group ----

  /** TIOCGPGRP. @param master asked through the master, which need not be the caller's terminal */
  static long foreground(Syscall c, Terminal t, long arg, boolean master) {
    if (!master && c.task.process.controllingTerminal != t) {
      return -Errno.ENOTTY;
    }
    return c.memory().writeInt(arg, t.foregroundGroup());
  }

  /** TIOCSPGRP. */
  static long setForeground(Syscall c, Terminal t, int pgid) {
    long r = check(c, t, Signals.SIGTTOU);
    if (r != 0) {
      return r == -Errno.EIO ? -Errno.ENOTTY : r;
    }
    Process p = c.task.process;
    if (p.controllingTerminal != t || t.session() != p.sid) {
      return -Errno.ENOTTY;
    }
    if (pgid < 0) {
      return -Errno.EINVAL;
    }
    boolean exists = false;
    for (Process other : c.task.kernel.tasks.processes()) {
      if (other.pgid == pgid) {
        exists = true;
        if (other.sid == p.sid) {
          t.setForeground(pgid);
          return 0;
        }
      }
    }
    return exists ? -Errno.EPERM : -Errno.ESRCH;
  }

  /** TIOCGSID. */
  static long session(Syscall c, Terminal t, long arg, boolean master) {
    if (!master && c.task.process.controllingTerminal != t || t.session() == 0) {
      return -Errno.ENOTTY;
    }
    return c.memory().writeInt(arg, t.session());
  }
}
