package io.redoubt.seccomp;

import static io.redoubt.seccomp.Action.ALLOW;
import static io.redoubt.seccomp.Argument.intArg;
import static io.redoubt.seccomp.Argument.longArg;
import static io.redoubt.seccomp.Condition.allOf;
import static io.redoubt.seccomp.Condition.anyOf;
import static io.redoubt.seccomp.Condition.between;
import static io.redoubt.seccomp.Condition.has;
import static io.redoubt.seccomp.Condition.is;
import static io.redoubt.seccomp.Condition.noneOf;
import static io.redoubt.seccomp.Condition.oneOf;
import static io.redoubt.seccomp.Condition.only;

import io.redoubt.seccomp.Action.Errno;
import java.util.List;

/**
 * The calls of a guest that its host kernel runs itself: the attack surface of the sandbox.
 *
 * <p>To be here a call must take no name and no file descriptor, must not show or use an identity
 * of the host, and must act on nothing but the caller's own process. What a rule does not match
 * goes to the sentry, which may still decide to let it continue.
 */
final class NativeCalls {
  // asm-generic/mman-common.h, linux/mman.h
  private static final long PROT_READ_WRITE_EXEC = 0x7;
  private static final long MAP_TYPE = 0x0f;
  private static final long MAP_FIXED = 0x10;
  private static final long MAP_ANONYMOUS = 0x20;
  private static final long MAP_32BIT = 0x40;
  private static final long MAP_NORESERVE = 0x4000;
  private static final long MAP_POPULATE = 0x8000;
  private static final long MAP_STACK = 0x20000;
  private static final long MAP_FIXED_NOREPLACE = 0x100000;

  /** SHARED, PRIVATE, DROPPABLE; SHARED_VALIDATE means something for files only. */
  private static final long[] MAP_TYPES = {1, 2, 8};

  /**
   * Without MAP_HUGETLB (takes pages of a pool that the whole host shares), MAP_LOCKED (memory that
   * cannot be reclaimed: the sentry keeps the guest's limit) and MAP_GROWSDOWN (a mapping that
   * changes its size behind the sentry's back), nor flags that mean something for files only
   * (DENYWRITE, EXECUTABLE, NONBLOCK).
   */
  private static final long MAP_FLAGS =
      MAP_TYPE
          | MAP_FIXED
          | MAP_ANONYMOUS
          | MAP_32BIT
          | MAP_NORESERVE
          | MAP_POPULATE
          | MAP_STACK
          | MAP_FIXED_NOREPLACE;

  /**
   * In an argument that rt_sigaction does not have: the call is one that the sentry made the thread
   * make (SignalActions).
   */
  private static final long SIGACTION_MARK = 0x72656462;

  /** MREMAP_MAYMOVE, MREMAP_FIXED; not DONTUNMAP, which only userfaultfd has a use for. */
  private static final long MREMAP_FLAGS = 0x3;

  /**
   * NORMAL 0, RANDOM 1, SEQUENTIAL 2, WILLNEED 3, DONTNEED 4, FREE 8, DONTFORK 10, DOFORK 11,
   * HUGEPAGE 14, NOHUGEPAGE 15, DONTDUMP 16, DODUMP 17, WIPEONFORK 18, KEEPONFORK 19, POPULATE_READ
   * 22, POPULATE_WRITE 23. Not REMOVE 9, which changes a file, nor what injects memory errors.
   */
  private static final long[] MADVISE_ADVICE = {
    0, 1, 2, 3, 4, 8, 10, 11, 14, 15, 16, 17, 18, 19, 22, 23
  };

  /** MADV_MERGEABLE, MADV_UNMERGEABLE. */
  private static final long[] MADVISE_KSM = {12, 13};

  /**
   * COLD 20, PAGEOUT 21, DONTNEED_LOCKED 24, COLLAPSE 25, GUARD_INSTALL 102, GUARD_REMOVE 103:
   * kernels have learned them one by one since 5.4, so whoever uses them has another way.
   */
  private static final long[] MADVISE_NEW = {20, 21, 24, 25, 102, 103};

  /** FUTEX_PRIVATE_FLAG, FUTEX_CLOCK_REALTIME. */
  private static final long FUTEX_FLAGS = 128 | 256;

  /** WAIT, WAKE, REQUEUE, CMP_REQUEUE, WAKE_OP, WAIT_BITSET, WAKE_BITSET. */
  private static final long[] FUTEX_OPERATIONS = {0, 1, 3, 4, 5, 9, 10};

  /**
   * QUERY, GLOBAL, and PRIVATE_EXPEDITED, its SYNC_CORE and RSEQ forms, each with its registration,
   * GET_REGISTRATIONS.
   */
  private static final long[] MEMBARRIER_COMMANDS = {0, 1, 8, 16, 32, 64, 128, 256, 512};

  /** ARCH_SET_GS, SET_FS, GET_FS, GET_GS; ARCH_GET_XCOMP_SUPP, GET_XCOMP_PERM, REQ_XCOMP_PERM. */
  private static final long[] ARCH_PRCTL_OPTIONS = {
    0x1001, 0x1002, 0x1003, 0x1004, 0x1021, 0x1022, 0x1023
  };

  /**
   * Each thread of a pool names itself. PR_GET_NAME traps: another thread may have written a name
   * to /proc/PID/comm, which the host does not know.
   */
  private static final long PR_SET_NAME = 15;

  private static final long PR_SET_VMA = 0x53564d41;
  private static final long PR_SET_VMA_ANON_NAME = 0;

  private static final Argument FUTEX_OP = intArg(1, "op").without(FUTEX_FLAGS);
  private static final Argument CLOCK = intArg(0, "clockid");

  private static final long CLOCK_REALTIME = 0;
  private static final long CLOCK_MONOTONIC = 1;
  private static final long CLOCK_BOOTTIME = 7;
  private static final long CLOCK_TAI = 11;

  /**
   * Static clocks but for those that wake the machine up, and CPU clocks of threads and processes,
   * which are negative numbers made of a pid of the guest's own pid namespace. Negative ones with 3
   * in the lower bits are made of a file descriptor ({@code CLOCKFD} in {@code
   * linux/posix-timers.h}) and are not for the guest.
   */
  private static final Condition CLOCK_TO_READ =
      anyOf(
          between(CLOCK, CLOCK_REALTIME, CLOCK_BOOTTIME),
          is(CLOCK, CLOCK_TAI),
          allOf(between(CLOCK, 0x8000_0000L, 0xffff_ffffL), noneOf(CLOCK.bits(7), 3)));

  /** Not the CPU clocks: to sleep on one makes a timer that races with the exits of threads. */
  private static final Condition CLOCK_TO_SLEEP_ON =
      oneOf(CLOCK, CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI);

  /** The calls whose arguments are tested and that programs make often, hottest first. */
  static final List<String> HOT = List.of("futex", "mmap", "mprotect", "madvise");

  static final List<Rule> RULES =
      List.of(
          // memory
          Rule.on(
              "mmap",
              allOf(
                  only(longArg(3, "flags"), MAP_FLAGS),
                  has(longArg(3, "flags"), MAP_ANONYMOUS),
                  oneOf(longArg(3, "flags").bits(MAP_TYPE), MAP_TYPES),
                  only(longArg(2, "prot"), PROT_READ_WRITE_EXEC)),
              ALLOW,
              "anonymous memory is the caller's own and charged to its cgroup; fd is not looked at"),
          Rule.on(
              "mprotect",
              only(longArg(2, "prot"), PROT_READ_WRITE_EXEC),
              ALLOW,
              "cannot give more than the mapped file was opened for; code a guest makes is no risk"),
          Rule.on("munmap", ALLOW, "removes only the caller's own mappings"),
          Rule.on("brk", ALLOW, "anonymous memory, limited by RLIMIT_DATA of the host process"),
          Rule.on(
              "mremap",
              only(longArg(3, "flags"), MREMAP_FLAGS),
              ALLOW,
              "moves and resizes the caller's own mappings; a file stays the one it was"),
          Rule.on(
              "madvise",
              oneOf(intArg(2, "advice"), MADVISE_ADVICE),
              ALLOW,
              "hints about, and contents of, the caller's own pages"),
          Rule.on(
              "madvise",
              oneOf(intArg(2, "advice"), MADVISE_KSM),
              new Errno(22),
              "merged pages tell by their timing what other tenants hold; as without CONFIG_KSM"),
          Rule.on(
              "madvise",
              oneOf(intArg(2, "advice"), MADVISE_NEW),
              new Errno(22),
              "much kernel code for a hint; as a kernel of before it"),
          // threads
          Rule.on(
              "futex",
              oneOf(FUTEX_OP, FUTEX_OPERATIONS),
              ALLOW,
              "a futex is found by the caller's own address; private and shared alike"),
          Rule.on(
              "futex",
              new Errno(38),
              "priority inheritance has been a way into kernels; libc has ENOTSUP for that"),
          Rule.on("set_robust_list", ALLOW, "an address in the caller's own memory"),
          Rule.on("set_tid_address", ALLOW, "an address in the caller's own memory"),
          Rule.on("rseq", ALLOW, "an address in the caller's own memory"),
          Rule.on(
              "membarrier",
              oneOf(intArg(0, "cmd"), MEMBARRIER_COMMANDS),
              ALLOW,
              "barriers within the process; GLOBAL_EXPEDITED would interrupt other tenants' CPUs"),
          Rule.on("sched_yield", ALLOW, "no argument, no result"),
          Rule.on("getcpu", ALLOW, "rdtscp and rseq say the same without a call"),
          Rule.on(
              "arch_prctl",
              oneOf(intArg(0, "option"), ARCH_PRCTL_OPTIONS),
              ALLOW,
              "segment bases of the own thread, use of AMX"),
          Rule.on(
              "arch_prctl",
              new Errno(22),
              "CPUID faulting, shadow stacks, address masking: as a CPU without them"),
          Rule.on(
              "prctl",
              anyOf(
                  is(intArg(0, "option"), PR_SET_NAME),
                  allOf(
                      is(intArg(0, "option"), PR_SET_VMA),
                      is(longArg(1, "attr"), PR_SET_VMA_ANON_NAME))),
              ALLOW,
              "names of the own threads and mappings, which the host process has as well"),
          // signals
          Rule.on(
              "rt_sigaction",
              is(intArg(5, "mark"), SIGACTION_MARK),
              ALLOW,
              "handlers are the host process's; without the mark, which is no secret, the sentry looks at"
                  + " SA_RESTART first"),
          Rule.on("rt_sigprocmask", ALLOW, "the mask is the host thread's; the sentry reads it"),
          Rule.on("rt_sigreturn", ALLOW, "registers of the own thread; traps would lose the frame"),
          Rule.on("sigaltstack", ALLOW, "an address in the caller's own memory"),
          Rule.on("rt_sigpending", ALLOW, "signals of the host process, which are the guest's"),
          Rule.on("rt_sigtimedwait", ALLOW, "only sleeps until a signal of the own process"),
          Rule.on("rt_sigsuspend", ALLOW, "only sleeps until a signal of the own process"),
          Rule.on("pause", ALLOW, "only sleeps until a signal of the own process"),
          Rule.on("restart_syscall", ALLOW, "the kernel goes on with a native sleep of its own"),
          // time
          Rule.on("nanosleep", ALLOW, "only sleeps"),
          Rule.on(
              "clock_nanosleep", CLOCK_TO_SLEEP_ON, ALLOW, "only sleeps, on clocks of the system"),
          Rule.on("clock_gettime", CLOCK_TO_READ, ALLOW, "as in the vDSO; no clock by fd"),
          Rule.on("clock_getres", CLOCK_TO_READ, ALLOW, "as in the vDSO; no clock by fd"),
          Rule.on("gettimeofday", ALLOW, "as in the vDSO"),
          Rule.on("time", ALLOW, "as in the vDSO"),
          Rule.on("times", ALLOW, "CPU time of the own process and its dead children"),
          Rule.on("getrusage", ALLOW, "usage of the own process and its dead children"),
          // identity that the guest's own pid namespace gives
          Rule.on("gettid", ALLOW, "a number of the guest's own pid namespace"),
          Rule.on("getpid", ALLOW, "a number of the guest's own pid namespace"),
          Rule.on("getppid", ALLOW, "a number of the guest's own pid namespace, 0 outside of it"),
          Rule.on("getrandom", ALLOW, "random bytes"));

  private NativeCalls() {}
}
