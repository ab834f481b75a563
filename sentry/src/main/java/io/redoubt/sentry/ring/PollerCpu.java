package io.redoubt.sentry.ring;

import io.redoubt.host.Affinity;
import io.redoubt.host.Process;

/**
 * Keeps the poller off the CPU of the thread that it serves.
 *
 * <p>A thread that is woken is put where its waker runs if nothing speaks against it, and who wakes
 * the poller has just been woken on the guest's CPU. There it would spin, and the guest, whose
 * calls it waits for, would not run. Nor may it move away by itself: the idle CPU that it moves to
 * may be taking the guest just then. So who serves a trap of that process says where the poller may
 * run: the guest waits for the answer meanwhile.
 */
final class PollerCpu {
  private final Affinity affinity = new Affinity(Process.gettid());
  private int avoided = -1; // guarded by this

  /** Has the thread that has made this run on any other CPU that it may have. */
  synchronized void avoid(int cpu) {
    if (cpu != avoided) {
      avoided = cpu;
      affinity.allBut(cpu);
    }
  }
}
