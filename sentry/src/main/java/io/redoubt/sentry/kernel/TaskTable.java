package io.redoubt.sentry.kernel;

import io.redoubt.host.Errno;
import io.redoubt.host.FdReserve;
import io.redoubt.host.Poll;
import io.redoubt.host.Signals;
import io.redoubt.host.Unistd;
import io.redoubt.sentry.fs.FdTable;
import io.redoubt.sentry.fs.FsContext;
import io.redoubt.sentry.limits.Limit;
import io.redoubt.sentry.ring.ProcessRing;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;

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
  private final Kernel kernel;

  private final TasksByHostTid byHostTid = new TasksByHostTid();
  private final HashMap<Integer, Process> processes = new HashMap<>(); // by guest pid
  private final HashMap<Integer, Task> byGuestTid = new HashMap<>();
  private final PendingClones pending;
  private final HostStatus status = new HostStatus();
  private final Orphans orphans;

  /** The last processes took descriptors of the sentry's own reserve. */
  private boolean isShortOfFds;

  TaskTable(Kernel kernel) {
    this.kernel = kernel;
    this.pending = new PendingClones(kernel);
    this.orphans = new Orphans(kernel, this, pending, status);
  }

  // ---- look-up ----

  Task byHostTid(int tid) {
    return byHostTid.get(tid);
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
    for (Task maker : pending.makers()) {
      takeIn(maker);
    }
    return true;
  }

  /** Takes in the children of {@code maker} that have not called yet. */
  synchronized void takeIn(Task maker) {
    for (int child : status.children(maker.process.hostPid, maker.hostTid)) {
      if (byHostTid(child) == null && !maker.process.ended.containsKey(child)) {
        watch(adopt(child)); // it may die without ever having called
      }
    }
    if (pending.hasBrother(maker)) {
      Process parent = maker.process.parent;
      if (parent == null) {
        takeInLiving(status.childrenIn(pending.shimChildren()));
      } else {
        for (Task t : new ArrayList<>(parent.threads)) {
          takeInFrom(parent.hostPid, t.hostTid);
        }
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

  /**
   * The sandbox's first process.
   *
   * @param orphans where they are to be found when pid 1 is the runtime's own, which the sentry
   *     does not see in /proc: a descriptor of the file of its children there
   *     (proc_tid_children(5)), or -1
   */
  public synchronized Task addFirst(
      int hostPid,
      int orphans,
      FdTable files,
      FsContext fs,
      Credentials credentials,
      ResourceLimits limits) {
    Task t = addStarted(hostPid, files, fs, credentials, limits);
    if (t == null) {
      throw new IllegalStateException("the guest's first process is gone: hostPid=" + hostPid);
    }
    kernel.first = t.process;
    pending.setShim(kernel.hasShim ? status.ppid : 0, orphans); // as addStarted has just read it
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
    Task t =
        addTask(
            new Task(
                p, status.nsPid, hostPid, new HostGuestMemory(hostPid), files, fs, credentials));
    watch(p); // its front may end it before its first call, and its files must not stay open
    return t;
  }

  /** A clone traps: puts aside what the child inherits, as of now. @return 0, -EAGAIN, -ENOMEM */
  int expect(Task maker, long flags) {
    return expect(maker, flags, null);
  }

  /** As above. @param pidFile gets the child, when it is known; or null */
  int expect(Task maker, long flags, PidFile pidFile) {
    settle(maker);
    synchronized (this) {
      if (!Limit.TASKS.hasRoom(1 + pending.size())) {
        return -Errno.EAGAIN;
      }
      if (pending.standFor(maker, flags)) {
        return 0;
      }
      if (isShortOfFds && (flags & CloneFlags.THREAD) == 0) {
        isShortOfFds = FdReserve.isReached();
        if (isShortOfFds) {
          return -Errno.EAGAIN; // its death could not be watched
        }
      }
    }
    if ((flags & CloneFlags.FILES) == 0 && !maker.files.mayCopy()) {
      return -Errno.ENOMEM;
    }
    if ((flags & CloneFlags.FILES) != 0) {
      maker.process.forgetBorrowed();
    }
    ProcessRing ring = maker.process.ring;
    if (ring != null && (flags & CloneFlags.VM) != 0 && (flags & CloneFlags.THREAD) == 0) {
      ring.onShare(maker, (flags & CloneFlags.VFORK) != 0);
    } else if (ring != null && (flags & CloneFlags.THREAD) != 0) {
      ring.onThread(maker.call);
    }
    PendingClone c = new PendingClone(maker, flags, pidFile);
    synchronized (this) {
      pending.add(c);
    }
    return 0;
  }

  /**
   * The maker is back from its clone (it calls again): children of it that have not called yet are
   * taken in, and what is left over is of a clone that failed.
   */
  void settle(Task maker) {
    List<PendingClone> failed;
    synchronized (this) {
      if (!pending.hasChild(maker)) {
        return;
      }
      takeIn(maker);
      // A new thread is not among the children; it will come by itself, or its maker's process
      // ends.
      failed = pending.takeForks(maker);
    }
    for (PendingClone p : failed) {
      p.release();
    }
  }

  /**
   * A task is going to wait, perhaps for a child that has not called yet: from now on the sentry
   * hears of its death, even if that comes before any call.
   */
  void beforeWait(Task t) {
    synchronized (this) {
      if (pending.hasChild(t)) {
        takeIn(t);
      }
    }
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
    Process same = processes.get(guestTid);
    if (same != null && same.hostPid == tid) {
      for (Task t : same.threads) {
        if (t.exec != null && t.exec.isExecing()) {
          // The leader has called exit, and this thread's exec has the leader's id now.
          HostGuestMemory memory = new HostGuestMemory(tid);
          return addTask(
              new Task(same, guestTid, tid, memory, t.files.share(), t.fs.share(), t.credentials));
        }
      }
    }
    PendingClone from = pending.ofFork(tid, status.ppid);
    if (from == null) {
      return null; // not of this sandbox's making: it is never answered
    }
    Task maker = from.maker;
    Process parent = maker.process;
    if ((from.flags & CloneFlags.PARENT) != 0) {
      parent = parent.parent;
    }
    if (parent == null || parent.exited) {
      parent = processes.get(1);
    }
    if (parent != null) {
      parent.ended.remove(tid); // the number is in use again
    }
    Process p = addProcess(guestTid, tid, parent, from.limits);
    p.pgid = from.pgid;
    p.sid = from.sid;
    p.controllingTerminal = from.controllingTerminal;
    p.inheritImage(maker.process);
    ProcessRing ring = maker.process.ring;
    if (ring != null && (from.flags & CloneFlags.VM) == 0) {
      p.ring = kernel.ring.ofChild(p, ring);
    }
    p.signalActions = from.actions;
    if (from.pidFile != null) {
      from.pidFile.bind(p);
    }
    return addTask(pending.take(from, p, guestTid, tid));
  }

  private Task adoptThread(int tid, int tgid, int guestTid) {
    Task leader = byHostTid(tgid);
    Process p = leader != null ? leader.process : processByHostPid(tgid);
    PendingClone c = p == null ? null : pending.ofThread(p);
    return c == null ? null : addTask(pending.take(c, p, guestTid, tid));
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

  private void watch(Task t) {
    if (t != null) {
      watch(t.process);
    }
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
      isShortOfFds |= FdReserve.isKept(p.pidfd);
      if (p.pidfd >= 0) {
        p.deathWatch = kernel.reactor.add(p.pidfd, PollEvents.IN, e -> processExits(p, null));
      }
    }
  }

  /**
   * Sends a signal to this process and to no other, whatever its host pid may be by now; a process
   * that may die of it is watched.
   */
  int signal(Process p, int signal) {
    watch(p);
    synchronized (this) {
      if (p.exited) {
        return -Errno.ESRCH;
      }
      return p.pidfd >= 0
          ? Signals.pidfdSendSignal(p.pidfd, signal)
          : Signals.kill(p.hostPid, signal);
    }
  }

  private Task addTask(Task t) {
    t.process.threads.add(t);
    t.noteIdentity();
    if (byGuestTid.put(t.tid, t) == null) {
      Limit.TASKS.take(1);
    }
    byHostTid.set(t.hostTid, t);
    return t;
  }

  // ---- ending ----

  /** One thread exits by exit(2). @return true when it was the last of its process */
  boolean threadExits(Task t) {
    settle(t);
    synchronized (this) {
      if (t.process.threads.size() <= 1 && !pending.hasThread(t.process)) {
        return true;
      }
      forget(t);
    }
    t.releaseResources();
    return false;
  }

  /** Whether there is one thread, and none on its way. */
  public synchronized boolean isSingleThreaded(Process p) {
    return p.threads.size() == 1 && !pending.hasThread(p);
  }

  private void forget(Task t) {
    t.process.threads.remove(t);
    t.noteIdentity();
    if (byGuestTid.remove(t.tid, t)) {
      Limit.TASKS.release(1);
    }
    if (byHostTid(t.hostTid) == t) {
      byHostTid.set(t.hostTid, null);
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
    if (caller != null) {
      settle(caller);
    }
    List<Task> tasks;
    List<PendingClone> threads = new ArrayList<>();
    boolean mayHaveOrphans;
    synchronized (this) {
      if (p.exited) {
        return;
      }
      tasks = new ArrayList<>(p.threads);
      for (PendingClone c : pending.of(p)) {
        if (c.isThread()) {
          threads.add(c);
        } else {
          takeIn(c.maker);
        }
      }
      pending.removeAll(threads);
      mayHaveOrphans = !pending.of(p).isEmpty();
      p.exited = true;
    }
    p.endRing(); // no call that comes by it is served from here on
    for (Task t : tasks) {
      if (t != caller) {
        t.call.cancel(); // one that is running in another worker ends there, and answers to nobody
      }
      t.releaseResources();
    }
    for (PendingClone c : threads) {
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
        p.parent.noteEnded(p);
      }
      Process heir = processes.get(1);
      for (Process child : p.children) {
        child.parent = heir;
        if (heir != null) {
          heir.children.add(child);
        }
      }
      p.children.clear();
      if (heir != null) {
        heir.ended.putAll(p.ended); // dead and not reaped: those are the heir's now
      }
      if (p.deathWatch != null) {
        p.deathWatch.remove();
      }
      if (p.pidfd >= 0) {
        Unistd.close(p.pidfd);
        p.pidfd = -1;
      }
    }
    if (mayHaveOrphans) {
      orphans.find(p);
    }
  }

  /** Takes in the children of all threads that there are, and of the runtime's own pid 1. */
  synchronized void takeInAll() {
    takeInLiving(status.childrenIn(pending.shimChildren()));
    for (Process p : new ArrayList<>(processes.values())) {
      for (Task t : new ArrayList<>(p.threads)) {
        takeInFrom(p.hostPid, t.hostTid);
      }
    }
  }

  /** Takes in children that a host thread made or was given, but none that is dead. */
  private void takeInFrom(int hostPid, int hostTid) {
    takeInLiving(status.children(hostPid, hostTid));
  }

  private void takeInLiving(int[] children) {
    for (int child : children) {
      if (byHostTid(child) == null && status.read(child) && status.state != 'Z') {
        watch(adopt(child));
      }
    }
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
    settleExec(p);
    if (t.hostTid == p.hostPid) {
      return t;
    }
    synchronized (this) {
      forget(t);
      return addTask(
          new Task(
              p, p.pid, p.hostPid, new HostGuestMemory(p.hostPid), t.files, t.fs, t.credentials));
    }
  }

  /**
   * The one thread that exec has left has all the children of the others. What is still pending
   * then never comes: threads are dead, and forks have failed. Kept, it would hold the files open
   * that exec closes. (The children of CLONE_PARENT are somewhere else: those stay.)
   */
  private void settleExec(Process p) {
    synchronized (this) {
      if (pending.isEmpty()) {
        return;
      }
    }
    List<PendingClone> over;
    synchronized (this) {
      takeInFrom(p.hostPid, p.hostPid);
      over = pending.of(p);
      over.removeIf(c -> (c.flags & CloneFlags.PARENT) != 0);
      pending.removeAll(over);
    }
    for (PendingClone c : over) {
      c.release();
    }
  }
}
