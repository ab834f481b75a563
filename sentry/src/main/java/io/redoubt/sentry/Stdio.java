package io.redoubt.sentry;

import io.redoubt.host.Errno;
import io.redoubt.sentry.ControlSocket.Frame;
import io.redoubt.sentry.dev.HostFile;
import io.redoubt.sentry.fs.FdTable;
import io.redoubt.sentry.fs.FsContext;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.kernel.Kernel;
import io.redoubt.sentry.kernel.Process;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.tty.ConsolePump;
import io.redoubt.sentry.tty.JobControl;

/**
 * fds 0, 1 and 2 of a process that is started from outside: the caller's own, or a terminal of the
 * sandbox's.
 */
final class Stdio {
  private final Kernel kernel;
  private final int uid;
  private final boolean isFirst;
  private ConsolePump console;

  /**
   * @param uid of the process, who owns the terminal
   * @param isFirst whether it is the sandbox's first, whose terminal is /dev/console
   */
  Stdio(Kernel kernel, int uid, boolean isFirst) {
    this.kernel = kernel;
    this.uid = uid;
    this.isFirst = isFirst;
  }

  /**
   * Descriptors of the caller's, handed over by the front; one that it had closed stays closed.
   *
   * @param given which there are: a '1' for each number in the guest
   * @param first the number that the first of them gets in the guest
   */
  void importHostFds(FdTable files, String given, int first, int count, int firstHostFd) {
    for (int i = 0; i < count; i++) {
      HostFile f = given.charAt(first + i) == '1' ? HostFile.adopt(kernel, firstHostFd + i) : null;
      if (f != null) {
        files.replace(first + i, f, false);
      }
    }
  }

  /** The front has handed over a socket, behind which is the caller's terminal. */
  void console(int socket) {
    console = ConsolePump.attach(kernel, socket, uid, isFirst);
  }

  void resize(Frame f) {
    if (console != null) {
      console.resize(f.shortAt(0), f.shortAt(2), f.shortAt(4), f.shortAt(6));
    }
  }

  /**
   * Opens the sandbox's terminal as fds 0, 1 and 2: by its name in the tree, so that ttyname(3)
   * finds it.
   */
  void openTerminal(FdTable files, Path root) {
    if (console == null) {
      throw new StartFailure(1, "the front has sent no console");
    }
    String name = "/dev/pts/" + console.terminal().index;
    Syscall c = kernel.bootCall(new FsContext(root, root, 0));
    Path p = kernel.vfs.lookup(c, root, name, true);
    OpenFile f = p == null ? null : p.inode().open(c, p, OpenFile.O_RDWR | OpenFile.O_NOCTTY);
    if (f == null) {
      throw new StartFailure(
          1,
          "cannot open "
              + name
              + ": "
              + Errno.message((int) c.error())
              + "; a terminal needs devpts on /dev/pts");
    }
    p.release();
    for (int fd = 0; fd < 3; fd++) {
      f.acquire();
      files.replace(fd, f, false);
    }
    f.close();
  }

  /** The first process leads a session, and the terminal is its. */
  void controlling(Process first) {
    if (console != null) {
      JobControl.give(console.terminal(), first);
    }
  }

  /** The other end of the terminal is gone. */
  void close() {
    if (console != null) {
      console.close();
    }
  }

  /** Runs {@code then} when all that was written to the terminal has reached the front. */
  void drain(Runnable then) {
    if (console == null) {
      then.run();
    } else {
      console.whenDrained(then);
    }
  }
}
