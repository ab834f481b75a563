package io.redoubt.sentry.fs;

import static io.redoubt.host.Errno.EAGAIN;
import static io.redoubt.host.Errno.EDEADLK;
import static io.redoubt.host.Errno.ENOLCK;

import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.WaitQueue;
import io.redoubt.sentry.limits.Limit;
import java.util.ArrayList;
import java.util.IdentityHashMap;

/**
 * The advisory locks of one inode: record locks (fcntl(2), both kinds) and flock(2) locks, which do
 * not know of each other.
 *
 * <p>A record lock's owner is an identity: the fd table of the process for POSIX locks, the open
 * file for OFD locks. Nothing here waits: a conflict is -EAGAIN and the caller blocks on {@link
 * #queue}. Lock: its own monitor; that of {@link Waits} above it.
 */
public final class FileLocks {
  /** l_type values of struct flock. */
  public static final int F_RDLCK = 0;

  public static final int F_WRLCK = 1;
  public static final int F_UNLCK = 2;

  /**
   * One locked range; {@code end} is its last byte. {@code pid} is the owner's, -1 for an OFD lock.
   */
  public static final class Range {
    final Object owner;
    public final int pid;
    public final boolean exclusive;
    public long start;
    public long end;

    Range(Object owner, int pid, boolean exclusive, long start, long end) {
      this.owner = owner;
      this.pid = pid;
      this.exclusive = exclusive;
      this.start = start;
      this.end = end;
    }

    boolean overlaps(long from, long to) {
      return start <= to && from <= end;
    }
  }

  private record Whole(OpenFile owner, boolean exclusive) {}

  /** Woken when a lock goes or is weakened. */
  public final WaitQueue queue = new WaitQueue();

  private final ArrayList<Range> ranges = new ArrayList<>(2);
  private final ArrayList<Whole> wholes = new ArrayList<>(2);

  /** The first range that keeps {@code owner} from locking, or null: a copy. */
  public synchronized Range conflict(Object owner, boolean exclusive, long start, long end) {
    Range r = find(owner, exclusive, start, end);
    return r == null ? null : new Range(r.owner, r.pid, r.exclusive, r.start, r.end);
  }

  private Range find(Object owner, boolean exclusive, long start, long end) {
    for (int i = 0; i < ranges.size(); i++) {
      Range r = ranges.get(i);
      if (r.owner != owner && (exclusive || r.exclusive) && r.overlaps(start, end)) {
        return r;
      }
    }
    return null;
  }

  /**
   * Sets or clears a record lock; ranges of the same owner are split and merged.
   *
   * @param type F_RDLCK, F_WRLCK or F_UNLCK
   * @return 0, -EAGAIN on a conflict, -ENOLCK past the bound
   */
  public int set(Object owner, int pid, int type, long start, long end) {
    synchronized (this) {
      if (type != F_UNLCK) {
        if (find(owner, type == F_WRLCK, start, end) != null) {
          return -EAGAIN;
        }
        if (!Limit.FILE_LOCKS.hasRoom(1)) {
          return -ENOLCK;
        }
      }
      carve(owner, start, end);
      if (type != F_UNLCK) {
        insert(new Range(owner, pid, type == F_WRLCK, start, end));
      }
    }
    queue.wake(PollEvents.IN);
    return 0;
  }

  private void carve(Object owner, long start, long end) {
    for (int i = ranges.size() - 1; i >= 0; i--) {
      Range r = ranges.get(i);
      if (r.owner != owner || !r.overlaps(start, end)) {
        continue;
      }
      ranges.remove(i);
      Limit.FILE_LOCKS.release(1);
      if (r.start < start) {
        add(new Range(owner, r.pid, r.exclusive, r.start, start - 1));
      }
      if (r.end > end) {
        add(new Range(owner, r.pid, r.exclusive, end + 1, r.end));
      }
    }
  }

  private void insert(Range lock) {
    for (int i = ranges.size() - 1; i >= 0; i--) {
      Range r = ranges.get(i);
      boolean adjacent =
          (r.end != Long.MAX_VALUE && r.end + 1 == lock.start)
              || (lock.end != Long.MAX_VALUE && lock.end + 1 == r.start);
      if (r.owner == lock.owner && r.exclusive == lock.exclusive && adjacent) {
        lock.start = Math.min(lock.start, r.start);
        lock.end = Math.max(lock.end, r.end);
        ranges.remove(i);
        Limit.FILE_LOCKS.release(1);
      }
    }
    add(lock);
  }

  private void add(Range lock) {
    ranges.add(lock);
    Limit.FILE_LOCKS.take(1);
  }

  /** Drops every record lock of {@code owner}. */
  public void releaseOwner(Object owner) {
    synchronized (this) {
      if (ranges.isEmpty()) {
        return;
      }
      carve(owner, 0, Long.MAX_VALUE);
    }
    queue.wake(PollEvents.IN);
  }

  /** Drops the OFD and flock locks of an open file that goes away. */
  public void releaseFile(OpenFile file) {
    releaseOwner(file);
    flock(file, F_UNLCK);
  }

  /**
   * flock(2). A conversion is not atomic: the old lock goes first, and is lost when the new one
   * cannot be had.
   *
   * @return 0 or -EAGAIN
   */
  public int flock(OpenFile file, int type) {
    int result = 0;
    boolean weaker = false;
    synchronized (this) {
      for (int i = 0; i < wholes.size(); i++) {
        Whole w = wholes.get(i);
        if (w.owner == file) {
          if (type != F_UNLCK && w.exclusive == (type == F_WRLCK)) {
            return 0;
          }
          wholes.remove(i);
          weaker = true;
          break;
        }
      }
      if (type != F_UNLCK) {
        for (int i = 0; i < wholes.size() && result == 0; i++) {
          result = type == F_WRLCK || wholes.get(i).exclusive ? -EAGAIN : 0;
        }
        if (result == 0) {
          wholes.add(new Whole(file, type == F_WRLCK));
        }
      }
    }
    if (weaker) {
      queue.wake(PollEvents.IN);
    }
    return result;
  }

  /** A lock that its owner waits for. */
  public record Wait(FileLocks locks, boolean exclusive, long start, long end) {
    /** Whose lock is in the way of {@code owner} now; null: nobody's any more. */
    private Object blocker(Object owner) {
      synchronized (locks) {
        Range r = locks.find(owner, exclusive, start, end);
        return r == null ? null : r.owner;
      }
    }
  }

  /**
   * Who waits for what among the owners of POSIX locks, to refuse a circle (EDEADLK). For whom is
   * looked up when it is asked: a wait whose lock has been given back, or that has got it, stays
   * here until its call runs again, and must not be taken for one.
   *
   * <p>Lock: the map's monitor, above those of the locks.
   */
  public static final class Waits {
    /** As the kernel's MAX_DEADLK_ITERATIONS: longer chains are taken for none. */
    private static final int MAX_STEPS = 10;

    private static final IdentityHashMap<Object, Wait> WAITING = new IdentityHashMap<>();

    private Waits() {}

    /**
     * Notes that {@code owner} waits.
     *
     * @return 0, or -EDEADLK when the one that it waits for waits for it
     */
    public static int add(Object owner, Wait wait) {
      synchronized (WAITING) {
        Object o = wait.blocker(owner);
        for (int i = 0; i < MAX_STEPS && o != null; i++) {
          if (o == owner) {
            return -EDEADLK;
          }
          Wait next = WAITING.get(o);
          o = next == null ? null : next.blocker(o);
        }
        WAITING.put(owner, wait);
        return 0;
      }
    }

    /** The wait of {@code owner} is over. */
    public static void remove(Object owner) {
      synchronized (WAITING) {
        WAITING.remove(owner);
      }
    }
  }
}
