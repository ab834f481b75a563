package io.redoubt.sentry.kernel;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.host.Ptrace;
import io.redoubt.host.Ptrace.UserRegs;
import io.redoubt.host.Seccomp;
import io.redoubt.host.Wait;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Makes a thread run another call in place of the one that it is in: execve becomes execveat of the
 * stub, a ppoll that a signal ends becomes rt_sigsuspend with its mask, shmat becomes mmap.
 *
 * <p>The thread waits for the answer of its call. It is seized and interrupted, answered, stops on
 * its way out, gets registers that point at the same {@code syscall} instruction with another
 * number, and is let go. All of it on one sentry thread, because ptrace belongs to the thread that
 * seized.
 */
final class Rewrite {
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final ThreadLocal<MemorySegment> REGISTERS =
      ThreadLocal.withInitial(() -> Arena.global().allocate(UserRegs.SIZEOF, 8));

  private static final ThreadLocal<MemorySegment> SECOND =
      ThreadLocal.withInitial(() -> Arena.global().allocate(UserRegs.SIZEOF, 8));
  private static final int PTRACE_SINGLESTEP = 9;
  private static final int SIGTRAP = 5;

  private Rewrite() {}

  /**
   * Replaces the call that {@code c} is; nothing may use {@code c} afterwards unless this fails.
   *
   * @return {@link Syscall#NO_REPLY}; -EAGAIN when the thread cannot be seized: the call is not
   *     answered then
   */
  static long call(Syscall c, long nr, long a0, long a1, long a2, long a3, long a4, long a5) {
    int tid = c.task.hostTid;
    if (c.task.kernel.profile != null) {
      c.task.madeCall = new long[] {nr, a0, a1, a2, a3, a4, a5};
    }
    int signal = stop(c, -Errno.ENOSYS, CallObserver.REWRITTEN);
    if (signal >= 0) {
      MemorySegment regs = REGISTERS.get();
      if (Ptrace.getRegs(tid, regs) == 0) {
        set(regs, nr, a0, a1, a2, a3, a4, a5);
        Ptrace.setRegs(tid, regs);
      }
      detach(tid, signal);
    }
    return signal == -Errno.EAGAIN ? -Errno.EAGAIN : Syscall.NO_REPLY;
  }

  /**
   * Ends a call for a signal to the process that this thread may not be the one to take. A thread
   * that is let go by its tracer looks for signals, told of them or not, so it takes the signal if
   * that is still there, and if not has its restart code heeded: the call is made again and nobody
   * sees it.
   *
   * @param answer how the call ends if there is a signal: restart code, -EINTR, or what was done
   * @return as {@link #call}
   */
  static long interrupt(Syscall c, long answer) {
    Task task = c.task;
    int tid = task.hostTid;
    int signal = stop(c, answer > 0 ? answer : Syscall.ERESTARTSYS, answer);
    if (signal < 0) {
      return signal == -Errno.EAGAIN ? -Errno.EAGAIN : Syscall.NO_REPLY;
    }
    HostStatus s = new HostStatus();
    if (answer < 0 && s.read(tid)) {
      if (signal > 0) {
        s.privatePending |= 1L << (signal - 1); // about to be delivered
      }
      long now = s.takes() == 0 ? Syscall.ERESTARTSYS : answer;
      now = now == Syscall.ERESTARTSYS ? SignalActions.answer(task, s) : now;
      MemorySegment regs = REGISTERS.get();
      if (now != Syscall.ERESTARTSYS && Ptrace.getRegs(tid, regs) == 0) {
        Memory.setLong(regs, UserRegs.RAX, now);
        Ptrace.setRegs(tid, regs);
      }
    }
    detach(tid, signal);
    return Syscall.NO_REPLY;
  }

  /** Calls that a thread is made to run, one after the other, in place of its own. */
  interface Steps {
    /** Puts the next call into the registers: {@link Rewrite#set}. */
    void call(MemorySegment regs);

    /** The answer of the original call, {@link #MORE}, or {@link #AGAIN} to have it made again. */
    long answer(long result);
  }

  /** The thread makes its original call again. */
  static final long AGAIN = Long.MIN_VALUE;

  /** There is another call to run first. */
  static final long MORE = Long.MIN_VALUE + 1;

  /**
   * As {@link #call}, but the thread comes back to its original call's end, with an answer that
   * {@code steps} gives.
   */
  static long step(Syscall c, Steps steps) {
    int tid = c.task.hostTid;
    int original = c.nr;
    int signal = stop(c, -Errno.ENOSYS, CallObserver.REWRITTEN);
    if (signal < 0) {
      return signal == -Errno.EAGAIN ? -Errno.EAGAIN : Syscall.NO_REPLY;
    }
    MemorySegment before = REGISTERS.get();
    MemorySegment regs = SECOND.get();
    if (Ptrace.getRegs(tid, before) == 0) {
      long end = Memory.getLong(before, UserRegs.RIP);
      long answer;
      do {
        regs.copyFrom(before);
        steps.call(regs);
        Ptrace.setRegs(tid, regs);
        if (signal == 0 && Ptrace.ptrace(PTRACE_SINGLESTEP, tid, 0, 0) == 0) {
          long w = await(tid);
          if (w < 0 || !Wait.isStopped(Wait.status(w))) {
            return Syscall.NO_REPLY;
          }
          int stopped =
              Wait.ptraceEvent(Wait.status(w)) == Ptrace.PTRACE_EVENT_STOP
                  ? SIGTRAP
                  : Wait.stopSignal(Wait.status(w));
          signal = stopped == SIGTRAP ? 0 : stopped;
        }
        boolean ran = Ptrace.getRegs(tid, regs) == 0 && Memory.getLong(regs, UserRegs.RIP) == end;
        answer = steps.answer(ran ? Memory.getLong(regs, UserRegs.RAX) : -Errno.EINTR);
      } while (answer == MORE);
      Memory.setLong(before, UserRegs.ORIG_RAX, -1);
      if (answer == AGAIN) {
        Memory.setLong(before, UserRegs.RIP, end - 2);
        Memory.setLong(before, UserRegs.RAX, original);
      } else {
        Memory.setLong(before, UserRegs.RAX, answer);
      }
      Ptrace.setRegs(tid, before);
    }
    detach(tid, signal);
    return Syscall.NO_REPLY;
  }

  /**
   * Seizes the thread, answers its call and waits until it has stopped.
   *
   * @param observed what the observer is told of the answer
   * @return the signal that it stopped to take, 0 for none; -EAGAIN when it cannot be seized and
   *     the call is not answered; another negative when it is gone
   */
  private static int stop(Syscall c, long answer, long observed) {
    Task task = c.task;
    int tid = task.hostTid;
    int r = Ptrace.seize(tid, 0);
    boolean isSeized = r == 0;
    if (isSeized && Seccomp.idValid(c.listener, c.id) == -Errno.ENOENT) {
      // Another thread has made an exec meanwhile, and has this id now. Its call may wait for this
      // one to end.
      c.end();
      letGo(tid);
      return -Errno.ESRCH;
    }
    if (r == 0) {
      r = Ptrace.interrupt(tid);
    }
    if (r < 0) {
      if (r == -Errno.ESRCH) {
        c.end(); // the thread is dying: nobody waits for an answer
        if (isSeized) {
          reap(tid);
        }
        return r;
      }
      return -Errno.EAGAIN; // somebody outside is tracing it
    }
    task.kernel.dispatcher.observe(c, observed);
    c.startNanos = 0; // observed
    // The answer comes before the stop: the thread cannot stop while it waits for it.
    task.kernel.dispatcher.reply(c, answer);
    long w = await(tid);
    if (w < 0 || !Wait.isStopped(Wait.status(w))) {
      return -Errno.ESRCH; // killed on the way; its pidfd tells
    }
    int status = Wait.status(w);
    // Stopped for our interrupt, or to deliver a signal, which then gets delivered: its handler
    // returns to the rewritten call.
    return Wait.ptraceEvent(status) == Ptrace.PTRACE_EVENT_STOP ? 0 : Wait.stopSignal(status);
  }

  /**
   * Waits until a thread that this one traces has stopped or died.
   *
   * <p>Not by its id: when another thread of its process makes an exec, a leader that is traced
   * loses its id before the host kernel wakes its tracer ({@code de_thread} in {@code fs/exec.c}),
   * which as one that waits for that id is then not woken, and sleeps for ever. No thread here
   * traces more than one at a time.
   *
   * @return as {@link Wait#wait4}; -ECHILD when it is not there any more
   */
  private static long await(int tid) {
    long w;
    do {
      w = Wait.wait4(-1, Wait.__WALL | Wait.__WNOTHREAD);
    } while (w > 0 && Wait.pid(w) != tid);
    return w;
  }

  /** Detaches a thread that may be running. */
  private static void letGo(int tid) {
    long w = Ptrace.interrupt(tid) == 0 ? await(tid) : 0;
    if (w == 0) {
      reap(tid);
    } else if (w > 0 && Wait.isStopped(Wait.status(w))) {
      int status = Wait.status(w);
      boolean isEvent = Wait.ptraceEvent(status) == Ptrace.PTRACE_EVENT_STOP;
      detach(tid, isEvent ? 0 : Wait.stopSignal(status));
    }
  }

  /** Detaches a thread that has stopped, if it has not been killed since. */
  private static void detach(int tid, int signal) {
    if (Ptrace.detach(tid, signal) < 0) {
      reap(tid);
    }
  }

  /**
   * A thread that dies while it is traced is its tracer's to wait for. Until that is done its
   * process is no zombie for its parent, and an exec of another thread waits for it.
   */
  private static void reap(int tid) {
    long w;
    do {
      w = await(tid);
    } while (w > 0 && Wait.isStopped(Wait.status(w)) && Ptrace.detach(tid, 0) < 0);
  }

  /** Puts a call into registers of a thread that has come out of one. */
  static void set(
      MemorySegment regs, long nr, long a0, long a1, long a2, long a3, long a4, long a5) {
    Memory.setLong(
        regs, UserRegs.RIP, Memory.getLong(regs, UserRegs.RIP) - 2); // back onto "syscall"
    Memory.setLong(regs, UserRegs.RAX, nr);
    Memory.setLong(regs, UserRegs.ORIG_RAX, -1); // not in a call: no restart logic
    Memory.setLong(regs, UserRegs.RDI, a0);
    Memory.setLong(regs, UserRegs.RSI, a1);
    Memory.setLong(regs, UserRegs.RDX, a2);
    Memory.setLong(regs, UserRegs.R10, a3);
    Memory.setLong(regs, UserRegs.R8, a4);
    Memory.setLong(regs, UserRegs.R9, a5);
  }
}
