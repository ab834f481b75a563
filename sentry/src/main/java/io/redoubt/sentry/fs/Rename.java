package io.redoubt.sentry.fs;

import io.redoubt.host.Errno;
import io.redoubt.sentry.kernel.Syscall;

/** rename(2): do_renameat2() and vfs_rename() of fs/namei.c. */
public final class Rename {
  public static final int NOREPLACE = 1;
  public static final int EXCHANGE = 2;

  private Rename() {}

  /**
   * Renames what {@code from} names to {@code to}; both walks stopped at the parent, {@link
   * Walk#LONG_NAME} or not.
   *
   * @param flags {@link #NOREPLACE} or {@link #EXCHANGE}
   */
  public static int rename(Syscall c, Walk from, Walk to, int flags) {
    Mount mount = from.parentMount();
    if (mount != to.parentMount()) {
      return -Errno.EXDEV;
    }
    if (from.lastKind() != Walk.NORMAL) {
      return -Errno.EBUSY;
    }
    if (to.lastKind() != Walk.NORMAL) {
      return (flags & NOREPLACE) != 0 ? -Errno.EEXIST : -Errno.EBUSY;
    }
    if (mount.isReadOnly()) {
      return -Errno.EROFS;
    }
    synchronized (c.task.kernel.vfs.tree) {
      boolean hasHeard = from.parent().inode().hear();
      Dentry victim = child(c, from, hasHeard);
      if (victim == null) {
        return (int) c.error();
      }
      Dentry target = child(c, to, hasHeard);
      boolean isTooLong = to.last().length() > Walk.MAX_NAME;
      if (target == null && (c.error() != -Errno.ENOENT || isTooLong)) {
        victim.unpin();
        return (int) c.error();
      }
      try {
        int r = check(c, from, to, victim, target, flags);
        return r != 0 ? Math.min(r, 0) : move(c, from, to, victim, target, flags);
      } finally {
        victim.unpin();
        if (target != null) {
          target.unpin();
        }
      }
    }
  }

  /** What the last component names. Only now a file system sees that a name is too long. */
  private static Dentry child(Syscall c, Walk w, boolean hasHeard) {
    return w.last().length() > Walk.MAX_NAME
        ? c.fail(Walk.nameTooLong(w.parent().inode()))
        : c.task.kernel.vfs.child(c, w.parent(), w.last(), hasHeard);
  }

  /**
   * @return 0 to go on, 1 when there is nothing to do, or a negative errno
   */
  private static int check(Syscall c, Walk from, Walk to, Dentry victim, Dentry target, int flags) {
    boolean exchange = (flags & EXCHANGE) != 0;
    if (target != null && (flags & NOREPLACE) != 0) {
      return -Errno.EEXIST;
    }
    if (target == null && exchange) {
      return -Errno.ENOENT;
    }
    boolean directory = victim.inode().type() == Stat.S_IFDIR;
    if (exchange && to.hasTrailingSlash() && target.inode().type() != Stat.S_IFDIR) {
      return -Errno.ENOTDIR;
    }
    if (!directory && (from.hasTrailingSlash() || (!exchange && to.hasTrailingSlash()))) {
      return -Errno.ENOTDIR;
    }
    if (victim.isAncestorOf(to.parent())) {
      return -Errno.EINVAL;
    }
    if (target != null && target.isAncestorOf(from.parent())) {
      return exchange ? -Errno.EINVAL : -Errno.ENOTEMPTY;
    }
    if (target != null && target.inode() == victim.inode()) {
      return 1; // two links to the same file: rename(2) does nothing
    }
    Mount mount = from.parentMount();
    Inode oldDir = from.parent().inode();
    Inode newDir = to.parent().inode();
    int r = Access.mayDelete(c, mount, oldDir, victim.inode(), directory);
    if (r < 0) {
      return r;
    }
    if (target == null) {
      r = Access.mayCreate(c, mount, newDir);
    } else {
      boolean expected = exchange ? target.inode().type() == Stat.S_IFDIR : directory;
      r = Access.mayDelete(c, mount, newDir, target.inode(), expected);
    }
    if (r < 0) {
      return r;
    }
    if (oldDir != newDir) { // ".." of a directory changes
      if (directory) {
        r = victim.inode().access(c, Access.WRITE);
      }
      if (r == 0 && exchange && target.inode().type() == Stat.S_IFDIR) {
        r = target.inode().access(c, Access.WRITE);
      }
      if (r < 0) {
        return r;
      }
    }
    return victim.mounts > 0 || (target != null && target.mounts > 0) ? -Errno.EBUSY : 0;
  }

  private static int move(Syscall c, Walk from, Walk to, Dentry victim, Dentry target, int flags) {
    Dentry oldDir = from.parent();
    Dentry newDir = to.parent();
    boolean newIsAbove = newDir != oldDir && newDir.isAncestorOf(oldDir);
    // Ancestor first: a look ahead takes the monitors of a path from above.
    synchronized (newIsAbove ? newDir : oldDir) {
      synchronized (newIsAbove ? oldDir : newDir) {
        Inode replaced = target == null ? null : target.inode();
        long oldEvent = oldDir.inode().event(from.last());
        long newEvent = newDir.inode().event(to.last());
        int r =
            oldDir
                .inode()
                .rename(c, from.last(), victim.inode(), newDir.inode(), to.last(), replaced, flags);
        if (r < 0) {
          return r;
        }
        Vfs vfs = c.task.kernel.vfs;
        if (place(vfs, oldDir, newDir, to.last(), victim, target, flags)) {
          boolean hasHeard = newDir.inode().hear();
          victim.stamp = hasHeard ? newDir.inode().stampAfter(to.last(), newEvent) : 0;
          vfs.disappeared(oldDir, from.last(), oldEvent, hasHeard);
        }
        if (FsNotify.isActive()) {
          tell(c, oldDir.inode(), from.last(), newDir.inode(), to.last(), victim, replaced, flags);
        }
        return 0;
      }
    }
  }

  private static void tell(
      Syscall c,
      Inode oldDir,
      String oldName,
      Inode newDir,
      String newName,
      Dentry victim,
      Inode replaced,
      int flags) {
    Inode moved = victim.inode();
    if ((flags & EXCHANGE) != 0) {
      FsNotify.moved(oldDir, oldName, newDir, newName, moved, null, false);
      FsNotify.moved(newDir, newName, oldDir, oldName, replaced, null, false);
    } else {
      boolean last = replaced != null && Names.isNameless(c, replaced);
      FsNotify.moved(oldDir, oldName, newDir, newName, moved, replaced, last);
    }
  }

  /**
   * @return whether {@code victim} has moved, and left its old name to nobody
   */
  private static boolean place(
      Vfs vfs,
      Dentry oldDir,
      Dentry newDir,
      String newName,
      Dentry victim,
      Dentry target,
      int flags) {
    if (!victim.isHashed() || (target != null && !target.isHashed())) {
      return false; // not cached: names are asked for again
    }
    if ((flags & EXCHANGE) != 0) {
      Dentry.exchange(victim, target);
      return false;
    }
    Dentry there = newDir.cached(newName); // the target, or a negative dentry
    if (there != null && there.pin()) {
      vfs.unhash(there);
      there.unpin();
    }
    victim.move(newDir, newName);
    return true;
  }
}
