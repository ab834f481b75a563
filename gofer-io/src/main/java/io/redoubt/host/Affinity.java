package io.redoubt.host;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Where a thread may run: all CPUs that it had at first, or some of them. What the host refuses (a
 * cpuset that has changed) is let be: it is only speed.
 */
public final class Affinity {
  private static final int MASK_BYTES = 512; // 4,096 CPUs

  private final MemorySegment allowed = Arena.ofAuto().allocate(MASK_BYTES);
  private final MemorySegment mask = Arena.ofAuto().allocate(MASK_BYTES);
  private final int length;
  private final int tid;

  /**
   * Remembers where the thread may run, sched_getaffinity(2).
   *
   * @param tid a thread of this process; 0: the one that calls
   */
  public Affinity(int tid) {
    this.tid = tid;
    length = Process.schedGetaffinity(tid, allowed, MASK_BYTES);
  }

  /** All but one CPU, unless it is the only one. */
  public void allBut(int cpu) {
    if (isIn(cpu)) {
      Memory.copy(allowed, 0, mask, 0, length);
      set(cpu, Memory.getLong(allowed, word(cpu)) & ~(1L << cpu));
    }
  }

  /** One CPU. */
  public void only(int cpu) {
    if (isIn(cpu)) {
      for (int i = 0; i + 8 <= length; i += 8) {
        Memory.setLong(mask, i, 0);
      }
      set(cpu, Memory.getLong(allowed, word(cpu)) & 1L << cpu);
    }
  }

  /** All that it had at first. */
  public void all() {
    Process.schedSetaffinity(tid, allowed, length);
  }

  private boolean isIn(int cpu) {
    return cpu >= 0 && cpu / 8 < length;
  }

  private static int word(int cpu) {
    return cpu / 64 * 8;
  }

  private void set(int cpu, long word) {
    Memory.setLong(mask, word(cpu), word);
    for (int i = 0; i + 8 <= length; i += 8) {
      if (Memory.getLong(mask, i) != 0) {
        Process.schedSetaffinity(tid, mask, length);
        return;
      }
    }
  }
}
