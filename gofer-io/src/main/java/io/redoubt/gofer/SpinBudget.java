package io.redoubt.gofer;

/**
 * How long it is worth to spin before sleeping, learnt from what waiting has brought lately.
 *
 * <p>Spinning that succeeds costs a core for some microseconds and saves two wake-ups of 7 to 60
 * us; spinning that fails costs the core for nothing, and where both sides have been put on one CPU
 * it even keeps the peer from running. So:
 *
 * <ul>
 *   <li>a success allows the longest spin, a failure halves it, down to none;
 *   <li>while there is none, a run of short sleeps is the sign that the peer is quick, and leads to
 *       one trial;
 *   <li>each trial that fails doubles the run that the next one needs, since the machine is
 *       evidently too busy for two who spin.
 * </ul>
 *
 * <p>With one CPU nobody spins: the peer could not run meanwhile. Fields may be raced over by
 * several callers; a lost update costs nothing but accuracy.
 */
final class SpinBudget {
  private static final int MIN_NANOS = 2_000;

  /** A sleep at most this long could have been a spin: the time includes two wake-ups. */
  private static final long SHORT_SLEEP_NANOS = 200_000;

  /**
   * A trial spins for so many times the longest: the peer is still one that sleeps, and takes a
   * wake-up to answer. It is worth it if both can spin from then on.
   */
  private static final int TRIAL_FACTOR = 3;

  private static final int FIRST_RUN = 4;
  private static final int LONGEST_RUN = 256;

  private final int maxNanos;
  private int nanos;
  private boolean isTrial;
  private int run;
  private int runNeeded = FIRST_RUN;

  /**
   * @param cpus how many CPUs this process may use
   * @param maxNanos the longest spin
   */
  SpinBudget(int cpus, int maxNanos) {
    this.maxNanos = cpus > 1 ? maxNanos : 0;
    this.nanos = this.maxNanos;
  }

  /** Nanoseconds to spin now, of a trial more than the longest; 0 means sleep at once. */
  int next() {
    return nanos;
  }

  /** Spinning found what it waited for. */
  void hit() {
    if (isTrial || nanos != maxNanos) {
      isTrial = false;
      nanos = maxNanos;
      runNeeded = FIRST_RUN;
    }
  }

  /** Spinning for the whole budget found nothing. */
  void miss() {
    int half = nanos >> 1;
    if (isTrial) {
      half = 0;
      runNeeded = Math.min(runNeeded * 2, LONGEST_RUN);
    }
    isTrial = false;
    nanos = half < MIN_NANOS ? 0 : half;
    run = 0;
  }

  /** A wait without a spin took {@code elapsedNanos} of sleep. */
  void slept(long elapsedNanos) {
    if (elapsedNanos > SHORT_SLEEP_NANOS) {
      run = 0;
    } else if (++run >= runNeeded && nanos == 0) {
      run = 0;
      isTrial = true;
      nanos = TRIAL_FACTOR * maxNanos;
    }
  }
}
