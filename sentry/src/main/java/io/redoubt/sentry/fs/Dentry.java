package io.redoubt.sentry.fs;

/** A name in a directory, with the inode it leads to or none (a negative dentry). The vfs helper owns this class. */
public final class Dentry {
  private final Dentry parent;
  private final String name;
  private volatile Inode inode;

  /** A root or an anonymous dentry has no parent. */
  public Dentry(Dentry parent, String name, Inode inode) {
    this.parent = parent;
    this.name = name;
    this.inode = inode;
  }

  public Inode inode() {
    return inode;
  }

  public Dentry parent() {
    return parent;
  }

  public String name() {
    return name;
  }
}
