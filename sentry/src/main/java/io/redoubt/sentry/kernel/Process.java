package io.redoubt.sentry.kernel;

import io.redoubt.sentry.fs.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * A thread group: what user space calls a process. Guarded by the task table's monitor where nothing else is said.
 *
 * <p>Guest ids are those of the sandbox's pid namespace, which the host kernel gives out; host ids are what the sentry's own calls
 * need.
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
  public volatile Path exe; // pinned
  public volatile String[] argv = {};
  public volatile boolean exited; // its files are closed, its end is told or about to be
  /** The controlling terminal (a Terminal object of the tty package), or null. */
  public volatile Object controllingTerminal;

  public final ResourceLimits limits;
  public final long startNanos = System.nanoTime();

  Process(Kernel kernel, int pid, int hostPid, ResourceLimits limits) {
    this.kernel = kernel;
    this.pid = pid;
    this.hostPid = hostPid;
    this.limits = limits;
  }

  // Host fds that mappings have planted at the guest's own numbers; guarded by itself.
  private final BitSet scratchFds = new BitSet();

  /** A mapping has planted a host fd at number {@code fd}. */
  public void addScratchFd(int fd) {
    synchronized (scratchFds) {
      scratchFds.set(fd);
    }
  }

  /** Whether there was a planted host fd at {@code fd}, which the caller now lets the host close. */
  public boolean takeScratchFd(int fd) {
    synchronized (scratchFds) {
      boolean was = fd >= 0 && scratchFds.get(fd);
      if (was) {
        scratchFds.clear(fd);
      }
      return was;
    }
  }

  /** The threads, a copy. */
  public List<Task> tasks() {
    synchronized (kernel.tasks) {
      return new ArrayList<>(threads);
    }
  }

  /** The first thread, or the one that is left. */
  public Task leader() {
    synchronized (kernel.tasks) {
      return threads.isEmpty() ? null : threads.get(0);
    }
  }
}
