package io.redoubt.sentry.ring;

import io.redoubt.gofer.ImpatientCaller;
import io.redoubt.sentry.kernel.KernelThread;
import io.redoubt.sentry.kernel.Syscall;

/**
 * The thread of the poller. A call that can be served without the gofer is worth trying; one that
 * needs it takes as long as a trap, and meanwhile the poller would serve nobody.
 */
final class RingThread extends KernelThread implements ImpatientCaller {
  private Syscall tried;
  private boolean isNotForDisks;

  RingThread(Runnable body) {
    super(body, "ring");
  }

  /**
   * From here on look-ups at the gofer fail, and {@code call}, if it fails, has to be made by a
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

  @Override
  public boolean isNotForDisks() {
    return isNotForDisks;
  }

  @Override
  public boolean refusesToWait() {
    if (tried == null) {
      return false;
    }
    tried.trapIfFails();
    return true;
  }
}
