package io.redoubt.sentry.kernel;

import io.redoubt.host.Errno;
import io.redoubt.host.Ptrace;
import io.redoubt.host.Ptrace.UserRegs;
import io.redoubt.host.Wait;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Makes a thread run another call in place of the one that it is in: execve becomes execveat of the stub, a ppoll that a signal ends
 * becomes rt_sigsuspend with its mask, shmat becomes mmap.
 *
 * <p>The thread waits for the answer of its call. It is seized and interrupted, answered, stops on its way out, gets registers that
 * point at the same {@code syscall} instruction with another number, and is let go. All of it on one sentry thread, because ptrace
 * belongs to the thread that seized.
 */
final class Rewrite {
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final ThreadLocal<MemorySegment> REGISTERS =
      ThreadLocal.withInitial(() -> Arena.global().allocate(UserRegs.SIZEOF, 8));

  private Rewrite() {}

  /**
   * Replaces the call that {@code c} is; nothing may use {@code c} afterwards unless this fails.
   *
   * @return {@link Syscall#NO_REPLY}; -EAGAIN when the thread cannot be seized: the call is not answered then
   */
  static long call(Syscall c, long nr, long a0, long a1, long a2, long a3, long a4, long a5) {
    Task task = c.task;
    int tid = task.hostTid;
    int r = Ptrace.seize(tid, 0);
    if (r == 0) {
      r = Ptrace.interrupt(tid);
    }
    if (r < 0) {
      // The thread is dying, or somebody outside is tracing it.
      return r == -Errno.ESRCH ? Syscall.NO_REPLY : -Errno.EAGAIN;
    }
    // The answer comes before the stop: the thread cannot stop while it waits for it.
    task.kernel.dispatcher.answer(c, -Errno.ENOSYS);
    long w = Wait.wait4(tid, (int) Wait.__WALL);
    if (w < 0 || !Wait.isStopped(Wait.status(w))) {
      return Syscall.NO_REPLY; // killed on the way; its pidfd tells
    }
    int status = Wait.status(w);
    // Stopped for our interrupt, or to deliver a signal, which then gets delivered: its handler returns to the rewritten call.
    int signal = Wait.ptraceEvent(status) == Ptrace.PTRACE_EVENT_STOP ? 0 : Wait.stopSignal(status);
    MemorySegment regs = REGISTERS.get();
    if (Ptrace.getRegs(tid, regs) == 0) {
      regs.set(LONG, UserRegs.RIP, regs.get(LONG, UserRegs.RIP) - 2); // back onto "syscall"
      regs.set(LONG, UserRegs.RAX, nr);
      regs.set(LONG, UserRegs.ORIG_RAX, -1); // not in a call: no restart logic
      regs.set(LONG, UserRegs.RDI, a0);
      regs.set(LONG, UserRegs.RSI, a1);
      regs.set(LONG, UserRegs.RDX, a2);
      regs.set(LONG, UserRegs.R10, a3);
      regs.set(LONG, UserRegs.R8, a4);
      regs.set(LONG, UserRegs.R9, a5);
      Ptrace.setRegs(tid, regs);
    }
    Ptrace.detach(tid, signal);
    return Syscall.NO_REPLY;
  }
}
