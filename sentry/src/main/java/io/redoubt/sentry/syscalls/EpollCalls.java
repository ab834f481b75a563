package io.redoubt.sentry.syscalls;

import static io.redoubt.host.Errno.EBADF;
import static io.redoubt.host.Errno.EFAULT;
import static io.redoubt.host.Errno.EINTR;
import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.EPERM;
import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;
import static io.redoubt.sentry.kernel.SyscallTable.Support.PARTIAL;

import io.redoubt.host.Memory;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.ipc.EpollFile;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import io.redoubt.sentry.kernel.UserBuffer;
import java.lang.foreign.MemorySegment;

/** epoll(7): fs/eventpoll.c, in its order of checks. */
final class EpollCalls {
  private static final int EPOLL_CLOEXEC = 02000000;
  private static final int CTL_ADD = 1;
  private static final int CTL_DEL = 2;
  private static final int CTL_MOD = 3;
  private static final int MAX_EVENTS = Integer.MAX_VALUE / EpollFile.SIZEOF_EVENT;

  /** What may go with EPOLLEXCLUSIVE. */
  private static final int EXCLUSIVE_OK =
      PollEvents.IN
          | PollEvents.OUT
          | PollEvents.ERR
          | PollEvents.HUP
          | EpollFile.EPOLLWAKEUP
          | EpollFile.EPOLLET
          | EpollFile.EPOLLEXCLUSIVE;

  private EpollCalls() {}

  static void register(SyscallTable t) {
    t.on(213, "epoll_create", 1, c -> (int) c.arg0 <= 0 ? -EINVAL : create(c, 0), FULL);
    t.on(291, "epoll_create1", 1, c -> create(c, (int) c.arg0), FULL);
    t.on(233, "epoll_ctl", 4, EpollCalls::ctl, PARTIAL, "EPOLLEXCLUSIVE wakes all");
    t.on(232, "epoll_wait", 4, c -> await(c, PollCalls.millis((int) c.arg3)), FULL);
    t.on(281, "epoll_pwait", 6, EpollCalls::pwait, FULL);
    t.on(441, "epoll_pwait2", 6, EpollCalls::pwait2, FULL);
  }

  private static long create(Syscall c, int flags) {
    if ((flags & ~EPOLL_CLOEXEC) != 0) {
      return -EINVAL;
    }
    return FdCalls.installNew(c, new EpollFile(), flags != 0);
  }

  private static long ctl(Syscall c) {
    int op = (int) c.arg1;
    int fd = (int) c.arg2;
    int events = 0;
    long data = 0;
    if (op != CTL_DEL) {
      MemorySegment s = c.scratch().small;
      if (c.memory().read(c.arg3, s, EpollFile.SIZEOF_EVENT) != 0) {
        return -EFAULT;
      }
      events = Memory.getInt(s, 0);
      data = Memory.getLong(s, 4);
    }
    OpenFile f = c.hold(c.arg0);
    OpenFile target = f == null ? null : c.holdSecond(fd);
    if (target == null) {
      return -EBADF;
    }
    if (!target.isPollable()) {
      return -EPERM;
    }
    if (f == target || !(f instanceof EpollFile epoll)) {
      return -EINVAL;
    }
    if ((events & EpollFile.EPOLLEXCLUSIVE) != 0
        && (op == CTL_MOD || (op == CTL_ADD && (events & ~EXCLUSIVE_OK) != 0))) {
      return -EINVAL;
    }
    return switch (op) {
      case CTL_ADD -> epoll.add(target, fd, events, data);
      case CTL_DEL -> epoll.remove(target, fd);
      case CTL_MOD -> epoll.modify(target, fd, events, data);
      default -> -EINVAL;
    };
  }

  private static long pwait(Syscall c) {
    long r = PollCalls.takeMask(c, c.arg4, c.arg5);
    return r != 0 ? r : await(c, PollCalls.millis((int) c.arg3));
  }

  private static long pwait2(Syscall c) {
    long timeout = PollCalls.timespec(c, c.arg3);
    if (timeout < PollCalls.NO_TIMEOUT) {
      return timeout + 1;
    }
    long r = PollCalls.takeMask(c, c.arg4, c.arg5);
    return r != 0 ? r : await(c, timeout);
  }

  private static long await(Syscall c, long timeout) {
    int max = (int) c.arg2;
    if (max <= 0 || max > MAX_EVENTS) {
      return -EINVAL;
    }
    if (!UserBuffer.accessOk(c.arg1, (long) max * EpollFile.SIZEOF_EVENT)) {
      return -EFAULT;
    }
    OpenFile f = c.hold(c.arg0);
    if (f == null) {
      return c.error();
    }
    if (!(f instanceof EpollFile epoll)) {
      return -EINVAL;
    }
    MemorySegment s = c.scratch().small;
    int n = epoll.take(s, Math.min(max, (int) s.byteSize() / EpollFile.SIZEOF_EVENT));
    if (n > 0) {
      return c.memory().write(c.arg1, s, (long) n * EpollFile.SIZEOF_EVENT) == 0 ? n : -EFAULT;
    }
    if (timeout == 0 || c.timedOut()) {
      return 0;
    }
    if (timeout != PollCalls.NO_TIMEOUT) {
      c.deadline(Math.min(timeout, PollCalls.FOREVER));
    }
    return c.block(epoll.waitQueue(), PollEvents.IN, -EINTR);
  }
}
