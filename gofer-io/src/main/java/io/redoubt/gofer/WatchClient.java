package io.redoubt.gofer;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.redoubt.host.Errno;
import io.redoubt.host.Inotify;
import io.redoubt.host.Inotify.InotifyEvent;
import io.redoubt.host.Memory;
import io.redoubt.host.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.agrona.collections.Int2ObjectHashMap;

/**
 * Tells whether what the gofer has said of nodes still holds, for the price of one read(2) that
 * finds nothing. A part of {@link GoferClient}.
 *
 * <p>The host kernel queues an event of inotify(7) for each change of a watched inode before the
 * call that makes it returns, so to read the queue is to hear of everything that anybody has done
 * before. What has no event: stores into a mapping (they change times, not sizes) and reads (they
 * change the time of access). So nothing is believed for longer than {@link #TRUST_NANOS}.
 *
 * <p>Another thread may see a change a moment before its event is there: the host kernel makes the
 * change first. Who has made it has heard of it by then, and whoever waits for him.
 */
public final class WatchClient {
  /** How long an answer may be believed without asking again, whatever is heard. */
  private static final long TRUST_NANOS = 1_000_000_000;

  private static final long REFUSED_NANOS = 1_000_000_000;

  private static final int BUFFER_BYTES = 8192;

  /** With a name of 255 bytes and its NUL, in a multiple of the header's size. */
  private static final long LARGEST_EVENT = InotifyEvent.SIZEOF + 256;

  /** Reads of one {@link #hear}: others may change things faster than they are heard of. */
  private static final int MAX_READS = 8;

  private final Calls calls;
  private final MemorySegment buffer = Arena.global().allocate(BUFFER_BYTES, 8);

  // Guarded by this.
  private final Int2ObjectHashMap<NodeWatch> watches = new Int2ObjectHashMap<>();
  private final byte[] name = new byte[256];
  private int fd = -1;
  private long clock = 1;
  private long floorNanos = System.nanoTime();

  /** No stamp before this one is believed. */
  private volatile long floor = 1;

  /** When events were last lost, or 0. */
  private volatile long lost;

  /** Before this time the gofer is not asked for more: it had no queue or no watch to give. */
  private volatile long notBeforeNanos = System.nanoTime();

  WatchClient(Calls calls) {
    this.calls = calls;
  }

  long floor() {
    return floor;
  }

  long lost() {
    return lost;
  }

  /**
   * Watches a node, for as long as it is not closed.
   *
   * @return null if that is not to be had: each answer of the gofer holds for the moment, then
   */
  public NodeWatch watch(int node, boolean isDirectory) {
    if (System.nanoTime() - notBeforeNanos < 0 || !isOpen()) {
      return null;
    }
    int wd = ask(Op.WATCH, node);
    if (wd == -Errno.ENOSPC) {
      refused();
    }
    if (wd <= 0) {
      return null;
    }
    synchronized (this) {
      // Nobody has a stamp of it yet, so it does not matter which events have been heard by now.
      NodeWatch known = watches.get(wd);
      if (known == null || known.isOver()) {
        known = new NodeWatch(this, isDirectory, ++clock);
        watches.put(wd, known);
      }
      return known;
    }
  }

  private boolean isOpen() {
    synchronized (this) {
      if (fd >= 0) {
        return true;
      }
    }
    int queue = queue();
    synchronized (this) {
      if (queue >= 0 && fd >= 0) {
        Unistd.close(queue); // another thread was faster
      } else if (queue >= 0) {
        fd = queue;
      } else if (queue != -Errno.EIO) {
        refused();
      }
      return fd >= 0;
    }
  }

  private void refused() {
    notBeforeNanos = System.nanoTime() + REFUSED_NANOS;
  }

  private int queue() {
    Connection.Slot slot = calls.begin(Op.WATCHES, 0);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      int r = calls.finish(slot, 0);
      if (r < 0) {
        return r;
      }
      if (slot.fd == -1) {
        return calls.malformed("no queue of events");
      }
      int queue = slot.fd;
      slot.fd = -1;
      return queue;
    } finally {
      calls.release(slot);
    }
  }

  private int ask(int op, int fid) {
    Connection.Slot slot = calls.begin(op, fid);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      return calls.finish(slot, Integer.MAX_VALUE);
    } finally {
      calls.release(slot);
    }
  }

  synchronized void close() {
    if (fd >= 0) {
      Unistd.close(fd);
      fd = -1;
    }
  }

  /**
   * Takes note of all that has happened to watched nodes before this call.
   *
   * @return false when that could not be done: then no stamp is to be believed
   */
  public synchronized boolean hear() {
    if (fd < 0) {
      return false;
    }
    long now = System.nanoTime();
    if (now - floorNanos > TRUST_NANOS) {
      floorNanos = now;
      floor = ++clock;
    }
    for (int i = 0; i < MAX_READS; i++) {
      long n = Unistd.read(fd, buffer, BUFFER_BYTES);
      if (n == -Errno.EAGAIN) {
        return true;
      }
      if (n <= 0 || !take(n)) {
        return false;
      }
      if (n <= BUFFER_BYTES - LARGEST_EVENT) {
        return true; // it found the queue empty behind these
      }
    }
    return false;
  }

  /** Takes in what was read. @return false where it cannot be of inotify(7) */
  private boolean take(long bytes) {
    for (long at = 0; at + InotifyEvent.SIZEOF <= bytes; ) {
      int length = Memory.getInt(buffer, at + InotifyEvent.LEN);
      if (length < 0 || length > bytes - at - InotifyEvent.SIZEOF) {
        calls.malformed("event of " + length + " bytes");
        return false;
      }
      int wd = Memory.getInt(buffer, at + InotifyEvent.WD);
      int mask = Memory.getInt(buffer, at + InotifyEvent.MASK);
      at += InotifyEvent.SIZEOF;
      if ((mask & Inotify.IN_Q_OVERFLOW) != 0) {
        lost = ++clock;
        floor = lost;
      } else {
        NodeWatch w = watches.get(wd);
        if (w != null) {
          take(wd, w, mask, at, length);
        }
      }
      at += length;
    }
    return true;
  }

  private void take(int wd, NodeWatch w, int mask, long at, int length) {
    long now = ++clock;
    if ((mask & (Inotify.IN_IGNORED | Inotify.IN_UNMOUNT)) != 0) {
      w.end();
      watches.remove(wd);
    } else if (length == 0) {
      w.changed(now);
    } else if ((mask & ~Inotify.IN_ATTRIB & 0xffff) != 0) { // attributes of a child are its own
      w.changed(now);
      w.changed(name(at, length), now);
    }
  }

  private String name(long at, int length) {
    int n = Math.min(length, name.length);
    Memory.copy(buffer, at, name, 0, n);
    int end = 0;
    while (end < n && name[end] != 0) {
      end++;
    }
    return new String(name, 0, end, ISO_8859_1);
  }
}
