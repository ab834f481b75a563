package io.redoubt.sentry.syscalls;

import static io.redoubt.sentry.kernel.SyscallTable.Support.PARTIAL;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.host.Process.Rlimit;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.Process;
import io.redoubt.sentry.kernel.ResourceLimits;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import io.redoubt.sentry.kernel.Task;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Resource limits, getrlimit(2). What a guest sees are the sentry's books. Who enforces them:
 *
 * <ul>
 *   <li>the host kernel, for memory, CPU time, priorities and queued signals: the limit is set on
 *       the host process as well, and a raise that the host refuses is refused;
 *   <li>the sentry, for open files and file sizes: host fds are only scratch, and the host limit of
 *       them stays as it is;
 *   <li>the host kernel for processes, when the guest that sets the limit is not exempt from it
 *       (CAP_SYS_RESOURCE): the host process has no capability and would not be exempt either way;
 *   <li>nobody, for core files (no guest ever writes one: the host limit stays at 1), locks and
 *       message queues.
 * </ul>
 */
public final class LimitCalls {
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

  /** CPU, DATA, STACK, RSS, MEMLOCK, AS, SIGPENDING, NICE, RTPRIO, RTTIME. */
  private static final int HOST_ENFORCED =
      1 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 8 | 1 << 9 | 1 << 11 | 1 << 13 | 1 << 14 | 1 << 15;

  /** fs.nr_open: past this not even root may go. */
  private static final long MAX_FILES = 1 << 20;

  private LimitCalls() {}

  public static void register(SyscallTable t) {
    t.on(
        97,
        "getrlimit",
        2,
        c -> get(c, c.task.process, c.arg0, c.arg1),
        PARTIAL,
        "CORE, LOCKS, MSGQUEUE are only kept");
    t.on(160, "setrlimit", 2, c -> setrlimit(c), PARTIAL, "see getrlimit");
    t.on(302, "prlimit64", 4, LimitCalls::prlimit, PARTIAL, "see getrlimit");
  }

  /** Whether a limit is set on the host process as well. */
  public static boolean isHostEnforced(int resource) {
    return (HOST_ENFORCED >> resource & 1) != 0;
  }

  private static boolean isResource(long resource) {
    return (resource & 0xffffffffL) < ResourceLimits.COUNT;
  }

  private static long get(Syscall c, Process p, long resource, long address) {
    if (!isResource(resource)) {
      return -Errno.EINVAL;
    }
    MemorySegment s = c.scratch().small;
    Memory.setLong(s, Rlimit.RLIM_CUR, p.limits.soft((int) resource));
    Memory.setLong(s, Rlimit.RLIM_MAX, p.limits.hard((int) resource));
    return c.memory().write(address, s, Rlimit.SIZEOF);
  }

  private static long setrlimit(Syscall c) {
    MemorySegment s = c.scratch().small;
    if (c.memory().read(c.arg1, s, Rlimit.SIZEOF) < 0) {
      return -Errno.EFAULT;
    }
    if (!isResource(c.arg0)) {
      return -Errno.EINVAL;
    }
    return set(
        c,
        c.task.process,
        (int) c.arg0,
        Memory.getLong(s, Rlimit.RLIM_CUR),
        Memory.getLong(s, Rlimit.RLIM_MAX));
  }

  private static long prlimit(Syscall c) {
    int pid = (int) c.arg0;
    boolean sets = c.arg2 != 0;
    long newSoft = 0;
    long newHard = 0;
    if (sets) {
      MemorySegment s = c.scratch().small;
      if (c.memory().read(c.arg2, s, Rlimit.SIZEOF) < 0) {
        return -Errno.EFAULT;
      }
      newSoft = Memory.getLong(s, Rlimit.RLIM_CUR);
      newHard = Memory.getLong(s, Rlimit.RLIM_MAX);
    }
    Process p = c.task.process;
    if (pid != 0) {
      Task target = c.task.kernel.tasks.task(pid);
      if (target == null) {
        return -Errno.ESRCH;
      }
      if (target != c.task && !maySee(c.task.credentials, target.credentials)) {
        return -Errno.EPERM;
      }
      p = target.process;
    }
    if (!isResource(c.arg1)) {
      return -Errno.EINVAL;
    }
    int resource = (int) c.arg1;
    long oldSoft = p.limits.soft(resource);
    long oldHard = p.limits.hard(resource);
    if (sets) {
      long r = set(c, p, resource, newSoft, newHard);
      if (r < 0) {
        return r;
      }
    }
    if (c.arg3 == 0) {
      return 0;
    }
    MemorySegment s = c.scratch().small;
    Memory.setLong(s, Rlimit.RLIM_CUR, oldSoft);
    Memory.setLong(s, Rlimit.RLIM_MAX, oldHard);
    return c.memory().write(c.arg3, s, Rlimit.SIZEOF);
  }

  /** check_prlimit_permission() of kernel/sys.c. */
  private static boolean maySee(Credentials o, Credentials t) {
    return o.has(Credentials.CAP_SYS_RESOURCE)
        || o.uid() == t.euid()
            && o.uid() == t.suid()
            && o.uid() == t.uid()
            && o.gid() == t.egid()
            && o.gid() == t.sgid()
            && o.gid() == t.gid();
  }

  private static long set(Syscall c, Process p, int resource, long soft, long hard) {
    if (Long.compareUnsigned(soft, hard) > 0) {
      return -Errno.EINVAL;
    }
    boolean privileged = c.task.credentials.has(Credentials.CAP_SYS_RESOURCE);
    if (resource == ResourceLimits.NOFILE && Long.compareUnsigned(hard, MAX_FILES) > 0) {
      return -Errno.EPERM;
    }
    if (Long.compareUnsigned(hard, p.limits.hard(resource)) > 0 && !privileged) {
      return -Errno.EPERM;
    }
    if (isHostEnforced(resource) || resource == ResourceLimits.NPROC && !privileged) {
      MemorySegment s = c.scratch().small;
      Memory.setLong(s, Rlimit.RLIM_CUR, soft);
      Memory.setLong(s, Rlimit.RLIM_MAX, hard);
      int r = io.redoubt.host.Process.prlimit64(p.hostPid, resource, s, null);
      if (r < 0) {
        return r;
      }
    }
    p.limits.set(resource, soft, hard);
    return 0;
  }
}
