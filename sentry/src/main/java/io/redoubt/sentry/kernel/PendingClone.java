package io.redoubt.sentry.kernel;

import io.redoubt.sentry.fs.FdTable;
import io.redoubt.sentry.fs.FsContext;

/**
 * A clone that has been let through and whose child has not called yet: what the child inherits, as
 * of the clone, whatever its maker has changed since. Guarded by the task table's monitor.
 */
final class PendingClone {
  final Task maker;
  final long flags;
  final Credentials credentials;
  final ResourceLimits limits;
  final int pgid;
  final int sid;
  final Object controllingTerminal;
  final SignalActions actions;

  /** What {@link TaskTable} has marked the maker with, so that its child is known by it; or 0. */
  long mark;

  /** Gets the child when it is known; or null. */
  final PidFile pidFile;

  private final FdTable files;
  private final FsContext fs;

  /**
   * For how many threads this stands: threads that share the same things are told apart by nothing.
   * Those that never call, and clones that failed, leave it too high, until the process ends.
   */
  private int count = 1;

  PendingClone(Task maker, long flags, PidFile pidFile) {
    Process p = maker.process;
    this.maker = maker;
    this.flags = flags;
    this.pidFile = pidFile;
    credentials = maker.credentials;
    pgid = p.pgid;
    sid = p.sid;
    controllingTerminal = p.controllingTerminal;
    limits = isThread() ? null : p.limits.copy();
    files = (flags & CloneFlags.FILES) != 0 ? maker.files.share() : maker.files.copy();
    fs = (flags & CloneFlags.FS) != 0 ? maker.fs.share() : maker.fs.copy();
    SignalActions a = p.signalActions;
    actions = a != null && (flags & CloneFlags.SIGHAND) == 0 ? a.copy() : a;
  }

  boolean isThread() {
    return (flags & CloneFlags.THREAD) != 0;
  }

  boolean isOf(Process p) {
    return maker.process == p;
  }

  /**
   * Makes this stand for one more thread, if that would inherit the same. @return whether it does
   */
  boolean standsAlsoFor(Task other, long otherFlags) {
    long shared = CloneFlags.THREAD | CloneFlags.FILES | CloneFlags.FS;
    boolean isSame =
        (flags & otherFlags & shared) == shared
            && isOf(other.process)
            && files == other.files
            && fs == other.fs
            && credentials == other.credentials;
    count += isSame ? 1 : 0;
    return isSame;
  }

  /** The child has called. @return whether this stands for nobody else */
  boolean isLast() {
    return count == 1;
  }

  /** The child's task in {@code p}. */
  Task task(Process p, int tid, int hostTid) {
    boolean last = count == 1;
    count -= last ? 0 : 1;
    return new Task(
        p,
        tid,
        hostTid,
        new HostGuestMemory(hostTid),
        last ? files : files.share(),
        last ? fs : fs.share(),
        credentials);
  }

  /** There is no child, and there will be none. With no lock held. */
  void release() {
    files.release();
    fs.release();
    if (pidFile != null) {
      pidFile.abandon();
    }
  }
}
