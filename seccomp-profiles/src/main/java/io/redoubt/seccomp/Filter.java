package io.redoubt.seccomp;

import java.util.List;

/**
 * A filter as data.
 *
 * <p>Of the rules for a number the first whose condition holds decides; where none does, the
 * default. Calls of another architecture and x32 calls kill the process whatever the rules say: the
 * numbers in the rules mean something else there.
 *
 * @param name for people
 * @param rules in order; only the order among rules of one number counts
 * @param defaultAction for numbers and argument values that no rule is about
 * @param hot numbers that the compiled program asks for first, hottest first. Calls that are
 *     allowed whatever their arguments need no place here: the kernel keeps them in a bitmap and
 *     does not run the program for them ({@code seccomp_is_const_allow} in {@code
 *     kernel/seccomp.c}, 5.11)
 */
public record Filter(String name, List<Rule> rules, Action defaultAction, List<Integer> hot) {
  public Filter {
    rules = List.copyOf(rules);
    hot = List.copyOf(hot);
  }

  /** The meaning of the filter, against which everything that is compiled is tested. */
  public Action decide(SeccompData data) {
    if (data.architecture() != SeccompData.ARCH_X86_64 || isX32(data.number())) {
      return Action.KILL_PROCESS;
    }
    for (Rule rule : rules) {
      if (rule.number() == data.number() && rule.condition().holds(data)) {
        return rule.action();
      }
    }
    return defaultAction;
  }

  /**
   * Whether the kernel takes this for a call of the x32 table. Negative numbers have the bit too
   * and are no calls at all: programs use {@code syscall(-1)} to get ENOSYS.
   */
  static boolean isX32(int number) {
    return number >= SeccompData.X32_BIT;
  }
}
