package io.redoubt.sentry.fs;

import io.redoubt.sentry.kernel.Syscall;

/** The mount tree, the walk, the dentry cache. The vfs helper owns this class. */
public final class Vfs {
  public Path lookup(Syscall c, Path base, String path, boolean follow) {
    return c.fail(-2);
  }
}
