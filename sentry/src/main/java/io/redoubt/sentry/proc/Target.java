package io.redoubt.sentry.proc;

import io.redoubt.host.Errno;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.Process;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.Task;

/**
 * Whom a directory of procfs is about: a process ({@code /proc/PID}) or one of its threads ({@code
 * /proc/PID/task/TID}).
 *
 * @param task the thread; for a process null
 */
record Target(Process process, Task task) {
  /**
   * The thread whose files, directories and identity are shown: for a process its first one. Null
   * when all are gone.
   */
  Task thread() {
    return task != null ? task : process.leader();
  }

  int id() {
    return task != null ? task.tid : process.pid;
  }

  boolean isThread() {
    return task != null;
  }

  /** A file of the host's /proc about it, or null when it is gone. */
  String host(String name) {
    HostProc host = process.kernel.hostProc;
    return task == null
        ? host.read(process.hostPid, name)
        : host.read(process.hostPid, task.hostTid, name);
  }

  /** Who owns its files: root for one that is gone. */
  Credentials credentials() {
    Task t = thread();
    return t == null ? null : t.credentials;
  }

  /**
   * Whether the caller may look into memory and files (PTRACE_MODE_READ_FSCREDS of ptrace(2)).
   *
   * @return 0, -ESRCH or -EACCES
   */
  int mayInspect(Syscall c) {
    if (c.task.process == process) {
      return 0;
    }
    Credentials them = credentials();
    if (them == null) {
      return -Errno.ESRCH;
    }
    Credentials me = c.task.credentials;
    if (me.has(Credentials.CAP_SYS_PTRACE)) {
      return 0;
    }
    boolean sameUser =
        me.fsuid() == them.euid() && me.fsuid() == them.suid() && me.fsuid() == them.uid();
    boolean sameGroup =
        me.fsgid() == them.egid() && me.fsgid() == them.sgid() && me.fsgid() == them.gid();
    boolean noMorePower = (them.permitted() & ~me.permitted()) == 0;
    return sameUser && sameGroup && noMorePower && process.dumpable == 1 ? 0 : -Errno.EACCES;
  }
}
