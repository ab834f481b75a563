package io.redoubt.sentry;

import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.sentry.audit.Audit;
import io.redoubt.sentry.kernel.CallObserver;
import io.redoubt.sentry.kernel.Kernel;
import io.redoubt.sentry.kernel.SyscallTable;
import io.redoubt.sentry.trace.BothObservers;
import io.redoubt.sentry.trace.CallStatistics;
import io.redoubt.sentry.trace.TextFile;
import io.redoubt.sentry.trace.Tracer;
import java.util.function.Consumer;

/**
 * What --trace, --stats and --audit-log ask for. Where nothing does, none of their classes is
 * loaded.
 */
final class Observation {
  private static final int STDERR = 2;
  private static final int FLAGS = Fcntl.O_WRONLY | Fcntl.O_CREAT | Fcntl.O_TRUNC | Fcntl.O_CLOEXEC;

  private Observation() {}

  /** The observer, or null. */
  static CallObserver of(
      SandboxConfig config, ControlSocket control, SyscallTable table, Kernel kernel) {
    CallObserver trace =
        config.trace() == null ? null : new Tracer(table, traceSink(config, control));
    CallObserver audit = Audits.isOn() ? Audit.observer(table) : null;
    if (audit != null) {
      trace = trace == null ? audit : new BothObservers(trace, audit);
    }
    if (!config.stats()) {
      return trace;
    }
    CallObserver statistics =
        new CallStatistics(
            table,
            () -> kernel.ring == null ? "" : kernel.ring.report(),
            text -> control.text(STDERR, text));
    return trace == null ? statistics : new BothObservers(trace, statistics);
  }

  private static Consumer<String> traceSink(SandboxConfig config, ControlSocket control) {
    String path = config.trace();
    if (path.isEmpty()) {
      // A terminal in raw mode does not go back to the start of the line by itself.
      return config.tty()
          ? text -> control.text(STDERR, text.replace("\n", "\r\n"))
          : text -> control.text(STDERR, text);
    }
    int fd = Fcntl.open(path, FLAGS, 0666);
    if (fd < 0) {
      throw new StartFailure(1, "--trace: " + path + ": " + Errno.message(fd));
    }
    return new TextFile(fd);
  }
}
