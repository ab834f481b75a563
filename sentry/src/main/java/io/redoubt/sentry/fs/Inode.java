package io.redoubt.sentry.fs;

import io.redoubt.sentry.kernel.Syscall;

/**
 * An object of a file system. Names are Latin-1 strings of raw bytes, never empty, "." or "..", without '/', at most 255 long: the
 * walk has checked them. Permission has been checked by the caller too, from {@link #getattr}.
 *
 * <p>Methods that give an object return null and leave the negative errno in {@link Syscall#error()}; the others return 0 or a
 * positive value, or a negative errno. The defaults say what an inode that is not of the right kind says.
 */
public abstract class Inode {
  private volatile FileLocks locks;

  /** Advisory locks on this inode, made when first asked for. */
  public final FileLocks locks() {
    FileLocks l = locks;
    if (l == null) {
      synchronized (this) {
        l = locks;
        if (l == null) {
          locks = l = new FileLocks();
        }
      }
    }
    return l;
  }

  /** Whether anybody ever asked for a lock here: closing a file looks no further otherwise. */
  public final boolean hasLocks() {
    return locks != null;
  }

  /** Fills all of {@code out}. @return 0 or a negative errno */
  public abstract int getattr(Syscall c, Stat out);

  /** S_IF* type bits; never change over an inode's life. */
  public abstract int type();

  /** Changes attributes. */
  public int setattr(Syscall c, SetAttr change) {
    return -1;
  }

  /** The child {@code name}; null with -ENOENT when there is none. */
  public Inode lookup(Syscall c, String name) {
    return c.fail(-20);
  }

  /** Whether the dentry cache may keep children (present and missing) of this directory without asking again. */
  public boolean isCacheable() {
    return false;
  }

  /** Makes a regular file. @param mode permission bits, umask already applied */
  public Inode create(Syscall c, String name, int mode) {
    return c.fail(-30);
  }

  /** Makes a directory. */
  public Inode mkdir(Syscall c, String name, int mode) {
    return c.fail(-30);
  }

  /** Makes a symbolic link. */
  public Inode symlink(Syscall c, String name, String target) {
    return c.fail(-30);
  }

  /** Makes a FIFO, socket or device node. @param mode with type bits */
  public Inode mknod(Syscall c, String name, int mode, long rdev) {
    return c.fail(-30);
  }

  /** Makes a hard link to {@code target}, an inode of the same file system. */
  public int link(Syscall c, String name, Inode target) {
    return -30;
  }

  /** Removes a non-directory. {@code child} is what {@link #lookup} gave. */
  public int unlink(Syscall c, String name, Inode child) {
    return -30;
  }

  /** Removes an empty directory. */
  public int rmdir(Syscall c, String name, Inode child) {
    return -30;
  }

  /**
   * Renames within the file system, replacing {@code target} (null if there is none).
   *
   * @param flags RENAME_NOREPLACE or RENAME_EXCHANGE
   */
  public int rename(Syscall c, String name, Inode child, Inode newDir, String newName, Inode target, int flags) {
    return -18;
  }

  /**
   * Lists a directory from {@code position} (0 at the start; "." and ".." are added by the caller and are not passed here).
   *
   * @return 0 at the end or when the sink is full, or a negative errno
   */
  public int readdir(Syscall c, long position, DirSink sink) {
    return -20;
  }

  /** The target of a symbolic link, or null with an errno. */
  public String readlink(Syscall c) {
    return c.fail(-22);
  }

  /**
   * Where a "magic" link of /proc leads (an open file, a cwd), without a walk by name; null for ordinary links. See
   * path_resolution(7) and proc(5) on /proc/PID/fd.
   */
  public Path followMagic(Syscall c) {
    return null;
  }

  /**
   * Opens the inode; permission is checked.
   *
   * @param path where it was found; the open file keeps it
   * @param flags O_* flags; O_CREAT, O_EXCL, O_NOCTTY and O_CLOEXEC have been dealt with. O_TRUNC has been done by setattr for
   *     regular files.
   * @return an open file with one reference, or null with an errno. May also block: then null with {@link Syscall#error()} being
   *     {@link Syscall#BLOCKED} (a FIFO that waits for its other end)
   */
  public OpenFile open(Syscall c, Path path, int flags) {
    return c.fail(-6);
  }

  /** Extended attributes; names and values as raw bytes. @return value, or null with -ENODATA, -EOPNOTSUPP */
  public byte[] getxattr(Syscall c, String name) {
    return c.fail(-95);
  }

  /** Sets an extended attribute. @param flags XATTR_CREATE or XATTR_REPLACE */
  public int setxattr(Syscall c, String name, byte[] value, int flags) {
    return -95;
  }

  /** Names, each ended by a NUL, as listxattr(2) gives them; null with an errno. */
  public byte[] listxattr(Syscall c) {
    return new byte[0];
  }

  /** Removes an extended attribute. */
  public int removexattr(Syscall c, String name) {
    return -95;
  }
}
