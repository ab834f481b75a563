package io.redoubt.sentry.kernel;

/**
 * The end of the sentry by a bug of its own: loud, and at once. The front sees the death and kills
 * the guests.
 */
public final class Fatal {
  /** Exit status of a sentry that found a bug in itself. */
  public static final int STATUS = 70;

  private Fatal() {}

  /** Prints where and why, and halts. */
  public static void die(String where, Throwable t) {
    System.err.println(
        "redoubt: internal error in the sentry ("
            + where
            + "): "
            + t
            + "; the sandbox is killed. Please report this:");
    t.printStackTrace();
    Runtime.getRuntime().halt(STATUS);
  }
}
