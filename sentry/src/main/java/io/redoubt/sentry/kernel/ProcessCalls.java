package io.redoubt.sentry.kernel;

import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;
import static io.redoubt.sentry.kernel.SyscallTable.Support.PARTIAL;

import io.redoubt.host.Errno;

/**
 * Making, ending, waiting for and signalling processes. The host kernel does all of it; the sentry
 * checks, keeps its books and lets the call go on: every argument that matters is in a register,
 * and ids are those of the sandbox's own pid namespace.
 */
public final class ProcessCalls {
  private static final int P_PIDFD = 3;

  private ProcessCalls() {}

  public static void register(SyscallTable t) {
    SignalActions.register(t);
    t.on(56, "clone", 5, ProcessCalls::clone, FULL, "no new namespaces: EPERM");
    t.on(57, "fork", 0, c -> fork(c, 0), FULL);
    t.on(58, "vfork", 0, c -> fork(c, CloneFlags.VFORK | CloneFlags.VM), FULL);
    t.on(60, "exit", 1, ProcessCalls::exit, FULL);
    t.on(61, "wait4", 4, ProcessCalls::wait4, FULL);
    t.on(62, "kill", 2, ProcessCalls::kill, FULL);
    t.on(200, "tkill", 2, c -> threadKill(c, -1, c.arg0, c.arg1), FULL);
    t.on(231, "exit_group", 1, ProcessCalls::exitGroup, FULL);
    t.on(234, "tgkill", 3, c -> threadKill(c, c.arg0, c.arg1, c.arg2), FULL);
    t.on(247, "waitid", 5, ProcessCalls::waitid, FULL);
    t.on(129, "rt_sigqueueinfo", 3, ProcessCalls::sigqueue, FULL);
    t.on(297, "rt_tgsigqueueinfo", 4, c -> threadKill(c, c.arg0, c.arg1, c.arg2), FULL);
    t.on(109, "setpgid", 2, ProcessCalls::setpgid, FULL);
    t.on(111, "getpgrp", 0, c -> Syscall.CONTINUE, FULL);
    t.on(112, "setsid", 0, ProcessCalls::setsid, FULL);
    t.on(121, "getpgid", 1, c -> Syscall.CONTINUE, FULL);
    t.on(124, "getsid", 1, c -> Syscall.CONTINUE, FULL);
    t.on(272, "unshare", 1, ProcessCalls::unshare, PARTIAL, "CLONE_FILES, CLONE_FS; no namespaces");
    t.on(308, "setns", 2, c -> -Errno.EPERM, SyscallTable.Support.NONE);
    t.on(101, "ptrace", 4, c -> -Errno.EPERM, SyscallTable.Support.NONE);
  }

  private static long clone(Syscall c) {
    long flags = c.arg0;
    if ((flags & CloneFlags.FS) != 0 && (flags & (CloneFlags.NEWNS | CloneFlags.NEWUSER)) != 0) {
      return -Errno.EINVAL;
    }
    if ((flags & CloneFlags.NAMESPACES) != 0) {
      return -Errno.EPERM;
    }
    if ((flags
            & ~(CloneFlags.SUPPORTED | CloneFlags.PIDFD | CloneFlags.PTRACE | CloneFlags.UNTRACED))
        != 0) {
      return -Errno.EINVAL;
    }
    if (((flags & CloneFlags.THREAD) != 0 && (flags & CloneFlags.SIGHAND) == 0)
        || ((flags & CloneFlags.SIGHAND) != 0 && (flags & CloneFlags.VM) == 0)) {
      return -Errno.EINVAL;
    }
    if ((flags & CloneFlags.PIDFD) != 0) {
      return PidfdCalls.clone(c);
    }
    PidfdCalls.Clone again = c.task.pidfdClone;
    if (again != null) {
      c.task.pidfdClone = null;
      if (again.isMadeBy(c)) {
        return again.expect(c);
      }
    }
    return fork(c, flags);
  }

  private static long fork(Syscall c, long flags) {
    int r = c.task.kernel.tasks.expect(c.task, flags);
    return r == 0 ? Syscall.CONTINUE : r;
  }

  private static long unshare(Syscall c) {
    long flags = c.arg0;
    if ((flags & CloneFlags.NAMESPACES) != 0) {
      return -Errno.EPERM;
    }
    if ((flags & ~(CloneFlags.FILES | CloneFlags.FS | CloneFlags.SYSVSEM)) != 0) {
      return -Errno.EINVAL;
    }
    Task t = c.task;
    if ((flags & CloneFlags.FILES) != 0 && t.files.isShared() && !t.files.mayCopy()) {
      return -Errno.ENOMEM;
    }
    boolean alsoInHost = (flags & CloneFlags.FILES) != 0 && t.unshareFiles();
    if ((flags & CloneFlags.FS) != 0) {
      var own = t.fs.copy();
      t.fs.release();
      t.fs = own;
      t.noteIdentity();
    }
    return alsoInHost ? Syscall.CONTINUE : 0;
  }

  private static long exit(Syscall c) {
    if (c.task.kernel.tasks.threadExits(c.task)) {
      return exitGroup(c);
    }
    return Syscall.CONTINUE;
  }

  private static long exitGroup(Syscall c) {
    boolean isCertain = true;
    c.task.process.isExiting = true;
    for (Task t : c.task.process.tasks()) {
      Exec e = t == c.task ? null : t.exec;
      isCertain &= e == null || e.prevent();
    }
    TaskTable tasks = c.task.kernel.tasks;
    if (isCertain) {
      tasks.processExits(c.task.process, c.task);
    } else {
      tasks.watch(c.task.process); // another thread's exec may kill this one first
    }
    return Syscall.CONTINUE;
  }

  /**
   * Waits run in the host kernel, with all its rules of stops, restarts and rusage. What the sentry
   * adds is order: before the next call of this thread it takes note of every child that is dead by
   * then, so what a child held is free when its parent looks.
   */
  private static long wait4(Syscall c) {
    c.task.kernel.tasks.noteDeadChildren(c.task.process);
    c.task.willWait();
    return Syscall.CONTINUE;
  }

  private static long waitid(Syscall c) {
    if ((int) c.arg0 == P_PIDFD) {
      long r = PidfdCalls.beforeWaitid(c);
      if (r < 0) {
        return r;
      }
    }
    return wait4(c);
  }

  private static boolean isSignal(long signal) {
    return (signal & 0xffffffffL) <= 64;
  }

  private static long kill(Syscall c) {
    int target = (int) c.arg0;
    if (!isSignal(c.arg1)) {
      return -Errno.EINVAL;
    }
    Task me = c.task;
    Kernel k = me.kernel;
    if (target > 0) {
      Process p = k.tasks.process(target);
      if (p == null) {
        if (target == 1 && k.hasShim) {
          return -Errno.EPERM;
        }
        return Syscall.CONTINUE; // a zombie, a thread id, or nobody: the host kernel knows
      }
      if (!mayKill(me, p, (int) c.arg1)) {
        return -Errno.EPERM;
      }
      told(me, p);
      return Syscall.CONTINUE;
    }
    boolean any = false;
    boolean denied = false;
    int group = target == 0 ? me.process.pgid : -target;
    for (Process p : k.tasks.processes()) {
      if (target == -1 ? p != me.process && p.pid != 1 : p.pgid == group) {
        if (mayKill(me, p, (int) c.arg1)) {
          any = true;
          told(me, p);
        } else {
          denied = true;
        }
      }
    }
    // The host kernel would signal all of them. When this caller may not reach some, the sentry
    // sends to the others itself.
    if (denied) {
      if (!any) {
        return -Errno.EPERM;
      }
      for (Process p : k.tasks.processes()) {
        if ((target == -1 ? p != me.process && p.pid != 1 : p.pgid == group)
            && mayKill(me, p, (int) c.arg1)) {
          k.signals.toProcess(p, (int) c.arg1);
        }
      }
      return 0;
    }
    return Syscall.CONTINUE;
  }

  /**
   * kill(2): same real or effective id as the target's real or saved one, CAP_KILL, or SIGCONT
   * within the session.
   */
  static boolean mayKill(Task me, Process target, int signal) {
    Task t = target.leader();
    if (t == null || target == me.process) {
      return true;
    }
    Credentials a = me.credentials;
    Credentials b = t.credentials;
    return a.has(Credentials.CAP_KILL)
        || a.euid() == b.uid()
        || a.euid() == b.suid()
        || a.uid() == b.uid()
        || a.uid() == b.suid()
        || (signal == Signals.SIGCONT && me.process.sid == target.sid);
  }

  private static void told(Task me, Process target) {
    me.kernel.tasks.watch(target); // it may die of it without ever having called
    for (Task t : target.tasks()) {
      if (t != me && t.call.isInFlight()) {
        me.willSignal(target);
        me.kernel.signals.expect(target);
        return;
      }
    }
  }

  private static long threadKill(Syscall c, long tgid, long tid, long signal) {
    if ((int) tid <= 0 || (tgid != -1 && (int) tgid <= 0) || !isSignal(signal)) {
      return -Errno.EINVAL;
    }
    Task t = c.task.kernel.tasks.task((int) tid);
    if (t == null) {
      return c.task.kernel.hasShim && tid == 1 ? -Errno.EPERM : Syscall.CONTINUE;
    }
    if (!mayKill(c.task, t.process, (int) signal)) {
      return -Errno.EPERM;
    }
    if (t != c.task) {
      told(c.task, t.process);
    }
    return Syscall.CONTINUE;
  }

  private static long sigqueue(Syscall c) {
    if ((int) c.arg0 <= 0) {
      return -Errno.EINVAL;
    }
    return kill(c);
  }

  private static long setpgid(Syscall c) {
    Task me = c.task;
    int pid = (int) c.arg0;
    int pgid = (int) c.arg1;
    if (pgid < 0 || pid < 0) {
      return -Errno.EINVAL;
    }
    TaskTable tasks = me.kernel.tasks;
    Process p = pid == 0 ? me.process : tasks.process(pid);
    if (p == null || (p != me.process && p.parent != me.process)) {
      return -Errno.ESRCH;
    }
    if (p != me.process && p.hasExeced) {
      return -Errno.EACCES;
    }
    int group = pgid == 0 ? p.pid : pgid;
    if (p.sid == p.pid || p.sid != me.process.sid) {
      return -Errno.EPERM;
    }
    if (group != p.pid) {
      boolean found = false;
      for (Process o : tasks.processes()) {
        found |= o.pgid == group && o.sid == me.process.sid;
      }
      if (!found) {
        return -Errno.EPERM;
      }
    }
    p.pgid = group;
    return Syscall.CONTINUE;
  }

  private static long setsid(Syscall c) {
    Process p = c.task.process;
    if (p.pgid == p.pid) {
      return -Errno.EPERM;
    }
    for (Process o : c.task.kernel.tasks.processes()) {
      if (o.pgid == p.pid) {
        return -Errno.EPERM;
      }
    }
    p.sid = p.pid;
    p.pgid = p.pid;
    p.controllingTerminal = null;
    return Syscall.CONTINUE;
  }
}
