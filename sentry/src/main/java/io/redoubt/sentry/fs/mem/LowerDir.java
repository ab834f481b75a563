package io.redoubt.sentry.fs.mem;

import io.redoubt.gofer.NodeAttr;
import io.redoubt.sentry.fs.gofer.DirSnapshot;

/**
 * The names of a lower directory as the gofer listed them at one moment, all of them, with what has
 * come along about some: attributes, listings of directories, bytes of small files. Believed for a
 * second: a change by others is seen after that, as late as one that a cached dentry hides, or
 * sooner.
 *
 * <p>Guarded by its monitor, innermost.
 */
final class LowerDir {
  /** {@link #find}: the directory has no such name. */
  static final int ABSENT = -1;

  /** {@link #find}: the listing is no longer kept. */
  static final int UNKNOWN = -2;

  private static final long FRESH_NANOS = 1_000_000_000;

  private final long fetchedNanos = System.nanoTime();
  private DirSnapshot names; // null: dropped
  private NodeAttr[] attributes;
  private Object[] below; // LowerDir or byte[]
  private boolean[] isUsed; // attributes that somebody has asked for
  private int[] table; // of names: index + 1, open addressing; made by the first search

  /** Whether somebody has asked for it, and it was not brought along for nothing. */
  private boolean isListed;

  /**
   * How often something of an entry was asked for that had not come along. Who asks for many asks
   * for most, in whatever order.
   */
  private int misses;

  private int contentMisses;

  /** What it counts for among those that are kept; guarded by {@link LowerAhead}. */
  int cost;

  LowerDir(int count) {
    names = DirSnapshot.ofUpTo(count);
  }

  boolean isFresh() {
    return System.nanoTime() - fetchedNanos < FRESH_NANOS;
  }

  /** The names, or null when they are no longer kept. */
  synchronized DirSnapshot names() {
    return names;
  }

  /** Gives the memory back. */
  synchronized void drop() {
    names = null;
    attributes = null;
    below = null;
    isUsed = null;
    table = null;
  }

  /** The index of a name, {@link #ABSENT} or {@link #UNKNOWN}. */
  synchronized int find(String name) {
    if (names == null) {
      return UNKNOWN;
    }
    if (table == null) {
      makeTable();
    }
    int mask = table.length - 1;
    for (int at = hash(name) & mask; table[at] != 0; at = at + 1 & mask) {
      if (names.name(table[at] - 1).equals(name)) {
        return table[at] - 1;
      }
    }
    return ABSENT;
  }

  private void makeTable() {
    int count = names.count();
    table = new int[Integer.highestOneBit(Math.max(count, 4)) << 2];
    int mask = table.length - 1;
    for (int i = 0; i < count; i++) {
      int at = hash(names.name(i)) & mask;
      while (table[at] != 0) {
        at = at + 1 & mask;
      }
      table[at] = i + 1;
    }
  }

  private static int hash(String name) {
    int h = name.hashCode() * 0x9e3779b1;
    return h ^ h >>> 16;
  }

  /** DT_* of an entry; 0 where that is not known. */
  synchronized int type(int i) {
    return names == null ? 0 : names.type(i);
  }

  synchronized NodeAttr attributes(int i) {
    return attributes == null ? null : attributes[i];
  }

  /** Somebody has asked for the attributes. @return whether for the first time */
  synchronized boolean use(int i) {
    if (isUsed == null || isUsed[i]) {
      return false;
    }
    isUsed[i] = true;
    return true;
  }

  synchronized void put(int i, NodeAttr attr) {
    if (names != null && i < names.count()) {
      if (attributes == null) {
        attributes = new NodeAttr[names.count()];
        isUsed = new boolean[names.count()];
      }
      attributes[i] = attr;
    }
  }

  /** What has come along of an entry: a {@link LowerDir}, a file's bytes, or null. */
  synchronized Object below(int i) {
    return below == null ? null : below[i];
  }

  /**
   * @return false when the listing is no longer kept
   */
  synchronized boolean putBelow(int i, Object what) {
    if (names == null || i >= names.count()) {
      return false;
    }
    if (below == null) {
      below = new Object[names.count()];
    }
    below[i] = what;
    return true;
  }

  /** Attributes have to be asked for. @return how often now */
  synchronized int miss() {
    return ++misses;
  }

  /** Bytes of a file have to be asked for. @return how often now */
  synchronized int missContent() {
    return ++contentMisses;
  }

  /** Somebody lists it. @return whether for the first time */
  synchronized boolean list() {
    boolean isFirst = !isListed;
    isListed = true;
    return isFirst;
  }

  synchronized int count() {
    return names == null ? 0 : names.count();
  }
}
