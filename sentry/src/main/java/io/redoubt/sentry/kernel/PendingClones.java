package io.redoubt.sentry.kernel;

import static io.redoubt.host.Process.prlimit64;

import io.redoubt.host.Memory;
import io.redoubt.host.Process.Rlimit;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * What children and threads inherit that have been made and have not called yet, and which of it is
 * for whom: the host's /proc says who made a thread that calls for the first time.
 *
 * <p>Guarded by the monitor of the {@link TaskTable}.
 */
final class PendingClones {
  private static final int RLIMIT_LOCKS = 10;

  private final Kernel kernel;
  private final ArrayList<PendingClone> pending = new ArrayList<>();

  /** What the runtime's own pid 1 is on the host, which inherits orphans; 0: there is none. */
  private int shimHostPid;

  /** The file of its children in /proc, where it is not to be seen; or -1. */
  private int shimChildren = -1;

  /**
   * Without a shim the guest's first process inherits the orphans, and a child of others that has
   * not called yet is among its own: taken for one of those, it would get the first process's files
   * and rights. So each fork of the first process is marked on the host, in a limit that children
   * inherit, that Linux has not looked at since 2.4 and that no guest can set there: RLIMIT_LOCKS.
   * An orphan has the mark of an earlier fork, or none.
   */
  private long lastMark;

  private final MemorySegment limit = Arena.global().allocate(Rlimit.SIZEOF, 8);

  PendingClones(Kernel kernel) {
    this.kernel = kernel;
  }

  void setShim(int hostPid, int children) {
    shimHostPid = hostPid;
    shimChildren = children;
  }

  int shimChildren() {
    return shimChildren;
  }

  boolean isEmpty() {
    return pending.isEmpty();
  }

  int size() {
    return pending.size();
  }

  /** Whether one that is there is also for what {@code maker} makes now. */
  boolean standFor(Task maker, long flags) {
    for (int i = 0; i < pending.size(); i++) {
      if (pending.get(i).standsAlsoFor(maker, flags)) {
        return true;
      }
    }
    return false;
  }

  /** Puts one aside; its clone has not been made yet. */
  void add(PendingClone c) {
    if (isHeir(c.maker.process) && !c.isThread()) {
      c.mark = mark(c.maker.process.hostPid);
    }
    pending.add(c);
  }

  void removeAll(List<PendingClone> some) {
    pending.removeAll(some);
  }

  /** Gives a thread what it inherits. */
  Task take(PendingClone c, Process p, int tid, int hostTid) {
    if (c.isLast()) {
      pending.remove(c);
    }
    return c.task(p, tid, hostTid);
  }

  /** Takes out those of {@code maker}'s that are for children. */
  List<PendingClone> takeForks(Task maker) {
    List<PendingClone> taken = new ArrayList<>(0);
    for (int i = pending.size() - 1; i >= 0; i--) {
      PendingClone c = pending.get(i);
      if (c.maker == maker && !c.isThread()) {
        taken.add(pending.remove(i));
      }
    }
    return taken;
  }

  /** Who has made children, threads not counted. */
  List<Task> makers() {
    List<Task> makers = new ArrayList<>();
    for (PendingClone c : pending) {
      if (!c.isThread()) {
        makers.add(c.maker);
      }
    }
    return makers;
  }

  /** Whether a child of {@code maker}, not a thread, may have been made that has not called yet. */
  boolean hasChild(Task maker) {
    for (int i = 0; i < pending.size(); i++) {
      if (pending.get(i).maker == maker && !pending.get(i).isThread()) {
        return true;
      }
    }
    return false;
  }

  /** As above, and it is a child of the maker's parent. */
  boolean hasBrother(Task maker) {
    for (int i = 0; i < pending.size(); i++) {
      PendingClone c = pending.get(i);
      if (c.maker == maker && !c.isThread() && (c.flags & CloneFlags.PARENT) != 0) {
        return true;
      }
    }
    return false;
  }

  /** Whether a thread of {@code p} may have been made that has not called yet. */
  boolean hasThread(Process p) {
    return ofThread(p) != null;
  }

  /** All that {@code p} has made. */
  List<PendingClone> of(Process p) {
    List<PendingClone> found = new ArrayList<>(0);
    for (int i = 0; i < pending.size(); i++) {
      if (pending.get(i).isOf(p)) {
        found.add(pending.get(i));
      }
    }
    return found;
  }

  /** For a new thread of {@code p}, or null: threads of one process inherit the same things. */
  PendingClone ofThread(Process p) {
    for (int i = 0; i < pending.size(); i++) {
      PendingClone c = pending.get(i);
      if (c.isThread() && c.isOf(p)) {
        return c;
      }
    }
    return null;
  }

  /**
   * For a new process, or null: it is none of this sandbox's making.
   *
   * @param tid the process on the host, and {@code ppid} its parent there
   */
  PendingClone ofFork(int tid, int ppid) {
    PendingClone only = null;
    int candidates = 0;
    boolean isHeirs = shimHostPid == 0 && kernel.first != null && kernel.first.hostPid == ppid;
    long mark = isHeirs ? markOf(tid) : 0;
    for (int i = 0; i < pending.size(); i++) {
      PendingClone c = pending.get(i);
      if (isOf(c, ppid, mark)) {
        only = only == null ? c : only;
        candidates++;
      }
    }
    if (candidates == 1) {
      return only;
    }
    if (candidates > 1) {
      // Several threads of one process fork at once: /proc tells which of them made this child.
      for (int i = 0; i < pending.size(); i++) {
        PendingClone c = pending.get(i);
        if (isOf(c, ppid, mark) && (c.flags & CloneFlags.PARENT) == 0) {
          for (int child : new HostStatus().children(ppid, c.maker.hostTid)) {
            if (child == tid) {
              return c;
            }
          }
        }
      }
      return only;
    }
    // The maker was killed before the child's first call: the child has been given to another
    // parent.
    for (int i = 0; i < pending.size(); i++) {
      PendingClone c = pending.get(i);
      if (!c.isThread() && isOver(c.maker.process)) {
        return c;
      }
    }
    return null;
  }

  /** Whether a process has ended, also if the sentry has not heard of that yet. */
  private static boolean isOver(Process p) {
    HostStatus s = p.exited ? null : new HostStatus();
    return s == null || !s.read(p.hostPid) || s.state == 'Z' || s.nsTgid != p.pid;
  }

  /**
   * Whether a child of a host process can be of this clone.
   *
   * @param mark the child's, if that process is the heir. Forks of several of its threads may cross
   *     between the mark and the clone, so a later one counts as well; that of infinity, which
   *     nobody has marked, is negative
   */
  private boolean isOf(PendingClone c, int parentHostPid, long mark) {
    return !c.isThread() && parentHostPid(c) == parentHostPid && (c.mark == 0 || mark >= c.mark);
  }

  private int parentHostPid(PendingClone c) {
    Process p = c.maker.process;
    if ((c.flags & CloneFlags.PARENT) == 0) {
      return p.hostPid;
    }
    return p.parent != null ? p.parent.hostPid : shimHostPid;
  }

  /** Whether orphans become the children of {@code p}. */
  private boolean isHeir(Process p) {
    return shimHostPid == 0 && p == kernel.first;
  }

  /**
   * Returns the new mark; 0 if there is none, because the process is dying or who started the
   * sandbox has the limit at 0.
   */
  private long mark(int hostPid) {
    if (prlimit64(hostPid, RLIMIT_LOCKS, null, limit) < 0) {
      return 0;
    }
    Memory.setLong(limit, Rlimit.RLIM_CUR, lastMark + 1);
    return prlimit64(hostPid, RLIMIT_LOCKS, limit, null) == 0 ? ++lastMark : 0;
  }

  /** The mark that a process was born with. */
  private long markOf(int hostPid) {
    return prlimit64(hostPid, RLIMIT_LOCKS, null, limit) == 0
        ? Memory.getLong(limit, Rlimit.RLIM_CUR)
        : 0;
  }
}
