package io.redoubt.sentry.kernel;

import java.util.ArrayList;

/**
 * The waiters of one kernel object (a pipe, a socket, an epoll instance, a tty ...).
 *
 * <p>Lock: its own monitor, innermost of all ({@link Waiter#onEvents} only schedules). Objects
 * change their state under their own lock first and call {@link #wake} after (or while still
 * holding it); a waiter registers first and looks at the state again after, so no event is lost
 * between the two.
 */
public final class WaitQueue {
  /** One registration. Kept by the waiter in order to remove it. */
  public static final class Entry {
    private WaitQueue queue;
    private Waiter waiter;
    private int events;

    /** Takes the registration back; harmless when done twice. */
    public void remove() {
      queue.remove(this);
    }
  }

  private final ArrayList<Entry> entries = new ArrayList<>(2);
  private volatile boolean
      hasEntries; // read without the lock: a wake with nobody waiting costs one load

  /** Registers {@code waiter} for {@code events}; EPOLLERR and EPOLLHUP are always included. */
  public Entry add(Waiter waiter, int events) {
    Entry e = new Entry();
    add(e, waiter, events);
    return e;
  }

  /** As above, with an entry that is on no queue. */
  void add(Entry e, Waiter waiter, int events) {
    e.queue = this;
    e.waiter = waiter;
    e.events = events | PollEvents.ALWAYS;
    synchronized (this) {
      entries.add(e);
      hasEntries = true;
    }
  }

  private void remove(Entry e) {
    synchronized (this) {
      entries.remove(e);
      hasEntries = !entries.isEmpty();
    }
  }

  /** Tells every waiter that asked for one of {@code events}. */
  public void wake(int events) {
    if (!hasEntries) {
      return;
    }
    synchronized (this) {
      for (int i = 0; i < entries.size(); i++) {
        Entry e = entries.get(i);
        if ((e.events & events) != 0) {
          e.waiter.onEvents(events);
        }
      }
    }
  }

  /** Whether anybody waits (a hint). */
  public boolean isEmpty() {
    return !hasEntries;
  }
}
