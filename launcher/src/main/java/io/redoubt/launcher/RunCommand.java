package io.redoubt.launcher;

import io.redoubt.sentry.StartFailure;
import java.util.List;

/**
 * What the front asks for a container: {@code run} or {@code create}, {@code --bundle DIR ID CONFIG
 * LOG}, where the last two are those of --config and --audit-log, or empty. The front has read the
 * command line that the user gave; it alone writes these words.
 */
final class RunCommand {
  private RunCommand() {}

  static Bundle bundle(List<String> words) {
    if (words.size() != 5 || !words.get(0).equals("--bundle")) {
      throw new StartFailure(
          Caller.FAILED, "this is for the front: redoubt run --bundle DIR ID CONFIG LOG");
    }
    OperatorConfig operator = OperatorConfig.read(orNull(words.get(3)));
    operator.apply(orNull(words.get(4)), words.get(2));
    return Bundle.read(words.get(1), operator);
  }

  private static String orNull(String word) {
    return word.isEmpty() ? null : word;
  }
}
