package io.redoubt.sentry.syscalls;

import static io.redoubt.host.Errno.EBADF;
import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.EMFILE;
import static io.redoubt.sentry.kernel.SyscallTable.Support.PARTIAL;

import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.Walk;
import io.redoubt.sentry.ipc.InotifyFile;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import io.redoubt.sentry.limits.Limit;

/** inotify(7). */
final class InotifyCalls {
  private static final int IN_CLOEXEC = 02000000;
  private static final int ALL_BITS =
      InotifyFile.IN_ALL_EVENTS
          | 0xe000 // IN_UNMOUNT, IN_Q_OVERFLOW, IN_IGNORED
          | InotifyFile.IN_ONLYDIR
          | InotifyFile.IN_DONT_FOLLOW
          | InotifyFile.IN_EXCL_UNLINK
          | InotifyFile.IN_MASK_CREATE
          | InotifyFile.IN_MASK_ADD
          | 0x40000000 // IN_ISDIR
          | InotifyFile.IN_ONESHOT;
  private static final int MAY_READ = 4;
  private static final String NOTE = "changes made by this sandbox";

  private InotifyCalls() {}

  static void register(SyscallTable t) {
    t.on(253, "inotify_init", 0, c -> create(c, 0), PARTIAL, NOTE);
    t.on(254, "inotify_add_watch", 3, InotifyCalls::addWatch, PARTIAL, NOTE);
    t.on(255, "inotify_rm_watch", 2, InotifyCalls::removeWatch, PARTIAL, NOTE);
    t.on(294, "inotify_init1", 1, c -> create(c, (int) c.arg0), PARTIAL, NOTE);
  }

  private static long create(Syscall c, int flags) {
    if ((flags & ~(IN_CLOEXEC | OpenFile.O_NONBLOCK)) != 0) {
      return -EINVAL;
    }
    if (!Limit.INOTIFY_INSTANCES.charge(1)) {
      return -EMFILE;
    }
    return FdCalls.installNew(
        c, new InotifyFile(flags & OpenFile.O_NONBLOCK), (flags & IN_CLOEXEC) != 0);
  }

  private static long addWatch(Syscall c) {
    int mask = (int) c.arg2;
    if ((mask & ~ALL_BITS) != 0 || (mask & ALL_BITS) == 0) {
      return -EINVAL;
    }
    OpenFile f = c.hold(c.arg0);
    if (f == null) {
      return -EBADF;
    }
    boolean contradicts =
        (mask & InotifyFile.IN_MASK_ADD) != 0 && (mask & InotifyFile.IN_MASK_CREATE) != 0;
    if (contradicts || !(f instanceof InotifyFile inotify)) {
      return -EINVAL;
    }
    String path = c.memory().readPath(c, c.arg1);
    if (path == null) {
      return c.error();
    }
    int flags =
        ((mask & InotifyFile.IN_DONT_FOLLOW) != 0 ? 0 : Walk.FOLLOW)
            | ((mask & InotifyFile.IN_ONLYDIR) != 0 ? Walk.DIRECTORY : 0);
    Walk w = c.scratch().walk;
    try {
      long r = w.from(c, Walk.AT_FDCWD, path, flags);
      if (r >= 0) {
        r = w.inode().access(c, MAY_READ);
      }
      if (r < 0) {
        return r;
      }
      Path found = w.path();
      return found.acquire() ? inotify.add(found, mask) : -EINVAL;
    } finally {
      w.end();
    }
  }

  private static long removeWatch(Syscall c) {
    OpenFile f = c.hold(c.arg0);
    if (f == null) {
      return -EBADF;
    }
    return f instanceof InotifyFile inotify ? inotify.remove((int) c.arg1) : -EINVAL;
  }
}
