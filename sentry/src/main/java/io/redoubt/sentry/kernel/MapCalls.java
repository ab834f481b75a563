package io.redoubt.sentry.kernel;

import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;
import static io.redoubt.sentry.kernel.SyscallTable.Support.PARTIAL;

import io.redoubt.host.Errno;
import io.redoubt.host.Nr;
import io.redoubt.host.Seccomp;
import io.redoubt.sentry.fs.OpenFile;

/** Mappings of files. Anonymous memory never comes here: it is native. */
public final class MapCalls {
  private static final int MUNMAP = 11;
  private static final int PROT_WRITE = 2;
  private static final int PROT_EXEC = 4;
  private static final int MAP_TYPE = 0xf;
  private static final int MAP_SHARED = 1;
  private static final int MAP_SHARED_VALIDATE = 3;
  private static final int MAP_ANONYMOUS = 0x20;
  private static final int MAP_HUGETLB = 0x40000;
  private static final int O_CLOEXEC = 02000000;

  private MapCalls() {}

  public static void register(SyscallTable t) {
    t.on(9, "mmap", 6, MapCalls::mmap, FULL, "anonymous: native; no huge page files");
    t.on(26, "msync", 3, c -> Syscall.CONTINUE, FULL);
    t.on(149, "mlock", 2, c -> Syscall.CONTINUE, FULL);
    t.on(150, "munlock", 2, c -> Syscall.CONTINUE, FULL);
    t.on(151, "mlockall", 1, c -> Syscall.CONTINUE, FULL);
    t.on(152, "munlockall", 0, c -> Syscall.CONTINUE, FULL);
    t.on(325, "mlock2", 3, c -> Syscall.CONTINUE, FULL);
    t.on(216, "remap_file_pages", 5, c -> -Errno.ENOSYS, PARTIAL);
  }

  /**
   * The host kernel makes the mapping; the sentry lends it the file for that: a host fd is planted
   * in the guest at the guest's own number, where the call, whose arguments are all in registers,
   * finds it. It is close-on-exec, goes with the guest's close, and is of no other use: no call
   * that a guest can make natively takes an fd.
   */
  private static long mmap(Syscall c) {
    if (c.task.lentMapping != null && c.task.lentMapping.isMadeBy(c)) {
      c.task.lentMapping = null;
      return Syscall.CONTINUE;
    }
    long flags = c.arg3;
    if ((flags & MAP_ANONYMOUS) != 0) {
      // Not native because of a flag that is rare (MAP_LOCKED, MAP_GROWSDOWN), or protection bits
      // that mean nothing.
      return (flags & MAP_HUGETLB) != 0 ? -Errno.ENOMEM : Syscall.CONTINUE;
    }
    int fd = (int) c.arg4;
    OpenFile f = c.file(fd);
    if (f == null || (f.flags() & OpenFile.O_PATH) != 0) {
      return -Errno.EBADF;
    }
    long length = c.arg1;
    if (length == 0 || (c.arg5 & 4095) != 0) {
      return -Errno.EINVAL;
    }
    long type = flags & MAP_TYPE;
    boolean shared = type == MAP_SHARED || type == MAP_SHARED_VALIDATE;
    if (!f.isReadable()) {
      return -Errno.EACCES;
    }
    if (shared && (c.arg2 & PROT_WRITE) != 0 && !f.isWritable()) {
      return -Errno.EACCES;
    }
    if ((c.arg2 & PROT_EXEC) != 0 && f.path().mount().isNoexec()) {
      return -Errno.EPERM;
    }
    if (!f.acquire()) {
      return -Errno.EBADF;
    }
    try {
      int hostFd = f.mapFd(c, shared && f.isWritable());
      if (hostFd < 0) {
        return hostFd;
      }
      c.task.kernel.noteMapping(hostFd, f);
      // Where it fails the guest may be gone, and nobody hears it.
      return plant(c, hostFd, fd, null) < 0 ? -Errno.ENOMEM : Syscall.CONTINUE;
    } finally {
      f.close();
    }
  }

  /**
   * Plants {@code hostFd} at the guest's own number, for the call that is let through next.
   *
   * @param owner who will lend the same description again for later calls, and then finds it there:
   *     planting takes two changes of process; null: nobody
   * @return 0 or a negative errno
   */
  public static int plant(Syscall c, int hostFd, int fd, Object owner) {
    Object lasting = owner != null && isAlone(c) ? owner : null;
    if (lasting != null && c.task.process.isBorrowed(fd, lasting)) {
      return 0;
    }
    int r =
        Seccomp.addFd(c.listener, c.id, Seccomp.SECCOMP_ADDFD_FLAG_SETFD, hostFd, fd, O_CLOEXEC);
    if (r < 0) {
      return r;
    }
    c.task.process.noteScratchFd(fd, lasting);
    return 0;
  }

  /**
   * Whether nobody else can change what is planted at the caller's numbers: no other thread, whose
   * table may be another one, and no process with the same table.
   */
  public static boolean isAlone(Syscall c) {
    return !c.task.files.isShared() && c.task.kernel.tasks.isSingleThreaded(c.task.process);
  }

  /**
   * The mmap that a thread makes in place of another call, with a host fd that it is lent for that.
   */
  record LentMapping(long length, long protection, long flags, int fd) {
    /** Whether {@code c} is that mmap, and not one of a signal handler that came between. */
    boolean isMadeBy(Syscall c) {
      return c.arg1 == length
          && c.arg2 == protection
          && c.arg3 == flags
          && (int) c.arg4 == fd
          && c.arg5 == 0;
    }
  }

  /**
   * Makes the calling thread map {@code hostFd} in place of the call that it is in (shmat): the
   * address, or the error, is what its own call answers. The fd stays planted in the guest, at a
   * number that the thread's next such call uses again.
   *
   * @return {@link Syscall#NO_REPLY} or a negative errno
   */
  public static long mapInstead(
      Syscall c, int hostFd, long address, long length, long protection, long flags) {
    long fd = lend(c, hostFd, length, protection, flags);
    if (fd < 0) {
      return fd;
    }
    long r = Rewrite.call(c, Nr.MMAP, address, length, protection, flags, fd, 0);
    if (r != Syscall.NO_REPLY) {
      c.task.lentMapping = null;
      return -Errno.ENOMEM;
    }
    return r;
  }

  /**
   * Plants {@code hostFd} in the guest, for the one mmap of exactly this kind that the thread makes
   * next.
   *
   * @return the fd's number there; {@link Syscall#NO_REPLY} when the guest is gone; -ENOMEM
   */
  public static long lend(Syscall c, int hostFd, long length, long protection, long flags) {
    Task t = c.task;
    boolean again = t.lentFd >= 0;
    int fd =
        Seccomp.addFd(
            c.listener,
            c.id,
            again ? Seccomp.SECCOMP_ADDFD_FLAG_SETFD : 0,
            hostFd,
            again ? t.lentFd : 0,
            O_CLOEXEC);
    if (fd < 0) {
      return fd == -Errno.ENOENT ? Syscall.NO_REPLY : -Errno.ENOMEM;
    }
    t.lentFd = fd;
    t.process.noteScratchFd(fd);
    t.lentMapping = new LentMapping(length, protection, flags, fd);
    return fd;
  }

  /** Makes the calling thread unmap a range in place of the call that it is in (shmdt). */
  public static long unmapInstead(Syscall c, long address, long length) {
    return Rewrite.call(c, MUNMAP, address, length, 0, 0, 0, 0) == Syscall.NO_REPLY
        ? Syscall.NO_REPLY
        : -Errno.ENOMEM;
  }
}
