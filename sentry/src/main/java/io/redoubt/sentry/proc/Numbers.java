package io.redoubt.sentry.proc;

/** Names of files that are numbers. */
final class Numbers {
  private Numbers() {}

  /**
   * The number that {@code name} is in decimal without sign or leading zeros (name_to_int() of
   * Linux), or -1.
   */
  static int parse(String name) {
    int n = name.length();
    if (n == 0 || n > 10 || n > 1 && name.charAt(0) == '0') {
      return -1;
    }
    long v = 0;
    for (int i = 0; i < n; i++) {
      int d = name.charAt(i) - '0';
      if (d < 0 || d > 9) {
        return -1;
      }
      v = v * 10 + d;
    }
    return v > Integer.MAX_VALUE ? -1 : (int) v;
  }
}
