package io.redoubt.sentry.ipc.sysv;

import io.redoubt.host.Errno;
import io.redoubt.sentry.kernel.Syscall;
import java.util.HashMap;

/**
 * The objects of one kind: by key, and by id, which is an index and a number that changes each time
 * the index is used again, so that an old id finds nothing (ipc/util.c). Lock: its own monitor.
 */
final class IpcTable<T extends IpcObject> {
  static final int IPC_PRIVATE = 0;
  static final int IPC_CREAT = 01000;
  static final int IPC_EXCL = 02000;

  /** ipcmni: an id has so many bits of index. */
  static final int INDEX_BITS = 15;

  /** Linux has 32000 of each; fewer keep what a guest can make the sentry hold small. */
  static final int MAX_OBJECTS = 4096;

  private static final int INDEX_MASK = (1 << INDEX_BITS) - 1;
  private static final int SEQUENCES = 1 << 16;

  /** How one kind is looked at and made. */
  interface Kind<T> {
    /** Whether an object that exists is what was asked for. @return 0 or a negative errno */
    int check(T existing);

    /** A new one, or null with {@link Syscall#error()}. */
    T create();
  }

  private final String sysctl;
  private final int word;
  private final Object[] slots = new Object[MAX_OBJECTS];
  private final HashMap<Integer, T> byKey = new HashMap<>();
  private int count;
  private int last = -1;
  private int sequence;

  /**
   * @param sysctl whose word of that index is how many there may be
   */
  IpcTable(String sysctl, int word) {
    this.sysctl = sysctl;
    this.word = word;
  }

  /** The ...get() calls: finds or makes. @return an id or a negative errno */
  synchronized int get(Syscall c, int key, int flags, Kind<T> kind) {
    T t = key == IPC_PRIVATE ? null : byKey.get(key);
    if (t != null) {
      if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL)) {
        return -Errno.EEXIST;
      }
      int r = kind.check(t);
      r = r < 0 ? r : t.accessForFlags(c.task.credentials, flags);
      return r < 0 ? r : t.id;
    }
    if (key != IPC_PRIVATE && (flags & IPC_CREAT) == 0) {
      return -Errno.ENOENT;
    }
    if (count >= c.task.kernel.sysctls.of(sysctl, word, MAX_OBJECTS, MAX_OBJECTS)) {
      return -Errno.ENOSPC;
    }
    t = kind.create();
    return t == null ? (int) c.error() : add(t);
  }

  /** Indexes are used in turn, so that an id comes back as late as possible. */
  private int add(T t) {
    int index = last;
    do {
      index++;
      if (index == MAX_OBJECTS) {
        index = 0;
        sequence = (sequence + 1) % SEQUENCES;
      }
    } while (slots[index] != null);
    last = index;
    count++;
    slots[index] = t;
    t.id = sequence << INDEX_BITS | index;
    if (t.key != IPC_PRIVATE) {
      byKey.put(t.key, t);
    }
    return t.id;
  }

  /** The object of an id, or null. */
  synchronized T byId(int id) {
    T t = byIndex(id & INDEX_MASK);
    return t != null && t.id == id ? t : null;
  }

  /** The object at an index, or null: for the ..._STAT commands. */
  @SuppressWarnings("unchecked") // only add() puts anything there
  synchronized T byIndex(int index) {
    return index < 0 || index >= MAX_OBJECTS ? null : (T) slots[index];
  }

  /** The highest index in use, 0 when there is none. */
  synchronized int highestIndex() {
    for (int i = MAX_OBJECTS - 1; i > 0; i--) {
      if (slots[i] != null) {
        return i;
      }
    }
    return 0;
  }

  synchronized int count() {
    return count;
  }

  /** Nobody finds the object by its key any more. */
  synchronized void forgetKey(T t) {
    byKey.remove(t.key, t);
  }

  /** Takes an object out. */
  synchronized void remove(T t) {
    forgetKey(t);
    int index = t.id & INDEX_MASK;
    if (slots[index] == t) {
      slots[index] = null;
      count--;
    }
  }
}
