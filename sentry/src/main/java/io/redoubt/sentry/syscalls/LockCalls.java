package io.redoubt.sentry.syscalls;

import static io.redoubt.host.Errno.EAGAIN;
import static io.redoubt.host.Errno.EBADF;
import static io.redoubt.host.Errno.EFAULT;
import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.EOVERFLOW;
import static io.redoubt.sentry.fs.FileLocks.F_RDLCK;
import static io.redoubt.sentry.fs.FileLocks.F_UNLCK;
import static io.redoubt.sentry.fs.FileLocks.F_WRLCK;
import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;

import io.redoubt.host.Memory;
import io.redoubt.sentry.fs.FdTable;
import io.redoubt.sentry.fs.FileLocks;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import java.lang.foreign.MemorySegment;

/** Advisory locks: flock(2) and the lock commands of fcntl(2). */
final class LockCalls {
  private static final int F_GETLK = 5;
  private static final int F_SETLKW = 7;
  private static final int F_OFD_GETLK = 36;
  private static final int F_OFD_SETLKW = 38;

  private static final int LOCK_SH = 1;
  private static final int LOCK_EX = 2;
  private static final int LOCK_NB = 4;
  private static final int LOCK_UN = 8;
  private static final int LOCK_MAND = 32;

  // struct flock
  private static final int L_TYPE = 0; // short
  private static final int L_WHENCE = 2; // short
  private static final int L_START = 8; // long
  private static final int L_LEN = 16; // long
  private static final int L_PID = 24; // int
  private static final int SIZEOF_FLOCK = 32;

  private LockCalls() {}

  static void register(SyscallTable t) {
    t.on(73, "flock", 2, LockCalls::flock, FULL);
  }

  static long flock(Syscall c) {
    int op = (int) c.arg1;
    if ((op & LOCK_MAND) != 0) {
      return 0; // as Linux since 5.15: ignored
    }
    int type =
        switch (op & ~LOCK_NB) {
          case LOCK_SH -> F_RDLCK;
          case LOCK_EX -> F_WRLCK;
          case LOCK_UN -> F_UNLCK;
          default -> -1;
        };
    if (type < 0) {
      return -EINVAL;
    }
    OpenFile f = c.hold(c.arg0);
    if (f == null) {
      return c.error();
    }
    FileLocks locks = f.inode().locks();
    int r = locks.flock(f, type);
    if (r != -EAGAIN || (op & LOCK_NB) != 0) {
      return r;
    }
    return c.block(locks.queue, PollEvents.IN, Syscall.ERESTARTSYS);
  }

  /** F_GETLK, F_SETLK, F_SETLKW and their OFD forms. */
  static long record(Syscall c, OpenFile f, int command, long address) {
    MemorySegment s = c.scratch().small;
    if (c.memory().read(address, s, SIZEOF_FLOCK) != 0) {
      return -EFAULT;
    }
    int type = Memory.getShort(s, L_TYPE);
    int whence = Memory.getShort(s, L_WHENCE);
    long start = Memory.getLong(s, L_START);
    long length = Memory.getLong(s, L_LEN);
    int pid = Memory.getInt(s, L_PID);

    boolean get = command == F_GETLK || command == F_OFD_GETLK;
    boolean ofd = command >= F_OFD_GETLK;
    if (get && type != F_RDLCK && type != F_WRLCK && !(ofd && type == F_UNLCK)) {
      return -EINVAL;
    }
    long base = 0;
    switch (whence) {
      case 0:
        break;
      case 1:
        base = f.isSeekable() ? f.seek(c, 0, 1) : 0;
        break;
      case 2:
        Stat st = new Stat();
        base = f.inode().getattr(c, st) == 0 ? st.size : 0;
        break;
      default:
        return -EINVAL;
    }
    if (start > Long.MAX_VALUE - base) {
      return -EOVERFLOW;
    }
    start += base;
    if (start < 0) {
      return -EINVAL;
    }
    long end = Long.MAX_VALUE;
    if (length > 0) {
      if (length - 1 > Long.MAX_VALUE - start) {
        return -EOVERFLOW;
      }
      end = start + length - 1;
    } else if (length < 0) {
      if (start + length < 0) {
        return -EINVAL;
      }
      end = start - 1;
      start += length;
    }
    if (type != F_RDLCK && type != F_WRLCK && type != F_UNLCK) {
      return -EINVAL;
    }
    if (ofd && pid != 0) {
      return -EINVAL;
    }
    FileLocks locks = f.inode().locks();
    Object owner = ofd ? f : c.task.files;
    if (get) {
      return tell(c, address, locks.conflict(owner, type == F_WRLCK, start, end));
    }
    if (type == F_RDLCK ? !f.isReadable() : type == F_WRLCK && !f.isWritable()) {
      return -EBADF;
    }
    int r = locks.set(owner, ofd ? -1 : c.task.process.pid, type, start, end);
    if (r == 0 && !ofd && type != F_UNLCK && c.task.files.get((int) c.arg0) != f) {
      // The fd was closed while the lock was being set: close has dropped the locks that it saw,
      // this one is later.
      locks.set(owner, 0, F_UNLCK, start, end);
      return -EBADF;
    }
    boolean wait = command == F_SETLKW || command == F_OFD_SETLKW;
    if (r != -EAGAIN || !wait) {
      return r;
    }
    if (!ofd) {
      r = FileLocks.Waits.add(owner, new FileLocks.Wait(locks, type == F_WRLCK, start, end));
      if (r != 0) {
        return r;
      }
      if (c.state == null) {
        c.state = new LockWait(c.task.files);
      }
    }
    return c.block(locks.queue, PollEvents.IN, Syscall.ERESTARTSYS);
  }

  /** A waiting process leaves the graph of waits however its call ends. */
  private record LockWait(FdTable owner) implements Syscall.Cleanup {
    @Override
    public void cleanup() {
      FileLocks.Waits.remove(owner);
    }
  }

  private static long tell(Syscall c, long address, FileLocks.Range r) {
    MemorySegment s = c.scratch().small;
    if (c.memory().read(address, s, SIZEOF_FLOCK) != 0) {
      return -EFAULT;
    }
    if (r == null) {
      Memory.setShort(s, L_TYPE, (short) F_UNLCK);
    } else {
      Memory.setShort(s, L_TYPE, (short) (r.exclusive ? F_WRLCK : F_RDLCK));
      Memory.setShort(s, L_WHENCE, (short) 0);
      Memory.setLong(s, L_START, r.start);
      Memory.setLong(s, L_LEN, r.end == Long.MAX_VALUE ? 0 : r.end - r.start + 1);
      Memory.setInt(s, L_PID, r.pid);
    }
    return c.memory().write(address, s, SIZEOF_FLOCK);
  }
}
