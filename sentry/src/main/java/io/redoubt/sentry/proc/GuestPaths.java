package io.redoubt.sentry.proc;

import io.redoubt.sentry.fs.Dentry;
import io.redoubt.sentry.fs.Mount;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.PathText;
import io.redoubt.sentry.kernel.Syscall;

/** Names of objects as the links and mount tables of procfs show them (d_path() of Linux). */
final class GuestPaths {
  /** A rename that races with the climb could send it round in a circle: no path is deeper. */
  private static final int MAX_DEPTH = 4096;

  private GuestPaths() {}

  /** The path from the caller's root; " (deleted)" behind it when the name is gone. */
  static String name(Syscall c, Path p) {
    return PathText.of(c.task.kernel.vfs, p, c.task.fs.root());
  }

  static String fileName(Syscall c, OpenFile f) {
    String text = f.linkText();
    return text != null ? text : name(c, f.path());
  }

  /** Where a mount is, from {@code root}; null when it cannot be reached from there. */
  static String mountPoint(Path root, Mount m) {
    StringBuilder out = new StringBuilder(32);
    return climb(root, new Path(m, m.root), out) ? out.toString() : null;
  }

  /** The path of {@code d} within its file system. */
  static String within(Dentry d) {
    StringBuilder out = new StringBuilder(32);
    int depth = 0;
    for (Dentry i = d; i.parent() != null && depth < MAX_DEPTH; i = i.parent(), depth++) {
      out.insert(0, i.name()).insert(0, '/');
    }
    return out.isEmpty() ? "/" : out.toString();
  }

  /**
   * Puts the names from {@code root} to {@code p} into {@code out}. @return whether {@code root}
   * was found
   */
  private static boolean climb(Path root, Path p, StringBuilder out) {
    Mount m = p.mount();
    Dentry d = p.dentry();
    for (int depth = 0; depth < MAX_DEPTH; depth++) {
      if (m == root.mount() && d == root.dentry()) {
        if (out.isEmpty()) {
          out.append('/');
        }
        return true;
      }
      if (d == m.root) {
        if (m.parent() == null) {
          break;
        }
        d = m.mountPoint();
        m = m.parent();
      } else if (d.parent() == null) {
        break;
      } else {
        out.insert(0, d.name()).insert(0, '/');
        d = d.parent();
      }
    }
    if (out.isEmpty()) {
      out.append('/');
    }
    return false;
  }
}
