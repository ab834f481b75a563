package io.redoubt.sentry.syscalls;

import static io.redoubt.host.Errno.EBADF;
import static io.redoubt.host.Errno.EFAULT;
import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.ENOMEM;
import static io.redoubt.host.Errno.EPERM;
import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;
import static io.redoubt.sentry.kernel.SyscallTable.Support.PARTIAL;

import io.redoubt.host.Memory;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.ipc.Clocks;
import io.redoubt.sentry.ipc.EventFile;
import io.redoubt.sentry.ipc.SignalFile;
import io.redoubt.sentry.ipc.TimerFile;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import io.redoubt.sentry.limits.Limit;
import java.lang.foreign.MemorySegment;

/** Files that are events: eventfd, timerfd, signalfd. */
final class EventCalls {
  private static final int EFD_SEMAPHORE = 1;
  private static final int O_CLOEXEC = 02000000; // EFD_, TFD_ and SFD_CLOEXEC
  private static final int TFD_TIMER_ABSTIME = 1;
  private static final int TFD_TIMER_CANCEL_ON_SET = 2;

  // struct itimerspec { struct timespec it_interval; struct timespec it_value; }
  private static final int INTERVAL_SEC = 0;
  private static final int INTERVAL_NSEC = 8;
  private static final int VALUE_SEC = 16;
  private static final int VALUE_NSEC = 24;
  private static final int SIZEOF_ITIMERSPEC = 32;

  private EventCalls() {}

  static void register(SyscallTable t) {
    t.on(284, "eventfd", 1, c -> eventfd(c, 0), FULL);
    t.on(290, "eventfd2", 2, c -> eventfd(c, (int) c.arg1), FULL);
    t.on(283, "timerfd_create", 2, EventCalls::timerfdCreate, FULL);
    t.on(286, "timerfd_settime", 4, EventCalls::timerfdSettime, PARTIAL, "no CANCEL_ON_SET");
    t.on(287, "timerfd_gettime", 2, EventCalls::timerfdGettime, FULL);
    t.on(282, "signalfd", 3, c -> signalfd(c, 0), PARTIAL, "ready by the process that made it");
    t.on(289, "signalfd4", 4, c -> signalfd(c, (int) c.arg3), PARTIAL, "as signalfd");
  }

  private static long eventfd(Syscall c, int flags) {
    if ((flags & ~(EFD_SEMAPHORE | O_CLOEXEC | OpenFile.O_NONBLOCK)) != 0) {
      return -EINVAL;
    }
    OpenFile f =
        new EventFile(
            flags & OpenFile.O_NONBLOCK, c.arg0 & 0xffffffffL, (flags & EFD_SEMAPHORE) != 0);
    return FdCalls.installNew(c, f, (flags & O_CLOEXEC) != 0);
  }

  private static long timerfdCreate(Syscall c) {
    int clock = (int) c.arg0;
    int flags = (int) c.arg1;
    boolean known =
        clock == Clocks.REALTIME
            || clock == Clocks.MONOTONIC
            || clock == Clocks.BOOTTIME
            || clock == Clocks.REALTIME_ALARM
            || clock == Clocks.BOOTTIME_ALARM;
    if ((flags & ~(O_CLOEXEC | OpenFile.O_NONBLOCK)) != 0 || !known) {
      return -EINVAL;
    }
    // An alarm clock would wake a machine that sleeps; whoever may not do that gets EPERM on Linux.
    // Here nobody may.
    if (clock == Clocks.REALTIME_ALARM || clock == Clocks.BOOTTIME_ALARM) {
      return -EPERM;
    }
    if (!Limit.TIMERS.charge(1)) {
      return -ENOMEM;
    }
    OpenFile f = new TimerFile(c.task.kernel.timers, clock, flags & OpenFile.O_NONBLOCK);
    return FdCalls.installNew(c, f, (flags & O_CLOEXEC) != 0);
  }

  private static TimerFile timer(Syscall c) {
    OpenFile f = c.hold(c.arg0);
    if (f == null) {
      return null;
    }
    return f instanceof TimerFile t ? t : c.fail(-EINVAL);
  }

  private static long timerfdSettime(Syscall c) {
    MemorySegment s = c.scratch().small;
    if (c.memory().read(c.arg2, s, SIZEOF_ITIMERSPEC) != 0) {
      return -EFAULT;
    }
    int flags = (int) c.arg1;
    long valueSec = Memory.getLong(s, VALUE_SEC);
    long valueNsec = Memory.getLong(s, VALUE_NSEC);
    long intervalSec = Memory.getLong(s, INTERVAL_SEC);
    long intervalNsec = Memory.getLong(s, INTERVAL_NSEC);
    if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) != 0
        || !Clocks.isValid(valueSec, valueNsec)
        || !Clocks.isValid(intervalSec, intervalNsec)) {
      return -EINVAL;
    }
    TimerFile t = timer(c);
    if (t == null) {
      return c.error();
    }
    long oldInterval = t.interval();
    long oldValue = t.remaining();
    t.set(
        (flags & TFD_TIMER_ABSTIME) != 0,
        Clocks.nanos(valueSec, valueNsec),
        Clocks.nanos(intervalSec, intervalNsec));
    return c.arg3 == 0 ? 0 : tell(c, c.arg3, oldInterval, oldValue);
  }

  private static long timerfdGettime(Syscall c) {
    TimerFile t = timer(c);
    return t == null ? c.error() : tell(c, c.arg1, t.interval(), t.remaining());
  }

  private static long tell(Syscall c, long address, long interval, long value) {
    MemorySegment s = c.scratch().small;
    Memory.setLong(s, INTERVAL_SEC, interval / 1_000_000_000L);
    Memory.setLong(s, INTERVAL_NSEC, interval % 1_000_000_000L);
    Memory.setLong(s, VALUE_SEC, value / 1_000_000_000L);
    Memory.setLong(s, VALUE_NSEC, value % 1_000_000_000L);
    return c.memory().write(address, s, SIZEOF_ITIMERSPEC);
  }

  private static long signalfd(Syscall c, int flags) {
    if ((flags & ~(O_CLOEXEC | OpenFile.O_NONBLOCK)) != 0 || c.arg2 != 8) {
      return -EINVAL;
    }
    MemorySegment s = c.scratch().small;
    if (c.memory().read(c.arg1, s, 8) != 0) {
      return -EFAULT;
    }
    long mask = Memory.getLong(s, 0);
    if ((int) c.arg0 == -1) {
      OpenFile f = new SignalFile(c.task.process, mask, flags & OpenFile.O_NONBLOCK);
      return FdCalls.installNew(c, f, (flags & O_CLOEXEC) != 0);
    }
    OpenFile f = c.hold(c.arg0);
    if (f == null) {
      return -EBADF;
    }
    if (!(f instanceof SignalFile old)) {
      return -EINVAL;
    }
    old.setMask(mask);
    return (int) c.arg0;
  }
}
