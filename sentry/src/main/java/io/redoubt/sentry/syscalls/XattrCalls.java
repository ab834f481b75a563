package io.redoubt.sentry.syscalls;

import static io.redoubt.host.Errno.E2BIG;
import static io.redoubt.host.Errno.EBADF;
import static io.redoubt.host.Errno.EFAULT;
import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.ERANGE;
import static io.redoubt.host.Errno.EROFS;
import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;

import io.redoubt.sentry.fs.Access;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.Mount;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Walk;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;

/** Extended attributes: fs/xattr.c. */
final class XattrCalls {
  private static final int NAME_MAX = 255;
  private static final int SIZE_MAX = 65_536;
  private static final int CREATE = 1;
  private static final int REPLACE = 2;

  /** What to do with the inode that was found. */
  private interface Action {
    long on(Syscall c, Mount mount, Inode inode);
  }

  private XattrCalls() {}

  static void register(SyscallTable t) {
    t.on(188, "setxattr", 5, c -> byPath(c, true, XattrCalls::set), FULL);
    t.on(189, "lsetxattr", 5, c -> byPath(c, false, XattrCalls::set), FULL);
    t.on(190, "fsetxattr", 5, c -> byFd(c, XattrCalls::set), FULL);
    t.on(191, "getxattr", 4, c -> byPath(c, true, XattrCalls::get), FULL);
    t.on(192, "lgetxattr", 4, c -> byPath(c, false, XattrCalls::get), FULL);
    t.on(193, "fgetxattr", 4, c -> byFd(c, XattrCalls::get), FULL);
    t.on(194, "listxattr", 3, c -> byPath(c, true, XattrCalls::list), FULL);
    t.on(195, "llistxattr", 3, c -> byPath(c, false, XattrCalls::list), FULL);
    t.on(196, "flistxattr", 3, c -> byFd(c, XattrCalls::list), FULL);
    t.on(197, "removexattr", 2, c -> byPath(c, true, XattrCalls::remove), FULL);
    t.on(198, "lremovexattr", 2, c -> byPath(c, false, XattrCalls::remove), FULL);
    t.on(199, "fremovexattr", 2, c -> byFd(c, XattrCalls::remove), FULL);
  }

  private static long byPath(Syscall c, boolean follow, Action action) {
    Walk w = c.scratch().walk;
    try {
      int r = FsArgs.walk(c, w, Walk.AT_FDCWD, c.arg0, follow ? 0 : FsArgs.AT_SYMLINK_NOFOLLOW, 0);
      return r < 0 ? r : action.on(c, w.mount(), w.inode());
    } finally {
      w.end();
    }
  }

  private static long byFd(Syscall c, Action action) {
    OpenFile f = c.hold(c.arg0);
    return f == null ? -EBADF : action.on(c, f.path().mount(), f.inode());
  }

  /** The name argument: 1 to 255 bytes; null with -ERANGE or -EFAULT. */
  private static String name(Syscall c) {
    String name = c.memory().readString(c, c.arg1, NAME_MAX + 1, -ERANGE);
    return name != null && name.isEmpty() ? c.fail(-ERANGE) : name;
  }

  private static int mayAccess(Syscall c, Mount mount, Inode inode, String name, int want) {
    if (want == Access.WRITE && mount.isReadOnly()) {
      return -EROFS;
    }
    return name.startsWith("user.") ? inode.access(c, want) : 0;
  }

  private static long set(Syscall c, Mount mount, Inode inode) {
    long size = c.arg3;
    int flags = (int) c.arg4;
    if ((flags & ~(CREATE | REPLACE)) != 0) {
      return -EINVAL;
    }
    String name = name(c);
    if (name == null) {
      return c.error();
    }
    if (Long.compareUnsigned(size, SIZE_MAX) > 0) {
      return -E2BIG;
    }
    byte[] value = new byte[(int) size];
    if (c.memory().readBytes(c.arg2, value, 0, value.length) < 0) {
      return -EFAULT;
    }
    int r = mayAccess(c, mount, inode, name, Access.WRITE);
    return r < 0 ? r : inode.setxattr(c, name, value, flags);
  }

  private static long get(Syscall c, Mount mount, Inode inode) {
    String name = name(c);
    if (name == null) {
      return c.error();
    }
    int r = mayAccess(c, mount, inode, name, Access.READ);
    if (r < 0) {
      return r;
    }
    byte[] value = inode.getxattr(c, name);
    return value == null ? c.error() : give(c, value, c.arg2, c.arg3);
  }

  private static long list(Syscall c, Mount mount, Inode inode) {
    byte[] names = inode.listxattr(c);
    return names == null ? c.error() : give(c, names, c.arg1, c.arg2);
  }

  /** Size 0 asks how much there is. */
  private static long give(Syscall c, byte[] bytes, long to, long size) {
    if (size == 0) {
      return bytes.length;
    }
    if (Long.compareUnsigned(bytes.length, size) > 0) {
      return -ERANGE;
    }
    return c.memory().writeBytes(to, bytes, 0, bytes.length) < 0 ? -EFAULT : bytes.length;
  }

  private static long remove(Syscall c, Mount mount, Inode inode) {
    String name = name(c);
    if (name == null) {
      return c.error();
    }
    int r = mayAccess(c, mount, inode, name, Access.WRITE);
    return r < 0 ? r : inode.removexattr(c, name);
  }
}
