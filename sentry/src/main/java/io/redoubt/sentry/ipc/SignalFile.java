package io.redoubt.sentry.ipc;

import static io.redoubt.host.Errno.EAGAIN;
import static io.redoubt.host.Errno.EFAULT;
import static io.redoubt.host.Errno.EINVAL;

import io.redoubt.sentry.fs.AnonInode;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Process;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.UserBuffer;
import io.redoubt.sentry.kernel.WaitQueue;
import java.lang.foreign.MemorySegment;

/**
 * signalfd(2): reads signals that are blocked and pending.
 *
 * <p>Readiness is that of the process that made the file; Linux asks for the process that polls, which differs only when the fd is
 * inherited by a child that goes on using it.
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
    MemorySegment info = c.scratch().small;
    long done = 0;
    while (dst.remaining() >= SIGINFO_BYTES) {
      info.asSlice(0, SIGINFO_BYTES).fill((byte) 0);
      int signal = c.task.kernel.pendingSignals.dequeue(c, mask, info);
      if (signal == 0) {
        break;
      }
      if (dst.copyOut(info, 0, SIGINFO_BYTES) != SIGINFO_BYTES) {
        return done > 0 ? done : -EFAULT;
      }
      done += SIGINFO_BYTES;
    }
    return done > 0 ? done : -EAGAIN;
  }

  @Override
  public int poll(int interest) {
    return (process.kernel.pendingSignals.pending(process) & mask) != 0 ? PollEvents.READABLE : 0;
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
