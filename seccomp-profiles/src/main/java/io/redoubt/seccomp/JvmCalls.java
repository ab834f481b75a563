package io.redoubt.seccomp;

import static io.redoubt.seccomp.Action.ALLOW;
import static io.redoubt.seccomp.Argument.intArg;
import static io.redoubt.seccomp.Argument.longArg;
import static io.redoubt.seccomp.Condition.allOf;
import static io.redoubt.seccomp.Condition.is;
import static io.redoubt.seccomp.Condition.not;
import static io.redoubt.seccomp.Condition.oneOf;

import io.redoubt.seccomp.Action.Errno;
import java.util.ArrayList;
import java.util.List;

/**
 * What a JVM of JDK 25 asks of the kernel once it has started, with the flags of {@code
 * etc/*.jvmopts}: the part that the filters of sentry and gofer have in common. The reason names
 * the code of HotSpot or of the C library that makes the call; most of them are rare, and one that
 * is missing ends a sandbox in the middle of somebody's work.
 */
final class JvmCalls {
  static final int PROT_EXEC = 4;
  private static final int PROT_READ_WRITE_EXEC = 7;

  /** MAP_PRIVATE, MAP_FIXED, MAP_ANONYMOUS: how HotSpot commits memory that it has reserved. */
  private static final long MAP_COMMIT = 0x2 | 0x10 | 0x20;

  /**
   * CLONE_VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, PARENT_SETTID, CHILD_CLEARTID: exactly
   * what pthread_create(3) passes. No process, no namespace.
   */
  private static final long CLONE_THREAD_OF_LIBC = 0x3d0f00;

  /** FUTEX_PRIVATE_FLAG, FUTEX_CLOCK_REALTIME. */
  private static final long FUTEX_FLAGS = 128 | 256;

  /** WAIT, WAKE, CMP_REQUEUE, WAKE_OP, WAIT_BITSET. */
  private static final long[] FUTEX_OPERATIONS = {0, 1, 4, 5, 9};

  /** NORMAL, DONTNEED, FREE, HUGEPAGE, NOHUGEPAGE, DONTDUMP, POPULATE_WRITE. */
  private static final long[] MADVISE_ADVICE = {0, 4, 8, 14, 15, 16, 23};

  private static final int SIGABRT = 6;
  private static final int SIGSYS = 31;
  private static final int PR_SET_NAME = 15;
  private static final int EPERM = 1;
  private static final int ENOMEM = 12;
  private static final int ENOSYS = 38;

  /** In any process. */
  static final List<Rule> RULES =
      List.of(
          // memory
          Rule.on(
              "mmap",
              allOf(
                  is(intArg(2, "prot"), PROT_READ_WRITE_EXEC), is(intArg(3, "flags"), MAP_COMMIT)),
              ALLOW,
              "os::pd_commit_memory of the code cache, as it grows; no file can be mapped so"),
          Rule.on(
              "mmap",
              is(intArg(2, "prot").bits(PROT_EXEC), 0),
              ALLOW,
              "heap, metaspace, thread stacks, malloc; the rings and what the guest shares"),
          Rule.on(
              "mprotect",
              is(intArg(2, "prot").bits(PROT_EXEC), 0),
              ALLOW,
              "guard pages of stacks (StackOverflow::create_stack_guard_pages), polling pages, malloc"),
          Rule.on("munmap", ALLOW, "stacks of threads that ended, malloc, rings"),
          Rule.on(
              "mremap",
              new Errno(ENOMEM),
              "realloc(3) of large blocks, which copies them where this is not to be had"),
          Rule.on("brk", ALLOW, "malloc(3), which has one arena here"),
          Rule.on(
              "madvise",
              oneOf(intArg(2, "advice"), MADVISE_ADVICE),
              ALLOW,
              "stacks given back by pthread_exit, free(3), pages given back by the heap"),
          // threads
          Rule.on(
              "exit",
              ALLOW,
              "end of a thread: VM Periodic Task Thread, before that of the process"),
          Rule.on("exit_group", ALLOW, "end of the process: halt, out of memory, after a crash"),
          Rule.on(
              "futex",
              oneOf(intArg(1, "op").without(FUTEX_FLAGS), FUTEX_OPERATIONS),
              ALLOW,
              "every lock and every wait; in the sentry also words that it shares with guests"),
          Rule.on("sched_yield", ALLOW, "os::naked_yield: SpinYield, safepoints"),
          Rule.on("clock_nanosleep", ALLOW, "os::naked_short_sleep: SpinYield, safepoints"),
          Rule.on("nanosleep", ALLOW, "the same with a C library before 2.31"),
          Rule.on(
              "restart_syscall",
              ALLOW,
              "the kernel goes on with a sleep after SIGSTOP and SIGCONT"),
          // signals
          Rule.on("rt_sigreturn", ALLOW, "null checks and polls are SIGSEGV; ^\\ prints stacks"),
          Rule.on("rt_sigprocmask", ALLOW, "pthread_create(3), abort(3), start of a thread"),
          Rule.on(
              "rt_sigaction",
              not(is(intArg(0, "signum"), SIGSYS)),
              ALLOW,
              "VMError::report_and_die, abort(3); the handler that tells of a forbidden call stays"),
          Rule.on("gettid", ALLOW, "raise(3), the crash report, a thread's start"),
          Rule.on("getpid", ALLOW, "raise(3), the crash report"),
          // time and machine
          Rule.on(
              "clock_gettime",
              ALLOW,
              "where the clock of the vDSO cannot be used; CPU time of threads"),
          // text
          Rule.on("write", ALLOW, "standard error: messages, the crash report; sockets, eventfds"),
          Rule.on("close", ALLOW, "no harm in it"));

  /** Where threads start and end all the time: compiler threads, and the sentry's own. */
  static final List<Rule> THREADS =
      List.of(
          Rule.on(
              "clone",
              is(longArg(0, "flags"), CLONE_THREAD_OF_LIBC),
              ALLOW,
              "pthread_create(3): threads of this process and nothing else"),
          Rule.on(
              "clone3",
              new Errno(ENOSYS),
              "its flags are in memory; the C library then takes clone(2)"),
          Rule.on("set_robust_list", ALLOW, "start of a thread in the C library"),
          Rule.on("rseq", ALLOW, "start of a thread in the C library"),
          Rule.on(
              "sched_getaffinity",
              ALLOW,
              "pthread_getattr_np(3) at a thread's start; os::active_processor_count"),
          Rule.on(
              "prctl",
              is(intArg(0, "option"), PR_SET_NAME),
              ALLOW,
              "pthread_setname_np(3) of the own thread"),
          Rule.on(
              "setpriority",
              is(intArg(0, "which"), 0),
              ALLOW,
              "os::set_native_priority: compiler threads are nicer; nobody else's without a capability"),
          Rule.on("getrandom", ALLOW, "malloc(3) of newer C libraries, /dev/random of a guest"),
          Rule.on("sysinfo", ALLOW, "os::free_memory, before a compiler thread is added"));

  /** Of a process that signals nobody: the JVM's own abort(3). */
  static final Rule ABORT =
      Rule.on(
          "tgkill",
          is(intArg(2, "sig"), SIGABRT),
          ALLOW,
          "abort(3) after a crash report: no other signal, and nobody's without a right to it");

  /** Of those that only ask: what a crash report wants to know of the machine. */
  private static final List<String> CRASH_REPORT =
      List.of(
          "readlink",
          "access",
          "stat",
          "lstat",
          "newfstatat",
          "statfs",
          "getcwd",
          "uname",
          "prlimit64",
          "getrusage",
          "times",
          "getuid",
          "geteuid",
          "getgid",
          "getegid",
          "mincore",
          "writev",
          "read",
          "getdents64",
          "getpriority",
          "prctl",
          "sysinfo",
          "getrandom",
          "sched_getaffinity",
          "sched_getparam",
          "sched_getscheduler");

  /**
   * What is answered with an error and not with the end: put last, behind what a profile allows. A
   * crash report shall get as far as it can.
   */
  static List<Rule> refused() {
    var rules = new ArrayList<Rule>();
    for (String name : CRASH_REPORT) {
      rules.add(
          Rule.on(
              name, new Errno(EPERM), "VMError::report asks for it in its last parts, and copes"));
    }
    return rules;
  }

  private JvmCalls() {}
}
