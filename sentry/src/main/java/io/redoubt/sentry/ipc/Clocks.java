package io.redoubt.sentry.ipc;

import io.redoubt.host.Process;

/**
 * The host's clocks, which guests read natively and so share with the sentry; clock_gettime(2).
 * Times in nanoseconds.
 */
public final class Clocks {
  public static final int REALTIME = 0;
  public static final int MONOTONIC = 1;
  public static final int BOOTTIME = 7;
  public static final int REALTIME_ALARM = 8;
  public static final int BOOTTIME_ALARM = 9;

  private static final long NANOS_PER_SECOND = 1_000_000_000L;

  private Clocks() {}

  /** The time of {@code clock}. System.nanoTime() is CLOCK_MONOTONIC on Linux. */
  public static long now(int clock) {
    return clock == MONOTONIC ? System.nanoTime() : Process.clockGettime(clock);
  }

  /** Whether a struct timespec is one: not negative, less than a second of nanoseconds. */
  public static boolean isValid(long seconds, long nanos) {
    return seconds >= 0 && nanos >= 0 && nanos < NANOS_PER_SECOND;
  }

  /**
   * A valid timespec in nanoseconds, with the largest value (292 years) for all that is longer, as
   * KTIME_MAX.
   */
  public static long nanos(long seconds, long nanos) {
    return seconds >= Long.MAX_VALUE / NANOS_PER_SECOND
        ? Long.MAX_VALUE
        : seconds * NANOS_PER_SECOND + nanos;
  }
}
