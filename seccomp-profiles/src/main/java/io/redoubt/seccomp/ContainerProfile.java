package io.redoubt.seccomp;

import io.redoubt.seccomp.Action.Errno;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * The profile of a container ({@code linux.seccomp}), divided between the two that enforce it.
 *
 * <pre>
 *                                  errno          kill, SIGSYS     log
 *   the host kernel runs it        filter         filter           filter
 *   the sentry serves it           sentry         filter           nobody
 *   a thread may be made to run it sentry         sentry           nobody
 *   in place of another call
 * </pre>
 *
 * <p>The filter is loaded on top of the guest's own; of two answers the kernel takes the stricter
 * one. It is there only if the profile asks for something in its columns: those that container
 * engines come with do not. The third row is why the sentry decides at all: an execve that the
 * profile allows is run as an execveat that it may not, and a filter cannot tell the two apart.
 */
public final class ContainerProfile {
  /** By these a thread that the sentry has sentenced makes the kernel carry it out. */
  public static final int KILL_PROCESS_CALL = GuestProfile.STUB_CALL + 1;

  public static final int KILL_THREAD_CALL = GuestProfile.STUB_CALL + 2;
  public static final int TRAP_CALL = GuestProfile.STUB_CALL + 3;

  /** SECCOMP_FILTER_FLAG_LOG. */
  public static final int FLAG_LOG = 1 << 1;

  /** SECCOMP_FILTER_FLAG_SPEC_ALLOW. */
  public static final int FLAG_SPEC_ALLOW = 1 << 2;

  /** In arg4 of the PR_SET_NAME by which the stub names a thread: it needs no permission. */
  static final long STUB_MARK = 0x72656462;

  private static final Errno ENOSYS = new Errno(38);
  private static final int PR_SET_NAME = 15;

  /** What the sentry has threads run in place of another call, and the stub runs. */
  private static final List<String> MADE_BY_SENTRY =
      List.of(
          "execveat",
          "close",
          "clone",
          "kill",
          "tgkill",
          "rt_sigqueueinfo",
          "rt_tgsigqueueinfo",
          "exit_group");

  /** The calls that {@link NativeCalls} has a rule of: its conditions take long to make. */
  static final List<String> NATIVE =
      List.of(
          "mmap",
          "mprotect",
          "munmap",
          "brk",
          "mremap",
          "madvise",
          "futex",
          "set_robust_list",
          "set_tid_address",
          "rseq",
          "membarrier",
          "sched_yield",
          "getcpu",
          "arch_prctl",
          "prctl",
          "rt_sigaction",
          "rt_sigprocmask",
          "rt_sigreturn",
          "sigaltstack",
          "rt_sigpending",
          "rt_sigtimedwait",
          "rt_sigsuspend",
          "pause",
          "restart_syscall",
          "nanosleep",
          "clock_nanosleep",
          "clock_gettime",
          "clock_getres",
          "gettimeofday",
          "time",
          "times",
          "getrusage",
          "gettid",
          "getpid",
          "getppid",
          "getrandom");

  private final Rule[][] rules = new Rule[Syscalls.limit()][];
  private final boolean[] isAllowed = new boolean[Syscalls.limit()];
  private final Action fallback;
  private final Action beyond;
  private final int last;
  private final int flags;
  private BpfProgram program;

  /**
   * @throws IllegalArgumentException for what cannot be enforced
   */
  public ContainerProfile(OciSeccomp seccomp) {
    Filter filter = seccomp.toFilter();
    fallback = enforced(filter.defaultAction());
    flags = seccomp.filterFlags() | FLAG_SPEC_ALLOW;
    var byNumber = new ArrayList<List<Rule>>();
    for (int i = 0; i < rules.length; i++) {
      byNumber.add(null);
    }
    for (Rule r : filter.rules()) {
      List<Rule> list = byNumber.get(r.number());
      if (list == null) {
        list = new ArrayList<>(1);
        byNumber.set(r.number(), list);
      }
      list.add(new Rule(r.number(), r.condition(), enforced(r.action()), r.reason()));
    }
    int highest = seccomp.highestNumber();
    boolean refusesNew = !passes(fallback) && !same(fallback, ENOSYS) && seccomp.namesX8664();
    last = refusesNew && highest >= 0 ? highest : Integer.MAX_VALUE;
    beyond = refusesNew ? ENOSYS : fallback;
    for (int i = 0; i < rules.length; i++) {
      List<Rule> list = byNumber.get(i);
      rules[i] = list == null ? null : list.toArray(new Rule[0]);
      isAllowed[i] = !canBe(i, a -> !passes(a));
    }
  }

  /** No guest has a tracer, so that asking one fails; and whom to notify there is nobody. */
  private static Action enforced(Action action) {
    if (action instanceof Action.Notify) {
      throw new IllegalArgumentException(
          "SCMP_ACT_NOTIFY is not supported: the listener of a sandbox is its sentry");
    }
    return action instanceof Action.Trace ? ENOSYS : action;
  }

  private static boolean same(Action a, Action b) {
    return a.returnValue() == b.returnValue();
  }

  private static boolean passes(Action action) {
    return action instanceof Action.Allow || action instanceof Action.Log;
  }

  /** What follows from nothing but its number being made. */
  private Action otherwise(int number) {
    return number > last ? beyond : fallback;
  }

  /** Whether any call of this number is refused. */
  public boolean mayRefuse(int number) {
    return number < 0 || number >= isAllowed.length || !isAllowed[number];
  }

  /** What becomes of a call. */
  public Action decide(int number, long... arguments) {
    Rule[] list = number >= 0 && number < rules.length ? rules[number] : null;
    if (list != null) {
      SeccompData data = SeccompData.call(number, arguments);
      for (Rule rule : list) {
        if (rule.condition().holds(data)) {
          return rule.action();
        }
      }
    }
    return otherwise(number);
  }

  /** Whether a call is let through. */
  public boolean allows(int number, long... arguments) {
    return !mayRefuse(number) || passes(decide(number, arguments));
  }

  /** Flags of seccomp(2) to load {@link #sockFilters} with. */
  public int flags() {
    return flags;
  }

  /** The kernel's part as an array of {@code struct sock_filter}; empty where it has none. */
  public byte[] sockFilters() {
    Filter filter = kernelPart();
    if (filter.rules().isEmpty()) {
      return new byte[0];
    }
    if (program == null) {
      program = FilterCompiler.compile(filter);
    }
    return program.toBytes();
  }

  /** The kernel's part, as rules; none where all is left to the sentry. */
  Filter kernelPart() {
    boolean[] isNative = numbers(NATIVE);
    boolean[] isMade = numbers(MADE_BY_SENTRY);
    Action rest = isFatal(fallback) ? fallback : Action.ALLOW;
    boolean anyFatal = isFatal(fallback);
    var out = new ArrayList<Rule>();
    for (int i = 0; i < rules.length; i++) {
      int k = i;
      if (isMade[i]) {
        anyFatal |= canBe(i, ContainerProfile::isFatal);
        add(out, i, Action.ALLOW, rest);
      } else if (canBe(i, a -> isNative[k] ? !(a instanceof Action.Allow) : isFatal(a))) {
        if (i == Syscalls.number("prctl")) {
          out.add(Rule.on("prctl", isOfStub(), Action.ALLOW, "the stub names a thread"));
        }
        addAll(out, i, rest);
      } else {
        add(out, i, Action.ALLOW, rest);
      }
    }
    if (anyFatal || !out.isEmpty()) {
      out.add(all(GuestProfile.STUB_CALL, Action.ALLOW));
      out.add(all(KILL_PROCESS_CALL, Action.KILL_PROCESS));
      out.add(all(KILL_THREAD_CALL, Action.KILL_THREAD));
      out.add(all(TRAP_CALL, Action.TRAP));
    }
    return new Filter("container", out, rest, List.of());
  }

  private static boolean[] numbers(List<String> names) {
    boolean[] out = new boolean[Syscalls.limit()];
    for (String name : names) {
      out[Syscalls.number(name)] = true;
    }
    return out;
  }

  private static Condition isOfStub() {
    return Condition.allOf(
        Condition.is(Argument.intArg(0, "option"), PR_SET_NAME),
        Condition.is(Argument.longArg(4, "mark"), STUB_MARK));
  }

  private static Rule all(int number, Action action) {
    return new Rule(number, Condition.ALWAYS, action, "config.json");
  }

  private static void add(List<Rule> out, int number, Action action, Action rest) {
    if (!same(action, rest)) {
      out.add(all(number, action));
    }
  }

  private void addAll(List<Rule> out, int number, Action rest) {
    if (rules[number] != null) {
      out.addAll(List.of(rules[number]));
    }
    add(out, number, otherwise(number), rest);
  }

  private static boolean isFatal(Action action) {
    return action instanceof Action.KillProcess
        || action instanceof Action.KillThread
        || action instanceof Action.Trap;
  }

  /** Whether a call of this number can have an outcome of a kind. */
  private boolean canBe(int number, Predicate<Action> kind) {
    if (rules[number] != null) {
      for (Rule r : rules[number]) {
        if (kind.test(r.action())) {
          return true;
        }
        if (r.condition() instanceof Condition.Always) {
          return false;
        }
      }
    }
    return kind.test(otherwise(number));
  }
}
