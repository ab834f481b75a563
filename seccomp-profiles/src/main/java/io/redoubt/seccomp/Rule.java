package io.redoubt.seccomp;

/**
 * One line of a filter.
 *
 * @param number the call, as in {@link Syscalls}
 * @param condition which of its argument values the line is about
 * @param action what happens to those
 * @param reason why, for the person who reviews the filter
 */
public record Rule(int number, Condition condition, Action action, String reason) {
  /** An x86-64 number proper: not negative and below the x32 numbers. */
  public Rule {
    if (number < 0 || number >= SeccompData.X32_BIT) {
      throw new IllegalArgumentException("not an x86-64 system call: number=" + number);
    }
  }

  /** A rule about some calls of this number. */
  public static Rule on(String name, Condition condition, Action action, String reason) {
    return new Rule(Syscalls.number(name), condition, action, reason);
  }

  /** A rule about all calls of this number. */
  public static Rule on(String name, Action action, String reason) {
    return on(name, Condition.ALWAYS, action, reason);
  }
}
