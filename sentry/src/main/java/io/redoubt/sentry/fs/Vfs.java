package io.redoubt.sentry.fs;

import io.redoubt.host.Errno;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.limits.Limit;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The mount tree and the dentry cache of one sandbox.
 *
 * <p>Locks: {@link #tree} is held by whoever changes names or mounts; walks do not take it. The
 * monitor of a directory's dentry, below it, keeps a lookup that is not in the cache from racing
 * with a change of the same directory: what was looked up is cached before the change, or the
 * lookup sees it done. Two monitors of dentries are only taken by rename, which holds {@link
 * #tree}.
 */
public final class Vfs {
  /** Outermost lock: the names and the mounts. */
  public final Object tree = new Object();

  private final DentryCache cache;
  private final ConcurrentHashMap<Path, Mount> mounts = new ConcurrentHashMap<>();
  private final ArrayList<Mount> order = new ArrayList<>(); // in order of mounting; guarded by tree
  private volatile Mount rootMount;

  public Vfs() {
    this((int) Math.min(Limit.CACHED_NAMES.most(), Integer.MAX_VALUE));
  }

  /** For tests. */
  Vfs(int cachedDentries) {
    cache = new DentryCache(cachedDentries);
  }

  // ---- boot ----

  /** Puts the first file system at "/". @return its root, for the first {@link FsContext} */
  public Path mountRoot(Inode root, String type, String source, int flags) {
    Mount m = new Mount(type, source, new Dentry(null, "/", root), flags);
    synchronized (tree) {
      rootMount = m;
      order.add(0, m);
    }
    return new Path(m, m.root);
  }

  /**
   * Mounts at start-up; directories that are missing on the way are made.
   *
   * @param c a call with the credentials of the guest's root
   * @param guestPath absolute
   * @return 0 or a negative errno
   */
  public int mount(
      Syscall c,
      String guestPath,
      Inode root,
      String type,
      String source,
      boolean readOnly,
      boolean nosuid,
      boolean nodev,
      boolean noexec) {
    int flags =
        (readOnly ? Mount.READ_ONLY : 0)
            | (nosuid ? Mount.NOSUID : 0)
            | (nodev ? Mount.NODEV : 0)
            | (noexec ? Mount.NOEXEC : 0);
    return mount(c, guestPath, root, type, source, flags, "");
  }

  /** As above, with {@link Mount} flags and options for /proc/mounts. */
  public int mount(
      Syscall c,
      String guestPath,
      Inode root,
      String type,
      String source,
      int flags,
      String options) {
    Walk w = new Walk();
    try {
      int r = BootTree.make(c, w, guestPath, root.type() == Stat.S_IFDIR);
      if (r < 0) {
        return r;
      }
      Mount m = new Mount(type, source, new Dentry(null, "/", root), flags);
      m.options = options;
      return attach(m, w.path());
    } finally {
      w.end();
    }
  }

  // ---- mounts ----

  public Mount rootMount() {
    return rootMount;
  }

  /** The root of the sandbox. */
  public Path root() {
    return new Path(rootMount, rootMount.root);
  }

  /** All mounts, in order of mounting; a copy. */
  public List<Mount> mounts() {
    synchronized (tree) {
      return new ArrayList<>(order);
    }
  }

  /** What covers a place, or null. */
  public Mount mountedOn(Mount mount, Dentry dentry) {
    return mounts.get(new Path(mount, dentry));
  }

  /**
   * Puts {@code m} on {@code place}, over whatever is there. The mount keeps the place and its own
   * root pinned.
   */
  public int attach(Mount m, Path place) {
    synchronized (tree) {
      Path at = top(place);
      if (!isThere(at)) {
        return -Errno.ENOENT;
      }
      boolean directory = at.inode().type() == Stat.S_IFDIR;
      if (directory != (m.root.inode().type() == Stat.S_IFDIR)) {
        return -Errno.ENOTDIR;
      }
      if (!Limit.MOUNTS.charge(1)) {
        return -Errno.ENOSPC;
      }
      if (!at.acquire()) {
        Limit.MOUNTS.release(1);
        return -Errno.ENOENT;
      }
      m.root.pin();
      m.attachTo(at.mount(), at.dentry());
      at.dentry().mounts++;
      mounts.put(at, m);
      order.add(m);
    }
    return 0;
  }

  /**
   * What covers a place in the end. The root of a chroot is not walked through what covers it, and
   * somebody else may have been faster: lock_mount() in fs/namespace.c.
   */
  private Path top(Path place) {
    Path at = place;
    for (Mount on; (on = mounts.get(at)) != null; ) {
      at = new Path(on, on.root);
    }
    return at;
  }

  private boolean isThere(Path at) {
    return isAttached(at.mount()) && !PathText.isRemoved(at.dentry());
  }

  /** Whether something can be mounted on a place: it is in the tree, and has not been removed. */
  public boolean canBeCovered(Path place) {
    synchronized (tree) {
      return isThere(top(place));
    }
  }

  /** Whether a mount is in the tree: check_mnt() in fs/namespace.c. */
  public boolean isAttached(Mount m) {
    return m == rootMount || m.parent() != null;
  }

  /** Whether something is mounted on a mount. */
  public boolean hasMounts(Mount m) {
    synchronized (tree) {
      for (Mount o : order) {
        if (o.parent() == m) {
          return true;
        }
      }
    }
    return false;
  }

  /**
   * Takes a mount away that has none on itself. Its dentries stay alive for those who still use
   * them.
   */
  public int detach(Mount m) {
    synchronized (tree) {
      Mount parent = m.parent();
      if (parent == null) {
        return -Errno.EINVAL;
      }
      if (hasMounts(m)) {
        return -Errno.EBUSY;
      }
      Dentry at = m.mountPoint();
      mounts.remove(new Path(parent, at));
      order.remove(m);
      Limit.MOUNTS.release(1);
      at.mounts--;
      m.attachTo(null, null);
      at.unpin();
      m.root.unpin();
    }
    return 0;
  }

  /** Takes a mount away with all that are mounted on it (MNT_DETACH). */
  public int detachAll(Mount m) {
    synchronized (tree) {
      for (int i = order.size() - 1; i >= 0; i = Math.min(i, order.size()) - 1) {
        if (order.get(i).parent() == m) {
          detachAll(order.get(i));
        }
      }
      return detach(m);
    }
  }

  /** Changes the flags of a mount. */
  public int remount(Mount m, int flags) {
    synchronized (tree) {
      m.setFlags(flags);
    }
    return 0;
  }

  /** Makes a file system read-only in all its mounts, or lets those have it that may write. */
  public void setReadOnly(SuperBlock superBlock, boolean readOnly) {
    synchronized (tree) {
      superBlock.setReadOnly(readOnly);
    }
  }

  // ---- lookup ----

  /**
   * Finds a file for the sentry's own use (exec, interpreters).
   *
   * @param base where a relative path starts; null: the working directory
   * @return a path that stays pinned until the call is over; null with an errno
   */
  public Path lookup(Syscall c, Path base, String path, boolean follow) {
    Walk w = c.scratch().walk;
    try {
      int r = w.from(c, base, path, Walk.OPENS | (follow ? Walk.FOLLOW : 0));
      if (r < 0) {
        return c.fail(r);
      }
      Path p = w.path();
      p.acquire();
      c.keep(p);
      return p;
    } finally {
      w.end();
    }
  }

  /**
   * The child of {@code dir}, which is pinned, from the cache or from the file system. @return
   * pinned, or null with an errno
   */
  Dentry child(Syscall c, Dentry dir, String name) {
    return child(c, dir, name, dir.inode().hear());
  }

  /**
   * As {@link #child(Syscall, Dentry, String)}.
   *
   * @param hasHeard what {@link Inode#hear} has said during this call
   */
  Dentry child(Syscall c, Dentry dir, String name, boolean hasHeard) {
    Inode in = dir.inode();
    Dentry d = dir.cached(name);
    boolean isGood = d != null && (!in.isRevalidated() || (hasHeard && isUnchanged(in, d)));
    if (!isGood || !d.pin()) {
      return load(c, dir, name);
    }
    if (d.inode() != null && in.isRevalidated()) {
      d.inode().foundUnchanged();
    }
    return positive(c, d);
  }

  /** Whether nobody can have changed what {@code d} leads to since it was looked up. */
  static boolean isUnchanged(Inode dir, Dentry d) {
    long stamp = d.stamp;
    return stamp != 0 && dir.stamp(d.name()) == stamp;
  }

  /** As {@link #child} where the cache was of no use. */
  Dentry load(Syscall c, Dentry dir, String name) {
    synchronized (dir) {
      Inode in = dir.inode();
      Dentry known = dir.cached(name);
      if (known != null && !known.pin()) {
        known = null; // dying
      }
      if (known != null && !in.isRevalidated()) {
        return positive(c, known);
      }
      long stamp = in.stamp(name);
      Inode child = in.lookup(c, name);
      return settle(c, dir, known, name, child, stamp);
    }
  }

  /**
   * Added to what {@link #loadAhead} leaves: the name after those that are up to date is missing.
   */
  static final int NEXT_IS_MISSING = 1 << 16;

  /**
   * As {@link #load} for a chain of names. {@link Syscall#error()} is then how many dentries below
   * the first are known to be up to date, with {@link #NEXT_IS_MISSING}.
   */
  Dentry loadAhead(Syscall c, Dentry dir, String[] names, int count, Inode[] found, boolean opens) {
    Dentry first;
    Dentry deepest;
    int depth = 0;
    boolean isMissing;
    synchronized (dir) {
      Inode in = dir.inode();
      Dentry known = dir.cached(names[0]);
      if (known != null && !known.pin()) {
        known = null;
      }
      if (known != null && !in.isRevalidated()) {
        Dentry d = positive(c, known);
        if (d != null) {
          c.fail(0);
        }
        return d;
      }
      Dentry pinned = hint(known, names, count, found);
      Inode[] hinted = new Inode[count]; // the directory of each name, if it is known already
      long[] stamps = new long[count];
      for (int i = 0; i < count; i++) {
        hinted[i] = i == 0 ? in : found[i - 1];
        stamps[i] = hinted[i] == null ? 0 : hinted[i].stamp(names[i]);
      }
      int n = in.lookupAhead(c, names, 0, count, found, opens);
      if (pinned != null) {
        pinned.unpin();
      }
      for (int i = Math.max(n, 0); i < count; i++) {
        found[i] = null;
      }
      if (n < 0) {
        c.fail(n);
        return settle(c, dir, known, names[0], null, stamps[0]);
      }
      isMissing = n < count && c.error() == -Errno.ENOENT;
      first = settle(c, dir, known, names[0], found[0], stamps[0]);
      found[0] = null;
      deepest = first;
      deepest.pin();
      while (++depth < n) {
        // Nobody can have changed a directory of which nothing was known: its first dentry is the
        // one above. For directories
        // that are revalidated it is right as of now.
        Inode next = found[depth];
        found[depth] = null;
        synchronized (deepest) {
          Dentry old = deepest.cached(names[depth]);
          if (old != null && !old.pin()) {
            old = null;
          }
          long stamp = deepest.inode() == hinted[depth] ? stamps[depth] : 0;
          Dentry d = settle(c, deepest, old, names[depth], next, stamp);
          deepest.unpin();
          deepest = d;
        }
      }
      if (isMissing) {
        synchronized (deepest) {
          long stamp = deepest.inode() == hinted[depth] ? stamps[depth] : 0;
          missing(deepest, names[depth], stamp);
        }
      }
    }
    deepest.unpin();
    c.fail(isMissing ? (depth - 1) | NEXT_IS_MISSING : depth - 1);
    return first;
  }

  /**
   * What the cache has for a chain of names.
   *
   * @param first what it has for the first of them, pinned, or null
   * @return pinned; keeps those above it, and so their inodes, alive; or null
   */
  private static Dentry hint(Dentry first, String[] names, int count, Inode[] found) {
    Dentry d = first;
    if (d == null || !d.pin()) {
      return null;
    }
    found[0] = d.inode();
    for (int i = 1; i < count; i++) {
      Dentry next = d.cached(names[i]);
      if (next == null || !next.pin()) {
        break;
      }
      d.unpin();
      d = next;
      found[i] = d.inode();
    }
    return d;
  }

  /**
   * Makes what was looked up the cached child; {@code known} (pinned or null) is what was cached.
   * Under {@code dir}'s monitor.
   */
  private Dentry settle(Syscall c, Dentry dir, Dentry known, String name, Inode child, long stamp) {
    if (known != null) {
      if (child != null && known.inode() == child) {
        known.stamp = stamp;
        child.unused();
        return known;
      }
      if (known.mounts > 0) { // others replaced a mount point: what is mounted stays reachable
        if (child != null) {
          child.unused();
        }
        return known;
      }
      // Only what is gone or has become another is forgotten: not what could not be asked for (the
      // ring does not wait for a gofer), or failed to be read.
      if (child != null || c.error() == -Errno.ENOENT) {
        unhash(known);
      }
      known.unpin();
    }
    Inode in = dir.inode();
    if (child == null) {
      if (c.error() == -Errno.ENOENT) {
        missing(dir, name, stamp);
        c.fail(-Errno.ENOENT);
      }
      return null;
    }
    if (in.isCacheable()) {
      Dentry d = insert(dir, name, child);
      d.stamp = stamp;
      return d;
    }
    Dentry d = new Dentry(dir, name, child);
    d.pin();
    return d;
  }

  /** Takes {@link #unhash} back, under the same locks. */
  void rehash(Dentry dir, Dentry d) {
    dir.hash(d);
    cache.add(d);
  }

  /** Remembers, if that is worth it, that a lookup has not found a name. */
  private void missing(Dentry dir, String name, long stamp) {
    Inode in = dir.inode();
    boolean isWorthIt = in.isRevalidated() ? stamp != 0 : in.cachesMissing();
    if (isWorthIt && dir.isHashed() && dir.cached(name) == null) {
      Dentry d = insert(dir, name, null);
      d.stamp = stamp;
      d.unpin();
    }
  }

  private static Dentry positive(Syscall c, Dentry d) {
    if (d.inode() != null) {
      return d;
    }
    d.unpin();
    return c.fail(-Errno.ENOENT);
  }

  // ---- for Names, under tree and the directory's monitor ----

  /** A new hashed dentry with one pin. */
  Dentry insert(Dentry dir, String name, Inode inode) {
    Dentry d = new Dentry(dir, name, inode);
    d.pin();
    dir.hash(d);
    cache.add(d);
    return d;
  }

  /**
   * A new object came into being under {@code name}: replaces a negative dentry.
   *
   * @param event {@link Inode#event} from before that
   * @return pinned
   */
  Dentry appeared(Dentry dir, String name, Inode inode, long event) {
    Dentry old = dir.cached(name);
    if (old != null && old.pin()) {
      unhash(old);
      old.unpin();
    }
    if (dir.inode().isCacheable()) {
      Dentry d = insert(dir, name, inode);
      boolean hasHeard = event != 0 && dir.inode().hear();
      d.stamp = hasHeard ? dir.inode().stampAfter(name, event) : 0;
      return d;
    }
    Dentry d = new Dentry(dir, name, inode);
    d.pin();
    return d;
  }

  /** The name of {@code d}, which is pinned, is gone. */
  void unhash(Dentry d) {
    d.unhash();
    cache.remove(d);
  }

  /**
   * Remembers that {@code name} is missing now, if that is worth it.
   *
   * @param event {@link Inode#event} from before it was removed
   */
  void disappeared(Dentry dir, String name, long event) {
    disappeared(dir, name, event, event != 0 && dir.inode().hear());
  }

  /**
   * The same.
   *
   * @param hasHeard what {@link Inode#hear} has said since then
   */
  void disappeared(Dentry dir, String name, long event, boolean hasHeard) {
    missing(dir, name, hasHeard ? dir.inode().stampAfter(name, event) : 0);
  }

  /** The gofer is out of descriptors: makes the cache smaller, once for all. */
  public void shrinkCache() {
    cache.shrink();
  }

  int cachedDentries() {
    return cache.size();
  }
}
