package io.redoubt.sentry.ipc;

import static io.redoubt.host.Errno.EEXIST;
import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.ELOOP;
import static io.redoubt.host.Errno.ENOENT;
import static io.redoubt.host.Errno.ENOSPC;

import io.redoubt.host.Memory;
import io.redoubt.sentry.fs.AnonInode;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.WaitQueue;
import io.redoubt.sentry.kernel.Waiter;
import io.redoubt.sentry.limits.Limit;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;

/**
 * An epoll instance (epoll(7)).
 *
 * <p>Every item waits on its file's queue for ever. An event puts the item on the ready list; a
 * wait asks only the files on that list, so its cost does not depend on how many are watched. A
 * level-triggered item that was reported goes back on the list and is asked again by the next wait.
 *
 * <p>Locks: NESTING, which covers all changes of which instance watches which, above everything
 * here; this monitor for items and scans, held while files are asked (so above pipes, sockets and
 * the instances that are watched); the ready list's own, innermost but for wait queues, because
 * events come in under the lock of whatever happened.
 */
public final class EpollFile extends OpenFile {
  public static final int EPOLLEXCLUSIVE = 1 << 28;
  public static final int EPOLLWAKEUP = 1 << 29;
  public static final int EPOLLONESHOT = 1 << 30;
  public static final int EPOLLET = 1 << 31;
  private static final int PRIVATE_BITS = EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLONESHOT | EPOLLET;

  /** Bytes of a struct epoll_event, packed on x86-64: uint32_t events; uint64_t data. */
  public static final int SIZEOF_EVENT = 12;

  private static final int MAX_NESTS = 4; // EP_MAX_NESTS

  private static final Object NESTING = new Object();

  private record Key(OpenFile file, int fd) {
    @Override
    public boolean equals(Object other) {
      return other instanceof Key k && k.file == file && k.fd == fd;
    }

    @Override
    public int hashCode() {
      return System.identityHashCode(file) * 31 + fd;
    }
  }

  private final class Item implements Waiter, OpenFile.ReleaseListener {
    final OpenFile file;
    final int fd;
    volatile int
        events; // what is asked for, ERR and HUP, and the private bits; only the latter: disabled
    long data;
    WaitQueue.Entry entry;
    boolean queued; // on the ready list; guarded by it
    boolean removed; // guarded by the instance

    Item(OpenFile file, int fd) {
      this.file = file;
      this.fd = fd;
    }

    int interest() {
      return events & ~PRIVATE_BITS;
    }

    /** Disabled by EPOLLONESHOT until the next MOD. */
    boolean isDisabled() {
      return interest() == 0;
    }

    @Override
    public void onEvents(int happened) {
      if ((happened & interest()) != 0) {
        enqueue(this, true);
      }
    }

    @Override
    public void onRelease(OpenFile gone) {
      drop(this);
    }
  }

  private final WaitQueue queue = new WaitQueue();

  // Guarded by this.
  private final HashMap<Key, Item> items = new HashMap<>();
  private final ArrayList<Item> put = new ArrayList<>(); // level-triggered ones, within a scan

  // Guarded by NESTING.
  private final ArrayList<EpollFile> watchers = new ArrayList<>(1);

  // Guarded by itself.
  private final ArrayDeque<Item> readyList = new ArrayDeque<>();

  public EpollFile() {
    super(AnonInode.path("anon_inode:[eventpoll]", 0600), O_RDWR);
  }

  private void enqueue(Item item, boolean wake) {
    synchronized (readyList) {
      if (item.queued) {
        return;
      }
      item.queued = true;
      readyList.add(item);
    }
    if (wake) {
      queue.wake(PollEvents.READABLE);
    }
  }

  /** EPOLL_CTL_ADD. @return 0, -EEXIST, -ELOOP, -ENOSPC, -EINVAL */
  public int add(OpenFile file, int fd, int events, long data) {
    if (file instanceof EpollFile inner) {
      if ((events & EPOLLEXCLUSIVE) != 0) {
        return -EINVAL;
      }
      synchronized (NESTING) {
        IdentityHashMap<EpollFile, Integer> below = new IdentityHashMap<>();
        int depth = inner.depthBelow(below);
        if (below.containsKey(this)
            || heightAbove(new IdentityHashMap<>()) + 1 + depth > MAX_NESTS) {
          return -ELOOP;
        }
        int r = insert(file, fd, events, data);
        if (r == 0) {
          inner.watchers.add(this);
        }
        return r;
      }
    }
    return insert(file, fd, events, data);
  }

  private int insert(OpenFile file, int fd, int events, long data) {
    Item item = new Item(file, fd);
    synchronized (this) {
      Key key = new Key(file, fd);
      if (items.containsKey(key)) {
        return -EEXIST;
      }
      if (!Limit.EPOLL_ITEMS.charge(1)) {
        return -ENOSPC;
      }
      item.events = events | PollEvents.ALWAYS;
      item.data = data;
      items.put(key, item);
      item.entry = file.waitQueue().add(item, ~PRIVATE_BITS);
      check(item);
    }
    if (!file.addReleaseListener(item)) {
      drop(item); // closed while it was being added
    }
    return 0;
  }

  private void check(Item item) {
    if ((item.file.poll(item.interest()) & item.interest()) != 0) {
      enqueue(item, true);
    }
  }

  /** EPOLL_CTL_MOD. @return 0, -ENOENT, -EINVAL */
  public synchronized int modify(OpenFile file, int fd, int events, long data) {
    Item item = items.get(new Key(file, fd));
    if (item == null) {
      return -ENOENT;
    }
    if ((item.events & EPOLLEXCLUSIVE) != 0) {
      return -EINVAL;
    }
    item.data = data;
    item.events = events | PollEvents.ALWAYS;
    check(item);
    return 0;
  }

  /** EPOLL_CTL_DEL. @return 0 or -ENOENT */
  public int remove(OpenFile file, int fd) {
    synchronized (file instanceof EpollFile ? NESTING : this) {
      synchronized (this) {
        Item item = items.remove(new Key(file, fd));
        if (item == null) {
          return -ENOENT;
        }
        forget(item);
        file.removeReleaseListener(item);
        return 0;
      }
    }
  }

  private void drop(Item item) {
    synchronized (item.file instanceof EpollFile ? NESTING : this) {
      synchronized (this) {
        if (items.remove(new Key(item.file, item.fd), item)) {
          forget(item);
        }
      }
    }
  }

  private void forget(Item item) {
    item.removed = true;
    item.entry.remove();
    Limit.EPOLL_ITEMS.release(1);
    synchronized (readyList) {
      if (item.queued) {
        readyList.remove(item);
        item.queued = false;
      }
    }
    if (item.file instanceof EpollFile inner) {
      inner.watchers.remove(this);
    }
  }

  @Override
  protected void release() {
    synchronized (NESTING) {
      synchronized (this) {
        for (Item item : items.values()) {
          forget(item);
          item.file.removeReleaseListener(item);
        }
        items.clear();
      }
    }
  }

  /**
   * Takes up to {@code max} events.
   *
   * @param out receives struct epoll_event
   * @return how many, 0 when nothing is ready
   */
  public int take(MemorySegment out, int max) {
    synchronized (this) {
      int n = 0;
      int left;
      synchronized (readyList) {
        left = readyList.size();
      }
      while (n < max && left-- > 0) {
        Item item;
        synchronized (readyList) {
          item = readyList.poll();
          if (item == null) {
            break;
          }
          // From here on a new event queues it again: nothing that comes while the file is asked is
          // lost.
          item.queued = false;
        }
        if (item.removed || item.isDisabled()) {
          continue;
        }
        int ready = item.file.poll(item.interest()) & item.interest();
        if (ready == 0) {
          continue;
        }
        Memory.setInt(out, (long) n * SIZEOF_EVENT, ready);
        Memory.setLong(out, (long) n * SIZEOF_EVENT + 4, item.data);
        n++;
        if ((item.events & EPOLLONESHOT) != 0) {
          item.events &= PRIVATE_BITS;
        } else if ((item.events & EPOLLET) == 0) {
          put.add(item);
        }
      }
      for (int i = 0; i < put.size(); i++) {
        enqueue(put.get(i), false);
      }
      put.clear();
      return n;
    }
  }

  @Override
  public int poll(int interest) {
    synchronized (this) {
      for (; ; ) {
        Item item;
        synchronized (readyList) {
          item = readyList.peek();
          if (item == null) {
            return 0;
          }
          item.queued = false;
          readyList.poll();
        }
        if (!item.removed
            && !item.isDisabled()
            && (item.file.poll(item.interest()) & item.interest()) != 0) {
          synchronized (readyList) {
            if (!item.queued) {
              item.queued = true;
              readyList.addFirst(item);
            }
          }
          return PollEvents.READABLE;
        }
      }
    }
  }

  // Both under NESTING, each instance visited once: a guest may build a graph with very many paths.

  private int depthBelow(IdentityHashMap<EpollFile, Integer> seen) {
    Integer known = seen.get(this);
    if (known != null) {
      return known;
    }
    seen.put(this, 0);
    ArrayList<EpollFile> inner = new ArrayList<>();
    synchronized (this) {
      for (Item item : items.values()) {
        if (item.file instanceof EpollFile e) {
          inner.add(e);
        }
      }
    }
    int depth = 0;
    for (EpollFile e : inner) {
      depth = Math.max(depth, 1 + e.depthBelow(seen));
    }
    seen.put(this, depth);
    return depth;
  }

  private int heightAbove(IdentityHashMap<EpollFile, Integer> seen) {
    Integer known = seen.get(this);
    if (known != null) {
      return known;
    }
    int height = 0;
    for (EpollFile w : watchers) {
      height = Math.max(height, 1 + w.heightAbove(seen));
    }
    seen.put(this, height);
    return height;
  }

  @Override
  public WaitQueue waitQueue() {
    return queue;
  }

  @Override
  public long seek(Syscall c, long offset, int whence) {
    return 0; // noop_llseek()
  }

  @Override
  public synchronized String fdinfo() {
    StringBuilder b = new StringBuilder();
    for (Item item : items.values()) {
      b.append("tfd: ")
          .append(item.fd)
          .append(" events: ")
          .append(Integer.toHexString(item.events));
      b.append(" data: ").append(Long.toHexString(item.data)).append('\n');
    }
    return b.toString();
  }

  @Override
  public String linkText() {
    return "anon_inode:[eventpoll]";
  }
}
