package io.redoubt.sentry.trace;

import io.redoubt.host.Errno;
import io.redoubt.seccomp.Action;
import io.redoubt.seccomp.Condition;
import io.redoubt.seccomp.Filter;
import io.redoubt.seccomp.Rule;
import io.redoubt.seccomp.Syscalls;
import io.redoubt.sentry.kernel.SyscallTable;
import io.redoubt.sentry.kernel.SyscallTable.Support;
import java.util.ArrayList;
import java.util.List;

/**
 * Prints what becomes of every system call of Linux in the sandbox: the text of docs/syscalls.md.
 */
public final class SyscallTablePrinter {
  private static final String HEADER =
      """
      # System calls

      Printed by `./redoubt syscalls > docs/syscalls.md` from the sentry's table and the guest's filter; a test keeps it up to date.

      - **native**: the filter lets the host kernel run the call, in some cases only with arguments that it has checked
        (`./redoubt profile` prints which, and why);
      - **notify**: the call traps to the sentry, which answers it, or decides that the host kernel may run it because all arguments
        that matter are in registers;
      - **denied**: the filter answers with an error.

      A number that is not here is ENOSYS.

      """;

  private SyscallTablePrinter() {}

  /** The whole text. */
  public static String print(Filter filter, SyscallTable table) {
    List<List<Rule>> rules = new ArrayList<>();
    for (int nr = 0; nr < Syscalls.limit(); nr++) {
      rules.add(new ArrayList<>());
    }
    for (Rule rule : filter.rules()) {
      if (rule.number() < rules.size()) {
        rules.get(rule.number()).add(rule);
      }
    }
    int[] count = new int[Support.values().length];
    StringBuilder rows = new StringBuilder();
    for (int nr = 0; nr < rules.size(); nr++) {
      if (Syscalls.name(nr) != null) {
        count[row(rows, nr, rules.get(nr), table.get(nr)).ordinal()]++;
      }
    }
    return HEADER
        + "Of "
        + Syscalls.count()
        + " calls, "
        + count[Support.FULL.ordinal()]
        + " are there in full, "
        + count[Support.PARTIAL.ordinal()]
        + " in part, "
        + count[Support.NONE.ordinal()]
        + " are not.\n\n| number | call | tier | support | note |\n|---:|---|---|---|---|\n"
        + rows;
  }

  private static Support row(StringBuilder b, int nr, List<Rule> rules, SyscallTable.Entry entry) {
    boolean isNative = false;
    boolean isDenied = false;
    boolean traps = true;
    for (Rule rule : rules) {
      isNative |= rule.action().equals(Action.ALLOW);
      isDenied |= rule.action() instanceof Action.Errno;
      traps &= !(rule.condition() instanceof Condition.Always);
    }
    Support support = entry != null ? entry.support() : isNative ? Support.FULL : Support.NONE;
    b.append("| ").append(nr).append(" | ").append(Syscalls.name(nr)).append(" | ");
    join(b, isNative, "native", false);
    join(b, traps, "notify", isNative);
    join(b, isDenied, "denied", isNative || traps);
    b.append(" | ").append(support.name().toLowerCase(java.util.Locale.ROOT)).append(" | ");
    note(b, rules, entry, isNative);
    b.append(" |\n");
    return support;
  }

  private static void join(StringBuilder b, boolean there, String word, boolean more) {
    if (there) {
      b.append(more ? ", " : "").append(word);
    }
  }

  private static void note(
      StringBuilder b, List<Rule> rules, SyscallTable.Entry entry, boolean isNative) {
    if (entry != null) {
      b.append(entry.note());
      return;
    }
    if (rules.isEmpty()) {
      b.append("ENOSYS");
    }
    for (Rule rule : rules) {
      if (!isNative && rule.action() instanceof Action.Errno(int errno)) {
        b.append(Errno.name(errno)).append(": ").append(rule.reason());
      }
    }
  }
}
