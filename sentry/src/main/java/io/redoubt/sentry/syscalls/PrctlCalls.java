package io.redoubt.sentry.syscalls;

import static io.redoubt.sentry.kernel.SyscallTable.Support.NONE;
import static io.redoubt.sentry.kernel.SyscallTable.Support.PARTIAL;

import io.redoubt.host.Errno;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import io.redoubt.sentry.proc.TaskFiles;

/**
 * prctl(2), as far as the filter does not let it through: what belongs to the identity is in the
 * sentry's books, what concerns only the caller's own thread or memory runs in the host kernel, the
 * rest is as on a kernel or CPU without it.
 */
public final class PrctlCalls {
  // linux/prctl.h
  private static final int PR_SET_PDEATHSIG = 1;
  private static final int PR_GET_PDEATHSIG = 2;
  private static final int PR_GET_DUMPABLE = 3;
  private static final int PR_SET_DUMPABLE = 4;
  private static final int PR_GET_KEEPCAPS = 7;
  private static final int PR_SET_KEEPCAPS = 8;
  private static final int PR_GET_TIMING = 13;
  private static final int PR_SET_TIMING = 14;
  private static final int PR_GET_NAME = 16;
  private static final int PR_GET_SECCOMP = 21;
  private static final int SECCOMP_MODE_FILTER = 2;
  private static final int SECCOMP_SET_MODE_FILTER = 1;
  private static final int PR_CAPBSET_READ = 23;
  private static final int PR_CAPBSET_DROP = 24;
  private static final int PR_GET_TSC = 25;
  private static final int PR_SET_TSC = 26;
  private static final int PR_GET_SECUREBITS = 27;
  private static final int PR_SET_SECUREBITS = 28;
  private static final int PR_SET_TIMERSLACK = 29;
  private static final int PR_GET_TIMERSLACK = 30;
  private static final int PR_TASK_PERF_EVENTS_DISABLE = 31;
  private static final int PR_TASK_PERF_EVENTS_ENABLE = 32;
  private static final int PR_MCE_KILL = 33;
  private static final int PR_MCE_KILL_GET = 34;
  private static final int PR_SET_MM = 35;
  private static final int PR_SET_CHILD_SUBREAPER = 36;
  private static final int PR_GET_CHILD_SUBREAPER = 37;
  private static final int PR_SET_NO_NEW_PRIVS = 38;
  private static final int PR_GET_NO_NEW_PRIVS = 39;
  private static final int PR_GET_TID_ADDRESS = 40;
  private static final int PR_SET_THP_DISABLE = 41;
  private static final int PR_GET_THP_DISABLE = 42;
  private static final int PR_CAP_AMBIENT = 47;
  private static final int PR_GET_SPECULATION_CTRL = 52;
  private static final int PR_SET_SPECULATION_CTRL = 53;
  private static final int PR_SET_IO_FLUSHER = 57;
  private static final int PR_GET_IO_FLUSHER = 58;
  private static final int PR_SET_MDWE = 65;
  private static final int PR_GET_MDWE = 66;

  private static final int PR_CAP_AMBIENT_IS_SET = 1;
  private static final int PR_CAP_AMBIENT_RAISE = 2;
  private static final int PR_CAP_AMBIENT_LOWER = 3;
  private static final int PR_CAP_AMBIENT_CLEAR_ALL = 4;

  private static final int SECURE_ALL_BITS = 0x55;
  private static final int SECURE_ALL_LOCKS = 0xaa;

  private PrctlCalls() {}

  public static void register(SyscallTable t) {
    t.on(
        157,
        "prctl",
        5,
        PrctlCalls::prctl,
        PARTIAL,
        "no seccomp, PR_SET_MM, PR_GET_AUXV, syscall user dispatch");
    t.on(
        317,
        "seccomp",
        3,
        PrctlCalls::seccomp,
        NONE,
        "as a kernel without filters: a guest's own filter could answer in place of the sentry");
  }

  /** A container's profile is loaded by what runs before its first program. */
  private static long seccomp(Syscall c) {
    boolean isFirst = c.task.process.firstExec != null && !c.task.process.hasExeced;
    return isFirst && c.task.kernel.profile != null && c.arg0 == SECCOMP_SET_MODE_FILTER
        ? Syscall.CONTINUE
        : -Errno.EINVAL;
  }

  private static long prctl(Syscall c) {
    Credentials o = c.task.credentials;
    switch ((int) c.arg0) {
      case PR_GET_DUMPABLE:
        return c.task.process.dumpable;
      case PR_SET_DUMPABLE:
        if (c.arg1 != 0 && c.arg1 != 1) {
          return -Errno.EINVAL;
        }
        c.task.process.dumpable = (int) c.arg1;
        return 0;
      case PR_GET_NAME:
        return TaskFiles.getName(c, c.arg1);
      case PR_GET_KEEPCAPS:
        return (o.securebits() & Credentials.SECBIT_KEEP_CAPS) == 0 ? 0 : 1;
      case PR_SET_KEEPCAPS:
        return setKeepCaps(c, o);
      case PR_GET_TIMING:
        return 0;
      case PR_GET_SECCOMP:
        return c.task.kernel.profile == null ? 0 : SECCOMP_MODE_FILTER;
      case PR_SET_TIMING:
        return c.arg1 == 0 ? 0 : -Errno.EINVAL;
      case PR_CAPBSET_READ:
        return isCapability(c.arg1) ? o.bounding() >>> c.arg1 & 1 : -Errno.EINVAL;
      case PR_CAPBSET_DROP:
        return dropBounding(c, o);
      case PR_GET_SECUREBITS:
        return o.securebits();
      case PR_SET_SECUREBITS:
        return setSecurebits(c, o);
      case PR_SET_NO_NEW_PRIVS:
        if (c.arg1 != 1 || c.arg2 != 0 || c.arg3 != 0 || c.arg4 != 0) {
          return -Errno.EINVAL;
        }
        c.task.credentials = o.withNoNewPrivs();
        c.task.noteIdentity();
        return 0;
      case PR_GET_NO_NEW_PRIVS:
        return (c.arg1 | c.arg2 | c.arg3 | c.arg4) != 0 ? -Errno.EINVAL : o.noNewPrivs() ? 1 : 0;
      case PR_CAP_AMBIENT:
        return ambient(c, o);
      case PR_TASK_PERF_EVENTS_DISABLE, PR_TASK_PERF_EVENTS_ENABLE:
        return 0;
      case PR_SET_MM, PR_SET_IO_FLUSHER, PR_GET_IO_FLUSHER:
        return -Errno.EPERM;
      case PR_SET_PDEATHSIG,
      PR_GET_PDEATHSIG,
      PR_GET_TSC,
      PR_SET_TSC,
      PR_SET_TIMERSLACK,
      PR_GET_TIMERSLACK,
      PR_MCE_KILL,
      PR_MCE_KILL_GET,
      PR_SET_CHILD_SUBREAPER,
      PR_GET_CHILD_SUBREAPER,
      PR_GET_TID_ADDRESS,
      PR_SET_THP_DISABLE,
      PR_GET_THP_DISABLE,
      PR_GET_SPECULATION_CTRL,
      PR_SET_SPECULATION_CTRL,
      PR_SET_MDWE,
      PR_GET_MDWE:
        return Syscall.CONTINUE;
      default:
        return -Errno.EINVAL;
    }
  }

  private static boolean isCapability(long n) {
    return n >= 0 && n <= Credentials.CAP_LAST;
  }

  private static long setKeepCaps(Syscall c, Credentials o) {
    if (c.arg1 != 0 && c.arg1 != 1) {
      return -Errno.EINVAL;
    }
    if ((o.securebits() & Credentials.SECBIT_KEEP_CAPS_LOCKED) != 0) {
      return -Errno.EPERM;
    }
    int without = o.securebits() & ~Credentials.SECBIT_KEEP_CAPS;
    c.task.credentials =
        o.withSecurebits(c.arg1 == 0 ? without : without | Credentials.SECBIT_KEEP_CAPS);
    return 0;
  }

  private static long dropBounding(Syscall c, Credentials o) {
    if (!o.has(Credentials.CAP_SETPCAP)) {
      return -Errno.EPERM;
    }
    if (!isCapability(c.arg1)) {
      return -Errno.EINVAL;
    }
    c.task.credentials =
        o.withCapabilities(
            o.permitted(),
            o.effective(),
            o.inheritable(),
            o.bounding() & ~(1L << c.arg1),
            o.ambient());
    return 0;
  }

  /** What is locked stays, locks stay, and nothing unknown. */
  private static long setSecurebits(Syscall c, Credentials o) {
    long old = o.securebits();
    if (((old & SECURE_ALL_LOCKS) >> 1 & (old ^ c.arg1)) != 0
        || (old & SECURE_ALL_LOCKS & ~c.arg1) != 0
        || (c.arg1 & ~(long) (SECURE_ALL_BITS | SECURE_ALL_LOCKS)) != 0
        || !o.has(Credentials.CAP_SETPCAP)) {
      return -Errno.EPERM;
    }
    c.task.credentials = o.withSecurebits((int) c.arg1);
    c.task.noteIdentity();
    return 0;
  }

  private static long ambient(Syscall c, Credentials o) {
    long next;
    if (c.arg1 == PR_CAP_AMBIENT_CLEAR_ALL) {
      if ((c.arg2 | c.arg3 | c.arg4) != 0) {
        return -Errno.EINVAL;
      }
      next = 0;
    } else {
      if ((c.arg3 | c.arg4) != 0 || !isCapability(c.arg2)) {
        return -Errno.EINVAL;
      }
      long bit = 1L << c.arg2;
      if (c.arg1 == PR_CAP_AMBIENT_IS_SET) {
        return (o.ambient() & bit) == 0 ? 0 : 1;
      } else if (c.arg1 == PR_CAP_AMBIENT_LOWER) {
        next = o.ambient() & ~bit;
      } else if (c.arg1 == PR_CAP_AMBIENT_RAISE) {
        if ((o.permitted() & o.inheritable() & bit) == 0
            || (o.securebits() & Credentials.SECBIT_NO_CAP_AMBIENT_RAISE) != 0) {
          return -Errno.EPERM;
        }
        next = o.ambient() | bit;
      } else {
        return -Errno.EINVAL;
      }
    }
    c.task.credentials =
        o.withCapabilities(o.permitted(), o.effective(), o.inheritable(), o.bounding(), next);
    return 0;
  }
}
