package io.redoubt.launcher;

import io.redoubt.sentry.StartFailure;
import io.redoubt.sentry.ring.Ring;

/** How the ring tier is asked for: on the command line and in an annotation of a container. */
final class RingOption {
  private RingOption() {}

  /**
   * @param value auto, off, always, or chaos, which is for tests; null means auto
   * @param name of the option, for the message when it is none of these
   */
  static Ring.Mode mode(String value, String name) {
    if (value == null) {
      return Ring.Mode.AUTO;
    }
    return switch (value) {
      case "auto" -> Ring.Mode.AUTO;
      case "off" -> Ring.Mode.OFF;
      case "always" -> Ring.Mode.ALWAYS;
      case "chaos" -> Ring.Mode.CHAOS;
      default ->
          throw new StartFailure(
              Caller.FAILED, name + ": " + value + ": must be auto, off or always");
    };
  }
}
