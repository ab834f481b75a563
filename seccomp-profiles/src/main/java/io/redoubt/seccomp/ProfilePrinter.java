package io.redoubt.seccomp;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Prints what a filter does with each call and why: the text of {@code redoubt profile}. */
public final class ProfilePrinter {
  private static final int NAME_WIDTH = 24;
  private static final int LINE_WIDTH = 100;

  /** What a filter does with a call, seen over all its arguments. */
  enum Fate {
    NATIVE,
    DENIED,
    TRAPPED
  }

  /**
   * How many calls of the table have which fate.
   *
   * @param allowed natively, at least for some arguments
   * @param allowedByNumber of those, the ones whose arguments do not matter
   * @param denied by the filter itself, and never allowed nor trapped
   * @param trapped to the sentry for all arguments
   */
  public record Counts(int allowed, int allowedByNumber, int denied, int trapped) {}

  private ProfilePrinter() {}

  /** Counts over the calls of {@link Syscalls}; other numbers get the default action. */
  public static Counts count(Filter filter) {
    var byNumber = byNumber(filter);
    int allowed = 0;
    int byNumberAlone = 0;
    int denied = 0;
    int trapped = 0;
    for (int number = 0; number < Syscalls.limit(); number++) {
      if (Syscalls.name(number) == null) {
        continue;
      }
      List<Rule> rules = byNumber.get(number);
      switch (fate(rules, filter.defaultAction())) {
        case NATIVE -> {
          allowed++;
          byNumberAlone += allowsByNumber(rules, filter.defaultAction()) ? 1 : 0;
        }
        case DENIED -> denied++;
        case TRAPPED -> trapped++;
      }
    }
    return new Counts(allowed, byNumberAlone, denied, trapped);
  }

  /** Prints the filter with the size of its program. */
  public static void print(Filter filter, BpfProgram program, Appendable out) throws IOException {
    Counts counts = count(filter);
    out.append("profile ").append(filter.name()).append(": ");
    out.append(Integer.toString(counts.allowed())).append(" native (");
    out.append(Integer.toString(counts.allowedByNumber())).append(" whatever their arguments), ");
    out.append(Integer.toString(counts.denied())).append(" denied, ");
    out.append(Integer.toString(counts.trapped())).append(" trapped, of ");
    out.append(Integer.toString(Syscalls.count())).append(" calls; ");
    out.append(Integer.toString(program.length())).append(" BPF instructions\n");
    out.append("any other number: ").append(filter.defaultAction().describe());
    out.append("; i386 and x32: kill process\n");

    section(filter, Fate.NATIVE, "native: the host kernel runs the call", out);
    section(filter, Fate.DENIED, "denied: the filter answers", out);
    if (counts.trapped() > 0) {
      printTrapped(filter, out);
    }
  }

  /** Prints how many calls a filter lets through, in one line. */
  public static void printCount(Filter filter, Appendable out) throws IOException {
    Counts counts = count(filter);
    out.append(filter.name()).append(": ");
    out.append(Integer.toString(counts.allowed())).append(" native calls, ");
    out.append(Integer.toString(counts.allowed() - counts.allowedByNumber()));
    out.append(" of them for some arguments only\n");
  }

  private static void section(Filter filter, Fate fate, String title, Appendable out)
      throws IOException {
    out.append('\n').append(title).append('\n');
    var byNumber = byNumber(filter);
    var isPrinted = new boolean[Syscalls.limit()];
    for (Rule rule : filter.rules()) {
      int number = rule.number();
      if (number >= isPrinted.length || isPrinted[number]) {
        continue;
      }
      List<Rule> rules = byNumber.get(number);
      if (fate(rules, filter.defaultAction()) != fate) {
        continue;
      }
      isPrinted[number] = true;
      for (Rule line : rules) {
        printRule(line, line == rules.getFirst() ? name(number) : "", out);
      }
      if (!(rules.getLast().condition() instanceof Condition.Always)) {
        pad("", out);
        out.append("else ").append(filter.defaultAction().describe()).append('\n');
      }
    }
  }

  private static void printRule(Rule rule, String name, Appendable out) throws IOException {
    pad(name, out);
    boolean isPlainAllow = rule.action().equals(Action.ALLOW);
    if (!isPlainAllow) {
      out.append(rule.action().describe()).append(": ");
    }
    out.append(rule.reason()).append('\n');
    if (!(rule.condition() instanceof Condition.Always)) {
      pad("", out);
      out.append("if ").append(rule.condition().describe()).append('\n');
    }
  }

  private static void printTrapped(Filter filter, Appendable out) throws IOException {
    out.append("\ntrapped: the sentry answers\n");
    var byNumber = byNumber(filter);
    int column = 0;
    for (int number = 0; number < Syscalls.limit(); number++) {
      if (Syscalls.name(number) == null
          || fate(byNumber.get(number), filter.defaultAction()) != Fate.TRAPPED) {
        continue;
      }
      String name = name(number);
      if (column + name.length() + 2 > LINE_WIDTH) {
        out.append('\n');
        column = 0;
      }
      out.append(column == 0 ? "  " : " ").append(name);
      column += name.length() + (column == 0 ? 2 : 1);
    }
    out.append('\n');
    for (Rule rule : filter.rules()) {
      if (rule.number() >= Syscalls.limit()) {
        printRule(rule, name(rule.number()), out);
      }
    }
  }

  private static Fate fate(List<Rule> rules, Action defaultAction) {
    boolean isTrapped = true;
    boolean isDenied = true;
    for (Action action : actions(rules, defaultAction)) {
      switch (action) {
        case Action.Allow(), Action.Log() -> {
          return Fate.NATIVE;
        }
        case Action.Notify(), Action.Trace(_) -> isDenied = false;
        default -> isTrapped = false;
      }
    }
    return isDenied && !isTrapped ? Fate.DENIED : Fate.TRAPPED;
  }

  private static boolean allowsByNumber(List<Rule> rules, Action defaultAction) {
    for (Action action : actions(rules, defaultAction)) {
      if (!action.equals(Action.ALLOW)) {
        return false;
      }
    }
    return true;
  }

  /** The actions that a number can meet with. */
  private static List<Action> actions(List<Rule> rules, Action defaultAction) {
    var actions = new ArrayList<Action>();
    if (rules != null) {
      for (Rule rule : rules) {
        actions.add(rule.action());
        if (rule.condition() instanceof Condition.Always) {
          return actions;
        }
      }
    }
    actions.add(defaultAction);
    return actions;
  }

  private static Map<Integer, List<Rule>> byNumber(Filter filter) {
    var byNumber = new HashMap<Integer, List<Rule>>();
    for (Rule rule : filter.rules()) {
      byNumber.computeIfAbsent(rule.number(), _ -> new ArrayList<>()).add(rule);
    }
    return byNumber;
  }

  private static String name(int number) {
    String name = number < Syscalls.limit() ? Syscalls.name(number) : null;
    return name == null ? "number " + number : name;
  }

  private static void pad(String name, Appendable out) throws IOException {
    out.append("  ").append(name);
    for (int i = name.length(); i < NAME_WIDTH; i++) {
      out.append(' ');
    }
  }
}
