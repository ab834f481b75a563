package io.redoubt.sentry.kernel;

import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.ring.ProcessRing;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.agrona.collections.Int2ObjectHashMap;

/**
 * A thread group: what user space calls a process. Guarded by the task table's monitor where
 * nothing else is said.
 *
 * <p>Guest ids are those of the sandbox's pid namespace, which the host kernel gives out; host ids
 * are what the sentry's own calls need.
 */
public final class Process {
  public final Kernel kernel;
  public final int pid; // guest
  public final int hostPid;
  public volatile Process parent;
  public volatile int pgid;
  public volatile int sid;
  public final ArrayList<Task> threads = new ArrayList<>();
  public final ArrayList<Process> children = new ArrayList<>();

  /**
   * Children by host pid that are out of the books and may not have been reaped; and when to look
   * which have.
   */
  final java.util.HashMap<Integer, Process> ended = new java.util.HashMap<>();

  private int endedSweep = 16;

  /** The program's file, pinned; null before the first exec and after the end. */
  public volatile Path exe;

  /** What {@link #exe} led to when it was executed: nobody may write it. Guarded by this. */
  private Inode exeInode;

  // What a #! line put in front of the arguments that the host kernel knows, and how many of those
  // it replaced.
  private volatile String[] argvPrefix = {};
  private volatile int argvDrop;

  /** Its files are closed, its end is told or about to be. */
  public volatile boolean exited;

  /** A thread has called exit_group: no exec of another begins any more. */
  volatile boolean isExiting;

  /** The controlling terminal (a Terminal object of the tty package), or null. */
  public volatile Object controllingTerminal;

  public final ResourceLimits limits;

  /**
   * prctl(2) PR_SET_DUMPABLE: only in the books, the host process stays dumpable for the sentry.
   */
  public volatile int dumpable = 1;

  public final long startNanos = System.nanoTime();

  /** When its interval and POSIX timers will fire; guarded by itself. */
  final java.util.HashMap<Integer, TimerCalls.Hint> timerHints = new java.util.HashMap<>(0);

  volatile int pidfd = -1;
  Reactor.Registration deathWatch;

  /** Looks the command up at the first exec of a process that the sentry has started; or null. */
  public volatile FirstExec firstExec;

  /** True once the process has called exec, until then setpgid by its parent works. */
  public volatile boolean hasExeced;

  /** /proc/PID/oom_score_adj; kept, without effect. */
  public volatile int oomScoreAdjust;

  private boolean isImageReleased; // guarded by this

  /** The stub that this process executes on the host, 0 or 1: the next exec takes the other. */
  volatile int stub;

  /** Waiters of signalfds. */
  final WaitQueue signalQueue = new WaitQueue();

  /** Handlers that need help with restarts; null before the first exec. */
  volatile SignalActions signalActions;

  private final BitSet scratchFds = new BitSet(); // guarded by itself

  /** Of those that are lent for more than one call: to whom. Guarded by scratchFds. */
  private final Int2ObjectHashMap<Object> borrowed = new Int2ObjectHashMap<>();

  /** Threads that have something to settle before their next call: {@link Task#doDuties}. */
  final AtomicInteger duties = new AtomicInteger();

  /** Counts changes after which its threads may not be alike: {@link Task#isRingReady}. */
  final AtomicInteger identityGeneration = new AtomicInteger();

  /** What the ring tier knows of it (io.redoubt.sentry.ring); null: it has no trampoline. */
  public volatile ProcessRing ring;

  Process(Kernel kernel, int pid, int hostPid, ResourceLimits limits) {
    this.kernel = kernel;
    this.pid = pid;
    this.hostPid = hostPid;
    this.limits = limits;
  }

  /** A forked child runs the same image as its maker. */
  void inheritImage(Process maker) {
    Inode program;
    synchronized (maker) {
      program = maker.exeInode;
    }
    setExe(maker.exe, program);
    stub = maker.stub;
    argvPrefix = maker.argvPrefix;
    argvDrop = maker.argvDrop;
    synchronized (maker.scratchFds) {
      scratchFds.or(maker.scratchFds); // not what is borrowed: that may have come since the fork
    }
  }

  /** exec: the host kernel has closed the scratch fds, which are close-on-exec. */
  void newImage(Path newExe, String[] prefix, int drop) {
    setExe(newExe, newExe.inode());
    argvPrefix = prefix;
    argvDrop = drop;
    dumpable = 1;
    hasExeced = true;
    synchronized (scratchFds) {
      scratchFds.clear();
      borrowed.clear();
    }
  }

  /**
   * Keeps {@code path} pinned, and the file from being written, while it is the program of this
   * process.
   */
  private synchronized void setExe(Path path, Inode program) {
    Path old = exe;
    Inode oldProgram = exeInode;
    exe = path != null && !isImageReleased && path.acquire() ? path : null;
    exeInode = exe != null && program != null && program.denyWriteAccess() ? program : null;
    if (oldProgram != null) {
      oldProgram.allowWriteAccess();
    }
    if (old != null) {
      old.release();
    }
  }

  /** The memory with the trampoline is going away. With no lock held. */
  void endRing() {
    ProcessRing r = ring;
    if (r != null) {
      ring = null;
      r.close();
    }
  }

  /** The process is gone. */
  void releaseImage() {
    synchronized (this) {
      isImageReleased = true;
    }
    setExe(null, null);
  }

  /**
   * Whether the threads have the same files, directory and identity as {@code model}, one of them.
   */
  boolean areThreadsAlike(Task model) {
    synchronized (kernel.tasks) {
      for (Task t : threads) {
        if (t.files != model.files || t.fs != model.fs || t.credentials != model.credentials) {
          return false;
        }
      }
      return threads.contains(model);
    }
  }

  /** Whether a host fd has been planted at this number. */
  public boolean hasScratchFd(long fd) {
    synchronized (scratchFds) {
      return fd >= 0 && fd < scratchFds.length() && scratchFds.get((int) fd);
    }
  }

  /** A host fd has been planted in the guest at this number, for a file mapping. */
  void noteScratchFd(int fd) {
    noteScratchFd(fd, null);
  }

  /**
   * The same.
   *
   * @param owner of the description, who need not plant it again; null: of a single call
   */
  void noteScratchFd(int fd, Object owner) {
    synchronized (scratchFds) {
      scratchFds.set(fd);
      if (owner == null) {
        borrowed.remove(fd);
      } else {
        borrowed.put(fd, owner);
      }
    }
  }

  /**
   * Another process shares the host's descriptors from now on: what it plants is not known here.
   */
  void forgetBorrowed() {
    synchronized (scratchFds) {
      borrowed.clear();
    }
  }

  /** Whether what is planted at this number is {@code owner}'s. */
  boolean isBorrowed(int fd, Object owner) {
    synchronized (scratchFds) {
      return borrowed.get(fd) == owner;
    }
  }

  /**
   * Whether a close of {@code fd} must also run in the host kernel, because a scratch fd is there.
   */
  public boolean takeScratchFd(long fd) {
    synchronized (scratchFds) {
      if (fd < 0 || fd >= scratchFds.length() || !scratchFds.get((int) fd)) {
        return false;
      }
      scratchFds.clear((int) fd);
      borrowed.remove((int) fd);
      return true;
    }
  }

  /** /proc/PID/cmdline: the host kernel's, with what a {@code #!} line changed. */
  public byte[] commandLine() {
    byte[] host = HostStatus.readFile(hostPid + "/cmdline", 1 << 20);
    if (argvDrop == 0) {
      return host;
    }
    java.io.ByteArrayOutputStream out = new java.io.ByteArrayOutputStream();
    for (String s : argvPrefix) {
      out.writeBytes(Exec.bytes(s));
      out.write(0);
    }
    int at = 0;
    while (at < host.length && host[at] != 0) {
      at++;
    }
    if (at < host.length) {
      out.write(host, at + 1, host.length - at - 1);
    }
    return out.toByteArray();
  }

  /** The threads, a copy. */
  public List<Task> tasks() {
    synchronized (kernel.tasks) {
      return new ArrayList<>(threads);
    }
  }

  /** The first thread, or the one that is left; null when all are gone. */
  public Task leader() {
    synchronized (kernel.tasks) {
      return threads.isEmpty() ? null : threads.get(0);
    }
  }

  /**
   * A child that is out of the books stays among its parent's children on the host until it is
   * reaped: it must not be taken for one that has not called yet. Those that have been reaped are
   * dropped now and then. Under the monitor of the {@link TaskTable}.
   */
  void noteEnded(Process child) {
    if (ended.size() >= endedSweep) {
      ended.keySet().removeIf(pid -> io.redoubt.host.Signals.kill(pid, 0) < 0);
      endedSweep = Math.max(16, 2 * ended.size());
    }
    ended.put(child.hostPid, child);
  }
}
