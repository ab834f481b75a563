package io.redoubt.sentry.kernel;

import io.redoubt.host.Poll;
import io.redoubt.host.Signals;
import io.redoubt.host.Unistd;
import io.redoubt.sentry.fs.FdTable;
import io.redoubt.sentry.fs.FsContext;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * All tasks and processes.
 *
 * <p>The host kernel makes the threads; the sentry hears of one at its first call. What that thread
 * inherits (fds, cwd, identity) was put aside as a {@link PendingClone} when its maker's clone
 * trapped, and is found again here by asking the host's /proc who made whom.
 *
 * <p>Lock: its own monitor ("Kernel.tasks" in the lock order). The look-up of a known thread takes
 * no lock.
 */
public final class TaskTable {
  private static final int CHUNK_BITS = 12;
  private static final int CHUNK = 1 << CHUNK_BITS;

  private final Kernel kernel;

  // By host tid: chunks of 4,096, at most 1,024 of them (PID_MAX_LIMIT is 4 Mi).
  private final AtomicReferenceArray<AtomicReferenceArray<Task>> byHostTid =
      new AtomicReferenceArray<>(1024);
  private final HashMap<Integer, Process> processes = new HashMap<>(); // by guest pid
  private final HashMap<Integer, Task> byGuestTid = new HashMap<>();
  private final ArrayList<PendingClone> pending = new ArrayList<>();
  private final HostStatus status = new HostStatus();

  TaskTable(Kernel kernel) {
    this.kernel = kernel;
  }

  /** A clone that has been let through and whose child has not called yet. */
  record PendingClone(
      Task maker, long flags, FdTable files, FsContext fs, SignalActions actions, PidFile pidFile) {
    void release() {
      files.release();
      fs.release();
      if (pidFile != null) {
        pidFile.abandon();
      }
    }

    boolean isThread() {
      return (flags & CloneFlags.THREAD) != 0;
    }
  }

  // ---- look-up ----

  Task byHostTid(int tid) {
    AtomicReferenceArray<Task> chunk = byHostTid.get(tid >>> CHUNK_BITS);
    return chunk == null ? null : chunk.get(tid & (CHUNK - 1));
  }

  /** The process with this guest pid, or null. */
  public synchronized Process process(int pid) {
    Process p = processes.get(pid);
    if (p == null && settleAll()) {
      p = processes.get(pid);
    }
    return p;
  }

  /** The task with this guest tid, or null. */
  public synchronized Task task(int tid) {
    Task t = byGuestTid.get(tid);
    if (t == null && settleAll()) {
      t = byGuestTid.get(tid);
    }
    return t;
  }

  /** All processes, a copy, in no particular order. */
  public synchronized List<Process> processes() {
    settleAll();
    return new ArrayList<>(processes.values());
  }

  /**
   * Takes in every child that has been made and has not called yet. @return whether there can have
   * been any
   */
  private boolean settleAll() {
    if (pending.isEmpty()) {
      return false;
    }
    for (PendingClone c : new ArrayList<>(pending)) {
      if (!c.isThread()) {
        takeIn(c.maker);
      }
    }
    return true;
  }

  /** Takes in the children of {@code maker} that have not called yet. */
  synchronized void takeIn(Task maker) {
    for (int child : status.children(maker.process.hostPid, maker.hostTid)) {
      if (byHostTid(child) == null && !maker.process.ended.containsKey(child)) {
        adopt(child);
      }
    }
  }

  /**
   * The process with this guest pid that is out of the books and has not been reaped, or null. As
   * {@link #zombies}, but from the moment of its exit call on.
   */
  synchronized Process ended(int pid) {
    for (Process parent : processes.values()) {
      for (Process p : parent.ended.values()) {
        // The host pid may be another's by now.
        if (p.pid == pid && status.read(p.hostPid) && status.nsTgid == pid) {
          return p;
        }
      }
    }
    return null;
  }

  /**
   * Processes that have ended and wait to be reaped: out of the books, but their parents can still
   * see them in /proc.
   */
  public synchronized List<Process> zombies() {
    List<Process> found = new ArrayList<>();
    for (Process parent : processes.values()) {
      for (Process p : parent.ended.values()) {
        // The host pid may be another's by now.
        if (status.read(p.hostPid) && status.state == 'Z' && status.nsTgid == p.pid) {
          found.add(p);
        }
      }
    }
    return found;
  }

  public synchronized int taskCount() {
    return byGuestTid.size();
  }

  // ---- making ----

  /** The sandbox's first process. */
  public synchronized Task addFirst(
      int hostPid, FdTable files, FsContext fs, Credentials credentials, ResourceLimits limits) {
    Task t = addStarted(hostPid, files, fs, credentials, limits);
    if (t == null) {
      throw new IllegalStateException("the guest's first process is gone: hostPid=" + hostPid);
    }
    kernel.first = t.process;
    return t;
  }

  /**
   * A process that was started from outside: it leads a session and has no parent in the sandbox.
   *
   * @return null when it is gone
   */
  public synchronized Task addStarted(
      int hostPid, FdTable files, FsContext fs, Credentials credentials, ResourceLimits limits) {
    if (!status.read(hostPid)) {
      return null;
    }
    Process p = addProcess(status.nsPid, hostPid, null, limits);
    p.pgid = p.sid = p.pid;
    return addTask(p, status.nsPid, hostPid, files, fs, credentials);
  }

  /** A clone traps: puts aside what the child inherits, as of now. */
  void expect(Task maker, long flags) {
    expect(maker, flags, null);
  }

  /** As above. @param pidFile gets the child, when it is known; or null */
  void expect(Task maker, long flags, PidFile pidFile) {
    settle(maker);
    FdTable files = (flags & CloneFlags.FILES) != 0 ? maker.files.share() : maker.files.copy();
    FsContext fs = (flags & CloneFlags.FS) != 0 ? maker.fs.share() : maker.fs.copy();
    SignalActions actions = maker.process.signalActions;
    if (actions != null && (flags & CloneFlags.SIGHAND) == 0) {
      actions = actions.copy();
    }
    synchronized (this) {
      pending.add(new PendingClone(maker, flags, files, fs, actions, pidFile));
    }
  }

  /**
   * The maker is back from its clone (it calls again): children of it that have not called yet are
   * taken in, and what is left over is of a clone that failed.
   */
  void settle(Task maker) {
    List<PendingClone> failed = new ArrayList<>(0);
    synchronized (this) {
      if (!hasPending(maker)) {
        return;
      }
      takeIn(maker);
      for (int i = pending.size() - 1; i >= 0; i--) {
        PendingClone p = pending.get(i);
        // A new thread is not among the children; it will come by itself, or its maker's process
        // ends.
        if (p.maker == maker && !p.isThread()) {
          failed.add(pending.remove(i));
        }
      }
    }
    for (PendingClone p : failed) {
      p.release();
    }
  }

  /**
   * As {@link #settle} for every thread of a process: before a wait, a kill of an unknown pid, and
   * at exit.
   */
  void settle(Process process) {
    for (Task t : process.tasks()) {
      settle(t);
    }
  }

  private boolean hasPending(Task maker) {
    for (int i = 0; i < pending.size(); i++) {
      if (pending.get(i).maker == maker) {
        return true;
      }
    }
    return false;
  }

  /** An unknown thread calls: who is it? @return null when it is dead already */
  synchronized Task adopt(int tid) {
    Task known = byHostTid(tid);
    if (known != null) {
      return known;
    }
    if (!status.read(tid)) {
      return null;
    }
    int tgid = status.tgid;
    int guestTid = status.nsPid;
    if (tgid != tid) {
      return adoptThread(tid, tgid, guestTid);
    }
    PendingClone from = findFork(tid, status.ppid);
    if (from == null) {
      return null; // not of this sandbox's making: it is never answered
    }
    pending.remove(from);
    Task maker = from.maker;
    Process parent =
        (from.flags & CloneFlags.PARENT) != 0 && maker.process.parent != null
            ? maker.process.parent
            : maker.process;
    parent.ended.remove(tid); // the number is in use again
    Process p = addProcess(guestTid, tid, parent, maker.process.limits.copy());
    p.pgid = maker.process.pgid;
    p.sid = maker.process.sid;
    p.controllingTerminal = maker.process.controllingTerminal;
    p.inheritImage(maker.process);
    p.signalActions = from.actions;
    if (from.pidFile != null) {
      from.pidFile.bind(p);
    }
    return addTask(p, guestTid, tid, from.files, from.fs, maker.credentials);
  }

  private Task adoptThread(int tid, int tgid, int guestTid) {
    Task leader = byHostTid(tgid);
    Process p = leader != null ? leader.process : processByHostPid(tgid);
    if (p == null) {
      return null;
    }
    PendingClone from = null;
    for (int i = 0; i < pending.size(); i++) {
      PendingClone c = pending.get(i);
      if (c.isThread() && c.maker.process == p) {
        from = c;
        break; // threads of one process inherit the same things
      }
    }
    if (from == null) {
      return null;
    }
    pending.remove(from);
    return addTask(p, guestTid, tid, from.files, from.fs, from.maker.credentials);
  }

  private PendingClone findFork(int tid, int ppid) {
    PendingClone only = null;
    int candidates = 0;
    for (int i = 0; i < pending.size(); i++) {
      PendingClone c = pending.get(i);
      if (!c.isThread() && parentHostPid(c) == ppid) {
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
        if (!c.isThread() && parentHostPid(c) == ppid && (c.flags & CloneFlags.PARENT) == 0) {
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
      if (!c.isThread() && c.maker.process.exited) {
        return c;
      }
    }
    return null;
  }

  private static int parentHostPid(PendingClone c) {
    Process p = c.maker.process;
    return (c.flags & CloneFlags.PARENT) != 0 && p.parent != null ? p.parent.hostPid : p.hostPid;
  }

  private Process processByHostPid(int hostPid) {
    for (Process p : processes.values()) {
      if (p.hostPid == hostPid) {
        return p;
      }
    }
    return null;
  }

  private Process addProcess(int pid, int hostPid, Process parent, ResourceLimits limits) {
    Process p = new Process(kernel, pid, hostPid, limits);
    p.parent = parent;
    if (parent != null) {
      parent.children.add(p);
    }
    processes.put(pid, p);
    return p;
  }

  /**
   * Watches for a death that the sentry is not told of by an exit call. From the first call on that
   * is not an exit: a child that is forked only to exit costs no pidfd.
   */
  void watch(Process p) {
    synchronized (this) {
      if (p.pidfd >= 0 || p.exited) {
        return;
      }
      p.pidfd = Signals.pidfdOpen(p.hostPid, 0);
      if (p.pidfd >= 0) {
        p.deathWatch = kernel.reactor.add(p.pidfd, PollEvents.IN, e -> processExits(p, null));
      }
    }
  }

  private Task addTask(
      Process p, int tid, int hostTid, FdTable files, FsContext fs, Credentials credentials) {
    Task t = new Task(p, tid, hostTid, new HostGuestMemory(hostTid), files, fs, credentials);
    p.threads.add(t);
    byGuestTid.put(tid, t);
    setHostTid(hostTid, t);
    return t;
  }

  private void setHostTid(int tid, Task t) {
    int chunk = tid >>> CHUNK_BITS;
    AtomicReferenceArray<Task> a = byHostTid.get(chunk);
    if (a == null) {
      a = new AtomicReferenceArray<>(CHUNK);
      byHostTid.set(chunk, a);
    }
    a.set(tid & (CHUNK - 1), t);
  }

  // ---- ending ----

  /** One thread exits by exit(2). @return true when it was the last of its process */
  boolean threadExits(Task t) {
    settle(t);
    synchronized (this) {
      if (t.process.threads.size() <= 1 && !hasPendingThread(t.process)) {
        return true;
      }
      forget(t);
    }
    t.releaseResources();
    return false;
  }

  /** Whether a thread may have been made that has not called yet. */
  private boolean hasPendingThread(Process p) {
    for (int i = 0; i < pending.size(); i++) {
      if (pending.get(i).isThread() && pending.get(i).maker.process == p) {
        return true;
      }
    }
    return false;
  }

  private void forget(Task t) {
    t.process.threads.remove(t);
    byGuestTid.remove(t.tid, t);
    if (byHostTid(t.hostTid) == t) {
      setHostTid(t.hostTid, null);
    }
  }

  /**
   * A process ends: it called exit_group, its last thread called exit, or it was found dead.
   * Everything that it holds is given back, once, and it leaves the books: what is left of it until
   * its parent reaps it is the host kernel's.
   *
   * @param caller the task whose exit call this is, or null
   */
  void processExits(Process p, Task caller) {
    settle(p);
    List<Task> tasks;
    List<PendingClone> orphans = new ArrayList<>();
    synchronized (this) {
      if (p.exited) {
        return;
      }
      p.exited = true;
      tasks = new ArrayList<>(p.threads);
      for (int i = pending.size() - 1; i >= 0; i--) {
        if (pending.get(i).isThread() && pending.get(i).maker.process == p) {
          orphans.add(pending.remove(i));
        }
      }
    }
    for (Task t : tasks) {
      if (t != caller) {
        t.call.cancel(); // one that is running in another worker ends there, and answers to nobody
      }
      t.releaseResources();
    }
    for (PendingClone c : orphans) {
      c.release();
    }
    kernel.onProcessExit(p);
    p.releaseImage();
    synchronized (this) {
      for (Task t : tasks) {
        forget(t);
      }
      processes.remove(p.pid, p);
      if (p.parent != null) {
        p.parent.children.remove(p);
        noteEnded(p.parent, p);
      }
      Process heir = processes.get(1);
      for (Process child : p.children) {
        child.parent = heir;
        if (heir != null) {
          heir.children.add(child);
        }
      }
      p.children.clear();
      if (p.deathWatch != null) {
        p.deathWatch.remove();
      }
      if (p.pidfd >= 0) {
        Unistd.close(p.pidfd);
        p.pidfd = -1;
      }
    }
  }

  /**
   * A child that is out of the books stays among its parent's children on the host until it is
   * reaped: it must not be taken for one that has not called yet. Those that have been reaped are
   * dropped now and then.
   */
  private static void noteEnded(Process parent, Process child) {
    if (parent.ended.size() >= parent.endedSweep) {
      parent.ended.keySet().removeIf(pid -> Signals.kill(pid, 0) < 0);
      parent.endedSweep = Math.max(16, 2 * parent.ended.size());
    }
    parent.ended.put(child.hostPid, child);
  }

  /**
   * Takes note of the children of {@code p} that are dead by now. A parent that has heard from the
   * host kernel of a child's end must find what the child held free: so this runs before the first
   * call that a thread makes after a wait.
   */
  void noteDeadChildren(Process p) {
    List<Process> children;
    synchronized (this) {
      if (p.children.isEmpty()) {
        return;
      }
      children = new ArrayList<>(p.children);
    }
    for (Process child : children) {
      boolean dead;
      synchronized (this) {
        dead = child.pidfd >= 0 && Poll.poll(child.pidfd, PollEvents.IN, 0) > 0;
      }
      if (dead) {
        processExits(child, null);
      }
    }
  }

  /** exec by a thread: the others are gone, and it has taken over the id of the leader. */
  Task execed(Task t) {
    Process p = t.process;
    List<Task> others;
    synchronized (this) {
      others = new ArrayList<>(p.threads);
      others.remove(t);
      for (Task o : others) {
        forget(o);
      }
    }
    for (Task o : others) {
      o.call.cancel();
      o.releaseResources();
    }
    if (t.hostTid == p.hostPid) {
      return t;
    }
    synchronized (this) {
      forget(t);
      return addTask(p, p.pid, p.hostPid, t.files, t.fs, t.credentials);
    }
  }
}
