package io.redoubt.sentry.kernel;

import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import java.lang.foreign.MemorySegment;

/**
 * Interval and POSIX timers run in the host kernel, which sends their signals with everything that
 * belongs to them. The sentry only notes when one will fire, so that it looks then whether a call
 * that it holds must be interrupted. What it reads for that is a hint: a guest that changes it
 * meanwhile delays its own signal until the slow scan.
 */
public final class TimerCalls {
  private static final long MAX_NANOS = 1L << 60;

  private TimerCalls() {}

  public static void register(SyscallTable t) {
    t.on(36, "getitimer", 2, c -> Syscall.CONTINUE, FULL);
    t.on(37, "alarm", 1, TimerCalls::alarm, FULL);
    t.on(38, "setitimer", 3, TimerCalls::setitimer, FULL);
    t.on(222, "timer_create", 3, c -> Syscall.CONTINUE, FULL);
    t.on(223, "timer_settime", 4, TimerCalls::timerSettime, FULL);
    t.on(224, "timer_gettime", 2, c -> Syscall.CONTINUE, FULL);
    t.on(225, "timer_getoverrun", 1, c -> Syscall.CONTINUE, FULL);
    t.on(226, "timer_delete", 1, c -> Syscall.CONTINUE, FULL);
  }

  private static long alarm(Syscall c) {
    watch(c.task.process, (c.arg0 & 0xffffffffL) * 1_000_000_000L, 0);
    return Syscall.CONTINUE;
  }

  private static long setitimer(Syscall c) {
    MemorySegment s = c.scratch().small;
    if (c.arg0 == 0 && c.arg1 != 0 && c.memory().read(c.arg1, s, 32) == 0) {
      watch(c.task.process, nanos(s, 16, 1000), nanos(s, 0, 1000));
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
    watch(c.task.process, value, nanos(s, 0, 1));
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

  /**
   * Looks when the timer fires; for an interval as long as the process lives, at most every 10 ms.
   */
  private static void watch(Process p, long value, long interval) {
    if (value <= 0 || value > MAX_NANOS) {
      return;
    }
    long generation = ++p.timerGeneration;
    p.kernel.timers.schedule(
        System.nanoTime() + value + 50_000, () -> fire(p, interval, generation));
  }

  private static void fire(Process p, long interval, long generation) {
    if (p.exited) {
      return;
    }
    p.kernel.signals.expect(p);
    if (interval > 0 && generation == p.timerGeneration) {
      p.kernel.timers.schedule(
          System.nanoTime() + Math.max(interval, 10_000_000), () -> fire(p, interval, generation));
    }
  }
}
