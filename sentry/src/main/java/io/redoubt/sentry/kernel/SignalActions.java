package io.redoubt.sentry.kernel;

import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import java.lang.foreign.MemorySegment;

/**
 * Handlers that a process has installed without SA_RESTART, and rt_sigaction(2), which installs
 * them.
 *
 * <p>A trapped call that a signal cuts short before the sentry has received it never began. The
 * host kernel then acts as for a call that returned ERESTARTSYS: it makes it again after the
 * handler, if that has SA_RESTART; else it gives EINTR, also for fork, close or stat, for which
 * Linux never does. The shell dash, whose SIGCHLD handler has no SA_RESTART, could not fork in a
 * pipeline. So <em>every</em> handler has SA_RESTART for the host kernel, and the EINTR that a
 * program counts on comes from somewhere else:
 *
 * <pre>
 *   a call that the sentry holds        the sentry answers EINTR where it would answer ERESTARTSYS ({@link #answer})
 *   futex, wait4, waitid                wait in the host kernel: the stub's signal_enter, which is called in place of the
 *                                       handler, turns the repetition into EINTR and jumps to the handler
 *   all others that run natively        do not restart on Linux either, whatever the flag (nanosleep, pause, ...)
 * </pre>
 *
 * <p>signal_enter finds the handlers in a page behind the stub, which is mapped when a process
 * first needs it; a forked child has its copy. All of it is guest memory and nobody else believes
 * it: a guest that changes it misdirects its own signals.
 *
 * <p>A child that shares its parent's memory and not its handlers (vfork) shares that page: a
 * handler without SA_RESTART that it installs before its exec becomes its parent's, too. POSIX
 * allows such a child no more than exec.
 *
 * <p>Guarded by its monitor, which is held while a thread of the process makes the host's call; an
 * empty set of bits is read without.
 */
final class SignalActions {
  static final int RT_SIGACTION = 13;

  /**
   * What the sixth argument of an rt_sigaction, which Linux does not look at, must be for the
   * guest's filter to let it through (seccomp-profiles, NativeCalls). It is no secret: rt_sigaction
   * gives a guest nothing but its own handlers.
   */
  static final long NATIVE = 0x72656462;

  private static final int MMAP = 9;
  private static final int PROT_READ_WRITE = 3;
  private static final int MAP_PRIVATE_ANONYMOUS_FIXED_NOREPLACE = 0x100022;

  private static final int SA_RESTART = 0x10000000;
  private static final int SIG_IGN = 1;
  private static final int SIGNALS = 64;

  // struct kernel_sigaction: handler, flags, restorer, mask; 8 bytes each.
  private static final int FLAGS = 8;
  private static final int ACTION_BYTES = 32;

  // The page behind the stub: the handlers by signal number, then room for the two arguments.
  private static final int PAGE = 4096;
  private static final int NEW = 2048;
  private static final int OLD = NEW + ACTION_BYTES;

  /** SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGSYS: delivered before others, kernel/signal.c. */
  private static final long SYNCHRONOUS =
      1L << 3 | 1L << 4 | 1L << 6 | 1L << 7 | 1L << 10 | 1L << 30;

  private final long enter; // guest addresses, as the stub gave them
  private final long page;
  private volatile boolean isPageMapped;

  /** Bit n-1: signal_enter stands for the handler of signal n. */
  private volatile long entered;

  private final long[] handlers = new long[SIGNALS + 1];
  private final long[] flags = new long[SIGNALS + 1];

  /**
   * Of a process that has begun to run a program: none.
   *
   * @param enter address of signal_enter
   * @param page address of its table, a page that is free
   */
  SignalActions(long enter, long page) {
    this.enter = enter;
    this.page = page;
  }

  /** Of a forked child. */
  SignalActions copy() {
    SignalActions to = new SignalActions(enter, page);
    if (isPageMapped) { // also when no handler is left that needs it: the child has the page, too
      synchronized (this) {
        to.isPageMapped = true;
        System.arraycopy(handlers, 0, to.handlers, 0, handlers.length);
        System.arraycopy(flags, 0, to.flags, 0, flags.length);
        to.entered = entered;
      }
    }
    return to;
  }

  /** glibc's, of pthread_cancel(3). */
  private static final int SIGCANCEL = 32;

  static void register(SyscallTable t) {
    t.on(RT_SIGACTION, "rt_sigaction", 4, SignalActions::sigaction, FULL);
  }

  private static long sigaction(Syscall c) {
    SignalActions actions = c.task.process.signalActions;
    int signal = (int) c.arg0;
    if (actions == null || c.arg3 != 8 || signal < 1 || signal > SIGNALS) {
      return Syscall.CONTINUE;
    }
    boolean isEntered = (actions.entered & 1L << (signal - 1)) != 0;
    if (c.arg1 == 0) {
      return isEntered && c.arg2 != 0 ? actions.change(c, signal, null) : Syscall.CONTINUE;
    }
    MemorySegment s = c.scratch().small;
    if (c.memory().read(c.arg1, s, ACTION_BYTES) != 0) {
      return -Errno.EFAULT;
    }
    boolean isHandler = Long.compareUnsigned(Memory.getLong(s, 0), SIG_IGN) > 0;
    if (isHandler && signal == SIGCANCEL && c.task.process.ring != null) {
      c.task.process.ring.onCancelHandler();
    }
    boolean needsEnter =
        isHandler
            && (Memory.getLong(s, FLAGS) & SA_RESTART) == 0
            && (SYNCHRONOUS & 1L << (signal - 1)) == 0;
    if (!needsEnter && !isEntered) {
      return Syscall.CONTINUE;
    }
    long[] action = new long[ACTION_BYTES / 8];
    for (int i = 0; i < action.length; i++) {
      action[i] = Memory.getLong(s, 8L * i);
    }
    return actions.change(c, signal, action);
  }

  /**
   * Makes the thread ask or change the host kernel's action, with signal_enter for the handler
   * where it must be.
   *
   * @param action the new action, or null to ask only
   */
  private synchronized long change(Syscall c, int signal, long[] action) {
    boolean enters = action != null && Long.compareUnsigned(action[0], SIG_IGN) > 0;
    enters = enters && (action[1] & SA_RESTART) == 0;
    GuestMemory memory = c.memory();
    MemorySegment s = c.scratch().small;
    long oldAddress = c.arg2;
    boolean isEntering = enters;
    return Rewrite.step(
        c,
        new Rewrite.Steps() {
          private boolean isMapping;

          @Override
          public void call(MemorySegment regs) {
            isMapping = !isPageMapped;
            if (isMapping) {
              Rewrite.set(
                  regs,
                  MMAP,
                  page,
                  PAGE,
                  PROT_READ_WRITE,
                  MAP_PRIVATE_ANONYMOUS_FIXED_NOREPLACE,
                  -1,
                  0);
              return;
            }
            // The handler is in the table before the host kernel can call signal_enter for it.
            if (action != null) {
              Memory.setLong(s, 0, isEntering ? enter : action[0]);
              Memory.setLong(s, FLAGS, isEntering ? action[1] | SA_RESTART : action[1]);
              Memory.setLong(s, 16, action[2]);
              Memory.setLong(s, 24, action[3]);
              memory.write(page + NEW, s, ACTION_BYTES);
              if (isEntering) {
                memory.writeLong(page + 8L * signal, action[0]);
              }
            }
            long old = oldAddress == 0 ? 0 : page + OLD;
            long to = action == null ? 0 : page + NEW;
            Rewrite.set(regs, RT_SIGACTION, signal, to, old, 8, 0, NATIVE);
          }

          @Override
          public long answer(long result) {
            if (result == -Errno.EINTR) {
              return Rewrite.AGAIN; // a signal came first
            }
            if (isMapping) {
              if (result != page) {
                return result < 0 && result > -PAGE ? result : -Errno.ENOMEM;
              }
              isPageMapped = true;
              return Rewrite.MORE;
            }
            return result == 0
                ? changed(memory, s, signal, action, isEntering, oldAddress)
                : result;
          }
        });
  }

  private long changed(
      GuestMemory memory,
      MemorySegment s,
      int signal,
      long[] action,
      boolean isEntering,
      long oldAddress) {
    int r = 0;
    if (oldAddress != 0) {
      r = memory.read(page + OLD, s, ACTION_BYTES);
      if (Memory.getLong(s, 0) == enter) {
        Memory.setLong(s, 0, handlers[signal]);
        Memory.setLong(s, FLAGS, flags[signal]);
      }
      r = r != 0 ? r : memory.write(oldAddress, s, ACTION_BYTES);
    }
    if (action != null) {
      long bit = 1L << (signal - 1);
      handlers[signal] = action[0];
      flags[signal] = action[1];
      entered = isEntering ? entered | bit : entered & ~bit;
    }
    return r == 0 ? 0 : -Errno.EFAULT;
  }

  /**
   * What a held call that a signal ends answers instead of ERESTARTSYS: EINTR, if the handler that
   * will run first was installed without SA_RESTART.
   */
  static long answer(Task task, HostStatus status) {
    SignalActions actions = task.process.signalActions;
    if (actions == null || actions.entered == 0) {
      return Syscall.ERESTARTSYS;
    }
    long takes = ~status.blocked & status.caught;
    long pending = status.privatePending & takes;
    pending = pending != 0 ? pending : status.sharedPending & takes;
    pending = (pending & SYNCHRONOUS) != 0 ? pending & SYNCHRONOUS : pending;
    return (Long.lowestOneBit(pending) & actions.entered) != 0 ? -Errno.EINTR : Syscall.ERESTARTSYS;
  }
}
