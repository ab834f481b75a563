package io.redoubt.sentry.syscalls;

import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;

import io.redoubt.host.Errno;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import io.redoubt.sentry.kernel.Task;
import io.redoubt.sentry.kernel.UserBuffer;
import java.lang.foreign.MemorySegment;

/**
 * process_vm_readv(2) and process_vm_writev(2): what MPI libraries move messages with. The sentry
 * copies, since it may reach the memory of both; the guests' own processes may not reach each
 * other's.
 */
final class ProcessMemoryCalls {
  private ProcessMemoryCalls() {}

  static void register(SyscallTable t) {
    t.on(310, "process_vm_readv", 6, c -> move(c, false), FULL);
    t.on(311, "process_vm_writev", 6, c -> move(c, true), FULL);
  }

  /** process_vm_rw() of mm/process_vm_access.c. */
  private static long move(Syscall c, boolean writes) {
    if (c.arg5 != 0) {
      return -Errno.EINVAL;
    }
    long[] local = c.memory().readIovecs(c, c.arg1, c.arg2);
    if (local == null) {
      return c.error();
    }
    if (!UserBuffer.accessOk(local)) {
      return -Errno.EFAULT;
    }
    UserBuffer mine = UserBuffer.of(c.memory(), local);
    if (mine.remaining() == 0) {
      return 0;
    }
    long[] remote = c.memory().readIovecs(c, c.arg3, c.arg4);
    if (remote == null) {
      return c.error();
    }
    if (!hasBytes(remote)) {
      return 0;
    }
    Task target = c.task.kernel.tasks.task((int) c.arg0);
    if (target == null) {
      return -Errno.ESRCH;
    }
    if (!c.task.mayAttach(target)) {
      return -Errno.EPERM;
    }
    return copy(c, mine, UserBuffer.of(target.memory, remote), writes);
  }

  private static boolean hasBytes(long[] pairs) {
    for (int i = 1; i < pairs.length; i += 2) {
      if (pairs[i] > 0) {
        return true;
      }
    }
    return false;
  }

  /** Ends short at the first fault. */
  private static long copy(Syscall c, UserBuffer mine, UserBuffer theirs, boolean writes) {
    UserBuffer from = writes ? mine : theirs;
    UserBuffer to = writes ? theirs : mine;
    MemorySegment s = c.scratch().bulk;
    long done = 0;
    while (from.remaining() > 0 && to.remaining() > 0) {
      long want = Math.min(Math.min(from.remaining(), to.remaining()), s.byteSize());
      long read = from.copyIn(s, 0, want);
      long written = read <= 0 ? read : to.copyOut(s, 0, read);
      if (written <= 0) {
        return done > 0 ? done : -Errno.EFAULT;
      }
      done += written;
      if (written < want) {
        return done;
      }
    }
    return done;
  }
}
