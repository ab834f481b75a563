package io.redoubt.sentry.fs;

import io.redoubt.host.Errno;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.Syscall;

/**
 * Changes of names, each under {@link Vfs#tree}: make, link, remove. What the walk found is looked
 * up again under the lock, because it may have changed since. The order of errors is that of
 * fs/namei.c.
 */
public final class Names {
  private Names() {}

  /** mkdir(2). @param mode permission bits, before the umask. @return 0 or a negative errno */
  public static int mkdir(Syscall c, Walk w, int mode) {
    return make(c, w, Stat.S_IFDIR | (mode & 01777), 0, null, null, null);
  }

  /** mknod(2), of regular files too. */
  public static int mknod(Syscall c, Walk w, int mode, long rdev) {
    return make(c, w, mode, rdev, null, null, null);
  }

  /** symlink(2). */
  public static int symlink(Syscall c, Walk w, String target) {
    return make(c, w, Stat.S_IFLNK | 0777, 0, target, null, null);
  }

  /** link(2): another name for what {@code old} found. */
  public static int link(Syscall c, Walk old, Walk w) {
    return make(c, w, old.inode().type(), 0, null, old, null);
  }

  /**
   * mknod for the caller who wants the new object: a socket that is bound to a name.
   *
   * @param result one element; gets the path, pinned
   */
  public static int mknod(Syscall c, Walk w, int mode, Path[] result) {
    return make(c, w, mode, 0, null, null, result);
  }

  private static int make(
      Syscall c, Walk w, int mode, long rdev, String target, Walk old, Path[] result) {
    boolean directory = (mode & Stat.S_IFMT) == Stat.S_IFDIR && old == null;
    if (w.lastKind() != Walk.NORMAL) {
      return -Errno.EEXIST;
    }
    Vfs vfs = c.task.kernel.vfs;
    Dentry dir = w.parent();
    Mount mount = w.parentMount();
    synchronized (vfs.tree) {
      if (dir.inode().isRemoved()) {
        return -Errno.ENOENT; // before all else: lookup_one_qstr_excl()
      }
      if (!isDecidedByMaking(c, w, mode, rdev, old)) {
        Dentry there = vfs.child(c, dir, w.last());
        if (there != null) {
          there.unpin();
          return -Errno.EEXIST;
        }
        if (c.error() != -Errno.ENOENT) {
          return (int) c.error();
        }
      }
      if ((w.hasTrailingSlash() && !directory) || isProc(mount)) {
        return -Errno.ENOENT;
      }
      if (old != null && old.mount() != mount) { // do_linkat(): after all of filename_create()
        return mount.isReadOnly() ? -Errno.EROFS : -Errno.EXDEV;
      }
      int r = Access.mayCreate(c, mount, dir.inode());
      if (r == 0 && old == null && target == null && !directory) {
        r = mayMknod(c, mode, rdev); // after the directory's permissions, as in vfs_mknod()
      }
      if (r < 0) {
        return r;
      }
      synchronized (dir) {
        Inode in = dir.inode();
        Inode made;
        long event = in.event(w.last());
        if (old != null) {
          made = old.inode();
          if (made.type() == Stat.S_IFDIR) {
            return -Errno.EPERM;
          }
          r = in.link(c, w.last(), made);
          if (r < 0) {
            return r;
          }
        } else {
          int masked = mode & ~c.task.fs.umask();
          made =
              switch (mode & Stat.S_IFMT) {
                case Stat.S_IFDIR -> in.mkdir(c, w.last(), masked & 07777);
                case Stat.S_IFLNK -> in.symlink(c, w.last(), target);
                case 0 -> in.mknod(c, w.last(), masked | Stat.S_IFREG, 0);
                default -> in.mknod(c, w.last(), masked, rdev);
              };
          if (made == null) {
            return (int) c.error();
          }
        }
        Dentry d = vfs.appeared(dir, w.last(), made, event);
        if (old != null) {
          FsNotify.linked(in, w.last(), made);
        } else {
          FsNotify.created(in, w.last(), made);
        }
        if (result != null) {
          result[0] = new Path(mount, d);
        } else {
          d.unpin();
        }
      }
    }
    return 0;
  }

  /**
   * Whether the file system may be asked to make the name without a look whether it is there, where
   * that look would be a message to another process: it says EEXIST itself, and no other error
   * could come before that.
   */
  private static boolean isDecidedByMaking(Syscall c, Walk w, int mode, long rdev, Walk old) {
    Inode dir = w.parent().inode();
    int type = mode & Stat.S_IFMT;
    return old == null
        && dir.isRevalidated()
        && !w.hasTrailingSlash()
        && (type == Stat.S_IFDIR || type == Stat.S_IFLNK || mayMknod(c, mode, rdev) == 0)
        && Access.mayCreate(c, w.parentMount(), dir) == 0;
  }

  /**
   * The file of open(O_CREAT): the existing one, or a new one.
   *
   * @param mode permission bits, before the umask
   * @return pinned dentry; null with an errno. {@link Syscall#error()} is 0 for a new file, 1 for
   *     one that was there
   */
  static Dentry openOrCreate(Syscall c, Walk w, int mode, boolean exclusive) {
    Vfs vfs = c.task.kernel.vfs;
    Dentry dir = w.parent();
    synchronized (vfs.tree) {
      int r = Access.mayCreate(c, w.parentMount(), dir.inode());
      // Where a look is a message: the walk has just found nothing, or has not looked, because it
      // is
      // create() that says EEXIST.
      boolean looks =
          !dir.inode().isRevalidated() || (exclusive && (r < 0 || isKnown(dir, w.last())));
      Dentry there = looks ? vfs.child(c, dir, w.last()) : null;
      if (there != null) {
        if (exclusive) {
          there.unpin();
          return c.fail(-Errno.EEXIST);
        }
        c.fail(1);
        return there;
      }
      if (looks && (c.error() != -Errno.ENOENT || isProc(w.parentMount()))) {
        return null;
      }
      if (r < 0) {
        return c.fail(r);
      }
      synchronized (dir) {
        long event = dir.inode().event(w.last());
        Inode made = dir.inode().create(c, w.last(), mode & 07777 & ~c.task.fs.umask());
        if (made == null
            && c.error() == -Errno.EEXIST
            && !exclusive
            && dir.inode().isRevalidated()) {
          Dentry other = vfs.load(c, dir, w.last()); // others were faster
          if (other != null) {
            c.fail(1);
          }
          return other;
        }
        if (made == null) {
          return null;
        }
        Dentry d = vfs.appeared(dir, w.last(), made, event);
        FsNotify.created(dir.inode(), w.last(), made);
        c.fail(0);
        return d;
      }
    }
  }

  private static boolean isKnown(Dentry dir, String name) {
    Dentry d = dir.cached(name);
    return d != null && d.inode() != null;
  }

  /**
   * In proc a name that is not there is an error of the lookup, before anything is said of making
   * one.
   */
  private static boolean isProc(Mount mount) {
    return mount.type.equals("proc");
  }

  /** unlink(2). */
  public static int unlink(Syscall c, Walk w) {
    if (w.lastKind() != Walk.NORMAL) {
      return -Errno.EISDIR;
    }
    return remove(c, w, false);
  }

  /** rmdir(2). */
  public static int rmdir(Syscall c, Walk w) {
    return switch (w.lastKind()) {
      case Walk.DOT -> -Errno.EINVAL;
      case Walk.DOT_DOT -> -Errno.ENOTEMPTY;
      case Walk.ROOT -> -Errno.EBUSY;
      default -> remove(c, w, true);
    };
  }

  private static int remove(Syscall c, Walk w, boolean directory) {
    if (w.parentMount().isReadOnly()) {
      return -Errno.EROFS; // before anything is looked up: mnt_want_write() in do_unlinkat()
    }
    if (w.last().length() > Walk.MAX_NAME) {
      return Walk.nameTooLong(w.parent().inode());
    }
    Vfs vfs = c.task.kernel.vfs;
    Dentry dir = w.parent();
    synchronized (vfs.tree) {
      int unseen = directory || w.hasTrailingSlash() ? -Errno.ENOSYS : unlinkUnseen(c, w);
      if (unseen != -Errno.ENOSYS) {
        return unseen;
      }
      Dentry victim = vfs.child(c, dir, w.last());
      if (victim == null) {
        return (int) c.error();
      }
      try {
        if (w.hasTrailingSlash() && !directory) {
          return victim.inode().type() == Stat.S_IFDIR ? -Errno.EISDIR : -Errno.ENOTDIR;
        }
        int r = Access.mayDelete(c, w.parentMount(), dir.inode(), victim.inode(), directory);
        if (r < 0) {
          return r;
        }
        if (victim.mounts > 0) {
          return -Errno.EBUSY;
        }
        synchronized (dir) {
          Inode in = dir.inode();
          long event = in.event(w.last());
          r =
              directory
                  ? in.rmdir(c, w.last(), victim.inode())
                  : in.unlink(c, w.last(), victim.inode());
          if (r < 0) {
            return r;
          }
          vfs.unhash(victim);
          vfs.disappeared(dir, w.last(), event);
          if (FsNotify.isActive()) {
            FsNotify.deleted(in, w.last(), victim.inode(), isNameless(c, victim.inode()));
          }
        }
        return 0;
      } finally {
        victim.unpin();
      }
    }
  }

  /**
   * unlink(2) without a lookup, where one would be a message to another process and nothing depends
   * on it: whether the name may go is decided by the directory alone, and the file system answers
   * for the rest.
   *
   * @return -ENOSYS: the long way
   */
  private static int unlinkUnseen(Syscall c, Walk w) {
    Dentry dir = w.parent();
    Inode in = dir.inode();
    if (!in.isRevalidated()
        || FsNotify.isActive()
        || !Access.mayDeleteAny(c, w.parentMount(), in)) {
      return -Errno.ENOSYS;
    }
    synchronized (dir) {
      Dentry known = dir.cached(w.last());
      if (known != null && !known.pin()) {
        known = null; // dying
      }
      if (known != null && known.mounts > 0) {
        known.unpin();
        return -Errno.ENOSYS;
      }
      // Forgotten first, an inode that nobody else uses is gone before its name is, and takes no
      // message of its own. If the name cannot be removed it is looked up again.
      Inode child = known == null ? null : known.inode();
      if (child != null) {
        child.losesName();
      }
      Vfs vfs = c.task.kernel.vfs;
      if (known != null) {
        vfs.unhash(known);
        known.unpin();
      }
      long event = in.event(w.last());
      int r = in.unlinkUnseen(c, w.last(), child);
      if (r == 0) {
        vfs.disappeared(dir, w.last(), event);
      } else if (known != null && known.pin()) { // others use it, and it still has its name
        vfs.rehash(dir, known);
        known.unpin();
      }
      return r;
    }
  }

  /** Whether an object that has lost a name has no other. */
  static boolean isNameless(Syscall c, Inode inode) {
    Stat st = new Stat();
    return inode.type() == Stat.S_IFDIR || inode.getattr(c, st) != 0 || st.nlink == 0;
  }

  /** Whether the caller may make {@code mode}: device nodes but for whiteouts need CAP_MKNOD. */
  public static int mayMknod(Syscall c, int mode, long rdev) {
    int type = mode & Stat.S_IFMT;
    if ((type == Stat.S_IFCHR && rdev != 0) || type == Stat.S_IFBLK) {
      return c.task.credentials.has(Credentials.CAP_MKNOD) ? 0 : -Errno.EPERM;
    }
    return switch (type) {
      case 0, Stat.S_IFREG, Stat.S_IFCHR, Stat.S_IFIFO, Stat.S_IFSOCK -> 0;
      case Stat.S_IFDIR -> -Errno.EPERM;
      default -> -Errno.EINVAL;
    };
  }
}
