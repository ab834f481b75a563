package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** What a command of ours has to have said when it ended. */
final class Expect {
  private Expect() {}

  /**
   * A refusal is one line that begins with our name, with this exit code, and no trace of an
   * exception.
   */
  static void refused(int exit, String part, Outcome outcome) {
    assertFalse(outcome.timedOut(), outcome::describe);
    assertEquals(exit, outcome.exit(), outcome::describe);
    assertEquals("", outcome.out(), outcome::describe);
    assertTrue(outcome.err().startsWith("redoubt: "), outcome::describe);
    assertEquals(
        outcome.err().length() - 1,
        outcome.err().indexOf('\n'),
        () -> "one line: " + outcome.describe());
    assertTrue(
        outcome.err().contains(part), () -> "should name " + part + ": " + outcome.describe());
  }

  /** Just this, and no failure. */
  static void prints(String expected, Outcome outcome) {
    assertEquals(expected, outcome.out(), outcome::describe);
    assertEquals(0, outcome.exit(), outcome::describe);
    assertEquals("", outcome.err(), outcome::describe);
  }
}
