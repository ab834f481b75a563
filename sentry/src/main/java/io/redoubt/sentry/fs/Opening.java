package io.redoubt.sentry.fs;

import io.redoubt.host.Errno;
import io.redoubt.sentry.kernel.Syscall;

/**
 * From a path to an open file: do_filp_open() of fs/namei.c and fs/open.c, in their order of
 * checks.
 */
public final class Opening {
  public static final int O_CREAT = 0100;
  public static final int O_EXCL = 0200;
  public static final int O_NOCTTY = 0400;
  public static final int O_TRUNC = 01000;
  public static final int O_LARGEFILE = 0100000;
  public static final int O_DIRECTORY = 0200000;
  public static final int O_NOFOLLOW = 0400000;
  public static final int O_CLOEXEC = 02000000;
  public static final int O_SYNC = 04010000;

  /** The bit of O_TMPFILE that is not O_DIRECTORY. */
  public static final int O_TMPFILE_BIT = 020000000;

  private Opening() {}

  /**
   * Opens what {@code path} names from {@code dirFd}.
   *
   * @param flags O_* flags, checked for what makes no sense together
   * @param mode permission bits of a new file
   * @param resolve {@link Walk} flags of openat2(2)
   * @return the open file; null with an errno, or with {@link Syscall#BLOCKED} when a FIFO waits
   *     for its other end
   */
  public static OpenFile open(
      Syscall c, long dirFd, String path, int flags, int mode, int resolve) {
    Walk w = c.scratch().walk;
    try {
      int walk = resolve | ((flags & O_DIRECTORY) != 0 ? Walk.DIRECTORY : 0);
      if ((flags & O_TMPFILE_BIT) != 0) {
        int r = w.from(c, dirFd, path, walk | Walk.FOLLOW);
        return r < 0 ? c.fail(r) : unnamed(c, w, flags, mode);
      }
      boolean create = (flags & O_CREAT) != 0;
      boolean exclusive = create && (flags & O_EXCL) != 0;
      if ((flags & O_NOFOLLOW) == 0 && !exclusive) {
        walk |= Walk.FOLLOW;
      }
      if (!create) {
        boolean reads =
            (flags & (OpenFile.O_ACCMODE | OpenFile.O_PATH | O_DIRECTORY | O_TRUNC))
                == OpenFile.O_RDONLY;
        int r = w.from(c, dirFd, path, reads ? walk | Walk.OPENS : walk);
        if (r < 0) {
          return c.fail(r);
        }
        OpenFile f = found(c, w.path(), flags);
        if (f == null && reads) {
          w.inode().notOpened();
        }
        return f;
      }
      int r =
          w.from(
              c,
              dirFd,
              path,
              walk
                  | Walk.MISSING_OK
                  | Walk.CREATES
                  | (exclusive && resolve == 0 ? Walk.PARENT : 0));
      if (r < 0) {
        return c.fail(r);
      }
      if (w.lastKind() != Walk.NORMAL) { // "." and the like are there
        return c.fail(exclusive ? -Errno.EEXIST : -Errno.EISDIR);
      }
      if (w.hasTrailingSlash()) {
        return c.fail(-Errno.EISDIR);
      }
      if (w.dentry() != null) {
        return exclusive ? c.fail(-Errno.EEXIST) : found(c, w.path(), flags);
      }
      return create(c, w, flags, mode, exclusive);
    } finally {
      w.end();
    }
  }

  private static OpenFile create(Syscall c, Walk w, int flags, int mode, boolean exclusive) {
    Dentry d = Names.openOrCreate(c, w, mode, exclusive);
    if (d == null) {
      return null;
    }
    try {
      Path p = new Path(w.parentMount(), d);
      // The creator gets what it asked for, whatever the mode says.
      return c.error() == 0 ? opened(open(c, d.inode(), p, flags)) : found(c, p, flags);
    } finally {
      d.unpin();
    }
  }

  private static OpenFile unnamed(Syscall c, Walk w, int flags, int mode) {
    Inode dir = w.inode();
    int r = Access.check(c, w.mount(), dir, Access.WRITE | Access.EXECUTE);
    if (r < 0) {
      return c.fail(r);
    }
    Inode made = dir.createUnnamed(c, mode & 07777 & ~c.task.fs.umask(), (flags & O_EXCL) == 0);
    if (made == null) {
      return null;
    }
    Dentry d = new Dentry(w.dentry(), "#" + Long.toString(System.nanoTime()), made);
    d.pin();
    try {
      return open(c, made, new Path(w.mount(), d), flags);
    } finally {
      d.unpin();
    }
  }

  /** Opens an existing file after the checks of may_open(). */
  private static OpenFile found(Syscall c, Path p, int flags) {
    Inode inode = p.inode();
    int type = inode.type();
    if ((flags & O_CREAT) != 0 && type == Stat.S_IFDIR) {
      return c.fail(-Errno.EISDIR);
    }
    if ((flags & OpenFile.O_PATH) != 0) {
      return new PathFile(p, kept(flags));
    }
    if (type == Stat.S_IFLNK) {
      return c.fail(-Errno.ELOOP);
    }
    boolean truncate = (flags & O_TRUNC) != 0 && type == Stat.S_IFREG;
    int want = wanted(flags) | ((flags & O_TRUNC) != 0 ? Access.WRITE : 0);
    if (type == Stat.S_IFDIR && (want & Access.WRITE) != 0) {
      return c.fail(-Errno.EISDIR);
    }
    if ((type == Stat.S_IFCHR || type == Stat.S_IFBLK) && p.mount().isNodev()) {
      return c.fail(-Errno.EACCES);
    }
    int r = Access.check(c, p.mount(), inode, want);
    if (r < 0) {
      return c.fail(r);
    }
    if ((flags & OpenFile.O_NOATIME) != 0) {
      Stat st = new Stat();
      r = inode.getattr(c, st);
      if (r < 0 || !Access.ownerOrCapable(c, st)) {
        return c.fail(r < 0 ? r : -Errno.EPERM);
      }
    }
    if (truncate) {
      r = truncate(c, inode, 0);
      if (r < 0) {
        return c.fail(r);
      }
      FsNotify.changed(p, FsNotify.MODIFY);
    }
    return opened(open(c, inode, p, flags));
  }

  /** Opens, and counts who writes a regular file: do_dentry_open(). */
  private static OpenFile open(Syscall c, Inode inode, Path p, int flags) {
    int mode = flags & OpenFile.O_ACCMODE;
    boolean writes =
        (mode == OpenFile.O_WRONLY || mode == OpenFile.O_RDWR) && inode.type() == Stat.S_IFREG;
    if (!writes) {
      return inode.open(c, p, kept(flags));
    }
    if (!inode.getWriteAccess()) {
      return c.fail(-Errno.ETXTBSY);
    }
    OpenFile f = inode.open(c, p, kept(flags));
    if (f == null) {
      inode.putWriteAccess();
    } else {
      f.keepsWriteAccess();
    }
    return f;
  }

  private static OpenFile opened(OpenFile file) {
    if (file != null) {
      FsNotify.used(file, FsNotify.OPEN);
    }
    return file;
  }

  /** Sets a size as truncate(2) and O_TRUNC do; permission has been checked. */
  public static int truncate(Syscall c, Inode inode, long size) {
    if (!inode.getWriteAccess()) {
      return -Errno.ETXTBSY;
    }
    SetAttr change = new SetAttr();
    change.mask = SetAttr.SIZE;
    change.size = size;
    int r = inode.setattr(c, change);
    inode.putWriteAccess();
    return r;
  }

  private static int wanted(int flags) {
    return switch (flags & OpenFile.O_ACCMODE) {
      case OpenFile.O_RDONLY -> Access.READ;
      case OpenFile.O_WRONLY -> Access.WRITE;
      default -> Access.READ | Access.WRITE;
    };
  }

  /** What the open file description remembers of the flags. */
  private static int kept(int flags) {
    return flags & ~(O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC);
  }
}
