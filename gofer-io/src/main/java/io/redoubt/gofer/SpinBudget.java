package io.redoubt.gofer;

/**
 * How long it is worth to spin before sleeping, learnt from what waiting has brought lately.
 *
 * <p>Spinning that succeeds costs a core for some microseconds and saves two wake-ups of 7 to 60
 * us; spinning that fails costs the core for nothing, and where both sides have been put on one CPU
 * it even keeps the peer from running. So:
 *
 * <ul>
 *   <li>it is the whole time or none: half a spin meets the gap between two calls never, and costs
 *       all the same;
 *   <li>a success is a point of credit, a failure costs four, so that one call among others that
 *       takes long changes nothing, and a peer that cannot run is noticed at once;
 *   <li>without credit, a run of short sleeps is the sign that the peer is quick, and leads to one
 *       trial;
 *   <li>each trial that fails doubles the run that the next one needs, since the machine is
 *       evidently too busy for two who spin.
 * </ul>
 *
 * <p>With one CPU nobody spins: the peer could not run meanwhile. Fields may be raced over by
 * several callers; a lost update costs nothing but accuracy.
 */
final class SpinBudget {
  /** A sleep at most this long could have been a spin: the time includes two wake-ups. */
  private static final long SHORT_SLEEP_NANOS = 200_000;

  /**
   * A trial spins for so many times the longest: the peer is still one that sleeps, and takes a
   * wake-up to answer. It is worth it if both can spin from then on.
   */
  private static final int TRIAL_FACTOR = 3;

  private static final int FULL_CREDIT = 16;
  private static final int PRICE_OF_MISS = 4;

  private static final int FIRST_RUN = 4;
  private static final int LONGEST_RUN = 256;

  private final int maxNanos;
  private int credit;
  private boolean isTrial;
  private int run;
  private int runNeeded = FIRST_RUN;

  /**
   * @param cpus how many CPUs this process may use
   * @param maxNanos the longest spin
   */
  SpinBudget(int cpus, int maxNanos) {
    this.maxNanos = cpus > 1 ? maxNanos : 0;
    this.credit = FULL_CREDIT;
  }

  /** Nanoseconds to spin now, of a trial more than the longest; 0 means sleep at once. */
  int next() {
    if (isTrial) {
      return TRIAL_FACTOR * maxNanos;
    }
    return credit > 0 ? maxNanos : 0;
  }

  /** Spinning found what it waited for. */
  void hit() {
    if (isTrial) {
      isTrial = false;
      credit = PRICE_OF_MISS;
    }
    if (credit < FULL_CREDIT && ++credit == FULL_CREDIT) {
      runNeeded = FIRST_RUN;
    }
  }

  /** Spinning for the whole budget found nothing. */
  void miss() {
    if (isTrial) {
      isTrial = false;
      runNeeded = Math.min(runNeeded * 2, LONGEST_RUN);
    } else {
      credit = Math.max(credit - PRICE_OF_MISS, 0);
    }
    run = 0;
  }

  /** A wait without a spin took {@code elapsedNanos} of sleep. */
  void slept(long elapsedNanos) {
    if (elapsedNanos > SHORT_SLEEP_NANOS) {
      run = 0;
    } else if (++run >= runNeeded && credit == 0) {
      run = 0;
      isTrial = true;
    }
  }
}
