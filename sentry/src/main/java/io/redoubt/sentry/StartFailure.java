package io.redoubt.sentry;

/**
 * A sandbox that cannot start, in words for the person who started it: what failed, why, what to
 * do.
 */
public final class StartFailure extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** Exit code of the command. */
  public final int code;

  public StartFailure(int code, String message) {
    super(message, null, false, false);
    this.code = code;
  }
}
