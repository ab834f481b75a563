package io.redoubt.sentry.kernel;

import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Poll;
import io.redoubt.host.Seccomp;
import io.redoubt.host.Unistd;
import io.redoubt.sentry.fs.AnonInode;
import io.redoubt.sentry.fs.FdTable;
import io.redoubt.sentry.fs.OpenFile;

/**
 * A process, or one thread, as a file: pidfd_open(2). It stays that process when the number is
 * given to another.
 *
 * <p>Behind it is a pidfd of the host's. For waitid that one is planted in the guest at the guest's
 * own number, as {@link MapCalls} does it with files: whatever another thread puts there meanwhile,
 * a process waits for its own children only.
 *
 * <p>The file that a clone makes (CLONE_PIDFD) has its number before there is a child: it is bound
 * to the child when the sentry hears of it, or when it is first asked for.
 *
 * <p>Lock: its own monitor, below that of the task table.
 */
final class PidFile extends OpenFile {
  private static final int O_CLOEXEC = 02000000;

  /** The file is of one thread, and tells of its end. */
  static final int PIDFD_THREAD = 0200; // O_EXCL

  private final Kernel kernel;
  private final Task maker; // of the clone; null for pidfd_open
  private final WaitQueue queue = new WaitQueue();

  // Guarded by this.
  private Process process; // null: not bound yet
  private int id; // of the process, or the thread
  private int hostFd = -1;
  private Reactor.Registration watch;
  private boolean released;
  private FdTable table; // where the clone's maker finds it
  private int number;

  private PidFile(Kernel kernel, Task maker, int flags) {
    super(AnonInode.path("anon_inode:[pidfd]", 0700), O_RDWR | flags);
    this.kernel = kernel;
    this.maker = maker;
  }

  /** A file for a process, or its thread {@code id}; takes over {@code hostFd}. */
  static PidFile of(Process process, int id, int hostFd, int flags) {
    PidFile f = new PidFile(process.kernel, null, flags);
    f.process = process;
    f.id = id;
    f.hostFd = hostFd;
    return f;
  }

  /** A file for the child that {@code maker} is about to make. */
  static PidFile expected(Task maker) {
    return new PidFile(maker.kernel, maker, 0);
  }

  /** The maker of the clone finds the file at {@code fd}. */
  synchronized void installedAt(FdTable files, int fd) {
    table = files;
    number = fd;
  }

  /** The clone failed: its descriptor goes, if the guest has not put another there. */
  void abandon() {
    FdTable files;
    synchronized (this) {
      files = table;
      table = null;
    }
    if (files != null && files.remove(number, this)) {
      files.drop(this);
    }
  }

  /** The child has been made. */
  synchronized void bind(Process child) {
    if (!released && process == null) {
      process = child;
      id = child.pid;
      table = null;
      hostFd = io.redoubt.host.Signals.pidfdOpen(child.hostPid, 0);
    }
  }

  /** The process, or null: a child that was gone before the sentry heard of it. */
  Process process() {
    synchronized (this) {
      if (process != null || maker == null) {
        return process;
      }
    }
    kernel.tasks.takeIn(maker);
    synchronized (this) {
      return process;
    }
  }

  synchronized int id() {
    return id;
  }

  boolean isThread() {
    return (flags() & PIDFD_THREAD) != 0;
  }

  /** Whether the process has not been reaped. */
  boolean exists() {
    process();
    synchronized (this) {
      return hostFd >= 0 && io.redoubt.host.Signals.pidfdSendSignal(hostFd, 0) != -Errno.ESRCH;
    }
  }

  /**
   * Lets the host kernel find the process at the guest's number {@code fd}.
   *
   * @return 0, or -ESRCH when there is nothing left to find
   */
  int plant(Syscall c, int fd) {
    process();
    synchronized (this) {
      if (hostFd < 0) {
        return -Errno.ESRCH;
      }
      Fcntl.fcntl(hostFd, Fcntl.F_SETFL, flags() & O_NONBLOCK);
      int r =
          Seccomp.addFd(c.listener, c.id, Seccomp.SECCOMP_ADDFD_FLAG_SETFD, hostFd, fd, O_CLOEXEC);
      if (r < 0) {
        return -Errno.ESRCH; // the guest is gone, and nobody hears it
      }
    }
    c.task.process.noteScratchFd(fd);
    return 0;
  }

  /** Readable when the process has ended, hung up as well when it has been reaped. */
  @Override
  public int poll(int interest) {
    process();
    synchronized (this) {
      return hostFd < 0
          ? PollEvents.READABLE | PollEvents.HUP
          : Poll.poll(hostFd, PollEvents.READABLE, 0);
    }
  }

  /** Somebody is going to wait: from now on the host's pidfd is listened to. */
  @Override
  public WaitQueue waitQueue() {
    Process p = process();
    synchronized (this) {
      if (p != null && hostFd >= 0 && watch == null) {
        watch = kernel.reactor.add(hostFd, PollEvents.IN, events -> ended(p));
      }
    }
    return queue;
  }

  /** On the reactor. What the process held is free before anybody hears of its end. */
  private void ended(Process p) {
    synchronized (this) {
      if (watch != null) {
        watch.remove(); // level-triggered, and there is no second end
      }
    }
    if (!isThread()) {
      kernel.tasks.processExits(p, null);
    }
    queue.wake(PollEvents.READABLE | PollEvents.HUP);
  }

  @Override
  protected void release() {
    synchronized (this) {
      released = true;
      if (watch != null) {
        watch.remove();
      }
      if (hostFd >= 0) {
        Unistd.close(hostFd);
        hostFd = -1;
      }
    }
  }

  @Override
  public String fdinfo() {
    Process p = process();
    boolean reaped;
    synchronized (this) {
      reaped = hostFd < 0 || (Poll.poll(hostFd, PollEvents.IN, 0) & PollEvents.HUP) != 0;
    }
    int pid = p == null || reaped ? -1 : id();
    return "Pid:\t" + pid + "\nNSpid:\t" + pid + "\n";
  }

  @Override
  public String linkText() {
    return "anon_inode:[pidfd]";
  }
}
