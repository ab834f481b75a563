package io.redoubt.sentry.fs.mem;

import io.redoubt.sentry.limits.Limit;
import java.util.concurrent.atomic.AtomicLong;

/** Bytes that a file system may use: its own limit within the sandbox's. */
public final class MemBudget {
  private final AtomicLong used = new AtomicLong();
  private volatile long limit;

  /**
   * @param limit bytes; {@link Long#MAX_VALUE} for none but the sandbox's
   */
  public MemBudget(long limit) {
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

  /** What is left, here and in the sandbox. */
  public long free() {
    long here = Math.max(0, limit - used.get());
    return Math.min(here, Math.max(0, Limit.MEMORY_BYTES.most() - Limit.MEMORY_BYTES.used()));
  }

  /** Takes {@code n} bytes. @return false when that is too much; then nothing was taken */
  public boolean charge(long n) {
    if (used.addAndGet(n) > limit) {
      used.addAndGet(-n);
      return false;
    }
    if (!Limit.MEMORY_BYTES.charge(n)) {
      used.addAndGet(-n);
      return false;
    }
    return true;
  }

  /** Gives back, or takes what is used already and cannot be refused (negative). */
  public void release(long n) {
    used.addAndGet(-n);
    Limit.MEMORY_BYTES.release(n);
  }
}
