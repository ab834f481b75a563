package io.redoubt.sentry.fs;

/** A place in the guest's tree: a dentry seen through a mount (the kernel's struct path). */
public record Path(Mount mount, Dentry dentry) {
  /** The inode, null for a negative dentry. */
  public Inode inode() {
    return dentry.inode();
  }
}
