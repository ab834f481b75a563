package io.redoubt.sentry.syscalls;

import static io.redoubt.host.Errno.EFAULT;
import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.ENOPKG;
import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;

import io.redoubt.host.Memory;
import io.redoubt.sentry.fs.FdTable;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.ipc.PipeFile;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import java.lang.foreign.MemorySegment;

/** pipe(2). */
final class PipeCalls {
  private static final int O_EXCL = 0200; // O_NOTIFICATION_PIPE here
  private static final int O_CLOEXEC = 02000000;

  private PipeCalls() {}

  static void register(SyscallTable t) {
    t.on(22, "pipe", 1, c -> pipe(c, 0), FULL);
    t.on(293, "pipe2", 2, c -> pipe(c, (int) c.arg1), FULL);
  }

  private static long pipe(Syscall c, int flags) {
    if ((flags & ~(O_CLOEXEC | OpenFile.O_NONBLOCK | OpenFile.O_DIRECT | O_EXCL)) != 0) {
      return -EINVAL;
    }
    if ((flags & O_EXCL) != 0) {
      return -ENOPKG;
    }
    return installPair(c, PipeFile.pair(flags & ~O_CLOEXEC), (flags & O_CLOEXEC) != 0, c.arg0);
  }

  /**
   * Gives two new files numbers and tells the guest; on failure neither stays. @return 0, -EMFILE
   * or -EFAULT
   */
  static long installPair(Syscall c, OpenFile[] pair, boolean cloexec, long address) {
    FdTable files = c.task.files;
    int first = FdCalls.installNew(c, pair[0], cloexec);
    if (first < 0) {
      pair[1].close();
      return first;
    }
    int second = FdCalls.installNew(c, pair[1], cloexec);
    if (second >= 0) {
      MemorySegment s = c.scratch().small;
      Memory.setInt(s, 0, first);
      Memory.setInt(s, 4, second);
      if (c.memory().write(address, s, 8) == 0) {
        return 0;
      }
      discard(files, second);
    }
    discard(files, first);
    return second < 0 ? second : -EFAULT;
  }

  private static void discard(FdTable files, int fd) {
    OpenFile f = files.remove(fd);
    if (f != null) {
      files.drop(f);
    }
  }
}
