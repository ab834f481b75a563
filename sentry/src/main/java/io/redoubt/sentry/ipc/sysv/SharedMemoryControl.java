package io.redoubt.sentry.ipc.sysv;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.sentry.kernel.Syscall;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** shmctl(2). */
final class SharedMemoryControl {
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

  private static final int SHM_LOCK = 11;
  private static final int SHM_UNLOCK = 12;
  private static final int SHM_STAT = 13;
  private static final int SHM_INFO = 14;
  private static final int SHM_STAT_ANY = 15;

  // struct shmid64_ds, asm-generic/shmbuf.h, after the perm
  private static final int SHM_SEGSZ = 48; // size_t
  private static final int SHM_ATIME = 56; // __kernel_long_t
  private static final int SHM_DTIME = 64; // __kernel_long_t
  private static final int SHM_CTIME = 72; // __kernel_long_t
  private static final int SHM_CPID = 80; // __kernel_pid_t
  private static final int SHM_LPID = 84; // __kernel_pid_t
  private static final int SHM_NATTCH = 88; // unsigned long
  private static final int SHMID_DS_SIZEOF = 112;

  private static final int SHMINFO_SIZEOF =
      72; // shmmax, shmmin, shmmni, shmseg, shmall and four unused
  private static final int SHM_INFO_SIZEOF =
      48; // int used_ids, then shm_tot, shm_rss, shm_swp and two unused

  private SharedMemoryControl() {}

  static long shmctl(Syscall c) {
    int id = (int) c.arg0;
    int command = (int) c.arg1;
    if (id < 0 || command < 0) {
      return -Errno.EINVAL;
    }
    SharedSegments segments = c.task.kernel.sysv().segments;
    IpcTable<SharedSegment> table = segments.table;
    if (command == SemaphoreControl.IPC_INFO) {
      return limits(c, table);
    }
    if (command == SHM_INFO) {
      return usage(c, table);
    }
    SharedSegment s =
        segments.unlessGone(
            command == SHM_STAT || command == SHM_STAT_ANY ? table.byIndex(id) : table.byId(id));
    if (s == null) {
      return -Errno.EINVAL;
    }
    return switch (command) {
      case SemaphoreControl.IPC_STAT, SHM_STAT, SHM_STAT_ANY -> stat(c, segments, s, command);
      case SemaphoreControl.IPC_SET -> change(c, s);
      case SemaphoreControl.IPC_RMID -> {
        int r = s.ownership(c.task.credentials);
        if (r == 0) {
          segments.remove(s);
        }
        yield r;
      }
      case SHM_LOCK, SHM_UNLOCK -> s.ownership(c.task.credentials);
      default -> -Errno.EINVAL;
    };
  }

  private static long limits(Syscall c, IpcTable<SharedSegment> table) {
    MemorySegment s = c.scratch().small;
    s.asSlice(0, SHMINFO_SIZEOF).fill((byte) 0);
    Memory.setLong(s, 0, SharedMemoryCalls.largest(c));
    Memory.setLong(s, 8, 1);
    Memory.setLong(s, 16, IpcTable.MAX_OBJECTS);
    Memory.setLong(s, 24, IpcTable.MAX_OBJECTS);
    Memory.setLong(s, 32, SharedMemoryCalls.MAX_BYTES / 4096 * IpcTable.MAX_OBJECTS);
    return c.memory().write(c.arg2, s, SHMINFO_SIZEOF) < 0 ? -Errno.EFAULT : table.highestIndex();
  }

  private static long usage(Syscall c, IpcTable<SharedSegment> table) {
    long pages = 0;
    for (int i = table.highestIndex(); i >= 0; i--) {
      SharedSegment segment = table.byIndex(i);
      pages += segment == null ? 0 : (segment.size + 4095) / 4096;
    }
    MemorySegment s = c.scratch().small;
    s.asSlice(0, SHM_INFO_SIZEOF).fill((byte) 0);
    Memory.setInt(s, 0, table.count());
    Memory.setLong(s, 8, pages);
    Memory.setLong(s, 16, pages);
    return c.memory().write(c.arg2, s, SHM_INFO_SIZEOF) < 0 ? -Errno.EFAULT : table.highestIndex();
  }

  private static long stat(Syscall c, SharedSegments segments, SharedSegment segment, int command) {
    int r = command == SHM_STAT_ANY ? 0 : segment.access(c.task.credentials, IpcObject.READ);
    if (r < 0) {
      return r;
    }
    int attachments = segments.attachments(segment);
    MemorySegment s = c.scratch().small;
    s.asSlice(0, SHMID_DS_SIZEOF).fill((byte) 0);
    synchronized (segment) {
      segment.putPerm(s, segment.removed ? SharedSegment.DESTROYED : 0);
      if (segment.removed) {
        Memory.setInt(s, IpcObject.PERM_KEY, IpcTable.IPC_PRIVATE);
      }
      Memory.setLong(s, SHM_SEGSZ, segment.size);
      Memory.setLong(s, SHM_ATIME, segment.attachSeconds);
      Memory.setLong(s, SHM_DTIME, segment.detachSeconds);
      Memory.setLong(s, SHM_CTIME, segment.changeSeconds);
      Memory.setInt(s, SHM_CPID, segment.creator);
      Memory.setInt(s, SHM_LPID, segment.lastUser);
      Memory.setLong(s, SHM_NATTCH, attachments);
    }
    return c.memory().write(c.arg2, s, SHMID_DS_SIZEOF) < 0
        ? -Errno.EFAULT
        : command == SemaphoreControl.IPC_STAT ? 0 : segment.id;
  }

  private static long change(Syscall c, SharedSegment segment) {
    MemorySegment s = c.scratch().small;
    if (c.memory().read(c.arg2, s, SHMID_DS_SIZEOF) < 0) {
      return -Errno.EFAULT;
    }
    int r = segment.ownership(c.task.credentials);
    synchronized (segment) {
      return r < 0
          ? r
          : segment.setPerm(
              Memory.getInt(s, IpcObject.PERM_UID),
              Memory.getInt(s, IpcObject.PERM_GID),
              Memory.getInt(s, IpcObject.PERM_MODE));
    }
  }
}
