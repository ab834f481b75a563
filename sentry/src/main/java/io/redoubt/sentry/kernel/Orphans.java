package io.redoubt.sentry.kernel;

import java.util.List;

/**
 * Finds the children of a process that has ended in the middle of a fork, or with a child that has
 * not called. The child, if there is one, has been given to another parent.
 */
final class Orphans {
  private static final long FIRST_LOOK_NANOS = 1_000_000;
  private static final long LAST_LOOK_NANOS = 1_000_000_000;

  private final Kernel kernel;
  private final TaskTable tasks;
  private final PendingClones pending; // guarded by tasks, as status is
  private final HostStatus status;

  Orphans(Kernel kernel, TaskTable tasks, PendingClones pending, HostStatus status) {
    this.kernel = kernel;
    this.tasks = tasks;
    this.pending = pending;
    this.status = status;
  }

  /**
   * Looks for those of {@code p}, now and until all are found or there are none. No lock is held.
   */
  void find(Process p) {
    look(p, FIRST_LOOK_NANOS);
  }

  /** What is left when the process is dead, and all such children are known, is of failed forks. */
  private void look(Process p, long nextLookNanos) {
    List<PendingClone> failed;
    synchronized (tasks) {
      // A leader can be a zombie while another thread, with its children, is still on its way out.
      boolean isDead =
          !status.read(p.hostPid)
              || status.nsTgid != p.pid
              || (status.state == 'Z' && status.threads <= 1);
      tasks.takeInAll();
      failed = pending.of(p);
      if (!isDead && !failed.isEmpty()) {
        kernel.timers.schedule(
            System.nanoTime() + nextLookNanos,
            () -> look(p, Math.min(2 * nextLookNanos, LAST_LOOK_NANOS)));
        return;
      }
      pending.removeAll(failed);
    }
    for (PendingClone c : failed) {
      c.release();
    }
  }
}
