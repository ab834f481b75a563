package io.redoubt.gofer;

/**
 * How long it is worth to spin before sleeping, learnt from what spinning has brought lately.
 *
 * <p>Spinning that ends in success costs a core for some microseconds and saves a wake-up of 7 to 60
 * us; spinning that ends in sleep costs both. Each success moves the budget up to the longest, each
 * failure halves it, until nothing is left; then every sixteenth wait is a short probe, so that a busy
 * time is noticed. With one CPU nobody spins: the peer could not run meanwhile.
 *
 * <p>Fields may be raced over by several callers; a lost update costs nothing but accuracy.
 */
final class SpinBudget {
  private static final int MIN_NANOS = 2_000;
  private static final int PROBE_INTERVAL = 16;

  private final int maxNanos;
  private int nanos;
  private int skipped;

  /**
   * @param cpus how many CPUs this process may use
   * @param maxNanos the longest spin
   */
  SpinBudget(int cpus, int maxNanos) {
    this.maxNanos = cpus > 1 ? maxNanos : 0;
    this.nanos = this.maxNanos;
  }

  /** Nanoseconds to spin now; 0 means sleep at once. */
  int next() {
    int n = nanos;
    if (n > 0 || maxNanos == 0) {
      return n;
    }
    if (++skipped < PROBE_INTERVAL) {
      return 0;
    }
    skipped = 0;
    return MIN_NANOS * 4;
  }

  /** Spinning found what it waited for. */
  void hit() {
    int n = nanos;
    if (n != maxNanos) {
      nanos = Math.min(maxNanos, Math.max(n, MIN_NANOS) * 4);
    }
  }

  /** Spinning ended in sleep. */
  void miss() {
    int n = nanos >> 1;
    nanos = n < MIN_NANOS ? 0 : n;
  }
}
