package io.redoubt.sentry.fs.mem;

import io.redoubt.gofer.NodeAttr;
import io.redoubt.host.Errno;
import io.redoubt.sentry.fs.Access;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.SetAttr;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.StatFs;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.Syscall;

/**
 * What every node of an in-memory file system has: attributes, links, users. Guarded by its monitor
 * where nothing else is said.
 */
abstract class MemInode extends Inode {
  final MemFs fs;
  private final int type;
  volatile int permissions;
  volatile int uid;
  volatile int gid;
  int nlink = 1;
  long ino;
  long dev;
  long atimeSec;
  long mtimeSec;
  long ctimeSec;
  int atimeNsec;
  int mtimeNsec;
  int ctimeNsec;

  /**
   * Names in this file system that lead here; not {@link #nlink}, which counts those of the lower
   * file system too.
   */
  private int names = 1;

  /** Dentries that lead here. */
  private int users;

  /** For a lower node: the directory in which it was found, and its name there; to anchor it. */
  private final MemDir lowerParent;

  private final String lowerName;

  /**
   * The gofer's node of this file in the lower tree; 0 for none, or no longer; {@link #LAZY} for
   * one that is known from a listing and was not walked to yet.
   */
  volatile int lowerFid;

  static final int LAZY = -1;

  /** Entered in its directory, or unlinked from it: no longer forgotten with its dentry. */
  volatile boolean anchored;

  /** {@link MemFs#NODE_BYTES} are charged for it. */
  boolean charged;

  /** So many more, for names besides the first: none of them can be dropped from memory. */
  private int extraLinks; // guarded by this

  /** Resources are given back. */
  private boolean freed;

  private MemXattrs xattrs; // made when the first is set

  /** A node of the lower tree, not anchored. */
  MemInode(MemFs fs, MemDir parent, String name, int fid, NodeAttr a) {
    this.fs = fs;
    lowerParent = parent;
    lowerName = name;
    lowerFid = fid;
    type = a.type();
    adopt(a);
  }

  /** The directory in which a lower node was found, and {@link #lowerName} its name there. */
  final MemDir lowerParent() {
    return lowerParent;
  }

  final String lowerName() {
    return lowerName;
  }

  /**
   * The gofer's node, which is walked to when it is first needed. @return a fid or a negative errno
   */
  final int lower(Syscall c) {
    int fid = lowerFid;
    return fid == LAZY ? fs.walkTo(c, this) : fid;
  }

  /** Makes sure that the lower file can be reached from now on. @return 0 or a negative errno */
  int walkToLower(Syscall c) {
    return Math.min(lower(c), 0);
  }

  /**
   * The node has been walked to; takes over the fid.
   *
   * @return false when another file has its name now, of another type
   */
  final boolean walked(int fid, NodeAttr now) {
    synchronized (this) {
      if (lowerFid == LAZY && !freed && now.type() == type) {
        lowerFid = fid;
        adopt(now);
        return true;
      }
    }
    fs.client.closeLater(fid);
    return lowerFid != LAZY;
  }

  /** The attributes are those of now, if nobody has changed them here. Under the monitor. */
  void adopt(NodeAttr a) {
    if (!anchored) {
      permissions = a.mode & 07777;
      uid = a.uid;
      gid = a.gid;
      nlink = a.nlink;
      ino = a.ino;
      dev = fs.device(a.dev);
      atimeSec = a.atimeSeconds;
      atimeNsec = a.atimeNanos;
      mtimeSec = a.mtimeSeconds;
      mtimeNsec = a.mtimeNanos;
      ctimeSec = a.ctimeSeconds;
      ctimeNsec = a.ctimeNanos;
    }
  }

  /** A new node. @param mode type and permission bits */
  MemInode(MemFs fs, int mode, int uid, int gid) {
    this.fs = fs;
    this.type = mode & Stat.S_IFMT;
    this.permissions = mode & 07777;
    this.uid = uid;
    this.gid = gid;
    this.lowerParent = null;
    this.lowerName = null;
    this.dev = fs.dev;
    this.ino = fs.newIno();
    this.anchored = true;
    touch(System.currentTimeMillis(), true);
    atimeSec = mtimeSec;
    atimeNsec = mtimeNsec;
  }

  @Override
  public final int type() {
    return type;
  }

  final int mode() {
    return type | permissions;
  }

  @Override
  public final int access(Syscall c, int want) {
    return c.task.credentials.access(type | permissions, uid, gid, want);
  }

  abstract long size();

  /** Allocated units of 512 bytes. */
  long blocks() {
    return 0;
  }

  long rdev() {
    return 0;
  }

  @Override
  public final synchronized int getattr(Syscall c, Stat out) {
    out.dev = dev;
    out.ino = ino;
    out.mode = type | permissions;
    out.nlink = nlink;
    out.uid = uid;
    out.gid = gid;
    out.rdev = rdev();
    out.size = size();
    out.blksize = 4096;
    out.blocks = blocks();
    out.atimeSec = atimeSec;
    out.atimeNsec = atimeNsec;
    out.mtimeSec = mtimeSec;
    out.mtimeNsec = mtimeNsec;
    out.ctimeSec = ctimeSec;
    out.ctimeNsec = ctimeNsec;
    return 0;
  }

  @Override
  public int setattr(Syscall c, SetAttr change) {
    int r = anchor(c);
    if (r < 0) {
      return r;
    }
    if ((change.mask & SetAttr.SIZE) != 0) {
      r = resize(c, change.size);
      if (r < 0) {
        return r;
      }
    }
    synchronized (this) {
      int mask = change.mask;
      if ((mask & SetAttr.UID) != 0) {
        uid = change.uid;
      }
      if ((mask & SetAttr.GID) != 0) {
        gid = change.gid;
      }
      if ((mask & SetAttr.MODE) != 0) {
        permissions = change.mode & 07777;
      }
      long now = System.currentTimeMillis();
      touch(now, (mask & SetAttr.SIZE) != 0);
      if ((mask & SetAttr.ATIME) != 0) {
        atimeSec = change.atimeSec;
        atimeNsec = change.atimeNsec;
      }
      if ((mask & SetAttr.MTIME) != 0) {
        mtimeSec = change.mtimeSec;
        mtimeNsec = change.mtimeNsec;
      }
    }
    return 0;
  }

  int resize(Syscall c, long size) {
    return -Errno.EINVAL;
  }

  /**
   * Sets ctime, and mtime too after a change of content. The kernel's own file times are no finer
   * than its tick.
   */
  final void touch(long nowMillis, boolean content) {
    ctimeSec = Math.floorDiv(nowMillis, 1000L);
    ctimeNsec = (int) Math.floorMod(nowMillis, 1000L) * 1_000_000;
    if (content) {
      mtimeSec = ctimeSec;
      mtimeNsec = ctimeNsec;
    }
  }

  /**
   * The content was read: sets atime where relatime would, when it is not younger than mtime or is
   * a day old.
   */
  final void accessed() {
    long now = System.currentTimeMillis();
    // Looked at without the monitor: what is missed is an update that the next read makes.
    if (anchored && (atimeSec <= mtimeSec || now / 1000 - atimeSec >= 86_400)) {
      synchronized (this) {
        atimeSec = now / 1000;
        atimeNsec = (int) (now % 1000) * 1_000_000;
      }
    }
  }

  /** The name changed: Linux sets ctime. */
  final synchronized void renamed() {
    touch(System.currentTimeMillis(), false);
  }

  /** After a write by {@code c}: set-user-ID goes. Under the monitor. */
  final void dropPrivileges(Syscall c) {
    if ((permissions & (Access.S_ISUID | Access.S_ISGID)) != 0) {
      permissions = Access.withoutPrivileges(c.task.credentials, permissions);
    }
  }

  /** Makes sure that a change will outlive the dentry. @return 0 or a negative errno */
  final int anchor(Syscall c) {
    return anchored ? 0 : anchorSlow(c);
  }

  private int anchorSlow(Syscall c) {
    int r =
        walkToLower(c); // once it is somewhere else its place in the lower tree may be forgotten
    if (r < 0) {
      return r;
    }
    r = lowerParent.anchor(c);
    if (r < 0) {
      return r;
    }
    if (!fs.chargeNode()) {
      return -Errno.ENOSPC;
    }
    if (!lowerParent.keep(lowerName, this)) {
      fs.releaseNode(); // another thread was faster
    }
    return 0;
  }

  // ---- life ----

  @Override
  public final synchronized void attach() {
    users++;
  }

  @Override
  public final void detach() {
    synchronized (this) {
      users--;
    }
    freeIfUnused();
  }

  /**
   * Another name, or the first of an unnamed file. As in shmem_link() another one counts as a node:
   * it cannot be dropped from memory. @return false when there is no room for it
   */
  final synchronized boolean linked() {
    if (nlink > 0) {
      if (!fs.chargeNode()) {
        return false;
      }
      extraLinks++;
    }
    nlink++;
    names++;
    touch(System.currentTimeMillis(), false);
    return true;
  }

  /** It has no name (O_TMPFILE). */
  final void unnamed() {
    nlink = 0;
    names = 0;
  }

  /** A name is gone. @param links how many links that were: 2 for a directory */
  final void unlinked(int links) {
    synchronized (this) {
      if (extraLinks > 0) {
        extraLinks--;
        fs.releaseNode();
      }
      names--;
      nlink = Math.max(0, nlink - links);
      touch(System.currentTimeMillis(), false);
    }
    freeIfUnused();
  }

  private void freeIfUnused() {
    synchronized (this) {
      if (users > 0 || freed || (anchored && names > 0)) {
        return;
      }
      freed = true;
    }
    if (charged) {
      fs.releaseNode();
    }
    free();
  }

  /** Gives back what the node holds. Nobody can reach it any more. */
  void free() {
    int fid = lowerFid;
    lowerFid = 0;
    if (fid > 0) {
      fs.client.closeLater(fid);
    }
  }

  // ---- extended attributes ----

  @Override
  public final byte[] getxattr(Syscall c, String name) {
    int r = MemXattrs.check(c, this, name, false);
    if (r < 0) {
      return c.fail(r);
    }
    byte[] value;
    synchronized (this) {
      value = xattrs == null ? null : xattrs.get(name);
    }
    return value == null ? c.fail(-Errno.ENODATA) : value;
  }

  @Override
  public final int setxattr(Syscall c, String name, byte[] value, int flags) {
    int r = MemXattrs.check(c, this, name, true);
    if (r == 0) {
      r = anchor(c);
    }
    if (r < 0) {
      return r;
    }
    synchronized (this) {
      if (xattrs == null) {
        xattrs = new MemXattrs();
      }
      r = xattrs.set(fs, name, value, flags);
      if (r == 0) {
        touch(System.currentTimeMillis(), false);
      }
      return r;
    }
  }

  @Override
  public final synchronized byte[] listxattr(Syscall c) {
    return xattrs == null
        ? new byte[0]
        : xattrs.list(c.task.credentials.has(Credentials.CAP_SYS_ADMIN));
  }

  @Override
  public final int removexattr(Syscall c, String name) {
    int r = MemXattrs.check(c, this, name, true);
    if (r == 0) {
      r = anchor(c);
    }
    if (r < 0) {
      return r;
    }
    synchronized (this) {
      if (xattrs == null || !xattrs.remove(fs, name)) {
        return -Errno.ENODATA;
      }
      touch(System.currentTimeMillis(), false);
    }
    return 0;
  }

  @Override
  public final int statfs(Syscall c, StatFs out) {
    return fs.statfs(out);
  }
}
