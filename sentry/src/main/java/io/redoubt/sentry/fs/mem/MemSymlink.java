package io.redoubt.sentry.fs.mem;

import io.redoubt.sentry.kernel.Syscall;

/** A symbolic link. */
final class MemSymlink extends MemInode {
  private final String target;

  MemSymlink(MemFs fs, int mode, int uid, int gid, String target) {
    super(fs, mode, uid, gid);
    this.target = target;
  }

  @Override
  long size() {
    return target.length();
  }

  @Override
  public String readlink(Syscall c) {
    return target;
  }
}
