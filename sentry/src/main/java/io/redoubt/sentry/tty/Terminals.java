package io.redoubt.sentry.tty;

import io.redoubt.host.Errno;
import io.redoubt.sentry.fs.Dentry;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.Kernel;
import io.redoubt.sentry.kernel.Syscall;
import java.util.TreeMap;

/**
 * All ptys of a sandbox by number, and what opening a terminal device means. Lock: its own monitor,
 * inside of a terminal's.
 */
public final class Terminals {
  /** Ptys at once; each may hold some 20 KiB. /proc/sys/kernel/pty/max. */
  public static final int MAX = 1024;

  private static final int TTY = 0; // minors of major 5
  private static final int CONSOLE = 1;
  private static final int PTMX = 2;

  /** A pty and who made it. */
  record Entry(Terminal terminal, int uid) {}

  private final Kernel kernel;
  private final TreeMap<Integer, Entry> byIndex = new TreeMap<>(); // guarded by this
  private volatile Terminal console;

  /** Makes the terminals known to the kernel's devices and to its processes. */
  public Terminals(Kernel kernel) {
    this.kernel = kernel;
    kernel.devices.setTerminals(this::openDevice, this::openSlave);
    kernel.onExit(JobControl::exited);
  }

  /** The terminal that /dev/console is, or null. */
  public Terminal console() {
    return console;
  }

  void setConsole(Terminal t) {
    console = t;
  }

  /**
   * A new pty with the lowest free number; its master counts as open. @return null when there are
   * too many
   */
  synchronized Terminal create(int uid) {
    int index = 0;
    for (int used : byIndex.keySet()) {
      if (used != index) {
        break;
      }
      index++;
    }
    if (index >= MAX) {
      return null;
    }
    Terminal t = new Terminal(this, kernel, index);
    byIndex.put(index, new Entry(t, uid));
    return t;
  }

  synchronized void forget(Terminal t) {
    byIndex.remove(t.index);
  }

  /** The pty of this number if its slave can be opened, or null. */
  synchronized Entry find(int index) {
    Entry e = byIndex.get(index);
    return e == null || e.terminal.isHungUp() ? null : e;
  }

  /** The first number from {@code from} on whose slave can be opened, or -1. */
  synchronized int next(int from) {
    for (var e : byIndex.tailMap(from).entrySet()) {
      if (!e.getValue().terminal.isHungUp()) {
        return e.getKey();
      }
    }
    return -1;
  }

  /** A path for the slave of a master that was opened at {@code master}. */
  Path slavePath(Path master, Terminal t) {
    if (master.mount().root.inode() instanceof DevPts pts) {
      return new Path(
          master.mount(),
          new Dentry(master.mount().root, Integer.toString(t.index), pts.node(t.index)));
    }
    return master;
  }

  private OpenFile openDevice(Syscall c, Path path, int flags, int minor) {
    return switch (minor) {
      case TTY -> openControlling(c, path, flags);
      case CONSOLE ->
          console == null
              ? c.fail(-Errno.ENXIO)
              : openTerminal(c, path, flags | OpenFile.O_NOCTTY, console);
      case PTMX -> openMaster(c, path, flags);
      default -> c.fail(-Errno.ENXIO);
    };
  }

  private OpenFile openControlling(Syscall c, Path path, int flags) {
    return c.task.process.controllingTerminal instanceof Terminal t
        ? openTerminal(c, path, flags | OpenFile.O_NOCTTY, t)
        : c.fail(-Errno.ENXIO);
  }

  private OpenFile openMaster(Syscall c, Path path, int flags) {
    Credentials who = c.task.credentials;
    Terminal t = create(who.fsuid());
    return t == null ? c.fail(-Errno.ENOSPC) : new PtyMaster(path, flags, this, t);
  }

  /** Opens the slave of pty {@code index}. @return an open file, or null with an errno */
  OpenFile openSlave(Syscall c, Path path, int flags, int index) {
    Entry e = find(index);
    return e == null ? c.fail(-Errno.EIO) : openTerminal(c, path, flags, e.terminal);
  }

  private static OpenFile openTerminal(Syscall c, Path path, int flags, Terminal t) {
    int r = t.openSlave(TerminalIoctl.mayIgnoreExclusive(c));
    if (r < 0) {
      return c.fail(r);
    }
    PtySlave s = new PtySlave(path, flags, t);
    if ((flags & OpenFile.O_NOCTTY) == 0 && s.isReadable()) {
      JobControl.opened(c, t);
    }
    return s;
  }
}
