package io.redoubt.sentry.kernel;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.host.Nr;
import io.redoubt.host.Seccomp;
import io.redoubt.host.Seccomp.Notif;
import io.redoubt.seccomp.ContainerProfile;
import io.redoubt.sentry.ring.ProcessRing;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * From a notification to an answer: finds the task, runs the handler, answers or parks.
 *
 * <p>Who may touch a call: the thread that received it, until it parks or answers it; then whoever
 * wakes it, because waking takes it from PARKED to RUNNING under its monitor and only one can do
 * that.
 */
public final class Dispatcher {
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

  private static final int RT_SIGSUSPEND = 130;

  private final Kernel kernel;
  private final SyscallTable.Entry[] entries = new SyscallTable.Entry[SyscallTable.SIZE];
  private final boolean[] toldMissing = new boolean[SyscallTable.SIZE + 1];
  private SyscallHandler stubHandler;
  private int stubCall;

  /** Told of every call, or null: --trace and --stats cost nothing when nobody asks. */
  volatile CallObserver observer;

  Dispatcher(Kernel kernel) {
    this.kernel = kernel;
  }

  /** Sets the table, and the stub's reserved call which is outside of it. */
  void install(SyscallTable table, int stubCall, SyscallHandler stubHandler) {
    for (int i = 0; i < entries.length; i++) {
      entries[i] = table.get(i);
    }
    this.stubCall = stubCall;
    this.stubHandler = stubHandler;
  }

  /** Serves one received notification. */
  void serve(int listener, MemorySegment n) {
    long id = Memory.getLong(n, Notif.ID);
    int tid = Memory.getInt(n, Notif.PID);
    Task task = kernel.tasks.byHostTid(tid);
    if (task == null) {
      task = kernel.tasks.adopt(tid);
      if (task == null) {
        return; // it died before it could be looked at
      }
    }
    int nr = Memory.getInt(n, Notif.DATA__NR);
    if (task.process.pidfd < 0 && nr != Nr.EXIT_GROUP) {
      kernel.tasks.watch(task.process);
    }
    Syscall c = task.call;
    // A freeze makes the kernel issue a call anew under another id while its first run has not
    // ended. The thread waits in the new
    // one and the old answer will find nobody; but the call object is one: it is taken back, or the
    // thread that runs it gets out.
    while (c.isInFlight() && !c.cancel()) {
      Thread.onSpinWait();
    }
    c.arg0 = Memory.getLong(n, Notif.DATA__ARGS);
    c.arg1 = Memory.getLong(n, Notif.DATA__ARGS + 8);
    c.arg2 = Memory.getLong(n, Notif.DATA__ARGS + 16);
    c.arg3 = Memory.getLong(n, Notif.DATA__ARGS + 24);
    c.arg4 = Memory.getLong(n, Notif.DATA__ARGS + 32);
    c.arg5 = Memory.getLong(n, Notif.DATA__ARGS + 40);
    c.instructionPointer = Memory.getLong(n, Notif.DATA__INSTRUCTION_POINTER);
    c.begin(listener, id, nr);
    CallObserver o = observer;
    c.startNanos = o == null ? 0 : System.nanoTime();
    c.servedNanos = 0;
    if (task.hasDuties) {
      task.doDuties();
    }
    ContainerProfile profile = kernel.profile;
    if (profile != null && profile.mayRefuse(nr) && Sentence.passed(profile, c)) {
      return;
    }
    ProcessRing ring = task.process.ring;
    if (ring == null) {
      run(c);
    } else {
      ring.onTrap(c);
      run(c);
      ring.onTrapServed();
    }
  }

  /**
   * Serves a call that came by the ring, with its arguments set and a task of {@link Task#ofRing}.
   *
   * @param timeoutArgument which argument is a timeout: 2 or 3, or 0 for none. What is not ready at
   *     once is not waited for
   * @return its result, or {@link Syscall#CONTINUE}: its thread has to make it by a trap, as if
   *     this had not been
   */
  public long serveRing(Syscall c, int nr, int timeoutArgument) {
    ContainerProfile profile = kernel.profile;
    if (profile != null && profile.mayRefuse(nr)) {
      return Syscall.CONTINUE;
    }
    c.instructionPointer = 0;
    c.begin(-1, -1, nr);
    CallObserver o = observer;
    c.startNanos = o == null ? 0 : System.nanoTime();
    c.servedNanos = 0;
    long timeout = c.exchangeArgument(timeoutArgument, 0);
    long r = entries[nr].handler().call(c);
    c.exchangeArgument(timeoutArgument, timeout);
    if (r == Syscall.BLOCKED && c.progress > 0) {
      // Never begun on purpose (RingCalls), but the fd may have become another's meanwhile. What
      // has
      // been written is written: that much is said.
      r = c.progress;
    }
    boolean isServed =
        !(r == 0 && timeout != 0)
            && r != Syscall.BLOCKED
            && r != Syscall.CONTINUE
            && r != Syscall.NO_REPLY
            && !isRestart(r)
            && !(c.mustTrap && r < 0);
    if (isServed) {
      observe(c, r);
    }
    c.end();
    return isServed ? r : Syscall.CONTINUE;
  }

  /**
   * Goes on with a call that was parked and has been woken. If its thread has been killed
   * meanwhile, and the sentry has not heard of that yet, the host may have given the thread's id to
   * a process that is none of the sandbox's: nothing may be written there.
   */
  void resume(Syscall c) {
    if (Seccomp.idValid(c.listener, c.id) == -Errno.ENOENT) {
      c.end();
      return;
    }
    if (c.startNanos != 0) {
      c.startNanos = System.nanoTime();
    }
    run(c);
  }

  private void run(Syscall c) {
    // The first run may have looked before it registered: then it looks once more before it may
    // sleep.
    boolean looked = c.isRetry();
    for (; ; ) {
      long r = invoke(c);
      if (r == Syscall.BLOCKED) {
        if (!looked) {
          looked = true;
          if (c.hasWaitMask) {
            kernel.signals.look(c.task); // what the mask lets through may be pending already
          }
          continue;
        }
        if (c.isInterrupted() && interrupted(c)) {
          return;
        }
        if (c.isCancelled()) {
          c.end();
          return;
        }
        if (c.startNanos != 0) {
          observeBlocked(c);
        }
        kernel.tasks.beforeWait(c.task);
        if (c.park()) {
          return;
        }
        continue;
      }
      if (r != Syscall.NO_REPLY) {
        if (c.isAtHotSite) {
          rewriteSite(c, r);
        }
        answer(c, r);
      }
      return;
    }
  }

  /**
   * The site of a call is to be one of the ring tier from now on. Only now, when the call ends: one
   * that waits may be replaced by another or be made again, at the instruction that is there now.
   */
  private static void rewriteSite(Syscall c, long result) {
    c.isAtHotSite = false;
    ProcessRing ring = c.task.process.ring;
    if (ring != null && result != Syscall.CONTINUE && !isRestart(result)) {
      ring.rewriteSite(c);
    }
  }

  private static boolean isRestart(long result) {
    return result == Syscall.ERESTARTSYS || result == Syscall.ERESTARTNOHAND;
  }

  /**
   * A signal ends a call that would block. When the call came with a signal mask of its own, the
   * signal may be blocked by the thread's mask: then the thread runs rt_sigsuspend with that mask,
   * which takes the signal at once and gives EINTR as well. Only then: a signal that the thread
   * takes on its way there would leave it suspended.
   *
   * <p>Who said that there is a signal has looked a while ago. The thread may have taken it since,
   * and be in its next call, or another thread has.
   *
   * @return false when there is none any more, and the call is to go on waiting
   */
  private boolean interrupted(Syscall c) {
    HostStatus s = new HostStatus();
    if (!s.read(c.task.hostTid)) {
      reply(c, c.interruptedAnswer()); // it is dying
      return true;
    }
    long takes = s.takes();
    if (c.hasWaitMask) {
      long wanted = (s.privatePending | s.sharedPending) & ~c.waitMask;
      takes &= ~c.waitMask;
      long address = c.waitMaskAddress;
      if (wanted != 0
          && takes == 0
          && (kernel.profile == null || kernel.profile.allows(RT_SIGSUSPEND, address, 8))
          && Rewrite.call(c, RT_SIGSUSPEND, address, 8, 0, 0, 0, 0) != -Errno.EAGAIN) {
        return true;
      }
    }
    if (takes == 0 && !c.isStopping()) {
      c.forgetInterrupt();
      return false;
    }
    interrupt(c, c.interruptedAnswer(), s);
    return true;
  }

  /**
   * Answers a call that a signal ends. The host kernel looks at restart codes only in a thread that
   * it has told of a signal; in any other they would be the program's errno. A signal to the
   * process is told to one thread, and which one /proc does not say: where it can be another,
   * {@link Rewrite#interrupt} makes sure.
   */
  private void interrupt(Syscall c, long answer, HostStatus s) {
    boolean isTold =
        (s.privatePending & ~s.blocked) != 0
            || (s.takes() != 0 && (s.threads == 1 || c.task.hostTid == s.tgid));
    if (isTold || Rewrite.interrupt(c, answer) == -Errno.EAGAIN) {
      reply(c, answer == Syscall.ERESTARTSYS ? SignalActions.answer(c.task, s) : answer);
    }
  }

  private long invoke(Syscall c) {
    int nr = c.nr;
    SyscallTable.Entry e = nr >= 0 && nr < SyscallTable.SIZE ? entries[nr] : null;
    Exec pending = c.task.exec;
    if (pending != null) {
      return pending.onCall(c, e == null ? null : e.handler());
    }
    if (e == null) {
      return nr == stubCall ? stubHandler.call(c) : missing(nr);
    }
    return e.handler().call(c);
  }

  private long missing(int nr) {
    int slot = nr >= 0 && nr < SyscallTable.SIZE ? nr : SyscallTable.SIZE;
    if (!toldMissing[slot]) {
      toldMissing[slot] = true;
      CallObserver o = observer;
      if (o != null) {
        o.missing(nr);
      }
    }
    return -Errno.ENOSYS;
  }

  /** Ends the call and answers the guest. */
  void answer(Syscall c, long handled) {
    HostStatus s = handled == Syscall.ERESTARTSYS ? new HostStatus() : null;
    if (s != null && s.read(c.task.hostTid)) {
      interrupt(c, handled, s);
    } else {
      reply(c, handled);
    }
  }

  /** Ends the call and sends exactly this. */
  void reply(Syscall c, long result) {
    observe(c, result);
    int listener = c.listener;
    long id = c.id;
    c.end();
    send(listener, id, result);
  }

  /** Tells the observer of an answer. */
  void observe(Syscall c, long result) {
    if (c.startNanos != 0) {
      c.servedNanos += System.nanoTime() - c.startNanos;
      CallObserver o = observer;
      if (o != null) {
        o.answered(c, result);
      }
    }
  }

  private void observeBlocked(Syscall c) {
    CallObserver o = observer;
    if (o != null) {
      o.blocked(c);
    }
    long now = System.nanoTime();
    c.servedNanos += now - c.startNanos;
    c.startNanos = now; // in case that it need not wait
  }

  /**
   * Answers without a call object. ENOENT means that the guest is gone: its death is handled where
   * it is seen.
   */
  static int send(int listener, long id, long result) {
    MemorySegment resp = KernelThread.scratch().response;
    if (result == Syscall.CONTINUE) {
      return Seccomp.send(listener, resp, id, 0, 0, Seccomp.SECCOMP_USER_NOTIF_FLAG_CONTINUE);
    }
    if (result < 0 && result >= -4095) {
      return Seccomp.send(listener, resp, id, 0, (int) result, 0);
    }
    return Seccomp.send(listener, resp, id, result, 0, 0);
  }
}
