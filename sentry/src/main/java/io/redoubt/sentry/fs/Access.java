package io.redoubt.sentry.fs;

import io.redoubt.host.Errno;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.Syscall;

/** Permission of the calls that name files: fs/namei.c, with the caller's file-system ids. */
public final class Access {
  public static final int READ = 4;
  public static final int WRITE = 2;
  public static final int EXECUTE = 1;

  public static final int S_ISUID = 04000;
  public static final int S_ISGID = 02000;
  public static final int S_ISVTX = 01000;

  private Access() {}

  /**
   * inode_permission(): the bits, and that nothing is written on a read-only mount. Devices and
   * FIFOs may be.
   */
  public static int check(Syscall c, Mount mount, Inode inode, int want) {
    if ((want & WRITE) != 0 && mount.isReadOnly()) {
      int type = inode.type();
      if (type == Stat.S_IFREG || type == Stat.S_IFDIR || type == Stat.S_IFLNK) {
        return -Errno.EROFS;
      }
    }
    return inode.access(c, want);
  }

  /** may_create(): whether a name may be made in {@code dir}. */
  static int mayCreate(Syscall c, Mount mount, Inode dir) {
    return mount.isReadOnly() ? -Errno.EROFS : dir.access(c, WRITE | EXECUTE);
  }

  /**
   * may_delete(): whether {@code victim} may be removed from {@code dir}, or replaced by what is a
   * directory or not.
   */
  static int mayDelete(Syscall c, Mount mount, Inode dir, Inode victim, boolean directory) {
    int r = mayCreate(c, mount, dir);
    if (r < 0) {
      return r;
    }
    Stat st = new Stat();
    r = dir.permissions(c, st);
    if (r < 0) {
      return r;
    }
    if (isSticky(c, st)) {
      r = victim.getattr(c, st);
      if (r < 0) {
        return r;
      }
      if (c.task.credentials.fsuid() != st.uid) {
        return -Errno.EPERM;
      }
    }
    if (directory != (victim.type() == Stat.S_IFDIR)) {
      return directory ? -Errno.ENOTDIR : -Errno.EISDIR;
    }
    return 0;
  }

  /** Whether the caller may remove any name from {@code dir}, whoever owns what it leads to. */
  static boolean mayDeleteAny(Syscall c, Mount mount, Inode dir) {
    Stat st = new Stat();
    return mayCreate(c, mount, dir) == 0 && dir.permissions(c, st) == 0 && !isSticky(c, st);
  }

  /** Whether the caller may only remove its own files from the directory with these attributes. */
  private static boolean isSticky(Syscall c, Stat dir) {
    return (dir.mode & S_ISVTX) != 0 && !ownerOrCapable(c, dir);
  }

  /** Whether the caller owns what {@code st} describes, or may act as if. */
  public static boolean ownerOrCapable(Syscall c, Stat st) {
    Credentials me = c.task.credentials;
    return me.fsuid() == st.uid || me.has(Credentials.CAP_FOWNER);
  }

  /**
   * The mode of a new file: a set-group-ID executable for a group that its maker is not in does not
   * come into being in a set-group-ID directory (mode_strip_sgid).
   *
   * @param mode with its type
   */
  public static int newFileMode(Credentials me, int mode, int dirMode, int dirGid) {
    boolean strip =
        (mode & 02010) == 02010
            && (mode & Stat.S_IFMT) != Stat.S_IFDIR
            && (dirMode & S_ISGID) != 0
            && !me.inGroup(dirGid)
            && !me.has(Credentials.CAP_FSETID);
    return strip ? mode & ~S_ISGID : mode;
  }

  /**
   * The mode after content was changed by somebody without CAP_FSETID (file_remove_privs): without
   * set-user-ID, and without set-group-ID where that is not the mark of mandatory locking.
   */
  public static int withoutPrivileges(Credentials me, int mode) {
    if (me.has(Credentials.CAP_FSETID) || (mode & (S_ISUID | S_ISGID)) == 0) {
      return mode;
    }
    int m = mode & ~S_ISUID;
    return (mode & 010) != 0 ? m & ~S_ISGID : m;
  }
}
