package io.redoubt.sentry.kernel;

/** Runs handlers and answers the guest. */
public final class Dispatcher {
  /** Goes on with a call that was parked and has been woken. */
  void resume(Syscall c) {
    throw new IllegalStateException("not started: nr=" + c.nr);
  }
}
