package io.redoubt.host;

import java.lang.foreign.MemorySegment;

/**
 * This process and its threads: sys/prctl.h, sys/resource.h, sched.h, time.h, sys/sysinfo.h,
 * sys/utsname.h, linux/futex.h, sys/random.h.
 */
public final class Process {
  public static final int PR_SET_PDEATHSIG = 1;
  public static final int PR_GET_PDEATHSIG = 2;
  public static final int PR_GET_DUMPABLE = 3;
  public static final int PR_SET_DUMPABLE = 4;
  public static final int PR_SET_NAME = 15;
  public static final int PR_GET_NAME = 16;
  public static final int PR_SET_SECCOMP = 22;
  public static final int PR_GET_SECCOMP = 21;
  public static final int PR_CAPBSET_READ = 23;
  public static final int PR_CAPBSET_DROP = 24;
  public static final int PR_GET_TIMERSLACK = 30;
  public static final int PR_SET_TIMERSLACK = 29;
  public static final int PR_SET_MM = 35;
  public static final int PR_SET_CHILD_SUBREAPER = 36;
  public static final int PR_GET_CHILD_SUBREAPER = 37;
  public static final int PR_SET_NO_NEW_PRIVS = 38;
  public static final int PR_GET_NO_NEW_PRIVS = 39;
  public static final int PR_GET_TID_ADDRESS = 40;
  public static final int PR_SET_THP_DISABLE = 41;
  public static final int PR_GET_THP_DISABLE = 42;
  public static final int PR_CAP_AMBIENT = 47;
  public static final int PR_SET_KEEPCAPS = 8;
  public static final int PR_GET_KEEPCAPS = 7;
  public static final int PR_GET_SECUREBITS = 27;
  public static final int PR_SET_SECUREBITS = 28;
  public static final int PR_SET_PTRACER = 1499557217;
  public static final int PR_SET_VMA = 1398164801;
  public static final int RLIMIT_CPU = 0;
  public static final int RLIMIT_FSIZE = 1;
  public static final int RLIMIT_DATA = 2;
  public static final int RLIMIT_STACK = 3;
  public static final int RLIMIT_CORE = 4;
  public static final int RLIMIT_RSS = 5;
  public static final int RLIMIT_NPROC = 6;
  public static final int RLIMIT_NOFILE = 7;
  public static final int RLIMIT_MEMLOCK = 8;
  public static final int RLIMIT_AS = 9;
  public static final int RLIMIT_LOCKS = 10;
  public static final int RLIMIT_SIGPENDING = 11;
  public static final int RLIMIT_MSGQUEUE = 12;
  public static final int RLIMIT_NICE = 13;
  public static final int RLIMIT_RTPRIO = 14;
  public static final int RLIMIT_RTTIME = 15;
  public static final int RLIM_NLIMITS = 16;
  public static final long RLIM_INFINITY = -1L;

  public static final int CLOCK_REALTIME = 0;
  public static final int CLOCK_MONOTONIC = 1;
  public static final int CLOCK_PROCESS_CPUTIME_ID = 2;
  public static final int CLOCK_THREAD_CPUTIME_ID = 3;
  public static final int CLOCK_MONOTONIC_RAW = 4;
  public static final int CLOCK_REALTIME_COARSE = 5;
  public static final int CLOCK_MONOTONIC_COARSE = 6;
  public static final int CLOCK_BOOTTIME = 7;
  public static final int CLOCK_TAI = 11;
  public static final int FUTEX_WAIT = 0;
  public static final int FUTEX_WAKE = 1;
  public static final int FUTEX_PRIVATE_FLAG = 128;
  public static final int RUSAGE_SELF = 0;
  public static final int RUSAGE_CHILDREN = -1;
  public static final int RUSAGE_THREAD = 1;
  public static final int GRND_NONBLOCK = 1;
  public static final int GRND_RANDOM = 2;

  /** {@code struct rlimit}, getrlimit(2). */
  public static final class Rlimit {
    public static final String C_NAME = "struct rlimit";
    public static final int SIZEOF = 16;
    public static final int RLIM_CUR = 0; // rlim_t
    public static final int RLIM_MAX = 8; // rlim_t

    private Rlimit() {}
  }

  /** {@code struct sysinfo}, sysinfo(2). */
  public static final class Sysinfo {
    public static final String C_NAME = "struct sysinfo";
    public static final int SIZEOF = 112;
    public static final int UPTIME = 0; // __kernel_long_t, seconds
    public static final int LOADS = 8; // __kernel_ulong_t[3], 65536 is 1.0
    public static final int TOTALRAM = 32; // __kernel_ulong_t
    public static final int FREERAM = 40; // __kernel_ulong_t
    public static final int SHAREDRAM = 48; // __kernel_ulong_t
    public static final int BUFFERRAM = 56; // __kernel_ulong_t
    public static final int TOTALSWAP = 64; // __kernel_ulong_t
    public static final int FREESWAP = 72; // __kernel_ulong_t
    public static final int PROCS = 80; // __u16
    public static final int TOTALHIGH = 88; // __kernel_ulong_t
    public static final int FREEHIGH = 96; // __kernel_ulong_t
    public static final int MEM_UNIT = 104; // __u32

    private Sysinfo() {}
  }

  /** {@code struct utsname}, uname(2). */
  public static final class Utsname {
    public static final String C_NAME = "struct utsname";
    public static final int SIZEOF = 390;
    public static final int SYSNAME = 0; // char[65]
    public static final int NODENAME = 65; // char[65]
    public static final int RELEASE = 130; // char[65]
    public static final int VERSION = 195; // char[65]
    public static final int MACHINE = 260; // char[65]
    public static final int DOMAINNAME = 325; // char[65]

    private Utsname() {}
  }

  /** {@code struct rusage}, getrusage(2). */
  public static final class Rusage {
    public static final String C_NAME = "struct rusage";
    public static final int SIZEOF = 144;
    public static final int RU_UTIME__TV_SEC = 0; // time_t
    public static final int RU_UTIME__TV_USEC = 8; // suseconds_t
    public static final int RU_STIME__TV_SEC = 16; // time_t
    public static final int RU_STIME__TV_USEC = 24; // suseconds_t
    public static final int RU_MAXRSS = 32; // long, KiB
    public static final int RU_IXRSS = 40; // long
    public static final int RU_IDRSS = 48; // long
    public static final int RU_ISRSS = 56; // long
    public static final int RU_MINFLT = 64; // long
    public static final int RU_MAJFLT = 72; // long
    public static final int RU_NSWAP = 80; // long
    public static final int RU_INBLOCK = 88; // long
    public static final int RU_OUBLOCK = 96; // long
    public static final int RU_MSGSND = 104; // long
    public static final int RU_MSGRCV = 112; // long
    public static final int RU_NSIGNALS = 120; // long
    public static final int RU_NVCSW = 128; // long
    public static final int RU_NIVCSW = 136; // long

    private Rusage() {}
  }

  private Process() {}

  /** prctl(2). Returns its value or -errno. */
  public static int prctl(int option, long a, long b, long c, long d) {
    return (int) Syscall.call(Nr.PRCTL, option, a, b, c, d);
  }

  /** Names the calling thread (15 bytes are kept), prctl(2) PR_SET_NAME. Returns 0 or -errno. */
  public static int setThreadName(String name) {
    long p = CallState.cString(name);
    return p < 0 ? (int) p : prctl(PR_SET_NAME, p, 0, 0, 0);
  }

  /**
   * The file mode creation mask, umask(2); set and put back at once, so only while no other thread
   * makes files.
   */
  public static int umask() {
    int mask = (int) Syscall.call(Nr.UMASK, 0);
    Syscall.call(Nr.UMASK, mask);
    return mask;
  }

  /** getpid(2). */
  public static int getpid() {
    return (int) Syscall.call(Nr.GETPID);
  }

  /** getppid(2). */
  public static int getppid() {
    return (int) Syscall.call(Nr.GETPPID);
  }

  /** gettid(2). */
  public static int gettid() {
    return (int) Syscall.call(Nr.GETTID);
  }

  /**
   * prlimit(2) with {@link Rlimit} segments or null; a pid of 0 means this process.
   *
   * @return 0 or -errno
   */
  public static int prlimit64(int pid, int resource, MemorySegment set, MemorySegment old) {
    return (int)
        Syscall.call(
            Nr.PRLIMIT64,
            pid,
            resource,
            Syscall.addressOrNull(set, Rlimit.SIZEOF),
            Syscall.addressOrNull(old, Rlimit.SIZEOF));
  }

  /** Raises the soft limit of this process to the hard one. Returns 0 or -errno. */
  public static int raiseSoftLimit(int resource) {
    MemorySegment limit = CallState.get().scratch;
    int r = prlimit64(0, resource, null, limit);
    if (r < 0) {
      return r;
    }
    Memory.setLong(limit, Rlimit.RLIM_CUR, Memory.getLong(limit, Rlimit.RLIM_MAX));
    return prlimit64(0, resource, limit, null);
  }

  /** sched_setaffinity(2) with a mask of {@code length} bytes; a tid of 0 is the caller. */
  public static int schedSetaffinity(int tid, MemorySegment mask, long length) {
    return (int) Syscall.call(Nr.SCHED_SETAFFINITY, tid, length, Syscall.address(mask, length));
  }

  /** sched_getaffinity(2). Returns the bytes of the kernel's mask (libc hides that) or -errno. */
  public static int schedGetaffinity(int tid, MemorySegment mask, long length) {
    return (int) Syscall.call(Nr.SCHED_GETAFFINITY, tid, length, Syscall.address(mask, length));
  }

  /** How many CPUs the calling thread may run on, sched_getaffinity(2); at least 1. */
  public static int availableCpus() {
    MemorySegment mask = CallState.get().scratch;
    int n = schedGetaffinity(0, mask, CallState.SCRATCH_SIZE);
    int cpus = 0;
    for (int i = 0; i + 8 <= n; i += 8) {
      cpus += Long.bitCount(Memory.getLong(mask, i));
    }
    return Math.max(cpus, 1);
  }

  /** sched_yield(2). */
  public static void schedYield() {
    Syscall.call(Nr.SCHED_YIELD);
  }

  /** getcpu(2): the CPU that the caller ran on a moment ago, or -errno. */
  public static int getcpu() {
    MemorySegment s = CallState.get().scratch;
    long r = Syscall.call(Nr.GETCPU, s.address(), 0, 0);
    return r < 0 ? (int) r : Memory.getInt(s, 0);
  }

  /**
   * clock_gettime(2) in nanoseconds since the clock's origin, or -errno.
   *
   * <p>A real system call, some 200 ns: {@link System#nanoTime} and {@link
   * System#currentTimeMillis} read the vDSO instead.
   */
  public static long clockGettime(int clock) {
    MemorySegment s = CallState.get().scratch;
    long r = Syscall.call(Nr.CLOCK_GETTIME, clock, s.address());
    return r < 0 ? r : Memory.getLong(s, 0) * 1_000_000_000L + Memory.getLong(s, 8);
  }

  /** sysinfo(2) into a {@link Sysinfo}. Returns 0 or -errno. */
  public static int sysinfo(MemorySegment to) {
    return (int) Syscall.call(Nr.SYSINFO, Syscall.address(to, Sysinfo.SIZEOF));
  }

  /** uname(2) into a {@link Utsname}. Returns 0 or -errno. */
  public static int uname(MemorySegment to) {
    return (int) Syscall.call(Nr.UNAME, Syscall.address(to, Utsname.SIZEOF));
  }

  /** getrusage(2) into a {@link Rusage}. Returns 0 or -errno. */
  public static int getrusage(int who, MemorySegment to) {
    return (int) Syscall.call(Nr.GETRUSAGE, who, Syscall.address(to, Rusage.SIZEOF));
  }

  /**
   * futex(2) FUTEX_WAIT on a word that may be shared between processes.
   *
   * @param timeoutNanos relative, or negative for ever
   * @return 0, -EAGAIN (the word differs), -ETIMEDOUT, -EINTR
   */
  public static int futexWait(long word, int expected, long timeoutNanos) {
    MemorySegment s = CallState.get().scratch;
    Memory.setLong(s, 0, timeoutNanos / 1_000_000_000L);
    Memory.setLong(s, 8, timeoutNanos % 1_000_000_000L);
    return (int)
        Syscall.call(
            Nr.FUTEX, word, FUTEX_WAIT, expected, timeoutNanos < 0 ? 0 : s.address(), 0, 0);
  }

  /** futex(2) FUTEX_WAKE. Returns how many were woken or -errno. */
  public static int futexWake(long word, int count) {
    return (int) Syscall.call(Nr.FUTEX, word, FUTEX_WAKE, count);
  }

  /** getrandom(2). Returns bytes or -errno. */
  public static long getrandom(MemorySegment to, long length, int flags) {
    return Syscall.call(Nr.GETRANDOM, Syscall.address(to, length), length, flags);
  }
}
