package io.redoubt.sentry;

import io.redoubt.sentry.ControlSocket.Frame;
import io.redoubt.sentry.dev.HostFile;
import io.redoubt.sentry.fs.FdTable;
import io.redoubt.sentry.kernel.Kernel;
import io.redoubt.sentry.kernel.Process;

/** fds 0, 1 and 2 of the sandbox's first process: the caller's own, or a terminal of the sandbox's. */
final class Stdio {
  private final Kernel kernel;
  private final ControlSocket control;

  Stdio(Kernel kernel, ControlSocket control) {
    this.kernel = kernel;
    this.control = control;
  }

  /** The caller's stdin, stdout and stderr, handed over by the front; one that it had closed stays closed. */
  void importHostFds(FdTable files, int firstHostFd) {
    for (int fd = 0; fd < 3; fd++) {
      HostFile f = HostFile.adopt(kernel, firstHostFd + fd);
      if (f != null) {
        files.replace(fd, f, false);
      }
    }
  }

  void console(int fd) {}

  void resize(Frame f) {}

  void openTerminal(FdTable files) {}

  void controlling(Process first) {}

  void drain(Runnable then) {
    then.run();
  }
}
