package io.redoubt.sentry.syscalls;

import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;
import static io.redoubt.sentry.kernel.SyscallTable.Support.NONE;
import static io.redoubt.sentry.kernel.SyscallTable.Support.PARTIAL;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.host.Process.Sysinfo;
import io.redoubt.host.Process.Utsname;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.Kernel;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** The system as a whole: its names, its memory and load, its clocks. */
public final class SystemCalls {
  private static final int NAME_FIELD = 65; // bytes of a field of struct utsname, with NUL

  /** struct utsname of the host, asked for at start: they do not change. */
  private static final MemorySegment HOST_NAMES = hostNames();

  private static final int LAST_STATIC_CLOCK = 15;

  // linux/time.h, linux/posix-timers.h
  private static final int CLOCK_PROCESS_CPUTIME_ID = 2;
  private static final int CLOCK_THREAD_CPUTIME_ID = 3;
  private static final int CLOCK_BOOTTIME_ALARM = 9;
  private static final int CLOCKFD = 3;

  // linux/personality.h
  private static final long PERSONALITY_QUERY = 0xffffffffL;
  private static final long UNAME26 = 0x20000;
  private static final long ADDR_NO_RANDOMIZE = 0x40000;
  private static final long READ_IMPLIES_EXEC = 0x400000;

  private SystemCalls() {}

  public static void register(SyscallTable t) {
    t.on(63, "uname", 1, SystemCalls::uname, FULL);
    t.on(99, "sysinfo", 1, SystemCalls::sysinfo, FULL, "memory and load are the host's");
    t.on(103, "syslog", 3, c -> -Errno.EPERM, NONE, "the host's log");
    t.on(
        135,
        "personality",
        1,
        SystemCalls::personality,
        PARTIAL,
        "PER_LINUX with ADDR_NO_RANDOMIZE, READ_IMPLIES_EXEC, UNAME26");
    t.on(
        159,
        "adjtimex",
        1,
        c -> Syscall.CONTINUE,
        PARTIAL,
        "reading; the host process may not set");
    t.on(170, "sethostname", 2, c -> setName(c, true), FULL);
    t.on(171, "setdomainname", 2, c -> setName(c, false), FULL);
    t.on(
        227, "clock_settime", 2, SystemCalls::clockSettime, NONE, "EPERM: state of the whole host");
    // The filter has let through every clock that there is for a guest: what traps is of an fd, or
    // unknown.
    String clocks = "no clocks of device files or of alarms, as without a clock that wakes one up";
    t.on(228, "clock_gettime", 2, c -> -Errno.EINVAL, PARTIAL, clocks);
    t.on(229, "clock_getres", 2, c -> -Errno.EINVAL, PARTIAL, clocks);
    t.on(230, "clock_nanosleep", 4, SystemCalls::clockNanosleep, PARTIAL, clocks);
    t.on(
        305,
        "clock_adjtime",
        2,
        SystemCalls::clockAdjtime,
        PARTIAL,
        "reading; the host process may not set");
  }

  private static MemorySegment hostNames() {
    MemorySegment names = Arena.global().allocate(Utsname.SIZEOF);
    io.redoubt.host.Process.uname(names);
    return names;
  }

  private static long uname(Syscall c) {
    MemorySegment s = c.scratch().small;
    Memory.copy(HOST_NAMES, 0, s, 0, Utsname.SIZEOF);
    Kernel k = c.task.kernel;
    putName(s, Utsname.NODENAME, k.hostname);
    putName(s, Utsname.DOMAINNAME, k.domainname);
    if (k.machine != null) {
      putName(s, Utsname.MACHINE, k.machine);
    }
    return c.memory().write(c.arg0, s, Utsname.SIZEOF);
  }

  private static void putName(MemorySegment s, int at, String name) {
    s.asSlice(at, NAME_FIELD).fill((byte) 0);
    for (int i = 0; i < name.length() && i < NAME_FIELD - 1; i++) {
      Memory.setByte(s, at + i, (byte) name.charAt(i));
    }
  }

  private static long setName(Syscall c, boolean isHost) {
    if (!c.task.credentials.has(Credentials.CAP_SYS_ADMIN)) {
      return -Errno.EPERM;
    }
    int length = (int) c.arg1;
    if (length < 0 || length > NAME_FIELD - 1) {
      return -Errno.EINVAL;
    }
    byte[] b = new byte[length];
    if (c.memory().readBytes(c.arg0, b, 0, length) < 0) {
      return -Errno.EFAULT;
    }
    int end = 0;
    while (end < length && b[end] != 0) {
      end++;
    }
    String name = new String(b, 0, end, StandardCharsets.ISO_8859_1);
    if (isHost) {
      c.task.kernel.hostname = name;
    } else {
      c.task.kernel.domainname = name;
    }
    return 0;
  }

  /** CPU clocks; the others are native, or none of the guest's. */
  private static long clockNanosleep(Syscall c) {
    int clock = (int) c.arg0;
    if (clock == CLOCK_PROCESS_CPUTIME_ID || (clock < 0 && (clock & 7) != CLOCKFD)) {
      return Syscall.CONTINUE;
    }
    // There are the thread's own, raw, coarse and alarm clocks, but nobody can sleep on them.
    boolean isKnown = clock >= CLOCK_THREAD_CPUTIME_ID && clock <= CLOCK_BOOTTIME_ALARM;
    return isKnown ? -Errno.EOPNOTSUPP : -Errno.EINVAL;
  }

  /** Nobody may set a clock; those that cannot be set at all are told apart, as on Linux. */
  private static long clockSettime(Syscall c) {
    int clock = (int) c.arg0;
    boolean isCpuClock = clock < 0 && (clock & 3) != 3;
    if (clock != 0 && !isCpuClock) {
      return -Errno.EINVAL;
    }
    MemorySegment s = c.scratch().small;
    if (c.memory().read(c.arg1, s, 16) < 0) {
      return -Errno.EFAULT;
    }
    long nanos = Memory.getLong(s, 8);
    boolean isValid = Memory.getLong(s, 0) >= 0 && nanos >= 0 && nanos < 1_000_000_000;
    return isValid || isCpuClock ? -Errno.EPERM : -Errno.EINVAL;
  }

  private static long sysinfo(Syscall c) {
    MemorySegment s = c.scratch().small;
    int r = io.redoubt.host.Process.sysinfo(s);
    if (r < 0) {
      return r;
    }
    Memory.setShort(s, Sysinfo.PROCS, (short) Math.min(c.task.kernel.tasks.taskCount(), 0xffff));
    return c.memory().write(c.arg0, s, Sysinfo.SIZEOF);
  }

  private static long personality(Syscall c) {
    long p = c.arg0 & 0xffffffffL;
    boolean known = (p & ~(UNAME26 | ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC)) == 0;
    return known || p == PERSONALITY_QUERY ? Syscall.CONTINUE : -Errno.EINVAL;
  }

  private static long clockAdjtime(Syscall c) {
    return (c.arg0 & 0xffffffffL) <= LAST_STATIC_CLOCK ? Syscall.CONTINUE : -Errno.EINVAL;
  }
}
