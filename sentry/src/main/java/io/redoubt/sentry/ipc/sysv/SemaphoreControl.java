package io.redoubt.sentry.ipc.sysv;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.sentry.kernel.Syscall;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** semctl(2). */
final class SemaphoreControl {
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

  static final int IPC_RMID = 0;
  static final int IPC_SET = 1;
  static final int IPC_STAT = 2;
  static final int IPC_INFO = 3;
  private static final int GETPID = 11;
  private static final int GETVAL = 12;
  private static final int GETALL = 13;
  private static final int GETNCNT = 14;
  private static final int GETZCNT = 15;
  private static final int SETVAL = 16;
  private static final int SETALL = 17;
  private static final int SEM_STAT = 18;
  private static final int SEM_INFO = 19;
  private static final int SEM_STAT_ANY = 20;

  // struct semid64_ds of x86, asm/sembuf.h, after the perm
  private static final int SEM_OTIME = 48; // __kernel_long_t
  private static final int SEM_CTIME = 64; // __kernel_long_t
  private static final int SEM_NSEMS = 80; // __kernel_ulong_t
  private static final int SEMID_DS_SIZEOF = 104;

  private static final int SEMINFO_SIZEOF = 40; // ten ints

  private SemaphoreControl() {}

  static long semctl(Syscall c) {
    int id = (int) c.arg0;
    int command = (int) c.arg2;
    if (id < 0) {
      return -Errno.EINVAL;
    }
    IpcTable<SemaphoreSet> sets = c.task.kernel.sysv().semaphores;
    if (command == IPC_INFO || command == SEM_INFO) {
      return info(c, sets, command == SEM_INFO);
    }
    boolean byIndex = command == SEM_STAT || command == SEM_STAT_ANY;
    SemaphoreSet set = byIndex ? sets.byIndex(id) : sets.byId(id);
    if (set == null) {
      return -Errno.EINVAL;
    }
    return switch (command) {
      case IPC_STAT, SEM_STAT, SEM_STAT_ANY -> stat(c, set, command);
      case GETVAL, GETPID, GETNCNT, GETZCNT -> get(c, set, command);
      case GETALL -> getAll(c, set);
      case SETVAL -> setValue(c, set);
      case SETALL -> setAll(c, set);
      case IPC_SET -> change(c, set);
      case IPC_RMID -> remove(c, sets, set);
      default -> -Errno.EINVAL;
    };
  }

  private static long info(Syscall c, IpcTable<SemaphoreSet> sets, boolean ofNow) {
    MemorySegment s = c.scratch().small;
    int[] fields = {
      IpcTable.MAX_OBJECTS * SemaphoreCalls.MAX_SEMAPHORES, // semmap
      IpcTable.MAX_OBJECTS, // semmni
      IpcTable.MAX_OBJECTS * SemaphoreCalls.MAX_SEMAPHORES, // semmns
      IpcTable.MAX_OBJECTS * SemaphoreCalls.MAX_SEMAPHORES, // semmnu
      (int) SemaphoreCalls.limit(c, 0, SemaphoreCalls.MAX_SEMAPHORES), // semmsl
      (int) SemaphoreCalls.limit(c, 2, SemaphoreCalls.MAX_OPERATIONS), // semopm
      SemaphoreCalls.MAX_OPERATIONS, // semume
      ofNow ? sets.count() : 20, // semusz
      SemaphoreSet.MAX_VALUE, // semvmx
      ofNow ? SemaphoreCalls.total(sets) : SemaphoreSet.MAX_VALUE, // semaem
    };
    for (int i = 0; i < fields.length; i++) {
      Memory.setInt(s, i * 4L, fields[i]);
    }
    return c.memory().write(c.arg3, s, SEMINFO_SIZEOF) < 0 ? -Errno.EFAULT : sets.highestIndex();
  }

  private static long stat(Syscall c, SemaphoreSet set, int command) {
    int r = command == SEM_STAT_ANY ? 0 : set.access(c.task.credentials, IpcObject.READ);
    if (r < 0) {
      return r;
    }
    MemorySegment s = c.scratch().small;
    s.asSlice(0, SEMID_DS_SIZEOF).fill((byte) 0);
    synchronized (set) {
      set.putPerm(s, 0);
      Memory.setLong(s, SEM_OTIME, set.operationSeconds);
      Memory.setLong(s, SEM_CTIME, set.changeSeconds);
    }
    Memory.setLong(s, SEM_NSEMS, set.values.length);
    return c.memory().write(c.arg3, s, SEMID_DS_SIZEOF) < 0
        ? -Errno.EFAULT
        : command == IPC_STAT ? 0 : set.id;
  }

  private static long get(Syscall c, SemaphoreSet set, int command) {
    int number = (int) c.arg1;
    int r = set.access(c.task.credentials, IpcObject.READ);
    if (r < 0 || number < 0 || number >= set.values.length) {
      return r < 0 ? r : -Errno.EINVAL;
    }
    synchronized (set) {
      if (set.removed) {
        return -Errno.EIDRM;
      }
      return switch (command) {
        case GETVAL -> set.values[number];
        case GETPID -> set.pids[number];
        case GETNCNT -> set.waitingForRise[number];
        default -> set.waitingForZero[number];
      };
    }
  }

  private static long getAll(Syscall c, SemaphoreSet set) {
    int r = set.access(c.task.credentials, IpcObject.READ);
    if (r < 0) {
      return r;
    }
    MemorySegment s = c.scratch().bulk;
    synchronized (set) {
      for (int i = 0; i < set.values.length; i++) {
        Memory.setShort(s, i * 2L, (short) set.values[i]);
      }
    }
    return c.memory().write(c.arg3, s, set.values.length * 2L);
  }

  private static long setValue(Syscall c, SemaphoreSet set) {
    int number = (int) c.arg1;
    int value = (int) c.arg3;
    if (value < 0 || value > SemaphoreSet.MAX_VALUE) {
      return -Errno.ERANGE;
    }
    if (number < 0 || number >= set.values.length) {
      return -Errno.EINVAL;
    }
    int r = set.access(c.task.credentials, IpcObject.WRITE);
    return r < 0 ? r : set.set(c.task.process, number, new int[] {value});
  }

  private static long setAll(Syscall c, SemaphoreSet set) {
    int r = set.access(c.task.credentials, IpcObject.WRITE);
    if (r < 0) {
      return r;
    }
    MemorySegment s = c.scratch().bulk;
    int[] values = new int[set.values.length];
    if (c.memory().read(c.arg3, s, values.length * 2L) < 0) {
      return -Errno.EFAULT;
    }
    for (int i = 0; i < values.length; i++) {
      values[i] = Memory.getShort(s, i * 2L) & 0xffff;
      if (values[i] > SemaphoreSet.MAX_VALUE) {
        return -Errno.ERANGE;
      }
    }
    return set.set(c.task.process, 0, values);
  }

  private static long change(Syscall c, SemaphoreSet set) {
    MemorySegment s = c.scratch().small;
    if (c.memory().read(c.arg3, s, SEMID_DS_SIZEOF) < 0) {
      return -Errno.EFAULT;
    }
    int r = set.ownership(c.task.credentials);
    synchronized (set) {
      return r < 0
          ? r
          : set.setPerm(
              Memory.getInt(s, IpcObject.PERM_UID),
              Memory.getInt(s, IpcObject.PERM_GID),
              Memory.getInt(s, IpcObject.PERM_MODE));
    }
  }

  private static long remove(Syscall c, IpcTable<SemaphoreSet> sets, SemaphoreSet set) {
    int r = set.ownership(c.task.credentials);
    if (r == 0) {
      sets.remove(set);
      set.remove();
    }
    return r;
  }
}
