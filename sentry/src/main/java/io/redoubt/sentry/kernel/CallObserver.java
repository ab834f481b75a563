package io.redoubt.sentry.kernel;

/**
 * Hears of every call that the sentry answers: the front of --trace and --stats. Runs on the path
 * of the call, on whichever thread serves it: it must never wait. The call's arguments are still
 * set and its thread still waits, so that guest memory can be read.
 */
public interface CallObserver {
  /**
   * Result of a call that the thread makes as another one: an execve that has begun, a ppoll that a
   * signal ends.
   */
  long REWRITTEN = Long.MIN_VALUE + 3;

  /**
   * A call is about to wait. It may be told more than once, and of a call that then need not wait
   * after all.
   */
  void blocked(Syscall c);

  /**
   * A call is about to be answered.
   *
   * @param result a value, a negative errno, {@link Syscall#CONTINUE} or {@link #REWRITTEN}
   */
  void answered(Syscall c, long result);

  /** A number that the sentry does not serve was called for the first time. */
  void missing(int nr);

  /** The sandbox has ended: says what is left to say. */
  void close();
}
