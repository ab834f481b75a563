package io.redoubt.sentry.syscalls;

import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;
import static io.redoubt.sentry.kernel.SyscallTable.Support.PARTIAL;

import io.redoubt.host.Errno;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import io.redoubt.sentry.kernel.Task;

/**
 * Scheduling, sched(7). The host kernel does it: a guest thread is a host thread, a pid is looked
 * up in the guest's own pid namespace, and the host process has no capability to raise anything.
 * The sentry only keeps users of the sandbox apart, because to the host all of them are one.
 */
public final class SchedulingCalls {
  private static final String NOTE = "raising needs host rights, which no guest has";

  // PRIO_PROCESS; IOPRIO_WHO_PROCESS is one higher
  private static final int PRIO_PROCESS = 0;

  private SchedulingCalls() {}

  public static void register(SyscallTable t) {
    t.on(140, "getpriority", 2, c -> Syscall.CONTINUE, FULL);
    t.on(141, "setpriority", 3, c -> priority(c, PRIO_PROCESS), PARTIAL, NOTE);
    t.on(142, "sched_setparam", 2, SchedulingCalls::ofTask, PARTIAL, NOTE);
    t.on(143, "sched_getparam", 2, c -> Syscall.CONTINUE, FULL);
    t.on(144, "sched_setscheduler", 3, SchedulingCalls::ofTask, PARTIAL, NOTE);
    t.on(145, "sched_getscheduler", 1, c -> Syscall.CONTINUE, FULL);
    t.on(146, "sched_get_priority_max", 1, c -> Syscall.CONTINUE, FULL);
    t.on(147, "sched_get_priority_min", 1, c -> Syscall.CONTINUE, FULL);
    t.on(148, "sched_rr_get_interval", 2, c -> Syscall.CONTINUE, FULL);
    t.on(203, "sched_setaffinity", 3, SchedulingCalls::ofTask, FULL);
    t.on(204, "sched_getaffinity", 3, c -> Syscall.CONTINUE, FULL);
    t.on(251, "ioprio_set", 3, c -> priority(c, PRIO_PROCESS + 1), PARTIAL, NOTE);
    t.on(252, "ioprio_get", 2, c -> Syscall.CONTINUE, FULL);
    t.on(314, "sched_setattr", 3, SchedulingCalls::ofTask, PARTIAL, NOTE);
    t.on(315, "sched_getattr", 4, c -> Syscall.CONTINUE, FULL);
  }

  /** For calls whose first argument is a thread, 0 for the own one. */
  private static long ofTask(Syscall c) {
    return mayControl(c, (int) c.arg0) ? Syscall.CONTINUE : -Errno.EPERM;
  }

  private static long priority(Syscall c, int whichIsProcess) {
    return (int) c.arg0 != whichIsProcess || mayControl(c, (int) c.arg1)
        ? Syscall.CONTINUE
        : -Errno.EPERM;
  }

  /**
   * set_one_prio_perm(), check_same_owner(). One that the sentry does not know is for the host
   * kernel to refuse.
   */
  private static boolean mayControl(Syscall c, int tid) {
    if (tid == 0 || tid == c.task.tid) {
      return true;
    }
    if (tid == 1 && c.task.kernel.tasks.task(1) == null) {
      return false; // the runtime's own reaper
    }
    Task other = c.task.kernel.tasks.task(tid);
    Credentials o = c.task.credentials;
    return other == null
        || o.euid() == other.credentials.euid()
        || o.euid() == other.credentials.uid()
        || o.has(Credentials.CAP_SYS_NICE);
  }
}
