package io.redoubt.sentry.kernel;

import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;
import static io.redoubt.sentry.kernel.SyscallTable.Support.PARTIAL;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.host.Nr;
import io.redoubt.sentry.fs.OpenFile;
import java.lang.foreign.MemorySegment;

/** Processes as files: pidfd_open(2) and its kin, kernel/pid.c and kernel/signal.c. */
public final class PidfdCalls {
  private static final int CLONE = 56;
  private static final int RT_TGSIGQUEUEINFO = 297;
  private static final int SIGINFO_BYTES = 128;

  private static final int THREAD = 1; // PIDFD_SIGNAL_THREAD
  private static final int THREAD_GROUP = 2;
  private static final int PROCESS_GROUP = 4;

  // WNOHANG, WUNTRACED, WEXITED, WCONTINUED, WNOWAIT, __WNOTHREAD, __WALL, __WCLONE
  private static final int WAIT_EVENTS = 0xe;
  private static final int WAIT_OPTIONS = WAIT_EVENTS | 0xe1000001;

  private PidfdCalls() {}

  public static void register(SyscallTable t) {
    t.on(434, "pidfd_open", 2, PidfdCalls::open, FULL);
    t.on(424, "pidfd_send_signal", 4, PidfdCalls::sendSignal, PARTIAL, "not to a process group");
    t.on(438, "pidfd_getfd", 3, PidfdCalls::getfd, FULL);
  }

  private static long open(Syscall c) {
    int pid = (int) c.arg0;
    int flags = (int) c.arg1;
    if ((flags & ~(OpenFile.O_NONBLOCK | PidFile.PIDFD_THREAD)) != 0 || pid <= 0) {
      return -Errno.EINVAL;
    }
    Kernel k = c.task.kernel;
    if (pid == 1 && k.hasShim) {
      return -Errno.EPERM;
    }
    Task t = k.tasks.task(pid);
    Process p = t != null ? t.process : k.tasks.process(pid);
    if (p == null) {
      p = k.tasks.ended(pid);
    }
    if (p == null) {
      return -Errno.ESRCH;
    }
    // A thread that is no process is refused by the host kernel, with the errno of its version.
    int hostPid = t != null ? t.hostTid : p.hostPid;
    int hostFd = io.redoubt.host.Signals.pidfdOpen(hostPid, flags & PidFile.PIDFD_THREAD);
    if (hostFd < 0) {
      return hostFd;
    }
    k.tasks.watch(p);
    return install(c, PidFile.of(p, pid, hostFd, flags));
  }

  private static long install(Syscall c, OpenFile f) {
    int fd = c.task.files.install(f, 0, true, c.task.process.limits.files());
    if (fd < 0) {
      f.close();
    }
    return fd;
  }

  /** The pidfd {@code fd}, held until the call is over; null with -EBADF. */
  private static PidFile file(Syscall c, int fd) {
    return c.hold(fd) instanceof PidFile f ? f : c.fail(-Errno.EBADF);
  }

  /**
   * The thread makes a kill, or what else sends the same signal, in place of this call. A pidfd
   * planted for it would do too, but another thread could have it replaced in between by that of a
   * process which the caller may not signal.
   */
  private static long sendSignal(Syscall c) {
    int signal = (int) c.arg1;
    int flags = (int) c.arg3;
    if ((flags & ~(THREAD | THREAD_GROUP | PROCESS_GROUP)) != 0
        || Integer.bitCount(flags) > 1
        || flags == PROCESS_GROUP) {
      return -Errno.EINVAL;
    }
    PidFile f = file(c, (int) c.arg0);
    if (f == null) {
      return c.error();
    }
    long info = c.arg2;
    if (info != 0) {
      MemorySegment s = c.scratch().small;
      if (c.memory().read(info, s, SIGINFO_BYTES) < 0) {
        return -Errno.EFAULT;
      }
      if (Memory.getInt(s, 0) != signal) {
        return -Errno.EINVAL;
      }
    }
    Process p = f.process();
    if (!f.exists()) {
      return -Errno.ESRCH;
    }
    if (!ProcessCalls.mayKill(c.task, p, signal)) {
      return -Errno.EPERM;
    }
    if (signal == 0) {
      return 0;
    }
    boolean toThread = flags == 0 ? f.isThread() : flags == THREAD;
    long r;
    if (toThread) {
      long nr = info == 0 ? Nr.TGKILL : RT_TGSIGQUEUEINFO;
      r = Rewrite.call(c, nr, p.pid, f.id(), signal, info, 0, 0);
    } else {
      long nr = info == 0 ? Nr.KILL : Nr.RT_SIGQUEUEINFO;
      r = Rewrite.call(c, nr, p.pid, signal, info, 0, 0, 0);
    }
    return r; // -EAGAIN where somebody outside traces the caller
  }

  private static long getfd(Syscall c) {
    if ((int) c.arg2 != 0) {
      return -Errno.EINVAL;
    }
    PidFile f = file(c, (int) c.arg0);
    if (f == null) {
      return c.error();
    }
    Process p = f.process();
    Task target = p == null ? null : p.leader();
    if (target == null) {
      return -Errno.ESRCH;
    }
    if (!c.task.mayAttach(target)) {
      return -Errno.EPERM;
    }
    OpenFile wanted = target.files.get((int) c.arg1);
    return wanted == null || !wanted.acquire() ? -Errno.EBADF : install(c, wanted);
  }

  /** waitid(2) of a pidfd: the host kernel finds its own at the same number. */
  static long beforeWaitid(Syscall c) {
    int fd = (int) c.arg1;
    int options = (int) c.arg3;
    if ((options & ~WAIT_OPTIONS) != 0 || (options & WAIT_EVENTS) == 0 || fd < 0) {
      return -Errno.EINVAL;
    }
    PidFile f = file(c, fd);
    if (f == null) {
      return c.error();
    }
    return f.plant(c, fd) < 0 ? -Errno.ECHILD : 0;
  }

  // ---- CLONE_PIDFD ----

  /**
   * A clone that is made once more without the flag: the host kernel would answer with a descriptor
   * of its own. What the guest gets is the sentry's, whose number is written before the child is
   * there.
   */
  record Clone(long flags, long stack, long address) {
    /** Whether {@code c} is that call, and not one of a signal handler that came between. */
    boolean isMadeBy(Syscall c) {
      return c.arg0 == flags && c.arg1 == stack && c.arg2 == address;
    }

    /** The child does not inherit the descriptor. */
    long expect(Syscall c) {
      Task maker = c.task;
      PidFile f = PidFile.expected(maker);
      TaskTable tasks = maker.kernel.tasks;
      int r = tasks.expect(maker, flags, f);
      if (r != 0) {
        f.close();
        return r;
      }
      long fd = install(c, f);
      if (fd >= 0 && c.memory().writeInt(address, (int) fd) != 0) {
        if (maker.files.remove((int) fd, f)) {
          maker.files.drop(f);
        }
        fd = -Errno.EFAULT;
      }
      if (fd < 0) {
        tasks.settle(maker); // nothing was made
        return fd;
      }
      f.installedAt(maker.files, (int) fd);
      return Syscall.CONTINUE;
    }
  }

  static long clone(Syscall c) {
    // CLONE_PARENT_SETTID would have its number written at the same place.
    if ((c.arg0 & (CloneFlags.PARENT_SETTID | CloneFlags.DETACHED | CloneFlags.THREAD)) != 0) {
      return -Errno.EINVAL;
    }
    Clone again = new Clone(c.arg0 & ~CloneFlags.PIDFD, c.arg1, c.arg2);
    c.task.pidfdClone = again;
    long r =
        Rewrite.call(c, CLONE, again.flags, again.stack, again.address, c.arg3, c.arg4, c.arg5);
    if (r != Syscall.NO_REPLY) {
      c.task.pidfdClone = null;
    }
    return r;
  }
}
