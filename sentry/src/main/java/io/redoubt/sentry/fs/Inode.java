package io.redoubt.sentry.fs;

import io.redoubt.sentry.kernel.Syscall;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An object of a file system. Names are Latin-1 strings of raw bytes, never empty, "." or "..",
 * without '/', at most 255 long: the walk has checked them. Permission has been checked by the
 * caller too, from {@link #getattr}.
 *
 * <p>Methods that give an object return null and leave the negative errno in {@link
 * Syscall#error()}; the others return 0 or a positive value, or a negative errno. The defaults say
 * what an inode that is not of the right kind says.
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

  /**
   * Who has the file open for writing (positive) or runs it as a program (negative): the two
   * exclude each other, with ETXTBSY (i_writecount of Linux). Made when first asked for.
   */
  private volatile AtomicInteger writers;

  private AtomicInteger writers() {
    AtomicInteger w = writers;
    if (w == null) {
      synchronized (this) {
        w = writers;
        if (w == null) {
          writers = w = new AtomicInteger();
        }
      }
    }
    return w;
  }

  private boolean count(int step) {
    AtomicInteger w = writers();
    for (; ; ) {
      int n = w.get();
      if (step > 0 ? n < 0 : n > 0) {
        return false;
      }
      if (w.compareAndSet(n, n + step)) {
        return true;
      }
    }
  }

  /** One more writer. @return false while the file is a program that runs */
  public final boolean getWriteAccess() {
    return count(1);
  }

  /** Undoes {@link #getWriteAccess}. */
  public final void putWriteAccess() {
    writers().decrementAndGet();
  }

  /** One more process that runs the file. @return false while it is open for writing */
  public final boolean denyWriteAccess() {
    return count(-1);
  }

  /** Undoes {@link #denyWriteAccess}. */
  public final void allowWriteAccess() {
    writers().incrementAndGet();
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

  /**
   * Whether this is a directory that has been removed: it has no entries any more, not even "." and
   * "..".
   */
  public boolean isRemoved() {
    return false;
  }

  /**
   * Whether the dentry cache may keep children (present and missing) of this directory without
   * asking again.
   */
  public boolean isCacheable() {
    return false;
  }

  /**
   * Whether a child must be looked up again at each use, because others than this sandbox may
   * change the directory. What is found again must be the same object as before.
   */
  public boolean isRevalidated() {
    return false;
  }

  /**
   * Of a directory that is {@link #isRevalidated}: takes note of all changes that others have made
   * before this call.
   *
   * @return whether stamps of this file system may be believed now
   */
  public boolean hear() {
    return false;
  }

  /**
   * Of a directory that is {@link #isRevalidated}: what changes when others change what {@code
   * name} leads to. Taken before a lookup; when it is the same after {@link #hear}, the result
   * still holds. 0: nothing would tell.
   */
  public long stamp(String name) {
    return 0;
  }

  /**
   * Of a directory that is {@link #isRevalidated}: the last change of {@code name} that has been
   * heard of, for {@link #stampAfter}.
   */
  public long event(String name) {
    return 0;
  }

  /**
   * The {@link #stamp} of a name after this sandbox has changed, once, what it leads to; {@link
   * #hear} has said that stamps may be believed.
   *
   * @param before {@link #event} from before that
   * @return 0 when others may have changed it as well since then
   */
  public long stampAfter(String name, long before) {
    return 0;
  }

  /** A walk has come here without asking for it: what {@link #hear} says holds for it, too. */
  public void foundUnchanged() {}

  /** Whether it is worth to remember that a name does not exist. */
  public boolean cachesMissing() {
    return isCacheable();
  }

  /**
   * Looks up a chain of names at once, each in the one before it: {@code names[from]} here, the
   * next in what that leads to. May stop early anywhere after the first.
   *
   * @param found gets the inodes, from the same index on; before that it has what the names led to
   *     when they were last looked up, or null
   * @param opens whether the last of the names will be opened for reading if it is a regular file:
   *     a hint
   * @return how many were found, at least 1 or else an errno of the first name; when it stopped
   *     because the next name does not exist, {@link Syscall#error()} is -ENOENT, otherwise 0
   */
  public int lookupAhead(
      Syscall c, String[] names, int from, int count, Inode[] found, boolean opens) {
    Inode i = lookup(c, names[from]);
    if (i == null) {
      return (int) c.error();
    }
    found[from] = i;
    c.fail(0);
    return 1;
  }

  /** The open that {@link #lookupAhead} was told of does not come. */
  public void notOpened() {}

  /**
   * How many names {@link #lookupAhead} can make use of; more than 1 also if it can make use of the
   * hint.
   */
  public int maxAhead() {
    return 1;
  }

  /**
   * Mode and owner as {@link #access} sees them, which may be a moment older than what {@link
   * #getattr} gives; nothing else of {@code out} can be relied on.
   */
  public int permissions(Syscall c, Stat out) {
    return getattr(c, out);
  }

  /** The inode number; 1 where it cannot be had. */
  public long number(Syscall c) {
    Stat st = new Stat();
    return getattr(c, st) < 0 ? 1 : st.ino;
  }

  /**
   * Checks permission bits with the caller's file-system ids.
   *
   * @param want 4 read, 2 write, 1 execute or search
   * @return 0, -EACCES, or the errno of {@link #getattr}
   */
  public int access(Syscall c, int want) {
    Stat st = new Stat();
    int r = getattr(c, st);
    return r < 0 ? r : c.task.credentials.access(st.mode, st.uid, st.gid, want);
  }

  /** A dentry leads here from now on. */
  public void attach() {}

  /** What a lookup gave was not made a dentry, because there is one already. */
  public void unused() {}

  /**
   * A dentry that led here is gone. When the last one is and no name is left, what the inode holds
   * may be given back.
   */
  public void detach() {}

  /**
   * Where a socket bound to this name (S_IFSOCK) is kept, and the pipe of a FIFO: one element; null
   * for other kinds.
   */
  public Object[] attachment() {
    return null;
  }

  /** statfs(2). @return 0 or a negative errno; -ENOSYS: the caller answers from the mount's type */
  public int statfs(Syscall c, StatFs out) {
    return -38;
  }

  /** syncfs(2) of the file system that the inode is in. */
  public int syncFileSystem(Syscall c) {
    return 0;
  }

  /**
   * Makes a regular file without a name (O_TMPFILE) in this directory's file system.
   *
   * @param linkable whether {@link #link} may give it a name later
   */
  public Inode createUnnamed(Syscall c, int mode, boolean linkable) {
    return c.fail(-95);
  }

  /** Makes a regular file. @param mode permission bits, umask already applied */
  public Inode create(Syscall c, String name, int mode) {
    return c.fail(-13);
  }

  /** Makes a directory. */
  public Inode mkdir(Syscall c, String name, int mode) {
    return c.fail(-1);
  }

  /** Makes a symbolic link. */
  public Inode symlink(Syscall c, String name, String target) {
    return c.fail(-1);
  }

  /**
   * Makes a FIFO, a socket, a device node, or a regular file that is not opened. @param mode with
   * type bits
   */
  public Inode mknod(Syscall c, String name, int mode, long rdev) {
    return c.fail(-1);
  }

  /** Makes a hard link to {@code target}, an inode of the same file system. */
  public int link(Syscall c, String name, Inode target) {
    return -1;
  }

  /** Removes a non-directory. {@code child} is what {@link #lookup} gave. */
  public int unlink(Syscall c, String name, Inode child) {
    return -1;
  }

  /**
   * Removes a non-directory that nobody has looked up: one message in place of two where a file is
   * asked of another process. What sticky directories ask has been seen to.
   *
   * @param child what the name led to when it was last looked up, after {@link #losesName}, and
   *     without a dentry of it; or null
   * @return 0 or a negative errno; -ENOSYS: look it up, and {@link #unlink} it
   */
  public int unlinkUnseen(Syscall c, String name, Inode child) {
    return -38;
  }

  /**
   * {@link #unlinkUnseen} of a name of this inode follows, and lets go of it if nobody else uses
   * it.
   */
  public void losesName() {}

  /** Removes an empty directory. */
  public int rmdir(Syscall c, String name, Inode child) {
    return -1;
  }

  /**
   * Renames within the file system, replacing {@code target} (null if there is none).
   *
   * @param flags RENAME_NOREPLACE or RENAME_EXCHANGE
   */
  public int rename(
      Syscall c, String name, Inode child, Inode newDir, String newName, Inode target, int flags) {
    return -1;
  }

  /**
   * Lists a directory from {@code position} (0 at the start; "." and ".." are added by the caller
   * and are not passed here).
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
   * Where a "magic" link of /proc leads (an open file, a cwd), without a walk by name; null for
   * ordinary links. See path_resolution(7) and proc(5) on /proc/PID/fd.
   */
  public Path followMagic(Syscall c) {
    return null;
  }

  /**
   * Opens the inode; permission is checked.
   *
   * @param path where it was found; the open file keeps it
   * @param flags O_* flags; O_CREAT, O_EXCL and O_CLOEXEC have been dealt with, O_NOCTTY is for
   *     terminals. O_TRUNC has been done by setattr for regular files.
   * @return an open file with one reference, or null with an errno. May also block: then null with
   *     {@link Syscall#error()} being {@link Syscall#BLOCKED} (a FIFO that waits for its other end)
   */
  public OpenFile open(Syscall c, Path path, int flags) {
    return c.fail(-6);
  }

  /**
   * Extended attributes; names and values as raw bytes. @return value, or null with -ENODATA,
   * -EOPNOTSUPP
   */
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
