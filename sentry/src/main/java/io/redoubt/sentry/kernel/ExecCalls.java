package io.redoubt.sentry.kernel;

import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;

import io.redoubt.host.Errno;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** execve and execveat. */
public final class ExecCalls {
  private static final int AT_FDCWD = -100;
  private static final int AT_SYMLINK_NOFOLLOW = 0x100;
  private static final int AT_EMPTY_PATH = 0x1000;

  private ExecCalls() {}

  public static void register(SyscallTable t) {
    t.on(59, "execve", 3, c -> exec(c, AT_FDCWD, c.arg0, c.arg1, c.arg2, 0), FULL);
    t.on(322, "execveat", 5, c -> exec(c, (int) c.arg0, c.arg1, c.arg2, c.arg3, c.arg4), FULL);
  }

  private static long exec(
      Syscall c, int dirfd, long pathAddress, long argv, long envp, long flags) {
    if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0) {
      return -Errno.EINVAL;
    }
    String name = c.memory().readPath(c, pathAddress);
    if (name == null) {
      return c.error();
    }
    Task t = c.task;
    FirstExec first = t.process.firstExec;
    if (first != null && !t.process.hasExeced) {
      return first.run(c, name, pathAddress + name.length(), argv, envp);
    }
    Path base = t.fs.cwd();
    String execfn = name;
    Path path;
    if (name.isEmpty() || (dirfd != AT_FDCWD && name.charAt(0) != '/')) {
      if (name.isEmpty() && (flags & AT_EMPTY_PATH) == 0) {
        return -Errno.ENOENT;
      }
      OpenFile dir = dirfd == AT_FDCWD ? null : c.file(dirfd);
      if (dirfd != AT_FDCWD && dir == null) {
        return -Errno.EBADF;
      }
      base = dir == null ? base : dir.path();
      execfn = name.isEmpty() ? "/dev/fd/" + dirfd : "/dev/fd/" + dirfd + "/" + name;
    }
    if (name.isEmpty()) {
      path = base;
      if (path.inode() == null) {
        return -Errno.ENOENT;
      }
    } else {
      path = t.kernel.vfs.lookup(c, base, name, (flags & AT_SYMLINK_NOFOLLOW) == 0);
      if (path == null) {
        return c.error();
      }
      if ((flags & AT_SYMLINK_NOFOLLOW) != 0
          && path.inode().type() == io.redoubt.sentry.fs.Stat.S_IFLNK) {
        return -Errno.ELOOP;
      }
    }
    Image image = Image.open(c, path, execfn);
    if (image == null) {
      return c.error();
    }
    if (image.drop == 1 && !execfn.equals(name) && t.files.isCloseOnExec(dirfd)) {
      image.release();
      return -Errno.ENOENT; // the interpreter could not open /dev/fd/N any more
    }
    int r = checkVector(c, argv);
    r = r == 0 ? checkVector(c, envp) : r;
    if (r != 0) {
      image.release();
      return r;
    }
    return Exec.start(c, image, pathAddress + name.length(), argv, envp);
  }

  /**
   * The host kernel copies the vectors; looking at their first word here gives EFAULT before
   * anything has been changed.
   */
  private static int checkVector(Syscall c, long address) {
    if (address == 0) {
      return 0;
    }
    MemorySegment word = c.scratch().small;
    return c.memory().copyIn(address, word.asSlice(0, 8), 0, ValueLayout.JAVA_LONG.byteSize()) == 8
        ? 0
        : -Errno.EFAULT;
  }
}
