package io.redoubt.launcher;

import io.redoubt.sentry.StartFailure;
import io.redoubt.sentry.ring.Ring;
import io.redoubt.sentry.ring.RingUse;
import java.util.HashSet;
import java.util.Set;

/** How the ring tier is asked for: on the command line and in an annotation of a container. */
final class RingOption {
  private static final String WITHOUT = "off=";

  private RingOption() {}

  /**
   * @param value auto, off, always, or chaos, which is for tests; then, each behind a comma,
   *     off=PATH of programs without it; null means auto
   * @param name of the option, for the message when it is none of these
   */
  static RingUse parse(String value, String name) {
    if (value == null) {
      return RingUse.of(Ring.Mode.AUTO);
    }
    String[] words = value.split(",", -1);
    Ring.Mode mode =
        switch (words[0]) {
          case "auto" -> Ring.Mode.AUTO;
          case "off" -> Ring.Mode.OFF;
          case "always" -> Ring.Mode.ALWAYS;
          case "chaos" -> Ring.Mode.CHAOS;
          default ->
              throw new StartFailure(
                  Caller.FAILED,
                  name
                      + ": "
                      + value
                      + ": must be auto, off or always, and off=/PATH/OF/A/PROGRAM behind commas");
        };
    Set<String> without = new HashSet<>();
    for (int i = 1; i < words.length; i++) {
      if (!words[i].startsWith(WITHOUT + "/")) {
        throw new StartFailure(
            Caller.FAILED,
            name + ": " + words[i] + ": must be off= and the absolute path of a program");
      }
      without.add(words[i].substring(WITHOUT.length()));
    }
    return new RingUse(mode, without);
  }
}
