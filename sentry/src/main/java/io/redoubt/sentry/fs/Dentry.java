package io.redoubt.sentry.fs;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;

/**
 * A name in a directory, with the inode it leads to or none (a negative dentry).
 *
 * <p>Life: a dentry is made with its parent pinned and keeps that pin. While {@link #isHashed()
 * hashed} it is found by name in its parent and stays in the {@link DentryCache} after its last pin
 * is gone, until the cache needs the room; one that was unlinked, replaced or never hashed dies
 * with its last pin. Death lets go of the inode ({@link Inode#detach}) and of the parent.
 *
 * <p>Whoever keeps a dentry beyond a call (open file, working directory, root, mount, exe) keeps a
 * pin on it. Parent and name only change by rename, under {@link Vfs#tree}.
 */
public final class Dentry {
  /** Not a VarHandle, which costs a microsecond an access until the second compiler has seen it. */
  private static final AtomicIntegerFieldUpdater<Dentry> PINS =
      AtomicIntegerFieldUpdater.newUpdater(Dentry.class, "pins");

  private volatile Dentry parent;
  private volatile String name;
  private final Inode inode;

  // by PINS; -1: dead
  private volatile int pins;

  private volatile boolean hashed;
  private volatile ConcurrentHashMap<String, Dentry> children; // made when the first child comes

  /** How many mounts sit on this dentry; changed under {@link Vfs#tree}. */
  volatile int mounts;

  // The ring of the cache's clock; guarded by DentryCache.
  Dentry ringPrevious;
  Dentry ringNext;
  boolean inRing;

  /**
   * {@link Inode#stamp} of the directory for the name, from before it was last looked up; 0: it
   * must be looked up again. Written under the parent's monitor.
   */
  volatile long stamp;

  /** Set by every use, cleared by the clock. */
  volatile boolean used;

  /**
   * A root or an anonymous dentry has no parent and lives as long as it is reachable. Otherwise the
   * parent must be pinned.
   */
  public Dentry(Dentry parent, String name, Inode inode) {
    this.parent = parent;
    this.name = name;
    this.inode = inode;
    this.hashed = parent == null;
    if (inode != null) {
      inode.attach();
    }
    if (parent != null && !parent.pin()) {
      throw new IllegalStateException("child of a dead dentry: name=" + name);
    }
  }

  /** The inode, or null for a negative dentry; never changes. */
  public Inode inode() {
    return inode;
  }

  public Dentry parent() {
    return parent;
  }

  public String name() {
    return name;
  }

  /**
   * Whether the name still leads here: false after unlink, and for dentries that are not cached.
   */
  public boolean isHashed() {
    return hashed;
  }

  /** Takes a pin. @return false when the dentry is dead */
  public boolean pin() {
    for (; ; ) {
      int n = pins;
      if (n < 0) {
        return false;
      }
      if (PINS.compareAndSet(this, n, n + 1)) {
        return true;
      }
    }
  }

  /** Drops a pin. */
  public void unpin() {
    Dentry d = this;
    while (d != null) {
      int n = PINS.decrementAndGet(d);
      if (n > 0 || d.hashed || !PINS.compareAndSet(d, 0, -1)) {
        return;
      }
      if (d.inode != null) {
        d.inode.detach();
      }
      d = d.parent;
    }
  }

  /** The cached child, or null when nothing is known of the name. Without a pin. */
  Dentry cached(String child) {
    ConcurrentHashMap<String, Dentry> map = children;
    return map == null ? null : map.get(child);
  }

  /** Whether children are cached; a hint. */
  boolean hasChildren() {
    ConcurrentHashMap<String, Dentry> map = children;
    return map != null && !map.isEmpty();
  }

  /**
   * Makes {@code child} found by its name. Under this dentry's monitor; nothing is there under that
   * name.
   */
  void hash(Dentry child) {
    ConcurrentHashMap<String, Dentry> map = children;
    if (map == null) {
      children = map = new ConcurrentHashMap<>(4);
    }
    child.hashed = true;
    map.put(child.name, child);
  }

  /**
   * The cache takes the dentry away if nobody uses it. @return whether it is now dead; {@link
   * #bury} must follow
   */
  boolean tryKill() {
    return PINS.compareAndSet(this, 0, -1);
  }

  /** Ends what {@link #tryKill} began. */
  void bury() {
    hashed = false;
    Dentry p = parent;
    if (p != null) {
      p.children.remove(name, this);
    }
    if (inode != null) {
      inode.detach();
    }
    if (p != null) {
      p.unpin();
    }
  }

  /** The name no longer leads here. The caller has a pin and takes it out of the cache's ring. */
  void unhash() {
    hashed = false;
    Dentry p = parent;
    if (p != null && p.children != null) {
      p.children.remove(name, this);
    }
  }

  /**
   * Gives the dentry, which is pinned, another place; under {@link Vfs#tree} and both parents'
   * monitors.
   */
  void move(Dentry newParent, String newName) {
    Dentry old = parent;
    old.children.remove(name, this);
    stamp = 0;
    newParent.pin();
    parent = newParent;
    name = newName;
    newParent.hash(this);
    old.unpin();
  }

  /**
   * Exchanges the places of two hashed and pinned dentries; under {@link Vfs#tree} and both
   * parents' monitors.
   */
  static void exchange(Dentry a, Dentry b) {
    Dentry ap = a.parent;
    String an = a.name;
    a.stamp = 0;
    b.stamp = 0;
    a.parent = b.parent;
    a.name = b.name;
    b.parent = ap;
    b.name = an;
    a.parent.children.put(a.name, a);
    b.parent.children.put(b.name, b);
  }

  /** Whether {@code this} is {@code other} or above it. Under {@link Vfs#tree}. */
  boolean isAncestorOf(Dentry other) {
    for (Dentry d = other; d != null; d = d.parent) {
      if (d == this) {
        return true;
      }
    }
    return false;
  }

  @Override
  public String toString() {
    return "dentry " + name + ", pins=" + pins;
  }
}
