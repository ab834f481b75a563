package io.redoubt.sentry.syscalls;

import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * User and group ids as in credentials(7) and kernel/sys.c. They belong to the thread, as in Linux;
 * libc changes those of all threads. The host knows nothing of them.
 */
public final class IdentityCalls {
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final int NGROUPS_MAX = 65536;

  /** "Leave this one as it is"; never a valid id. */
  private static final int SAME = -1;

  private IdentityCalls() {}

  public static void register(SyscallTable t) {
    t.on(102, "getuid", 0, c -> unsigned(c.task.credentials.uid()), FULL);
    t.on(104, "getgid", 0, c -> unsigned(c.task.credentials.gid()), FULL);
    t.on(105, "setuid", 1, IdentityCalls::setuid, FULL);
    t.on(106, "setgid", 1, IdentityCalls::setgid, FULL);
    t.on(107, "geteuid", 0, c -> unsigned(c.task.credentials.euid()), FULL);
    t.on(108, "getegid", 0, c -> unsigned(c.task.credentials.egid()), FULL);
    t.on(113, "setreuid", 2, IdentityCalls::setreuid, FULL);
    t.on(114, "setregid", 2, IdentityCalls::setregid, FULL);
    t.on(115, "getgroups", 2, IdentityCalls::getgroups, FULL);
    t.on(116, "setgroups", 2, IdentityCalls::setgroups, FULL);
    t.on(117, "setresuid", 3, IdentityCalls::setresuid, FULL);
    t.on(118, "getresuid", 3, IdentityCalls::getresuid, FULL);
    t.on(119, "setresgid", 3, IdentityCalls::setresgid, FULL);
    t.on(120, "getresgid", 3, IdentityCalls::getresgid, FULL);
    t.on(122, "setfsuid", 1, IdentityCalls::setfsuid, FULL);
    t.on(123, "setfsgid", 1, IdentityCalls::setfsgid, FULL);
  }

  /**
   * Makes {@code next} the caller's identity. One that gained or lost something is no longer
   * dumpable (commit_creds()).
   */
  static long commit(Syscall c, Credentials next) {
    Credentials old = c.task.credentials;
    if (old.euid() != next.euid()
        || old.egid() != next.egid()
        || old.fsuid() != next.fsuid()
        || old.fsgid() != next.fsgid()
        || (next.permitted() & ~old.permitted()) != 0) {
      c.task.process.dumpable = 0;
    }
    c.task.credentials = next;
    c.task.noteIdentity();
    return 0;
  }

  private static long unsigned(int id) {
    return id & 0xffffffffL;
  }

  private static boolean isOneOf(int id, int a, int b, int c) {
    return id == a || id == b || id == c;
  }

  private static long setuid(Syscall c) {
    Credentials o = c.task.credentials;
    int id = (int) c.arg0;
    if (id == SAME) {
      return -Errno.EINVAL;
    }
    if (o.has(Credentials.CAP_SETUID)) {
      return commit(c, o.withUids(id, id, id));
    }
    return id == o.uid() || id == o.suid()
        ? commit(c, o.withUids(o.uid(), id, o.suid()))
        : -Errno.EPERM;
  }

  private static long setgid(Syscall c) {
    Credentials o = c.task.credentials;
    int id = (int) c.arg0;
    if (id == SAME) {
      return -Errno.EINVAL;
    }
    if (o.has(Credentials.CAP_SETGID)) {
      return commit(c, o.withGids(id, id, id, id));
    }
    return id == o.gid() || id == o.sgid()
        ? commit(c, o.withGids(o.gid(), id, o.sgid(), id))
        : -Errno.EPERM;
  }

  private static long setreuid(Syscall c) {
    Credentials o = c.task.credentials;
    int real = (int) c.arg0;
    int effective = (int) c.arg1;
    if (!o.has(Credentials.CAP_SETUID)
        && (real != SAME && real != o.uid() && real != o.euid()
            || effective != SAME && !isOneOf(effective, o.uid(), o.euid(), o.suid()))) {
      return -Errno.EPERM;
    }
    int newEuid = effective == SAME ? o.euid() : effective;
    boolean saves = real != SAME || effective != SAME && effective != o.uid();
    return commit(
        c, o.withUids(real == SAME ? o.uid() : real, newEuid, saves ? newEuid : o.suid()));
  }

  private static long setregid(Syscall c) {
    Credentials o = c.task.credentials;
    int real = (int) c.arg0;
    int effective = (int) c.arg1;
    if (!o.has(Credentials.CAP_SETGID)
        && (real != SAME && real != o.gid() && real != o.egid()
            || effective != SAME && !isOneOf(effective, o.gid(), o.egid(), o.sgid()))) {
      return -Errno.EPERM;
    }
    int newEgid = effective == SAME ? o.egid() : effective;
    boolean saves = real != SAME || effective != SAME && effective != o.gid();
    return commit(
        c, o.withGids(real == SAME ? o.gid() : real, newEgid, saves ? newEgid : o.sgid(), newEgid));
  }

  private static long setresuid(Syscall c) {
    Credentials o = c.task.credentials;
    int[] ids = {(int) c.arg0, (int) c.arg1, (int) c.arg2};
    if (!o.has(Credentials.CAP_SETUID)) {
      for (int id : ids) {
        if (id != SAME && !isOneOf(id, o.uid(), o.euid(), o.suid())) {
          return -Errno.EPERM;
        }
      }
    }
    return commit(
        c,
        o.withUids(
            ids[0] == SAME ? o.uid() : ids[0],
            ids[1] == SAME ? o.euid() : ids[1],
            ids[2] == SAME ? o.suid() : ids[2]));
  }

  private static long setresgid(Syscall c) {
    Credentials o = c.task.credentials;
    int[] ids = {(int) c.arg0, (int) c.arg1, (int) c.arg2};
    if (!o.has(Credentials.CAP_SETGID)) {
      for (int id : ids) {
        if (id != SAME && !isOneOf(id, o.gid(), o.egid(), o.sgid())) {
          return -Errno.EPERM;
        }
      }
    }
    int newEgid = ids[1] == SAME ? o.egid() : ids[1];
    return commit(
        c,
        o.withGids(
            ids[0] == SAME ? o.gid() : ids[0],
            newEgid,
            ids[2] == SAME ? o.sgid() : ids[2],
            newEgid));
  }

  private static long getresuid(Syscall c) {
    Credentials o = c.task.credentials;
    return three(c, o.uid(), o.euid(), o.suid());
  }

  private static long getresgid(Syscall c) {
    Credentials o = c.task.credentials;
    return three(c, o.gid(), o.egid(), o.sgid());
  }

  private static long three(Syscall c, int a, int b, int d) {
    if (c.memory().writeInt(c.arg0, a) < 0
        || c.memory().writeInt(c.arg1, b) < 0
        || c.memory().writeInt(c.arg2, d) < 0) {
      return -Errno.EFAULT;
    }
    return 0;
  }

  /** Answers the old one whether it could be changed or not, setfsuid(2). */
  private static long setfsuid(Syscall c) {
    Credentials o = c.task.credentials;
    int id = (int) c.arg0;
    if (id != SAME
        && (isOneOf(id, o.uid(), o.euid(), o.suid())
            || id == o.fsuid()
            || o.has(Credentials.CAP_SETUID))) {
      commit(c, o.withFsuid(id));
    }
    return unsigned(o.fsuid());
  }

  private static long setfsgid(Syscall c) {
    Credentials o = c.task.credentials;
    int id = (int) c.arg0;
    if (id != SAME
        && (isOneOf(id, o.gid(), o.egid(), o.sgid())
            || id == o.fsgid()
            || o.has(Credentials.CAP_SETGID))) {
      commit(c, o.withGids(o.gid(), o.egid(), o.sgid(), id));
    }
    return unsigned(o.fsgid());
  }

  private static long getgroups(Syscall c) {
    int[] groups = c.task.credentials.groups();
    int size = (int) c.arg0;
    if (size < 0) {
      return -Errno.EINVAL;
    }
    if (size == 0) {
      return groups.length;
    }
    if (groups.length > size) {
      return -Errno.EINVAL;
    }
    MemorySegment s = c.scratch().bulk;
    for (int i = 0; i < groups.length; i++) {
      Memory.setInt(s, i * 4L, groups[i]);
    }
    return groups.length > 0 && c.memory().write(c.arg1, s, groups.length * 4L) < 0
        ? -Errno.EFAULT
        : groups.length;
  }

  private static long setgroups(Syscall c) {
    Credentials o = c.task.credentials;
    if (!o.has(Credentials.CAP_SETGID)) {
      return -Errno.EPERM;
    }
    int n = (int) c.arg0;
    if (n < 0 || n > NGROUPS_MAX) {
      return -Errno.EINVAL;
    }
    MemorySegment s = c.scratch().bulk;
    if (n > 0 && c.memory().read(c.arg1, s, n * 4L) < 0) {
      return -Errno.EFAULT;
    }
    int[] groups = new int[n];
    for (int i = 0; i < n; i++) {
      // Sorted as unsigned numbers, as groups_sort() does: getgroups shows it.
      groups[i] = Memory.getInt(s, i * 4L) ^ Integer.MIN_VALUE;
      if (groups[i] == Integer.MAX_VALUE) {
        return -Errno.EINVAL;
      }
    }
    Arrays.sort(groups);
    for (int i = 0; i < n; i++) {
      groups[i] ^= Integer.MIN_VALUE;
    }
    return commit(c, o.withGroups(groups));
  }
}
