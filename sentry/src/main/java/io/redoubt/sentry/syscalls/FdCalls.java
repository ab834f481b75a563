package io.redoubt.sentry.syscalls;

import static io.redoubt.host.Errno.EAGAIN;
import static io.redoubt.host.Errno.EBADF;
import static io.redoubt.host.Errno.EFAULT;
import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.ENOMEM;
import static io.redoubt.host.Errno.ENOTTY;
import static io.redoubt.host.Errno.EOPNOTSUPP;
import static io.redoubt.host.Errno.EPERM;
import static io.redoubt.host.Errno.ESRCH;
import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;
import static io.redoubt.sentry.kernel.SyscallTable.Support.PARTIAL;

import io.redoubt.host.Memory;
import io.redoubt.sentry.fs.FdTable;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import io.redoubt.sentry.kernel.Task;
import java.lang.foreign.MemorySegment;

/** Descriptors: close, dup, fcntl, ioctl. */
public final class FdCalls {
  private static final int STUB_MARK = 0x72656462; // launcher/src/main/native/stub.h
  private static final int F_DUPFD = 0;
  private static final int F_GETFD = 1;
  private static final int F_SETFD = 2;
  private static final int F_GETFL = 3;
  private static final int F_SETFL = 4;
  private static final int F_GETLK = 5;
  private static final int F_SETLKW = 7;
  private static final int F_SETOWN = 8;
  private static final int F_GETOWN = 9;
  private static final int F_SETSIG = 10;
  private static final int F_GETSIG = 11;
  private static final int F_SETOWN_EX = 15;
  private static final int F_GETOWN_EX = 16;
  private static final int F_OFD_GETLK = 36;
  private static final int F_OFD_SETLKW = 38;
  private static final int F_SETLEASE = 1024;
  private static final int F_GETLEASE = 1025;
  private static final int F_NOTIFY = 1026;
  private static final int F_DUPFD_QUERY = 1027;
  private static final int F_DUPFD_CLOEXEC = 1030;
  private static final int F_GET_RW_HINT = 1035;
  private static final int F_SET_RW_HINT = 1036;

  private static final int F_UNLCK = 2;
  private static final long DN_MULTISHOT = 0x80000000L;
  private static final int F_OWNER_PID = 1;
  private static final int F_OWNER_PGRP = 2;

  private static final int O_CLOEXEC = 02000000;
  private static final int CLOSE_RANGE_UNSHARE = 2;
  private static final int CLOSE_RANGE_CLOEXEC = 4;

  private static final int FIGETBSZ = 2;
  private static final int FIONREAD = 0x541b;
  private static final int FIONBIO = 0x5421;
  private static final int FIONCLEX = 0x5450;
  private static final int FIOCLEX = 0x5451;
  private static final int FIOASYNC = 0x5452;
  private static final int FIOQSIZE = 0x5460;

  private static final int KCMP_FILE = 0;
  private static final int KCMP_VM = 1;
  private static final int KCMP_FILES = 2;
  private static final int KCMP_FS = 3;
  private static final int KCMP_TYPES = 8;

  private FdCalls() {}

  static void register(SyscallTable t) {
    t.on(3, "close", 1, FdCalls::close, FULL);
    t.on(436, "close_range", 3, FdCalls::closeRange, FULL);
    t.on(32, "dup", 1, FdCalls::dup, FULL);
    t.on(33, "dup2", 2, FdCalls::dup2, FULL);
    t.on(292, "dup3", 3, FdCalls::dup3, FULL);
    t.on(72, "fcntl", 3, FdCalls::fcntl, PARTIAL, "no leases, no directory notification, no SIGIO");
    t.on(312, "kcmp", 5, FdCalls::kcmp, PARTIAL, "FILE, VM, FILES, FS");
    t.on(16, "ioctl", 3, FdCalls::ioctl, PARTIAL, "generic ones, and those of the file's kind");
  }

  static long close(Syscall c) {
    int fd = (int) c.arg0;
    if (c.arg1 == STUB_MARK && c.task.takeLentFd(fd)) {
      // The trampoline of the ring tier gives back what was planted for its mapping, at a number
      // that is none of the guest's.
      return Syscall.CONTINUE;
    }
    FdTable files = c.task.files;
    OpenFile f = files.remove(fd);
    if (f == null) {
      return -EBADF;
    }
    files.drop(f);
    // A mapping may have planted a host fd at this number: then the host closes it.
    return c.task.process.takeScratchFd(fd) ? Syscall.CONTINUE : 0;
  }

  static long closeRange(Syscall c) {
    long first = c.arg0 & 0xffffffffL;
    long last = c.arg1 & 0xffffffffL;
    int flags = (int) c.arg2;
    if ((flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) != 0 || first > last) {
      return -EINVAL;
    }
    boolean isUnshared = (flags & CLOSE_RANGE_UNSHARE) != 0;
    if (isUnshared && c.task.files.isShared() && !c.task.files.mayCopy()) {
      return -ENOMEM;
    }
    boolean alsoInHost = isUnshared && c.task.unshareFiles();
    FdTable files = c.task.files;
    boolean scratch = false;
    for (int fd : files.numbers()) {
      if (fd < first || fd > last) {
        continue;
      }
      if ((flags & CLOSE_RANGE_CLOEXEC) != 0) {
        files.setCloseOnExec(fd, true);
        continue;
      }
      OpenFile f = files.remove(fd);
      if (f != null) {
        files.drop(f);
        scratch |= c.task.process.takeScratchFd(fd);
      }
    }
    return alsoInHost || (scratch && flags == 0) ? Syscall.CONTINUE : 0;
  }

  /**
   * Gives a new file the lowest free number; it is closed when there is none. @return the fd or
   * -EMFILE
   */
  static int installNew(Syscall c, OpenFile file, boolean cloexec) {
    int fd = c.task.files.install(file, 0, cloexec, c.task.process.limits.files());
    if (fd < 0) {
      file.close();
    }
    return fd;
  }

  private static OpenFile acquire(Syscall c, long fd) {
    OpenFile f = c.task.files.get((int) fd);
    return f == null || !f.acquire() ? c.fail(-EBADF) : f;
  }

  private static long duplicate(Syscall c, long fd, int from, boolean cloexec) {
    OpenFile f = acquire(c, fd);
    if (f == null) {
      return c.error();
    }
    int n = c.task.files.install(f, from, cloexec, c.task.process.limits.files());
    if (n < 0) {
      f.close();
    }
    return n;
  }

  static long dup(Syscall c) {
    return duplicate(c, c.arg0, 0, false);
  }

  static long dup2(Syscall c) {
    if ((int) c.arg0 == (int) c.arg1) {
      return c.task.files.get((int) c.arg0) == null ? -EBADF : (int) c.arg0;
    }
    return place(c, false);
  }

  static long dup3(Syscall c) {
    int flags = (int) c.arg2;
    if ((flags & ~O_CLOEXEC) != 0 || (int) c.arg0 == (int) c.arg1) {
      return -EINVAL;
    }
    return place(c, flags != 0);
  }

  private static long place(Syscall c, boolean cloexec) {
    int to = (int) c.arg1;
    if (to < 0 || to >= c.task.process.limits.files()) {
      return -EBADF;
    }
    OpenFile f = acquire(c, c.arg0);
    if (f == null) {
      return c.error();
    }
    FdTable files = c.task.files;
    int r = files.reserve(to);
    if (r < 0) {
      f.close();
      return r;
    }
    OpenFile old = files.replace(to, f, cloexec);
    if (old != null) {
      files.drop(old);
    }
    return to;
  }

  static long fcntl(Syscall c) {
    int fd = (int) c.arg0;
    int command = (int) c.arg1;
    long arg = c.arg2;
    FdTable files = c.task.files;
    OpenFile f = files.get(fd);
    if (f == null) {
      return -EBADF;
    }
    switch (command) {
      case F_DUPFD, F_DUPFD_CLOEXEC:
        if (arg < 0 || arg >= c.task.process.limits.files()) {
          return -EINVAL;
        }
        return duplicate(c, fd, (int) arg, command == F_DUPFD_CLOEXEC);
      case F_GETFD:
        return files.isCloseOnExec(fd) ? 1 : 0;
      case F_SETFD:
        return files.setCloseOnExec(fd, (arg & 1) != 0) ? 0 : -EBADF;
      case F_GETFL:
        return f.flags();
      case F_DUPFD_QUERY:
        OpenFile other = files.get((int) arg);
        return other == null ? -EBADF : other == f ? 1 : 0;
      default:
        break;
    }
    f = c.hold(fd);
    if (f == null) {
      return c.error();
    }
    if ((command >= F_GETLK && command <= F_SETLKW)
        || (command >= F_OFD_GETLK && command <= F_OFD_SETLKW)) {
      return LockCalls.record(c, f, command, arg);
    }
    return switch (command) {
      case F_SETFL -> f.setFlags((int) arg);
      case F_SETOWN -> setOwner(c, f, (int) arg);
      case F_GETOWN -> f.asyncOwner;
      case F_SETSIG -> setSignal(f, arg);
      case F_GETSIG -> f.asyncSignal;
      case F_SETOWN_EX, F_GETOWN_EX -> ownerEx(c, f, command, arg);
      case F_GETLEASE -> F_UNLCK;
      case F_SETLEASE -> f.inode().type() == Stat.S_IFREG ? -EAGAIN : -EINVAL;
      case F_NOTIFY ->
          (arg & ~DN_MULTISHOT) == 0 ? 0 : -EINVAL; // taking back what never was is fine
      case F_GET_RW_HINT -> c.memory().writeLong(arg, 0);
      case F_SET_RW_HINT -> c.memory().read(arg, c.scratch().small, 8);
      default -> f.fcntl(c, command, arg);
    };
  }

  private static long setSignal(OpenFile f, long signal) {
    if (signal < 0 || signal > 64) {
      return -EINVAL;
    }
    f.asyncSignal = (int) signal;
    return 0;
  }

  private static long setOwner(Syscall c, OpenFile f, int who) {
    if (who == Integer.MIN_VALUE) {
      return -EINVAL;
    }
    // A process group (negative) is taken as it is: it may be empty by the time a signal would be
    // sent anyway.
    if (who > 0 && c.task.kernel.tasks.process(who) == null) {
      return -ESRCH;
    }
    f.asyncOwner = who;
    return 0;
  }

  // struct f_owner_ex { int type; int pid; }
  private static long ownerEx(Syscall c, OpenFile f, int command, long address) {
    MemorySegment s = c.scratch().small;
    if (command == F_GETOWN_EX) {
      int who = f.asyncOwner;
      Memory.setInt(s, 0, who < 0 ? F_OWNER_PGRP : F_OWNER_PID);
      Memory.setInt(s, 4, Math.abs(who));
      return c.memory().write(address, s, 8);
    }
    if (c.memory().read(address, s, 8) != 0) {
      return -EFAULT;
    }
    int type = Memory.getInt(s, 0);
    int pid = Memory.getInt(s, 4);
    if (type < 0 || type > F_OWNER_PGRP) {
      return -EINVAL;
    }
    return setOwner(c, f, type == F_OWNER_PGRP ? -pid : pid);
  }

  /** Whether two tasks share something; 1 to 3 when not. */
  static long kcmp(Syscall c) {
    Task a = c.task.kernel.tasks.task((int) c.arg0);
    Task b = c.task.kernel.tasks.task((int) c.arg1);
    if (a == null || b == null) {
      return -ESRCH;
    }
    Credentials me = c.task.credentials;
    boolean mine = me.uid() == a.credentials.uid() && me.uid() == b.credentials.uid();
    if (!mine && !me.has(Credentials.CAP_SYS_PTRACE)) {
      return -EPERM;
    }
    int type = (int) c.arg2;
    return switch (type) {
      case KCMP_FILE -> {
        OpenFile x = a.files.get((int) c.arg3);
        OpenFile y = b.files.get((int) c.arg4);
        yield x == null || y == null ? -EBADF : order(x, y);
      }
      case KCMP_VM -> order(a.process, b.process);
      case KCMP_FILES -> order(a.files, b.files);
      case KCMP_FS -> order(a.fs, b.fs);
      default -> type >= 0 && type < KCMP_TYPES ? -EOPNOTSUPP : -EINVAL;
    };
  }

  private static long order(Object a, Object b) {
    // Linux compares scrambled addresses; 3 means different and without an order.
    int d = Integer.compare(System.identityHashCode(a), System.identityHashCode(b));
    return a == b ? 0 : d < 0 ? 1 : d > 0 ? 2 : 3;
  }

  static long ioctl(Syscall c) {
    OpenFile f = c.hold(c.arg0);
    if (f == null) {
      return c.error();
    }
    int command = (int) c.arg1;
    long arg = c.arg2;
    int type = f.inode().type();
    switch (command) {
      case FIOCLEX, FIONCLEX:
        return c.task.files.setCloseOnExec((int) c.arg0, command == FIOCLEX) ? 0 : -EBADF;
      case FIONBIO:
        return setFlag(c, f, OpenFile.O_NONBLOCK, arg);
      case FIOASYNC:
        return type == Stat.S_IFREG || type == Stat.S_IFDIR
            ? -ENOTTY
            : setFlag(c, f, OpenFile.O_ASYNC, arg);
      case FIOQSIZE:
        if (type != Stat.S_IFREG && type != Stat.S_IFDIR && type != Stat.S_IFLNK) {
          return -ENOTTY;
        }
        return c.memory().writeLong(arg, stat(c, f).size);
      case FIGETBSZ:
        return c.memory().writeInt(arg, stat(c, f).blksize);
      case FIONREAD:
        if (type == Stat.S_IFREG) {
          return c.memory().writeInt(arg, (int) (stat(c, f).size - f.seek(c, 0, 1)));
        }
        return f.ioctl(c, command, arg);
      default:
        return f.ioctl(c, command, arg);
    }
  }

  private static Stat stat(Syscall c, OpenFile f) {
    Stat st = new Stat();
    f.inode().getattr(c, st);
    return st;
  }

  private static long setFlag(Syscall c, OpenFile f, int flag, long address) {
    MemorySegment s = c.scratch().small;
    if (c.memory().read(address, s, 4) != 0) {
      return -EFAULT;
    }
    boolean on = Memory.getInt(s, 0) != 0;
    return f.setFlags(on ? f.flags() | flag : f.flags() & ~flag);
  }
}
