package io.redoubt.sentry.syscalls;

import static io.redoubt.host.Errno.EBADF;
import static io.redoubt.host.Errno.ENOENT;
import static io.redoubt.host.Errno.ENOTDIR;
import static io.redoubt.host.Errno.EPERM;
import static io.redoubt.host.Errno.ERANGE;
import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;

import io.redoubt.sentry.fs.Access;
import io.redoubt.sentry.fs.FsContext;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.PathText;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.Walk;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import io.redoubt.sentry.kernel.UserBuffer;
import java.nio.charset.StandardCharsets;

/** Listing directories; the working directory, the root, the umask. */
final class DirCalls {
  private DirCalls() {}

  static void register(SyscallTable t) {
    t.on(78, "getdents", 3, c -> getdents(c, true), FULL);
    t.on(79, "getcwd", 2, DirCalls::getcwd, FULL);
    t.on(80, "chdir", 1, DirCalls::chdir, FULL);
    t.on(81, "fchdir", 1, DirCalls::fchdir, FULL);
    t.on(95, "umask", 1, c -> c.task.fs.setUmask((int) c.arg0), FULL);
    t.on(161, "chroot", 1, DirCalls::chroot, FULL);
    t.on(217, "getdents64", 3, c -> getdents(c, false), FULL);
  }

  private static long getdents(Syscall c, boolean old) {
    OpenFile f = c.hold(c.arg0);
    if (f == null) {
      return c.error();
    }
    if (!f.isReadable()) {
      return -EBADF;
    }
    UserBuffer to = UserBuffer.of(c.memory(), c.arg1, c.arg2 & 0xffffffffL);
    return old ? f.getdentsOld(c, to) : f.getdents(c, to);
  }

  private static long getcwd(Syscall c) {
    FsContext fs = c.task.fs;
    String s = PathText.orNull(c.task.kernel.vfs, fs.cwd(), fs.root());
    if (s == null) {
      return -ENOENT;
    }
    byte[] b = (s + '\0').getBytes(StandardCharsets.ISO_8859_1);
    if (Long.compareUnsigned(b.length, c.arg1) > 0) {
      return -ERANGE;
    }
    int r = c.memory().writeBytes(c.arg0, b, 0, b.length);
    return r < 0 ? r : b.length;
  }

  private static long chdir(Syscall c) {
    Walk w = c.scratch().walk;
    try {
      int r = FsArgs.walk(c, w, Walk.AT_FDCWD, c.arg0, 0, Walk.DIRECTORY);
      r = r < 0 ? r : w.inode().access(c, Access.EXECUTE);
      if (r == 0) {
        c.task.fs.setCwd(w.path());
      }
      return r;
    } finally {
      w.end();
    }
  }

  private static long fchdir(Syscall c) {
    OpenFile f = FsArgs.any(c, c.arg0);
    if (f == null) {
      return c.error();
    }
    if (f.inode().type() != Stat.S_IFDIR) {
      return -ENOTDIR;
    }
    int r = f.inode().access(c, Access.EXECUTE);
    if (r == 0) {
      Path p = f.path();
      c.task.fs.setCwd(p);
    }
    return r;
  }

  private static long chroot(Syscall c) {
    Walk w = c.scratch().walk;
    try {
      int r = FsArgs.walk(c, w, Walk.AT_FDCWD, c.arg0, 0, Walk.DIRECTORY);
      r = r < 0 ? r : w.inode().access(c, Access.EXECUTE);
      if (r < 0) {
        return r;
      }
      if (!c.task.credentials.has(Credentials.CAP_SYS_CHROOT)) {
        return -EPERM;
      }
      c.task.fs.setRoot(w.path());
      return 0;
    } finally {
      w.end();
    }
  }
}
