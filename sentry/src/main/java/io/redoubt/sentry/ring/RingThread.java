package io.redoubt.sentry.ring;

import io.redoubt.gofer.ImpatientCaller;
import io.redoubt.sentry.kernel.KernelThread;
import io.redoubt.sentry.kernel.Syscall;

/**
 * The thread of the poller. A call that can be served without the gofer is worth trying. One that
 * needs it takes as long as a trap, or as a disk or a server of files does, and meanwhile the
 * poller serves nobody: so it is made only where there is nobody else to serve.
 */
final class RingThread extends KernelThread implements ImpatientCaller {
  private Syscall tried;
  private boolean isNotForDisks;
  private boolean isAlone;

  RingThread(Runnable body) {
    super(body, "ring");
  }

  /**
   * From here on look-ups at the gofer may fail, and {@code call}, if it fails, has to be made by a
   * trap.
   *
   * @param call null: they do not
   * @param isNotForDisks a read from a disk fails as well. Only of one that is made whole or not at
   *     all, because what is left of it would be a short read
   */
  void tries(Syscall call, boolean isNotForDisks) {
    tried = call;
    this.isNotForDisks = isNotForDisks;
  }

  /** Whether from here on calls of one process are served, and no others. */
  void setAlone(boolean alone) {
    isAlone = alone;
  }

  /**
   * Whether a call may wait for the gofer: nobody else can call meanwhile, no other process and no
   * other thread, whose traps would wait for the region.
   */
  boolean mayWait(Syscall c) {
    return isAlone && c.task.kernel.tasks.isSingleThreaded(c.task.process);
  }

  @Override
  public boolean isNotForDisks() {
    return isNotForDisks;
  }

  @Override
  public boolean refusesToWait() {
    if (tried == null || mayWait(tried)) {
      return false;
    }
    tried.trapIfFails();
    return true;
  }

  @Override
  public void hasNotWaitedForDisk() {
    tried.trapIfFails();
  }
}
