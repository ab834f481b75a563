package io.redoubt.sentry.fs.mem;

import io.redoubt.sentry.fs.DirSink;
import java.util.ArrayList;
import java.util.HashMap;

/**
 * The names of a directory. Each has a cookie of its own, larger than all before it, which is its
 * place in a listing: so a reader that goes on where it stopped sees every entry that stayed, once,
 * whatever came and went meanwhile. Guarded by the directory's monitor.
 */
final class MemEntries {
  /** A name. */
  static final class Entry {
    final String name;

    /** Null for a whiteout: the lower name is gone. */
    final MemInode node;

    /**
     * 0 for a whiteout, and for a lower node that is anchored in its place: that is listed where
     * the lower listing has it.
     */
    final long cookie;

    /** Whether the lower directory has the name too. */
    final boolean hidesLower;

    boolean removed;

    Entry(String name, MemInode node, long cookie, boolean hidesLower) {
      this.name = name;
      this.node = node;
      this.cookie = cookie;
      this.hidesLower = hidesLower;
    }

    /** Whether the lower directory's entry of this name is to be listed. */
    boolean isInPlace() {
      return node != null && cookie == 0;
    }
  }

  private final HashMap<String, Entry> byName = new HashMap<>(4);
  private final ArrayList<Entry> byCookie =
      new ArrayList<>(4); // ascending, with removed ones between
  private long lastCookie;
  private int live; // names that are no whiteouts

  Entry get(String name) {
    return byName.get(name);
  }

  int live() {
    return live;
  }

  /** A new name, or another node under an old one. */
  void put(String name, MemInode node) {
    Entry old = byName.get(name);
    Entry e = new Entry(name, node, ++lastCookie, old != null && old.hidesLower);
    replace(old, e);
    byCookie.add(e);
  }

  /** A lower node stays under its name. */
  void putInPlace(String name, MemInode node) {
    replace(byName.get(name), new Entry(name, node, 0, true));
  }

  /** The name goes. One that is not here is that of a lower node. */
  void remove(String name) {
    Entry old = byName.get(name);
    if (old == null || old.hidesLower) {
      replace(old, new Entry(name, null, 0, true));
      return;
    }
    byName.remove(name);
    live--;
    takeOut(old);
  }

  private void replace(Entry old, Entry e) {
    byName.put(e.name, e);
    live += (e.node != null ? 1 : 0) - (old != null && old.node != null ? 1 : 0);
    if (old != null && old.cookie != 0) {
      takeOut(old);
    }
  }

  private void takeOut(Entry e) {
    e.removed = true;
    int size = byCookie.size();
    if (byCookie.get(size - 1) == e) {
      byCookie.remove(size - 1);
    } else if (size > 16 && size > 2 * live) {
      byCookie.removeIf(x -> x.removed);
    }
  }

  long lastCookie() {
    return lastCookie;
  }

  /**
   * Passes the entries with a cookie of {@code from} to {@code last} on. @return false when the
   * sink is full
   */
  boolean list(long from, long last, DirSink sink) {
    for (int i = find(from); i < byCookie.size(); i++) {
      Entry e = byCookie.get(i);
      if (e.cookie > last) {
        break;
      }
      if (!e.removed && !sink.add(e.name, e.node.ino, e.node.type() >> 12, e.cookie + 1)) {
        return false;
      }
    }
    return true;
  }

  private int find(long cookie) {
    int low = 0;
    int high = byCookie.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (byCookie.get(middle).cookie < cookie) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}
