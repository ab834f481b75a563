package io.redoubt.sentry.kernel;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import java.lang.foreign.MemorySegment;

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
      Memory.setLong(s, 0, mask);
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
    int signo = Memory.getInt(s, 0);
    int errno = Memory.getInt(s, 4);
    int code = Memory.getInt(s, 8);
    int first = Memory.getInt(s, 16); // pid, timer id, fd's band
    int second = Memory.getInt(s, 20); // uid, overrun
    long value = Memory.getLong(s, 24); // sigval, or status and more
    long utime = Memory.getLong(s, 32);
    long stime = Memory.getLong(s, 40);
    s.asSlice(0, INFO_BYTES).fill((byte) 0);
    Memory.setInt(s, 0, signo);
    Memory.setInt(s, 4, errno);
    Memory.setInt(s, 8, code);
    if (code == -2) { // SI_TIMER
      Memory.setInt(s, 24, first); // ssi_tid
      Memory.setInt(s, 32, second); // ssi_overrun
      value(s, value);
    } else {
      Memory.setInt(s, 12, first); // ssi_pid
      Memory.setInt(s, 16, second); // ssi_uid
      if (signo == Signals.SIGCHLD && code > 0) {
        Memory.setInt(s, 40, (int) value); // ssi_status
        Memory.setLong(s, 56, utime); // ssi_utime
        Memory.setLong(s, 64, stime); // ssi_stime
      } else if (code < 0) {
        value(s, value);
      }
    }
  }

  private static void value(MemorySegment s, long value) {
    Memory.setInt(s, 44, (int) value); // ssi_int
    Memory.setLong(s, 48, value); // ssi_ptr
  }

  /** Woken with IN when a signal may have become pending for the process. */
  public WaitQueue queue(Process process) {
    return process.signalQueue;
  }
}
