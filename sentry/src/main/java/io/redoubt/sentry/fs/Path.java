package io.redoubt.sentry.fs;

/**
 * A place in the guest's tree: a dentry seen through a mount (the kernel's struct path).
 *
 * <p>A path that outlives a call must be pinned: {@link #acquire} when it is stored, {@link
 * #release} when it is given up. Open files and {@link FsContext} do that by themselves.
 */
public record Path(Mount mount, Dentry dentry) {
  @Override
  public boolean equals(Object other) {
    return other instanceof Path p && p.mount == mount && p.dentry == dentry;
  }

  /**
   * Written out: what a record makes by itself is linked at its first use, which costs a start 10
   * ms.
   */
  @Override
  public int hashCode() {
    return mount.hashCode() * 31 + dentry.hashCode();
  }

  /** The inode, null for a negative dentry. */
  public Inode inode() {
    return dentry.inode();
  }

  /** Pins the dentry. @return false when it is gone already */
  public boolean acquire() {
    return dentry.pin();
  }

  /** Drops a pin. */
  public void release() {
    dentry.unpin();
  }
}
