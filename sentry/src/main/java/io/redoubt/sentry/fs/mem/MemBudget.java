package io.redoubt.sentry.fs.mem;

import java.util.concurrent.atomic.AtomicLong;

/** Bytes (or inodes) that may be used; a file system's own limit within the sandbox's. */
public final class MemBudget {
  private final MemBudget outer; // or null
  private final AtomicLong used = new AtomicLong();
  private volatile long limit;

  /**
   * @param limit bytes; {@link Long#MAX_VALUE} for none but {@code outer}'s
   */
  public MemBudget(MemBudget outer, long limit) {
    this.outer = outer;
    this.limit = limit;
  }

  public long limit() {
    return limit;
  }

  /** Changes the limit (remount). */
  public void setLimit(long limit) {
    this.limit = limit;
  }

  public long used() {
    return used.get();
  }

  /** What is left, here and in the outer budgets. */
  public long free() {
    long here = Math.max(0, limit - used.get());
    return outer == null ? here : Math.min(here, outer.free());
  }

  /** Takes {@code n} bytes. @return false when that is too much; then nothing was taken */
  public boolean charge(long n) {
    if (used.addAndGet(n) > limit) {
      used.addAndGet(-n);
      return false;
    }
    if (outer != null && !outer.charge(n)) {
      used.addAndGet(-n);
      return false;
    }
    return true;
  }

  /** Gives back, or takes what is used already and cannot be refused (negative). */
  public void release(long n) {
    used.addAndGet(-n);
    if (outer != null) {
      outer.release(n);
    }
  }
}
