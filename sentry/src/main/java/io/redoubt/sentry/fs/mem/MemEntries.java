package io.redoubt.sentry.fs.mem;

import io.redoubt.sentry.fs.DirSink;
import java.util.ArrayList;
import java.util.HashMap;

/**
 * The names of a directory. Each has a cookie of its own, larger than all before it, which is its place in a listing: so a reader that
 * goes on where it stopped sees every entry that stayed, once, whatever came and went meanwhile. Guarded by the directory's monitor.
 */
final class MemEntries {
  /** A name. */
  static final class Entry {
    final String name;
    final MemInode node;
    final long cookie;
    boolean removed;

    Entry(String name, MemInode node, long cookie) {
      this.name = name;
      this.node = node;
      this.cookie = cookie;
    }
  }

  private final HashMap<String, Entry> byName = new HashMap<>(4);
  private final ArrayList<Entry> byCookie = new ArrayList<>(4); // ascending, with removed ones between
  private long lastCookie;

  Entry get(String name) {
    return byName.get(name);
  }

  int live() {
    return byName.size();
  }

  void put(String name, MemInode node) {
    Entry e = new Entry(name, node, ++lastCookie);
    Entry old = byName.put(name, e);
    if (old != null) {
      old.removed = true;
    }
    byCookie.add(e);
  }

  void remove(String name) {
    Entry e = byName.remove(name);
    if (e == null) {
      return;
    }
    e.removed = true;
    int size = byCookie.size();
    if (byCookie.get(size - 1) == e) {
      byCookie.remove(size - 1);
    } else if (size > 16 && size > 2 * byName.size()) {
      byCookie.removeIf(x -> x.removed);
    }
  }

  long lastCookie() {
    return lastCookie;
  }

  /** Passes the entries with a cookie of {@code from} to {@code last} on. @return false when the sink is full */
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
