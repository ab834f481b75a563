package io.redoubt.sentry.fs;

/** Paths as text: getcwd(2), /proc/PID/cwd, /proc/mounts. */
public final class PathText {
  private PathText() {}

  /**
   * The absolute path of {@code p} as seen from {@code root}: with " (deleted)" behind when its
   * name is gone, with "(unreachable)" before when it is not below the root (d_path()).
   */
  public static String of(Vfs vfs, Path p, Path root) {
    synchronized (vfs.tree) {
      String text = text(p, root);
      Dentry d = p.dentry();
      boolean gone = !d.isHashed() && d.parent() != null && d != p.mount().root && isRemoved(d);
      return gone ? text + " (deleted)" : text;
    }
  }

  /** As {@link #of}, or null when {@code p} has been removed. */
  public static String orNull(Vfs vfs, Path p, Path root) {
    synchronized (vfs.tree) {
      return isRemoved(p.dentry()) ? null : text(p, root);
    }
  }

  /** Whether the name is gone, rather than only not cached. */
  static boolean isRemoved(Dentry d) {
    Dentry parent = d.parent();
    return !d.isHashed() && parent != null && parent.inode().isCacheable();
  }

  private static String text(Path p, Path root) {
    StringBuilder s = new StringBuilder();
    Mount m = p.mount();
    Dentry d = p.dentry();
    for (; ; ) {
      if (d == root.dentry() && m == root.mount()) {
        break;
      }
      if (d != m.root) {
        s.insert(0, d.name()).insert(0, '/');
        d = d.parent();
        if (d == null) {
          return s.substring(1); // has no place in the tree: anonymous
        }
        continue;
      }
      if (m.parent() == null) {
        if (s.isEmpty()) {
          s.append('/');
        }
        return m.isInternal() ? s.toString() : "(unreachable)" + s;
      }
      d = m.mountPoint();
      m = m.parent();
    }
    return s.isEmpty() ? "/" : s.toString();
  }
}
