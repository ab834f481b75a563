package io.redoubt.sentry.kernel;

import io.redoubt.sentry.fs.FdTable;
import io.redoubt.sentry.fs.FsContext;

/** A guest thread: a real host thread whose calls the sentry serves. */
public final class Task {
  public final Kernel kernel;
  public final Process process;
  public final int hostTid;
  public final int tid; // guest
  public final GuestMemory memory;
  public final Syscall call = new Syscall(this);

  /**
   * The host's name of the thread and the one that was written to /proc/PID/comm in its place;
   * null: none was.
   */
  public volatile String[] nameGiven;

  /** May be replaced by unshare(2) and exec; read once per call. */
  public volatile FdTable files;

  public volatile FsContext fs;
  public volatile Credentials credentials;

  /** An exec that is under way, or null. Written by the thread that serves the task. */
  volatile Exec exec;

  /** A file mapping that the thread makes in place of another call, or null. */
  volatile MapCalls.LentMapping lentMapping;

  /**
   * Where the fd of such a mapping is in the guest; -1 before the first. Written by the thread that
   * serves the task.
   */
  int lentFd = -1;

  /**
   * The clone that this thread makes again without CLONE_PIDFD, or null. Written by the thread that
   * serves the task.
   */
  PidfdCalls.Clone pidfdClone;

  /** The call that this thread was last made to run in place of its own: {@link Sentence}. */
  long[] madeCall;

  // Things to do before the next call of this task, because the host kernel has run one of its
  // calls since: see doDuties.
  volatile boolean hasDuties;
  private boolean waited;
  private Process signalled;

  private boolean released; // guarded by this

  /** The thread whose files and identity this has, if it stands for all threads of a process. */
  private final Task model;

  // What the model's process was when it was last seen that its threads are all alike.
  private int seenAlike = -1;

  public Task(
      Process process,
      int tid,
      int hostTid,
      GuestMemory memory,
      FdTable files,
      FsContext fs,
      Credentials credentials) {
    this(process, tid, hostTid, memory, files, fs, credentials, null);
  }

  private Task(
      Process process,
      int tid,
      int hostTid,
      GuestMemory memory,
      FdTable files,
      FsContext fs,
      Credentials credentials,
      Task model) {
    this.model = model;
    this.kernel = process.kernel;
    this.process = process;
    this.tid = tid;
    this.hostTid = hostTid;
    this.memory = memory;
    this.files = files;
    this.fs = fs;
    this.credentials = credentials;
  }

  /**
   * One that stands for any thread of the process of {@code model}: for calls that come by the
   * ring, of which only the process is known. It is in no table, holds nothing, and never blocks.
   */
  public static Task ofRing(Task model, GuestMemory memory) {
    Process p = model.process;
    return new Task(
        p, p.pid, model.hostTid, memory, model.files, model.fs, model.credentials, model);
  }

  /**
   * Whether a call can be served without knowing which thread of the process makes it: all have the
   * same files, directory and identity, and none has to settle something before its next call. Only
   * of {@link #ofRing}, by the one thread that serves it.
   */
  public boolean isRingReady() {
    if (process.duties.get() != 0) {
      return false;
    }
    int generation = process.identityGeneration.get();
    if (generation != seenAlike) {
      if (!process.areThreadsAlike(model)) {
        return false;
      }
      files = model.files;
      fs = model.fs;
      credentials = model.credentials;
      seenAlike = generation;
    }
    return true;
  }

  /** Whether the thread that lent its files and identity has ended. Only of {@link #ofRing}. */
  public boolean isModelGone() {
    synchronized (kernel.tasks) {
      return !process.threads.contains(model);
    }
  }

  /** Files, directory or identity of this thread have become others. */
  public void noteIdentity() {
    process.identityGeneration.incrementAndGet();
  }

  /**
   * Sends a signal from the sentry to this thread (SIGPIPE, SIGXFSZ): it is pending when the
   * current call returns.
   *
   * @param signal 1 to 64
   */
  public void sendSignal(int signal) {
    if (model != null) {
      call.mustTrap = true; // it is for a thread, and which one is not known here
      return;
    }
    kernel.signals.toTask(this, signal);
  }

  /**
   * Whether the thread is on its way from an exec to the program's first instruction: its calls are
   * the stub's.
   */
  public boolean isExecing() {
    return exec != null;
  }

  /** Whether this task may act on another's memory and files: PTRACE_MODE_ATTACH_REALCREDS. */
  public boolean mayAttach(Task target) {
    if (target.process == process) {
      return true;
    }
    Credentials me = credentials;
    Credentials them = target.credentials;
    return me.has(Credentials.CAP_SYS_PTRACE)
        || (me.uid() == them.euid()
            && me.uid() == them.suid()
            && me.uid() == them.uid()
            && me.gid() == them.egid()
            && me.gid() == them.sgid()
            && me.gid() == them.gid()
            && (them.permitted() & ~me.permitted()) == 0
            && target.process.dumpable == 1);
  }

  /**
   * The thread is done with what {@link MapCalls#lend} has planted.
   *
   * @return whether it was this
   */
  public boolean takeLentFd(int fd) {
    if (fd != lentFd || !process.takeScratchFd(fd)) {
      return false;
    }
    lentFd = -1;
    return true;
  }

  /** A wait has been let through: children may be dead of whom the sentry has not heard. */
  void willWait() {
    waited = true;
    noteDuty();
  }

  /**
   * A kill of {@code target} has been let through: its blocked calls may have to be interrupted.
   */
  void willSignal(Process target) {
    signalled = target;
    noteDuty();
  }

  private void noteDuty() {
    if (!hasDuties) {
      hasDuties = true;
      process.duties.incrementAndGet();
    }
  }

  /**
   * The task calls again: what it had the host kernel do has been done. Runs on the thread that
   * serves it, before the call.
   */
  void doDuties() {
    hasDuties = false;
    process.duties.decrementAndGet();
    if (waited) {
      waited = false;
      kernel.tasks.settle(this);
      kernel.tasks.noteDeadChildren(process);
    }
    Process target = signalled;
    if (target != null) {
      signalled = null;
      kernel.signals.look(target);
    }
  }

  /**
   * Gives back all that the task holds. The one place where this happens; harmless when done twice.
   */
  void releaseResources() {
    synchronized (this) {
      if (released) {
        return;
      }
      released = true;
    }
    Exec e = exec;
    if (e != null) {
      e.drop();
    }
    files.release();
    fs.release();
  }

  /**
   * Gives this task a descriptor table of its own, if it shares one.
   *
   * @return whether the host kernel must do the same with its table, where descriptors for mappings
   *     are planted: it was shared with another process, which may be of another user by now and
   *     must not find what this one maps. Threads of one process share their memory, and so need no
   *     such wall; to the host they go on with one table, as {@link Process#hasScratchFd} does
   */
  public boolean unshareFiles() {
    if (!files.isShared()) {
      return false;
    }
    var shared = files;
    files = shared.copy();
    noteIdentity();
    shared.release();
    return process.tasks().size() == 1;
  }
}
