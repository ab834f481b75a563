package io.redoubt.sentry.ipc;

import static io.redoubt.host.Errno.EAGAIN;
import static io.redoubt.host.Errno.EEXIST;
import static io.redoubt.host.Errno.EFAULT;
import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.ENOSPC;
import static io.redoubt.host.Errno.ENOTTY;

import io.redoubt.host.Memory;
import io.redoubt.sentry.fs.AnonInode;
import io.redoubt.sentry.fs.FsNotify;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.UserBuffer;
import io.redoubt.sentry.kernel.WaitQueue;
import io.redoubt.sentry.limits.Limit;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.IdentityHashMap;

/**
 * inotify(7). Sees what the sandbox itself does, see {@link FsNotify}. A watch pins its path, so
 * that the inode stays the one that is watched. Lock: its own monitor, below those of the file
 * system.
 */
public final class InotifyFile extends OpenFile implements FsNotify.Watcher {
  public static final int IN_ALL_EVENTS = 0xfff;
  public static final int IN_ONLYDIR = 0x01000000;
  public static final int IN_DONT_FOLLOW = 0x02000000;
  public static final int IN_EXCL_UNLINK = 0x04000000;
  public static final int IN_MASK_CREATE = 0x10000000;
  public static final int IN_MASK_ADD = 0x20000000;
  public static final int IN_ONESHOT = 0x80000000;
  private static final int IN_Q_OVERFLOW = 0x4000;
  private static final int IN_IGNORED = 0x8000;

  private static final int MAX_QUEUED = 16384; // fs.inotify.max_queued_events
  private static final int MAX_WATCHES = 65536; // of one instance, fs.inotify.max_user_watches
  private static final int FIONREAD = 0x541b;

  // struct inotify_event { int wd; uint32_t mask; uint32_t cookie; uint32_t len; char name[]; }
  private static final int SIZEOF_EVENT = 16;

  private record Event(int wd, int mask, int cookie, String name) {
    /** Bytes of the name with its NUL, in multiples of the header. */
    int nameBytes() {
      return name == null ? 0 : (name.length() + SIZEOF_EVENT) / SIZEOF_EVENT * SIZEOF_EVENT;
    }
  }

  private static final class Watch {
    final int wd;
    final Path path;
    final Inode inode;
    int mask;

    Watch(int wd, Path path, int mask) {
      this.wd = wd;
      this.path = path;
      this.inode = path.inode();
      this.mask = mask;
    }
  }

  private final WaitQueue queue = new WaitQueue();

  // Guarded by this.
  private final ArrayDeque<Event> events = new ArrayDeque<>();
  private final HashMap<Integer, Watch> byNumber = new HashMap<>();
  private final IdentityHashMap<Inode, Watch> byInode = new IdentityHashMap<>();
  private int lastNumber;
  private boolean isOver;

  /** The caller has charged {@link Limit#INOTIFY_INSTANCES}, which is released with the file. */
  public InotifyFile(int flags) {
    super(AnonInode.path("anon_inode:inotify", 0600), O_RDONLY | flags);
  }

  /**
   * inotify_add_watch(2).
   *
   * @param path pinned; taken over when a new watch is made, and released otherwise
   * @return a watch descriptor, or -EEXIST, -ENOSPC
   */
  public int add(Path path, int mask) {
    int result;
    Watch fresh = null;
    synchronized (this) {
      Watch w = byInode.get(path.inode());
      if (w != null) {
        if ((mask & IN_MASK_CREATE) != 0) {
          result = -EEXIST;
        } else {
          w.mask = (mask & IN_MASK_ADD) != 0 ? w.mask | mask : mask;
          result = w.wd;
        }
      } else if (byNumber.size() >= MAX_WATCHES || !Limit.INOTIFY_WATCHES.charge(1)) {
        result = -ENOSPC;
      } else {
        fresh = new Watch(++lastNumber, path, mask);
        byNumber.put(fresh.wd, fresh);
        byInode.put(fresh.inode, fresh);
        result = fresh.wd;
      }
    }
    if (fresh == null) {
      path.release();
    } else {
      FsNotify.add(fresh.inode, this);
    }
    return result;
  }

  /** inotify_rm_watch(2). @return 0 or -EINVAL */
  public int remove(int wd) {
    Watch w;
    synchronized (this) {
      w = byNumber.get(wd);
      if (w == null) {
        return -EINVAL;
      }
      drop(w);
    }
    end(w);
    return 0;
  }

  private void drop(Watch w) {
    Limit.INOTIFY_WATCHES.release(1);
    byNumber.remove(w.wd);
    byInode.remove(w.inode);
    enqueue(new Event(w.wd, IN_IGNORED, 0, null));
  }

  private void end(Watch w) {
    FsNotify.remove(w.inode, this);
    w.path.release();
    queue.wake(PollEvents.READABLE);
  }

  private void enqueue(Event e) {
    if (isOver) {
      return;
    }
    Event last = events.peekLast();
    if (e.equals(last) && e.mask != IN_IGNORED) {
      return;
    }
    if (events.size() < MAX_QUEUED && Limit.INOTIFY_EVENTS.charge(1)) {
      events.add(e);
    } else if (last == null || last.mask != IN_Q_OVERFLOW) {
      Limit.INOTIFY_EVENTS.take(1); // one an instance, whatever the limit
      events.add(new Event(-1, IN_Q_OVERFLOW, 0, null));
    }
  }

  @Override
  public void onChange(Inode inode, int mask, String name, int cookie) {
    Watch gone = null;
    synchronized (this) {
      Watch w = byInode.get(inode);
      if (w == null) {
        return;
      }
      boolean wanted = (w.mask & mask & IN_ALL_EVENTS) != 0;
      if (wanted) {
        enqueue(new Event(w.wd, mask, cookie, name));
      }
      if ((mask & FsNotify.DELETE_SELF) != 0 || (wanted && (w.mask & IN_ONESHOT) != 0)) {
        gone = w;
        drop(w);
      }
    }
    queue.wake(PollEvents.READABLE);
    if (gone != null) {
      end(gone);
    }
  }

  @Override
  public long read(Syscall c, UserBuffer dst) {
    long done = 0;
    MemorySegment s = c.scratch().small;
    for (; ; ) {
      Event e;
      synchronized (this) {
        e = events.peek();
        if (e == null) {
          return done > 0 ? done : -EAGAIN;
        }
        if (SIZEOF_EVENT + e.nameBytes() > dst.remaining()) {
          return done > 0 ? done : -EINVAL;
        }
        events.poll();
        Limit.INOTIFY_EVENTS.release(1);
      }
      int length = SIZEOF_EVENT + e.nameBytes();
      s.asSlice(0, length).fill((byte) 0);
      Memory.setInt(s, 0, e.wd);
      Memory.setInt(s, 4, e.mask);
      Memory.setInt(s, 8, e.cookie);
      Memory.setInt(s, 12, e.nameBytes());
      for (int i = 0; e.name != null && i < e.name.length(); i++) {
        Memory.setByte(s, SIZEOF_EVENT + i, (byte) e.name.charAt(i));
      }
      if (dst.copyOut(s, 0, length) != length) {
        return done > 0 ? done : -EFAULT;
      }
      done += length;
    }
  }

  @Override
  public long ioctl(Syscall c, int command, long arg) {
    if (command != FIONREAD) {
      return -ENOTTY;
    }
    int n = 0;
    synchronized (this) {
      for (Event e : events) {
        n += SIZEOF_EVENT + e.nameBytes();
      }
    }
    return c.memory().writeInt(arg, n);
  }

  @Override
  protected void release() {
    Watch[] all;
    synchronized (this) {
      all = byNumber.values().toArray(new Watch[0]);
      Limit.INOTIFY_WATCHES.release(all.length);
      Limit.INOTIFY_EVENTS.release(events.size());
      Limit.INOTIFY_INSTANCES.release(1);
      isOver = true;
      byNumber.clear();
      byInode.clear();
      events.clear();
    }
    for (Watch w : all) {
      FsNotify.remove(w.inode, this);
      w.path.release();
    }
  }

  @Override
  public synchronized int poll(int interest) {
    return events.isEmpty() ? 0 : PollEvents.READABLE;
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
  public String linkText() {
    return "anon_inode:inotify";
  }
}
