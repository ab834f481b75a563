package io.redoubt.sentry.fs;

/**
 * What all mounts of one file system have in common: whether it may be written, whatever the mount
 * says (SB_RDONLY of struct super_block). Changes under {@link Vfs#tree} only.
 */
public final class SuperBlock {
  private volatile boolean readOnly;

  SuperBlock(boolean readOnly) {
    this.readOnly = readOnly;
  }

  public boolean isReadOnly() {
    return readOnly;
  }

  void setReadOnly(boolean readOnly) {
    this.readOnly = readOnly;
  }
}
