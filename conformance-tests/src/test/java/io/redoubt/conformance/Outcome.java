package io.redoubt.conformance;

/**
 * How a command ended.
 *
 * @param exit its exit code, or 128+n when signal n ended it
 * @param out what it wrote to stdout, one char a byte
 * @param err what it wrote to stderr, one char a byte
 * @param timedOut whether it was killed because it took too long
 */
record Outcome(int exit, String out, String err, boolean timedOut) {

  /** For the message of an assertion. */
  String describe() {
    return "exit="
        + exit
        + (timedOut ? " (killed after the timeout)" : "")
        + "\n--- stdout\n"
        + shortened(out)
        + "\n--- stderr\n"
        + shortened(err);
  }

  private static String shortened(String text) {
    int limit = 4000;
    return text.length() <= limit
        ? text
        : text.substring(0, limit / 2) + "\n[...]\n" + text.substring(text.length() - limit / 2);
  }
}
