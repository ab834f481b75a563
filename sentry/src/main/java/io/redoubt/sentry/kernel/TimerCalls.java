package io.redoubt.sentry.kernel;

import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.sentry.limits.Limit;
import java.lang.foreign.MemorySegment;

/**
 * Interval and POSIX timers run in the host kernel, which sends their signals with everything that
 * belongs to them. The sentry only notes when one will fire, so that it looks then whether a call
 * that it holds must be interrupted. What it reads for that is a hint: a guest that changes it
 * meanwhile delays its own signal until the slow scan.
 */
public final class TimerCalls {
  private static final long MAX_NANOS = 1L << 60;
  private static final int ITIMER_REAL = -1; // no id of a POSIX timer
  private static final int MOST_HINTS = 1024; // of a process

  private TimerCalls() {}

  public static void register(SyscallTable t) {
    t.on(36, "getitimer", 2, c -> Syscall.CONTINUE, FULL);
    t.on(37, "alarm", 1, TimerCalls::alarm, FULL);
    t.on(38, "setitimer", 3, TimerCalls::setitimer, FULL);
    t.on(222, "timer_create", 3, c -> Syscall.CONTINUE, FULL);
    t.on(223, "timer_settime", 4, TimerCalls::timerSettime, FULL);
    t.on(224, "timer_gettime", 2, c -> Syscall.CONTINUE, FULL);
    t.on(225, "timer_getoverrun", 1, c -> Syscall.CONTINUE, FULL);
    t.on(226, "timer_delete", 1, TimerCalls::timerDelete, FULL);
  }

  private static long alarm(Syscall c) {
    watch(c.task.process, ITIMER_REAL, (c.arg0 & 0xffffffffL) * 1_000_000_000L, 0);
    return Syscall.CONTINUE;
  }

  private static long setitimer(Syscall c) {
    MemorySegment s = c.scratch().small;
    if (c.arg0 == 0 && c.arg1 != 0 && c.memory().read(c.arg1, s, 32) == 0) {
      watch(c.task.process, ITIMER_REAL, nanos(s, 16, 1000), nanos(s, 0, 1000));
    }
    return Syscall.CONTINUE;
  }

  private static long timerSettime(Syscall c) {
    MemorySegment s = c.scratch().small;
    if (c.arg2 == 0 || c.memory().read(c.arg2, s, 32) != 0) {
      return c.arg2 == 0 ? -Errno.EINVAL : -Errno.EFAULT;
    }
    long value = nanos(s, 16, 1);
    if ((c.arg1 & 1) != 0 && value > 0) {
      // TIMER_ABSTIME, of a clock that is not known here: one of the two it may be.
      long mono = value - System.nanoTime();
      long real = value - System.currentTimeMillis() * 1_000_000L;
      value = mono >= 0 && mono < (1L << 55) ? mono : Math.max(1, real);
    }
    watch(c.task.process, Math.max(0, (int) c.arg0), value, nanos(s, 0, 1));
    return Syscall.CONTINUE;
  }

  private static long timerDelete(Syscall c) {
    watch(c.task.process, Math.max(0, (int) c.arg0), 0, 0);
    return Syscall.CONTINUE;
  }

  private static long nanos(MemorySegment s, long at, long unit) {
    long sec = Memory.getLong(s, at);
    long frac = Memory.getLong(s, at + 8);
    if (sec < 0 || sec > MAX_NANOS / 1_000_000_000L || frac < 0 || frac >= 1_000_000_000L) {
      return 0;
    }
    return sec * 1_000_000_000L + frac * unit;
  }

  /** One timer of a process: when to look whether its signal interrupts a call. */
  static final class Hint implements Runnable {
    private final Process process;
    private final int id;
    private final long interval;
    private Timers.Timer timer; // guarded by the process's hints

    Hint(Process process, int id, long interval) {
      this.process = process;
      this.id = id;
      this.interval = interval;
    }

    private void schedule(long nanos) {
      timer = process.kernel.timers.schedule(System.nanoTime() + nanos, this);
    }

    @Override
    public void run() {
      if (process.exited) {
        return; // whoever marked it takes its hints back
      }
      process.kernel.signals.expect(process);
      synchronized (process.timerHints) {
        if (process.timerHints.get(id) != this) {
          return; // set anew meanwhile
        }
        if (interval > 0) {
          schedule(Math.max(interval, 10_000_000));
        } else {
          process.timerHints.remove(id);
          Limit.TIMERS.release(1);
        }
      }
    }
  }

  /**
   * Looks when the timer fires; for an interval as long as the process lives, at most every 10 ms.
   * Where there are too many hints nobody looks: the slow scan of parked calls finds the signal.
   */
  private static void watch(Process p, int id, long value, long interval) {
    synchronized (p.timerHints) {
      Hint old = p.timerHints.remove(id);
      if (old != null) {
        old.timer.cancel();
        Limit.TIMERS.release(1);
      }
      if (value <= 0
          || value > MAX_NANOS
          || p.exited
          || p.timerHints.size() >= MOST_HINTS
          || !Limit.TIMERS.charge(1)) {
        return;
      }
      Hint h = new Hint(p, id, interval);
      p.timerHints.put(id, h);
      h.schedule(value + 50_000);
    }
  }

  /** The process has ended, and is marked so. */
  static void forget(Process p) {
    synchronized (p.timerHints) {
      for (Hint h : p.timerHints.values()) {
        h.timer.cancel();
        Limit.TIMERS.release(1);
      }
      p.timerHints.clear();
    }
  }
}
