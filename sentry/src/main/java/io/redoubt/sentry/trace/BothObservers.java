package io.redoubt.sentry.trace;

import io.redoubt.sentry.kernel.CallObserver;
import io.redoubt.sentry.kernel.Syscall;

/** Tells two observers. */
public record BothObservers(CallObserver first, CallObserver second) implements CallObserver {
  @Override
  public void blocked(Syscall c) {
    first.blocked(c);
    second.blocked(c);
  }

  @Override
  public void answered(Syscall c, long result) {
    first.answered(c, result);
    second.answered(c, result);
  }

  @Override
  public void missing(int nr) {
    first.missing(nr);
    second.missing(nr);
  }

  @Override
  public void close() {
    first.close();
    second.close();
  }
}
