package io.redoubt.sentry.fs;

/** A file system at a place in the tree. The vfs helper owns this class. */
public final class Mount {
  public final String type;
  public final String source;
  public final Dentry root;

  public Mount(String type, String source, Dentry root) {
    this.type = type;
    this.source = source;
    this.root = root;
  }

  public boolean isNosuid() {
    return false;
  }

  public boolean isNoexec() {
    return false;
  }
}
