package io.redoubt.sentry.kernel;

import io.redoubt.host.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The signals that wait, blocked, for a process: what signalfd(2) reads.
 *
 * <p>The pending set lives in the host kernel, because guests block signals natively: {@code
 * /proc/TID/status} shows it. To take a signal out, the reading thread is made to run
 * rt_sigtimedwait(2) in place of its read.
 */
public final class PendingSignals {
  private static final int RT_SIGTIMEDWAIT = 128;
  private static final int INFO_BYTES = 128; // siginfo_t and struct signalfd_siginfo alike

  PendingSignals() {}

  /**
   * Signals pending for the process and for {@code reader} (null: its leader): bit n-1 is signal n.
   */
  public long pending(Process process, Task reader) {
    Task t = reader == null ? process.leader() : reader;
    HostStatus s = new HostStatus();
    return t != null && s.read(t.hostTid) ? s.sharedPending | s.privatePending : 0;
  }

  /**
   * Makes the calling thread take pending signals of {@code mask}, at least one, and answers its
   * read.
   *
   * @param buffer guest address of what the caller reads into
   * @param length at least 128
   * @return {@link Syscall#NO_REPLY} or a negative errno
   */
  public long take(Syscall c, long mask, long buffer, long length) {
    Taking t = new Taking(c.task, mask, buffer, length / INFO_BYTES);
    return t.prepare() ? Rewrite.step(c, t) : -Errno.EFAULT;
  }

  /** A thread that runs rt_sigtimedwait, once for each signal. */
  private final class Taking implements Rewrite.Steps {
    private final Task task;
    private final long mask;
    private final long buffer;
    private final long room;
    private final MemorySegment s = KernelThread.scratch().small;
    private int taken;

    Taking(Task task, long mask, long buffer, long room) {
      this.task = task;
      this.mask = mask;
      this.buffer = buffer;
      this.room = room;
    }

    private long at() {
      return buffer + (long) taken * INFO_BYTES;
    }

    /**
     * The set and a timeout of zero go where the answer will be: the kernel has read both before it
     * writes there.
     */
    boolean prepare() {
      s.asSlice(0, INFO_BYTES).fill((byte) 0);
      s.set(ValueLayout.JAVA_LONG, 0, mask);
      return task.memory.write(at(), s, INFO_BYTES) == 0;
    }

    @Override
    public void call(MemorySegment regs) {
      Rewrite.set(regs, RT_SIGTIMEDWAIT, at(), at(), at() + 16, 8, 0, 0);
    }

    @Override
    public long answer(long result) {
      if (result <= 0 || task.memory.read(at(), s, INFO_BYTES) != 0) {
        // Somebody else took it: the read starts over, if it has nothing yet.
        return taken == 0 ? Rewrite.AGAIN : (long) taken * INFO_BYTES;
      }
      convert(s);
      if (task.memory.write(at(), s, INFO_BYTES) != 0) {
        return -Errno.EFAULT;
      }
      taken++;
      boolean more = taken < room && (pending(task.process, task) & mask) != 0 && prepare();
      return more ? Rewrite.MORE : (long) taken * INFO_BYTES;
    }
  }

  /** From siginfo_t to struct signalfd_siginfo, in place; fs/signalfd.c. */
  private static void convert(MemorySegment s) {
    int signo = s.get(ValueLayout.JAVA_INT, 0);
    int errno = s.get(ValueLayout.JAVA_INT, 4);
    int code = s.get(ValueLayout.JAVA_INT, 8);
    int first = s.get(ValueLayout.JAVA_INT, 16); // pid, timer id, fd's band
    int second = s.get(ValueLayout.JAVA_INT, 20); // uid, overrun
    long value = s.get(ValueLayout.JAVA_LONG, 24); // sigval, or status and more
    long utime = s.get(ValueLayout.JAVA_LONG, 32);
    long stime = s.get(ValueLayout.JAVA_LONG, 40);
    s.asSlice(0, INFO_BYTES).fill((byte) 0);
    s.set(ValueLayout.JAVA_INT, 0, signo);
    s.set(ValueLayout.JAVA_INT, 4, errno);
    s.set(ValueLayout.JAVA_INT, 8, code);
    if (code == -2) { // SI_TIMER
      s.set(ValueLayout.JAVA_INT, 24, first); // ssi_tid
      s.set(ValueLayout.JAVA_INT, 32, second); // ssi_overrun
      value(s, value);
    } else {
      s.set(ValueLayout.JAVA_INT, 12, first); // ssi_pid
      s.set(ValueLayout.JAVA_INT, 16, second); // ssi_uid
      if (signo == Signals.SIGCHLD && code > 0) {
        s.set(ValueLayout.JAVA_INT, 40, (int) value); // ssi_status
        s.set(ValueLayout.JAVA_LONG, 56, utime); // ssi_utime
        s.set(ValueLayout.JAVA_LONG, 64, stime); // ssi_stime
      } else if (code < 0) {
        value(s, value);
      }
    }
  }

  private static void value(MemorySegment s, long value) {
    s.set(ValueLayout.JAVA_INT, 44, (int) value); // ssi_int
    s.set(ValueLayout.JAVA_LONG, 48, value); // ssi_ptr
  }

  /** Woken with IN when a signal may have become pending for the process. */
  public WaitQueue queue(Process process) {
    return process.signalQueue;
  }
}
