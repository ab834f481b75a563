package io.redoubt.sentry.fs.pseudo;

import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.SetAttr;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.kernel.Syscall;

/**
 * What all pseudo inodes have: a number, a mode and an owner. Attributes may be torn between each
 * other, as stat(2) allows.
 */
public abstract class PseudoInode extends Inode {
  protected final PseudoFs fs;
  public final long ino;
  private volatile int mode;
  private volatile int uid;
  private volatile int gid;
  private volatile long changedSec;

  /**
   * @param mode type and permission bits
   */
  protected PseudoInode(PseudoFs fs, long ino, int mode) {
    this.fs = fs;
    this.ino = ino;
    this.mode = mode;
    this.changedSec = fs.bootSec;
  }

  /** Sets the owner, as the file system wants it. */
  public final void ownedBy(int newUid, int newGid) {
    uid = newUid;
    gid = newGid;
  }

  @Override
  public final int type() {
    return mode & Stat.S_IFMT;
  }

  /** Type and permission bits. */
  public final int mode() {
    return mode;
  }

  protected final int uid() {
    return uid;
  }

  protected final int gid() {
    return gid;
  }

  /** What a file that is generated when it is read says of its size: 0, as in procfs. */
  protected long size() {
    return 0;
  }

  protected long nlink() {
    return 1;
  }

  protected long rdev() {
    return 0;
  }

  @Override
  public int getattr(Syscall c, Stat out) {
    out.dev = fs.dev;
    out.ino = ino;
    out.mode = mode;
    out.nlink = nlink();
    out.uid = uid;
    out.gid = gid;
    out.rdev = rdev();
    out.size = size();
    out.blksize = 4096;
    out.blocks = 0;
    out.atimeSec = out.mtimeSec = out.ctimeSec = changedSec;
    out.atimeNsec = out.mtimeNsec = out.ctimeNsec = 0;
    return 0;
  }

  // Names cannot be made, moved or removed.

  @Override
  public Inode create(Syscall c, String name, int mode) {
    return c.fail(fs.refusal == -1 ? -13 : fs.refusal); // no create operation is EACCES
  }

  @Override
  public Inode mkdir(Syscall c, String name, int mode) {
    return c.fail(fs.refusal);
  }

  @Override
  public Inode symlink(Syscall c, String name, String target) {
    return c.fail(fs.refusal);
  }

  @Override
  public Inode mknod(Syscall c, String name, int mode, long rdev) {
    return c.fail(fs.refusal);
  }

  @Override
  public int link(Syscall c, String name, Inode target) {
    return fs.refusal;
  }

  @Override
  public int unlink(Syscall c, String name, Inode child) {
    return -1;
  }

  @Override
  public int rmdir(Syscall c, String name, Inode child) {
    return -1;
  }

  @Override
  public int rename(
      Syscall c, String name, Inode child, Inode newDir, String newName, Inode target, int flags) {
    return fs.refusal;
  }

  /**
   * Mode and owner can be changed and last as long as the inode; a size is taken and forgotten
   * ({@code > /proc/...}).
   */
  @Override
  public int setattr(Syscall c, SetAttr change) {
    if ((change.mask & SetAttr.MODE) != 0) {
      mode = type() | (change.mode & 07777);
    }
    if ((change.mask & SetAttr.UID) != 0) {
      uid = change.uid;
    }
    if ((change.mask & SetAttr.GID) != 0) {
      gid = change.gid;
    }
    if ((change.mask & SetAttr.MTIME) != 0) {
      changedSec = change.mtimeSec;
    }
    return 0;
  }
}
