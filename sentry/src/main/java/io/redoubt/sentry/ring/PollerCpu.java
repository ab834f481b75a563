package io.redoubt.sentry.ring;

import io.redoubt.host.Memory;
import io.redoubt.host.Process;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

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
  private static final int MASK_BYTES = 512; // 4,096 CPUs

  private final MemorySegment allowed = Arena.ofAuto().allocate(MASK_BYTES);
  private final int length;
  private final int tid;
  private int avoided = -1; // guarded by this

  /** For the calling thread: remembers where it may run, sched_getaffinity(2). */
  PollerCpu() {
    tid = Process.gettid();
    length = Process.schedGetaffinity(0, allowed, MASK_BYTES);
  }

  /**
   * Has the thread run on any other CPU that it may have. What the host refuses (a cpuset that has
   * changed) is let be: it is only speed.
   */
  synchronized void avoid(int cpu) {
    if (cpu == avoided || cpu < 0 || cpu / 8 >= length) {
      return;
    }
    int at = cpu / 64 * 8;
    long bit = 1L << cpu;
    long word = Memory.getLong(allowed, at);
    Memory.setLong(allowed, at, word & ~bit);
    if (!isEmpty()) {
      Process.schedSetaffinity(tid, allowed, length);
    }
    Memory.setLong(allowed, at, word);
    avoided = cpu;
  }

  private boolean isEmpty() {
    for (int i = 0; i + 8 <= length; i += 8) {
      if (Memory.getLong(allowed, i) != 0) {
        return false;
      }
    }
    return true;
  }
}
