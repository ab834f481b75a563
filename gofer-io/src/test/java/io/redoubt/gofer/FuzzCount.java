package io.redoubt.gofer;

import static org.junit.jupiter.api.Assertions.assertTrue;

/** What the rounds of a fuzzer have done: a run in which nothing got far has shown nothing. */
final class FuzzCount {
  private int calls;
  private int lives;

  /** A round is over. @param isAlive whether its connection was, to the end */
  void round(int itsCalls, boolean isAlive) {
    calls += itsCalls;
    lives += isAlive ? 1 : 0;
  }

  void check(int rounds) {
    assertTrue(lives > 0 || rounds == 1, "no connection has lived");
    assertTrue(calls >= rounds, "calls: " + calls);
  }

  /** Descriptors of this process. */
  static int descriptors() {
    return new java.io.File("/proc/self/fd").list().length;
  }
}
