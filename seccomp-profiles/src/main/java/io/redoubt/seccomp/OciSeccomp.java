package io.redoubt.seccomp;

import java.util.ArrayList;
import java.util.List;

/**
 * The {@code linux.seccomp} object of an OCI {@code config.json}, field by field, and what it means
 * as a {@link Filter}. Absent fields are null.
 *
 * <p>The rules follow what runc makes of them with libseccomp, where the specification leaves it
 * open: conditions on one argument index given more than once are alternatives, otherwise all
 * conditions of an entry must hold; entries whose action is the default are ignored, and so are
 * names that the table does not know, since profiles list calls of other architectures and of newer
 * kernels. An entry without conditions yields to those with conditions.
 *
 * <p>Whatever {@code architectures} lists, the filter is one for x86-64 alone: the guest's own
 * filter kills i386 and x32 before this one could allow them.
 */
public record OciSeccomp(
    String defaultAction,
    Integer defaultErrnoRet,
    List<String> architectures,
    List<String> flags,
    String listenerPath,
    String listenerMetadata,
    List<Entry> syscalls) {

  /** One element of {@code syscalls}. */
  public record Entry(List<String> names, String action, Integer errnoRet, List<Arg> args) {}

  /** One element of {@code args}: {@code value} and {@code valueTwo} are unsigned. */
  public record Arg(int index, long value, long valueTwo, String op) {}

  private static final int EPERM = 1;

  /**
   * The rules of this object.
   *
   * @throws IllegalArgumentException with one line that says which value is wrong
   */
  public Filter toFilter() {
    Action fallback = action(defaultAction, defaultErrnoRet);
    var conditional = new ArrayList<Rule>();
    var plain = new ArrayList<Rule>();
    for (Entry entry : orEmpty(syscalls)) {
      Action action = action(entry.action(), entry.errnoRet());
      if (action.returnValue() == fallback.returnValue()) {
        continue;
      }
      Condition condition = condition(orEmpty(entry.args()));
      var rules = condition instanceof Condition.Always ? plain : conditional;
      for (String name : orEmpty(entry.names())) {
        int number = Syscalls.find(name);
        if (number >= 0) {
          rules.add(new Rule(number, condition, action, "config.json"));
        }
      }
    }
    conditional.addAll(plain);
    return new Filter("oci", conditional, fallback, List.of());
  }

  /** Names in the object that the x86-64 table does not know, for a warning. */
  public List<String> unknownNames() {
    var unknown = new ArrayList<String>();
    for (Entry entry : orEmpty(syscalls)) {
      for (String name : orEmpty(entry.names())) {
        if (Syscalls.find(name) < 0) {
          unknown.add(name);
        }
      }
    }
    return unknown;
  }

  /**
   * The highest number that an entry names, -1 for none. What is newer than all that its author
   * knew is ENOSYS for runc, not the default action, so that programs take to the older call.
   */
  int highestNumber() {
    int highest = -1;
    for (Entry entry : orEmpty(syscalls)) {
      for (String name : orEmpty(entry.names())) {
        highest = Math.max(highest, Syscalls.find(name));
      }
    }
    return highest;
  }

  boolean namesX8664() {
    List<String> given = orEmpty(architectures);
    return given.contains("SCMP_ARCH_X86_64") || given.contains("SCMP_ARCH_NATIVE");
  }

  /**
   * The flags of seccomp(2) that mean something here: there are no other threads to synchronise.
   */
  int filterFlags() {
    int bits = 0;
    for (String flag : orEmpty(flags)) {
      bits |=
          switch (flag) {
            case "SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" -> 0;
            case "SECCOMP_FILTER_FLAG_LOG" -> ContainerProfile.FLAG_LOG;
            case "SECCOMP_FILTER_FLAG_SPEC_ALLOW" -> ContainerProfile.FLAG_SPEC_ALLOW;
            default -> throw new IllegalArgumentException("unknown seccomp flag: flag=" + flag);
          };
    }
    return bits;
  }

  private static Action action(String name, Integer errnoRet) {
    int data = errnoRet == null ? EPERM : errnoRet;
    if (name == null) {
      throw new IllegalArgumentException("seccomp action is missing");
    }
    return switch (name) {
      case "SCMP_ACT_ALLOW" -> Action.ALLOW;
      case "SCMP_ACT_LOG" -> Action.LOG;
      case "SCMP_ACT_NOTIFY" -> Action.NOTIFY;
      case "SCMP_ACT_ERRNO" -> new Action.Errno(data);
      case "SCMP_ACT_TRACE" -> new Action.Trace(data);
      case "SCMP_ACT_TRAP" -> Action.TRAP;
      case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD" -> Action.KILL_THREAD;
      case "SCMP_ACT_KILL_PROCESS" -> Action.KILL_PROCESS;
      default -> throw new IllegalArgumentException("unknown seccomp action: action=" + name);
    };
  }

  private static Condition condition(List<Arg> args) {
    var parts = new ArrayList<Condition>();
    int indexes = 0;
    boolean isRepeated = false;
    for (Arg arg : args) {
      parts.add(condition(arg));
      isRepeated |= (indexes & 1 << arg.index()) != 0;
      indexes |= 1 << arg.index();
    }
    if (parts.isEmpty()) {
      return Condition.ALWAYS;
    }
    if (parts.size() == 1) {
      return parts.getFirst();
    }
    return isRepeated ? new Condition.AnyOf(parts) : new Condition.AllOf(parts);
  }

  private static Condition condition(Arg arg) {
    Argument argument = Argument.longArg(arg.index(), "arg" + arg.index());
    long value = arg.value();
    if (arg.op() == null) {
      throw new IllegalArgumentException("seccomp operator is missing");
    }
    return switch (arg.op()) {
      case "SCMP_CMP_EQ" -> Condition.is(argument, value);
      case "SCMP_CMP_NE" -> Condition.not(Condition.is(argument, value));
      case "SCMP_CMP_LE" -> Condition.between(argument, 0, value);
      case "SCMP_CMP_GE" -> Condition.between(argument, value, -1L);
      case "SCMP_CMP_GT" -> Condition.not(Condition.between(argument, 0, value));
      case "SCMP_CMP_LT" -> Condition.not(Condition.between(argument, value, -1L));
      // libseccomp compares with the masked datum, so that bits outside of the mask do not count
      case "SCMP_CMP_MASKED_EQ" -> Condition.is(argument.bits(value), arg.valueTwo() & value);
      default -> throw new IllegalArgumentException("unknown seccomp operator: op=" + arg.op());
    };
  }

  private static <T> List<T> orEmpty(List<T> list) {
    return list == null ? List.of() : list;
  }
}
