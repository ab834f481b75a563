package io.redoubt.sentry.ipc;

import static io.redoubt.host.Errno.EAGAIN;
import static io.redoubt.host.Errno.EINVAL;

import io.redoubt.host.Nr;
import io.redoubt.sentry.fs.AnonInode;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.kernel.PendingSignals;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Process;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.UserBuffer;
import io.redoubt.sentry.kernel.WaitQueue;

/**
 * signalfd(2): reads signals that are blocked and pending.
 *
 * <p>Readiness is that of the process that made the file; Linux asks for the process that polls,
 * which differs only when the fd is inherited by a child that goes on using it.
 */
public final class SignalFile extends OpenFile {
  private static final int SIGINFO_BYTES = 128; // struct signalfd_siginfo
  private static final long SIGKILL_SIGSTOP = 1L << 8 | 1L << 18;

  private final Process process;
  private volatile long mask;

  public SignalFile(Process process, long mask, int flags) {
    super(AnonInode.path("anon_inode:[signalfd]", 0600), O_RDWR | flags);
    this.process = process;
    setMask(mask);
  }

  /** Changes the set of signals. */
  public void setMask(long newMask) {
    mask = newMask & ~SIGKILL_SIGSTOP;
    waitQueue().wake(PollEvents.READABLE);
  }

  @Override
  public long read(Syscall c, UserBuffer dst) {
    if (dst.remaining() < SIGINFO_BYTES) {
      return -EINVAL;
    }
    PendingSignals signals = c.task.kernel.pendingSignals;
    if ((signals.pending(c.task.process, c.task) & mask) == 0) {
      return -EAGAIN;
    }
    // The thread itself has to take them, into its own buffer.
    return c.nr == Nr.READ ? signals.take(c, mask, c.arg1, dst.remaining()) : -EINVAL;
  }

  @Override
  public int poll(int interest) {
    return (process.kernel.pendingSignals.pending(process, null) & mask) != 0
        ? PollEvents.READABLE
        : 0;
  }

  @Override
  public long seek(Syscall c, long offset, int whence) {
    return 0; // noop_llseek()
  }

  @Override
  public WaitQueue waitQueue() {
    return process.kernel.pendingSignals.queue(process);
  }

  @Override
  public String fdinfo() {
    String hex = Long.toHexString(mask);
    return "sigmask:\t" + "0".repeat(16 - hex.length()) + hex + "\n";
  }

  @Override
  public String linkText() {
    return "anon_inode:[signalfd]";
  }
}
