package io.redoubt.sentry;

import io.redoubt.host.Errno;
import io.redoubt.sentry.audit.Audit;

/** Whether there is an audit log. A sandbox without one loads no class of it. */
public final class Audits {
  private static volatile boolean isOn;

  private Audits() {}

  /** Whether it was begun. */
  static boolean isOn() {
    return isOn;
  }

  /** The sandbox ends because of the gofer: the last line of its log. */
  static void goferDied(String reason) {
    if (isOn) {
      Audit.gofer(reason);
    }
  }

  /**
   * Begins it, before the sandbox is made.
   *
   * @param destination a file, or "unix:" and a datagram socket
   * @param sandbox what the lines call it
   * @param asked who wants it, for the message where it cannot be opened
   */
  public static void start(String destination, String sandbox, String asked) {
    int r = Audit.start(destination, sandbox);
    if (r < 0) {
      throw new StartFailure(
          1,
          asked
              + ": cannot open the audit log "
              + destination
              + ": "
              + Errno.message(r)
              + "; name a file in a directory that exists, or unix:PATH of a datagram socket that somebody reads");
    }
    isOn = true;
  }
}
