package io.redoubt.sentry.kernel;

/** Hears of every call: the front of --trace and --stats. Runs on the path of the call: it must never wait. */
public interface CallObserver {
  /** A call came in; its arguments are set. */
  void entered(Syscall c);

  /** A call is about to be answered with {@code result} (a value, a negative errno, {@link Syscall#CONTINUE}). */
  void answered(Syscall c, long result);

  /** A number that the sentry does not serve was called for the first time. */
  void missing(int nr);
}
