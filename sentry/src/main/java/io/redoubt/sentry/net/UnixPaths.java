package io.redoubt.sentry.net;

import static io.redoubt.host.Errno.EADDRINUSE;
import static io.redoubt.host.Errno.ECONNREFUSED;
import static io.redoubt.host.Errno.EEXIST;
import static io.redoubt.host.Errno.EPROTOTYPE;

import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.Names;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.Walk;
import io.redoubt.sentry.kernel.Syscall;

/**
 * Sockets with a name in the file system: an inode of type S_IFSOCK keeps the one that is bound to
 * it. Lock: the inode's slot.
 */
final class UnixPaths {
  private static final int MAY_WRITE = 2;

  private UnixPaths() {}

  /** Makes the node of a path. @return it, pinned; null with -EADDRINUSE or what mknod says */
  static Path bind(Syscall c, UnixSocket socket, String path) {
    Path[] result = new Path[1];
    Walk w = c.scratch().walk;
    try {
      int r = w.from(c, Walk.AT_FDCWD, path, Walk.PARENT);
      if (r >= 0) {
        r = Names.mknod(c, w, Stat.S_IFSOCK | 0777, result); // the umask is taken off there
      }
      if (r < 0) {
        return c.fail(r == -EEXIST ? -EADDRINUSE : r);
      }
    } finally {
      w.end();
    }
    Object[] slot = result[0].inode().attachment();
    if (slot != null) {
      synchronized (slot) {
        slot[0] = socket;
      }
    }
    return result[0];
  }

  /** Lets go of a path's node, whose name may stay. */
  static void unbind(UnixSocket socket, Path path) {
    Object[] slot = path.inode().attachment();
    if (slot != null) {
      synchronized (slot) {
        if (slot[0] == socket) {
          slot[0] = null;
        }
      }
    }
    path.release();
  }

  /**
   * The socket of {@code type} at a path. @return null with -ECONNREFUSED, -EPROTOTYPE, -EACCES, or
   * what the walk says
   */
  static UnixSocket find(Syscall c, String path, int type) {
    Walk w = c.scratch().walk;
    try {
      int r = w.from(c, Walk.AT_FDCWD, path, Walk.FOLLOW);
      if (r < 0) {
        return c.fail(r);
      }
      Inode inode = w.inode();
      r = inode.access(c, MAY_WRITE);
      if (r < 0) {
        return c.fail(r);
      }
      Object[] slot = inode.type() == Stat.S_IFSOCK ? inode.attachment() : null;
      if (slot == null) {
        return c.fail(-ECONNREFUSED);
      }
      synchronized (slot) {
        UnixSocket s = (UnixSocket) slot[0];
        if (s == null) {
          return c.fail(-ECONNREFUSED);
        }
        return s.type() == type ? s : c.fail(-EPROTOTYPE);
      }
    } finally {
      w.end();
    }
  }
}
