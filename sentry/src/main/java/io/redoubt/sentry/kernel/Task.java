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

  public Task(
      Process process,
      int tid,
      int hostTid,
      GuestMemory memory,
      FdTable files,
      FsContext fs,
      Credentials credentials) {
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
   * Sends a signal from the sentry to this thread (SIGPIPE, SIGXFSZ): it is pending when the
   * current call returns.
   *
   * @param signal 1 to 64
   */
  public void sendSignal(int signal) {
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

  /** A wait has been let through: children may be dead of whom the sentry has not heard. */
  void willWait() {
    waited = true;
    hasDuties = true;
  }

  /**
   * A kill of {@code target} has been let through: its blocked calls may have to be interrupted.
   */
  void willSignal(Process target) {
    signalled = target;
    hasDuties = true;
  }

  /**
   * The task calls again: what it had the host kernel do has been done. Runs on the thread that
   * serves it, before the call.
   */
  void doDuties() {
    hasDuties = false;
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
}
