package io.redoubt.sentry.fs;

import io.redoubt.host.Errno;
import io.redoubt.sentry.kernel.Syscall;

/** Makes the mount points that a root file system lacks, in its overlay. */
final class BootTree {
  private BootTree() {}

  /**
   * Walks to {@code path} and makes what is missing: directories, and an empty file as the last
   * component if that shall be none.
   *
   * @return 0 with the result in {@code w}, or a negative errno
   */
  static int make(Syscall c, Walk w, String path, boolean directory) {
    for (int tries = 0;
        tries < 256;
        tries++) { // a path has at most so many components worth making
      int r = w.from(c, Walk.AT_FDCWD, path, Walk.FOLLOW);
      if (r != -Errno.ENOENT) {
        return r;
      }
      r = makeFirstMissing(c, w, path, directory);
      if (r < 0) {
        return r;
      }
    }
    return -Errno.ENAMETOOLONG;
  }

  private static int makeFirstMissing(Syscall c, Walk w, String path, boolean directory) {
    int end = 0;
    while (end < path.length()) {
      end = path.indexOf('/', end + 1);
      end = end < 0 ? path.length() : end;
      int r = w.from(c, Walk.AT_FDCWD, path.substring(0, end), Walk.FOLLOW | Walk.MISSING_OK);
      if (r < 0) {
        return r;
      }
      if (w.dentry() == null) {
        boolean isLast = end == path.length();
        return isLast && !directory
            ? Names.mknod(c, w, Stat.S_IFREG | 0644, 0)
            : Names.mkdir(c, w, 0755);
      }
    }
    return -Errno.ENOENT;
  }
}
