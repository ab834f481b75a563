package io.redoubt.sentry.fs;

import io.redoubt.host.Errno;
import io.redoubt.sentry.kernel.Syscall;

/**
 * The walk from a path to what it names: path_resolution(7), fs/namei.c. A reusable value: {@link
 * #from} fills it, {@link #end} lets go of the pins that its results hold and must follow, whatever
 * came out.
 *
 * <p>Hand over hand: the current directory is pinned while its child is looked up, so nothing that
 * the walk stands on can be evicted and no lock is held between two steps.
 */
public final class Walk {
  /** A symbolic link as the last component is followed. */
  public static final int FOLLOW = 1;

  /** Stop before the last component: {@link #parent} and {@link #last} are what counts. */
  public static final int PARENT = 2;

  /**
   * A missing last component is no error: {@link #dentry} is null then, {@link #parent} and {@link
   * #last} are set.
   */
  public static final int MISSING_OK = 4;

  /** What is found must be a directory. */
  public static final int DIRECTORY = 8;

  /** An empty path names the base itself (AT_EMPTY_PATH). */
  public static final int EMPTY_PATH = 16;

  /** What is found will be opened for reading: a hint for those who ask others. */
  public static final int OPENS = 32;

  /** A file will be made: slashes behind the last component are EISDIR, whatever is there. */
  public static final int CREATES = 64;

  /** With {@link #PARENT}: a last component that is too long is the caller's to refuse. */
  public static final int LONG_NAME = 128;

  /** RESOLVE_* flags of openat2(2), shifted left by this. */
  public static final int RESOLVE_SHIFT = 8;

  public static final int NO_XDEV = 0x01 << RESOLVE_SHIFT;
  public static final int NO_MAGICLINKS = 0x02 << RESOLVE_SHIFT;
  public static final int NO_SYMLINKS = 0x04 << RESOLVE_SHIFT;
  public static final int BENEATH = 0x08 << RESOLVE_SHIFT;
  public static final int IN_ROOT = 0x10 << RESOLVE_SHIFT;

  /** dirfd that stands for the working directory. */
  public static final int AT_FDCWD = -100;

  /** Kinds of a last component. */
  public static final int NORMAL = 0;

  public static final int DOT = 1;
  public static final int DOT_DOT = 2;
  public static final int ROOT = 3;

  static final int MAX_NAME = 255;
  private static final int MAX_LINKS = 40;
  private static final int MAX_AHEAD = 16;

  // Results. What is not null is pinned.
  private Mount mount;
  private Dentry dentry;
  private Mount parentMount;
  private Dentry parent;
  private String last;
  private int lastKind;
  private boolean trailingSlash;

  // Where the walk may not climb out of, and for RESOLVE_BENEATH where it began; pinned during the
  // walk.
  private Path root;
  private Path start;

  /**
   * Whether the host kernel would have looked up the root by now. With RESOLVE_NO_XDEV an absolute
   * link is EXDEV before that, wherever it leads: nd_jump_root() compares first.
   */
  private boolean isRootKnown;

  private final String[] names = new String[MAX_AHEAD];
  private final Inode[] found = new Inode[MAX_AHEAD];

  /** How many of the next steps a look ahead has just brought up to date. */
  private int fresh;

  /** Whether it has also found that the name after those is missing. */
  private boolean isNextMissing;

  /** Whether changes by others have been taken note of since the walk began. */
  private boolean hasHeard;

  /** Mount of {@link #dentry}, or of {@link #parent} where that is all there is. */
  public Mount mount() {
    return mount != null ? mount : parentMount;
  }

  /** What was found; null for a missing last component and after {@link #PARENT}. */
  public Dentry dentry() {
    return dentry;
  }

  /** The inode that was found; {@link #dentry()} is not null. */
  public Inode inode() {
    return dentry.inode();
  }

  /** The directory of the last component; null when that is ".", ".." or "/" or a magic link. */
  public Dentry parent() {
    return parent;
  }

  public Mount parentMount() {
    return parentMount;
  }

  /** The last component; only with {@link #parent()}. */
  public String last() {
    return last;
  }

  /** {@link #NORMAL}, {@link #DOT}, {@link #DOT_DOT} or {@link #ROOT}. */
  public int lastKind() {
    return lastKind;
  }

  /** Whether slashes came after the last component. */
  public boolean hasTrailingSlash() {
    return trailingSlash;
  }

  /** What was found, as a path; pinned only until {@link #end}. */
  public Path path() {
    return new Path(mount, dentry);
  }

  /** Lets go of the results. Harmless when there are none. */
  public void end() {
    Mount m = mount();
    if (m != null) {
      m.used();
    }
    endUnused();
  }

  /** As {@link #end}, of a walk that is no use of the mount: mntput_no_expire(). */
  public void endUnused() {
    if (dentry != null) {
      dentry.unpin();
      dentry = null;
    }
    if (parent != null) {
      parent.unpin();
      parent = null;
    }
    if (root != null) {
      root.release();
      root = null;
    }
    if (start != null) {
      start.release();
      start = null;
    }
    mount = parentMount = null;
    last = null;
    distrust();
  }

  /**
   * Walks {@code path} from {@code dirFd} or, if it is absolute, from the caller's root.
   *
   * @return 0 or a negative errno
   */
  public int from(Syscall c, long dirFd, String path, int flags) {
    end();
    boolean absolute = !path.isEmpty() && path.charAt(0) == '/';
    if (path.isEmpty() && (flags & EMPTY_PATH) == 0) {
      return -Errno.ENOENT;
    }
    FsContext fs = c.task.fs;
    Path base;
    if (absolute && (flags & IN_ROOT) == 0) {
      base = fs.acquireRoot();
    } else if ((int) dirFd == AT_FDCWD) {
      base = fs.acquireCwd();
    } else {
      OpenFile f = c.file((int) dirFd);
      if (f == null) {
        return -Errno.EBADF;
      }
      base = f.path();
      if (!base.acquire()) {
        return -Errno.EBADF;
      }
    }
    return run(c, base, path, flags);
  }

  /** As {@link #from} with a base that the caller has pinned; null: the working directory. */
  public int from(Syscall c, Path base, String path, int flags) {
    if (base == null) {
      return from(c, AT_FDCWD, path, flags);
    }
    end();
    if (path.isEmpty() && (flags & EMPTY_PATH) == 0) {
      return -Errno.ENOENT;
    }
    Path from = !path.isEmpty() && path.charAt(0) == '/' ? c.task.fs.acquireRoot() : base;
    if (from == base) {
      base.acquire();
    }
    return run(c, from, path, flags);
  }

  /** Takes over the pin of {@code base}. */
  private int run(Syscall c, Path base, String path, int flags) {
    mount = base.mount();
    dentry = base.dentry();
    lastKind = ROOT;
    trailingSlash = false;
    hasHeard = false;
    isRootKnown = (flags & (BENEATH | IN_ROOT)) != 0 || (!path.isEmpty() && path.charAt(0) == '/');
    if (path.isEmpty()) {
      return (flags & DIRECTORY) != 0 && !isDirectory() ? -Errno.ENOTDIR : 0;
    }
    if ((flags & (BENEATH | IN_ROOT)) != 0) {
      base.acquire();
      start = base;
      if ((flags & BENEATH) != 0 && path.charAt(0) == '/') {
        return -Errno.EXDEV;
      }
    }
    if ((flags & IN_ROOT) != 0) {
      base.acquire();
      root = base;
    } else {
      root = c.task.fs.acquireRoot();
    }
    if (!isDirectory()) {
      return -Errno.ENOTDIR;
    }
    return steps(c, path, flags);
  }

  private int steps(Syscall c, String text, int flags) {
    String path = text;
    int at = skipSlashes(path, 0);
    int links = 0;
    for (; ; ) {
      if (at == path.length()) { // "/" itself, or a link to it
        lastKind = ROOT;
        if ((flags & PARENT) != 0) {
          becomeParent("", false);
        }
        return 0;
      }
      int end = path.indexOf('/', at);
      end = end < 0 ? path.length() : end;
      int next = skipSlashes(path, end);
      boolean isLast = next == path.length();
      boolean trailing = isLast && end < path.length();
      if (!isDirectory()) {
        return -Errno.ENOTDIR;
      }
      int r = dentry.inode().access(c, Access.EXECUTE);
      if (r < 0) {
        return r;
      }
      lastKind = kind(path, at, end);
      if (isLast && (flags & PARENT) != 0) {
        if (end - at > MAX_NAME && (flags & LONG_NAME) == 0) {
          return nameTooLong(dentry.inode());
        }
        becomeParent(path.substring(at, end), trailing);
        return 0;
      }
      if (lastKind != NORMAL) {
        if (lastKind == DOT_DOT) {
          r = up(c, flags);
          if (r < 0) {
            return r;
          }
        }
        if (isLast) {
          trailingSlash = trailing;
          return 0;
        }
        at = next;
        continue;
      }
      if (trailing && (flags & CREATES) != 0) {
        return -Errno.EISDIR;
      }
      if (end - at > MAX_NAME) {
        return nameTooLong(dentry.inode());
      }
      String name = path.substring(at, end);
      Dentry child = child(c, name, path, next, flags);
      if (child == null) {
        r = (int) c.error();
        if (r == -Errno.ENOENT && isLast && (flags & MISSING_OK) != 0) {
          becomeParent(name, trailing);
          return 0;
        }
        return r;
      }
      Inode inode = child.inode();
      if (inode.type() == Stat.S_IFLNK && (!isLast || trailing || (flags & FOLLOW) != 0)) {
        if (++links > MAX_LINKS || (flags & NO_SYMLINKS) != 0) {
          child.unpin();
          return -Errno.ELOOP;
        }
        c.fail(0);
        Path magic = inode.followMagic(c);
        if (magic != null) {
          r = jump(child, magic, flags);
          if (r < 0) {
            return r;
          }
          if (isLast) {
            trailingSlash = trailing;
            return (trailing || (flags & DIRECTORY) != 0) && !isDirectory() ? -Errno.ENOTDIR : 0;
          }
          at = next;
          continue;
        }
        String target = c.error() < 0 ? null : inode.readlink(c);
        child.unpin();
        if (target == null) {
          return (int) c.error();
        }
        if (target.isEmpty()) {
          return -Errno.ENOENT;
        }
        if (target.charAt(0) == '/') {
          r = toRoot(flags);
          if (r < 0) {
            return r;
          }
        }
        path = isLast ? (trailing ? target + "/" : target) : target + "/" + path.substring(next);
        at = skipSlashes(path, 0);
        distrust();
        continue;
      }
      Mount in = mount;
      while (child.mounts > 0) {
        Mount on = c.task.kernel.vfs.mountedOn(in, child);
        if (on == null) {
          break;
        }
        distrust();
        on.root.pin();
        child.unpin();
        child = on.root;
        in = on;
      }
      if (in != mount && (flags & NO_XDEV) != 0) {
        child.unpin();
        return -Errno.EXDEV;
      }
      if (isLast) {
        becomeParent(name, trailing);
        mount = in;
        dentry = child;
        return (trailing || (flags & DIRECTORY) != 0) && !isDirectory() ? -Errno.ENOTDIR : 0;
      }
      dentry.unpin();
      dentry = child;
      mount = in;
      at = next;
    }
  }

  /** From here on nothing is known of what comes next. */
  private void distrust() {
    fresh = 0;
    isNextMissing = false;
  }

  /** A directory that is gone is not even asked: lookup_one_qstr_excl() in fs/namei.c. */
  static int nameTooLong(Inode dir) {
    return dir.isRemoved() ? -Errno.ENOENT : -Errno.ENAMETOOLONG;
  }

  private boolean isDirectory() {
    return dentry.inode().type() == Stat.S_IFDIR;
  }

  private static int skipSlashes(String path, int at) {
    int i = at;
    while (i < path.length() && path.charAt(i) == '/') {
      i++;
    }
    return i;
  }

  private static int kind(String path, int at, int end) {
    if (path.charAt(at) != '.' || end - at > 2) {
      return NORMAL;
    }
    return end - at == 1 ? DOT : path.charAt(at + 1) == '.' ? DOT_DOT : NORMAL;
  }

  /** The current directory becomes the result's parent, with its pin. */
  private void becomeParent(String name, boolean trailing) {
    parentMount = mount;
    parent = dentry;
    dentry = null;
    mount = null;
    last = name;
    trailingSlash = trailing;
  }

  /** The child {@code name} of the current directory, pinned; null with an errno. */
  private Dentry child(Syscall c, String name, String path, int next, int flags) {
    Inode dir = dentry.inode();
    if (fresh == 0 && isNextMissing) {
      isNextMissing = false;
      return c.fail(-Errno.ENOENT);
    }
    boolean isAsked = fresh == 0 && dir.isRevalidated();
    Dentry d = dentry.cached(name);
    if (d != null && (!isAsked || isUnchanged(dir, d))) {
      if (d.pin()) {
        if (!d.used) {
          d.used = true;
        }
        if (fresh > 0) {
          fresh--;
        }
        if (isAsked && d.inode() != null) {
          d.inode().foundUnchanged();
        }
        if (d.inode() != null) {
          return d;
        }
        d.unpin();
        return c.fail(-Errno.ENOENT);
      }
    }
    distrust();
    int limit = Math.min(dir.maxAhead(), MAX_AHEAD);
    names[0] = name;
    int count = 1;
    int at = next;
    while (count < limit && at < path.length()) {
      int end = path.indexOf('/', at);
      end = end < 0 ? path.length() : end;
      if (end - at > MAX_NAME || kind(path, at, end) != NORMAL) {
        break;
      }
      names[count++] = path.substring(at, end);
      at = skipSlashes(path, end);
    }
    Vfs vfs = c.task.kernel.vfs;
    boolean opens = (flags & OPENS) != 0 && at == path.length() && limit > 1;
    if (limit == 1) {
      return vfs.load(c, dentry, name);
    }
    d = vfs.loadAhead(c, dentry, names, count, found, opens);
    if (d != null) {
      int known = (int) c.error();
      isNextMissing = (known & Vfs.NEXT_IS_MISSING) != 0;
      fresh = known & ~Vfs.NEXT_IS_MISSING;
    }
    return d;
  }

  /** Whether nobody can have changed what a name leads to since it was looked up. */
  private boolean isUnchanged(Inode dir, Dentry d) {
    if (d.stamp == 0) {
      return false;
    }
    // Once for a walk: all trees that are revalidated are one gofer's.
    if (!hasHeard) {
      hasHeard = dir.hear();
    }
    return hasHeard && Vfs.isUnchanged(dir, d);
  }

  private int up(Syscall c, int flags) {
    distrust();
    isRootKnown = true;
    Mount m = mount;
    Dentry d = dentry;
    for (; ; ) {
      // Also on the way out of what covers the start: choose_mountpoint().
      if ((flags & BENEATH) != 0 && d == start.dentry() && m == start.mount()) {
        return -Errno.EXDEV;
      }
      if (d == root.dentry() && m == root.mount()) {
        break; // ".." of the root is the root, or what is mounted on it: follow_dotdot(),
        // step_into()
      }
      if (d != m.root) {
        d = d.parent();
        break;
      }
      d = m.mountPoint();
      if (d == null) {
        return 0; // not mounted, or no longer
      }
      m = m.parent();
      if (m == null) {
        return 0;
      }
    }
    if (d == null) {
      return 0;
    }
    for (Mount on; d.mounts > 0 && (on = c.task.kernel.vfs.mountedOn(m, d)) != null; ) {
      m = on;
      d = on.root;
    }
    if (m != mount && (flags & NO_XDEV) != 0) {
      return -Errno.EXDEV;
    }
    if (d != dentry) {
      if (!d.pin()) {
        return -Errno.ENOENT;
      }
      dentry.unpin();
      dentry = d;
    }
    mount = m;
    return 0;
  }

  private int toRoot(int flags) {
    if ((flags & BENEATH) != 0
        || ((flags & NO_XDEV) != 0 && (!isRootKnown || root.mount() != mount))) {
      return -Errno.EXDEV;
    }
    isRootKnown = true;
    root.acquire();
    dentry.unpin();
    dentry = root.dentry();
    mount = root.mount();
    return 0;
  }

  /** Follows a magic link of /proc: straight to another place. */
  private int jump(Dentry link, Path to, int flags) {
    link.unpin();
    if ((flags & NO_MAGICLINKS) != 0) {
      return -Errno.ELOOP;
    }
    if ((flags & (BENEATH | IN_ROOT)) != 0 || ((flags & NO_XDEV) != 0 && to.mount() != mount)) {
      return -Errno.EXDEV;
    }
    if (to.inode() == null || !to.acquire()) {
      return -Errno.ENOENT;
    }
    dentry.unpin();
    dentry = to.dentry();
    mount = to.mount();
    lastKind = NORMAL;
    distrust();
    return 0;
  }
}
