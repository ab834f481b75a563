package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;

/** Scripts of a container manager, which behave the same whatever runtime is behind it. */
final class Runtimes {
  private Runtimes() {}

  /** Runs the script with a runtime behind the manager. */
  interface Script {
    Outcome run(String runtime) throws IOException;
  }

  /** The same output with runc, where it is installed, and with ours. */
  static void print(String expected, Script script) throws IOException {
    if (Guests.isOnPath("runc")) {
      prints("/usr/sbin/runc", expected, script);
    }
    prints(Redoubt.front().toString(), expected, script);
  }

  /** Output with one runtime. */
  static void prints(String runtime, String expected, Script script) throws IOException {
    Outcome outcome = script.run(runtime);
    assertEquals(expected, outcome.out(), () -> runtime + ": " + outcome.describe());
  }
}
