package io.redoubt.sentry.ipc.sysv;

import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;
import static io.redoubt.sentry.kernel.SyscallTable.Support.PARTIAL;

import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Memory;
import io.redoubt.host.Mman;
import io.redoubt.host.Stat;
import io.redoubt.host.Unistd;
import io.redoubt.sentry.kernel.MapCalls;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * shmget, shmat, shmdt; the rest is {@link SharedMemoryControl}.
 *
 * <p>An attachment is a shared mapping of a memfd: the calling thread is made to run mmap in place
 * of shmat, and munmap in place of shmdt, whose results are already right.
 */
public final class SharedMemoryCalls {
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

  /**
   * SHMMAX: the largest segment. Pages are only there when a guest touches them, and are charged to
   * it.
   */
  static final long MAX_BYTES = 1L << 40;

  private static final int SHM_HUGETLB = 04000;
  private static final int SHM_RDONLY = 010000;
  private static final int SHM_RND = 020000;
  private static final int SHM_REMAP = 040000;
  private static final int SHM_EXEC = 0100000;
  private static final long PAGE_MASK = 4095;

  private SharedMemoryCalls() {}

  public static void register(SyscallTable t) {
    t.on(29, "shmget", 3, SharedMemoryCalls::shmget, PARTIAL, "no huge pages");
    t.on(30, "shmat", 3, SharedMemoryCalls::shmat, FULL);
    t.on(31, "shmctl", 3, SharedMemoryControl::shmctl, PARTIAL, "SHM_LOCK locks nothing");
    t.on(67, "shmdt", 1, SharedMemoryCalls::shmdt, FULL);
  }

  private static long shmget(Syscall c) {
    int key = (int) c.arg0;
    long size = c.arg1;
    int flags = (int) c.arg2;
    return c.task
        .kernel
        .sysv()
        .segments
        .table
        .get(
            c,
            key,
            flags,
            new IpcTable.Kind<>() {
              @Override
              public int check(SharedSegment existing) {
                return Long.compareUnsigned(size, existing.size) > 0 ? -Errno.EINVAL : 0;
              }

              @Override
              public SharedSegment create() {
                return make(c, key, size, flags);
              }
            });
  }

  static long largest(Syscall c) {
    return c.task.kernel.sysctls.of("kernel.shmmax", MAX_BYTES, MAX_BYTES);
  }

  /** kernel.shmall is of all segments together, in pages. */
  private static boolean isTooMuch(Syscall c, long size) {
    long limit = c.task.kernel.sysctls.of("kernel.shmall", Long.MAX_VALUE, Long.MAX_VALUE);
    if (limit == Long.MAX_VALUE) {
      return false;
    }
    var table = c.task.kernel.sysv().segments.table;
    long pages = size + PAGE_MASK >> 12;
    for (int i = table.highestIndex(); i >= 0; i--) {
      SharedSegment s = table.byIndex(i);
      pages += s == null ? 0 : s.size + PAGE_MASK >> 12;
    }
    return pages > limit;
  }

  private static SharedSegment make(Syscall c, int key, long size, int flags) {
    if (size < 1 || size > largest(c)) {
      return c.fail(-Errno.EINVAL);
    }
    if (isTooMuch(c, size)) {
      return c.fail(-Errno.ENOSPC);
    }
    if ((flags & SHM_HUGETLB) != 0) {
      return c.fail(-Errno.ENOMEM); // as with an empty pool
    }
    int memfd =
        Mman.memfdCreate("redoubt-shm", Mman.MFD_CLOEXEC | Mman.MFD_ALLOW_SEALING | Mman.MFD_EXEC);
    if (memfd == -Errno.EINVAL) { // before Linux 6.3 there is no MFD_EXEC, and all can be executed
      memfd = Mman.memfdCreate("redoubt-shm", Mman.MFD_CLOEXEC | Mman.MFD_ALLOW_SEALING);
    }
    if (memfd < 0) {
      return c.fail(-Errno.ENOSPC);
    }
    MemorySegment s = c.scratch().small;
    int readOnly = c.task.kernel.hostProc.reopen(memfd, Fcntl.O_RDONLY);
    if (readOnly < 0
        || Unistd.ftruncate(memfd, size + PAGE_MASK & ~PAGE_MASK) < 0
        || Fcntl.fcntl(
                memfd,
                Fcntl.F_ADD_SEALS,
                Fcntl.F_SEAL_SEAL | Fcntl.F_SEAL_SHRINK | Fcntl.F_SEAL_GROW)
            < 0
        || Stat.fstat(memfd, s) < 0) {
      Unistd.close(memfd);
      Unistd.close(readOnly);
      return c.fail(-Errno.ENOSPC);
    }
    long dev = Memory.getLong(s, Stat.StatBuf.ST_DEV);
    String identity =
        hex2(Stat.major(dev))
            + ":"
            + hex2(Stat.minor(dev))
            + " "
            + Memory.getLong(s, Stat.StatBuf.ST_INO)
            + " ";
    return new SharedSegment(
        key, c.task.credentials, flags, size, c.task.process.pid, memfd, readOnly, identity);
  }

  private static String hex2(int n) {
    return (n < 16 ? "0" : "") + Integer.toHexString(n);
  }

  private static long shmat(Syscall c) {
    int id = (int) c.arg0;
    long address = c.arg1;
    long flags = c.arg2;
    boolean readOnly = (flags & SHM_RDONLY) != 0;
    boolean remaps = (flags & SHM_REMAP) != 0;
    if (id < 0) {
      return -Errno.EINVAL;
    }
    if ((address & PAGE_MASK) != 0) {
      if ((flags & SHM_RND) == 0) {
        return -Errno.EINVAL;
      }
      address &= ~PAGE_MASK;
      if (address == 0 && remaps) {
        return -Errno.EINVAL;
      }
    } else if (address == 0 && remaps) {
      return -Errno.EINVAL;
    }
    SharedSegments segments = c.task.kernel.sysv().segments;
    SharedSegment s = segments.unlessGone(segments.table.byId(id));
    if (s == null) {
      return -Errno.EINVAL;
    }
    boolean executes = (flags & SHM_EXEC) != 0;
    int r =
        s.access(
            c.task.credentials,
            IpcObject.READ | (readOnly ? 0 : IpcObject.WRITE) | (executes ? 1 : 0));
    if (r < 0) {
      return r;
    }
    long length = s.size + PAGE_MASK & ~PAGE_MASK;
    int mapFlags = Mman.MAP_SHARED;
    if (address != 0) {
      if (!remaps && !SharedSegments.isFree(c.task.process, address, length)) {
        return -Errno.EINVAL;
      }
      mapFlags |= remaps ? Mman.MAP_FIXED : Mman.MAP_FIXED_NOREPLACE;
    }
    int protection =
        Mman.PROT_READ | (readOnly ? 0 : Mman.PROT_WRITE) | (executes ? Mman.PROT_EXEC : 0);
    synchronized (s) {
      s.attachSeconds = IpcObject.now();
      s.lastUser = c.task.process.pid;
    }
    return MapCalls.mapInstead(
        c, readOnly ? s.readOnlyFd : s.fd, address, length, protection, mapFlags);
  }

  private static long shmdt(Syscall c) {
    SharedSegments segments = c.task.kernel.sysv().segments;
    SharedSegments.Attachment a =
        (c.arg0 & PAGE_MASK) != 0 ? null : segments.attached(c.task.process, c.arg0);
    if (a == null) {
      return -Errno.EINVAL;
    }
    synchronized (a.segment()) {
      a.segment().detachSeconds = IpcObject.now();
      a.segment().lastUser = c.task.process.pid;
    }
    long r = MapCalls.unmapInstead(c, c.arg0, a.length());
    segments.collectSoon();
    return r;
  }
}
