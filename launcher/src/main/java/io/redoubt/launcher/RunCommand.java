package io.redoubt.launcher;

import io.redoubt.sentry.StartFailure;
import java.util.List;

/**
 * What the front asks for a container: {@code run --bundle DIR ID} or {@code create --bundle DIR
 * ID}. The front has read the command line that the user gave; it alone writes these words.
 */
final class RunCommand {
  private RunCommand() {}

  static Bundle bundle(List<String> words) {
    if (words.size() != 3 || !words.get(0).equals("--bundle")) {
      throw new StartFailure(Caller.FAILED, "this is for the front: redoubt run --bundle DIR ID");
    }
    return Bundle.read(words.get(1));
  }
}
