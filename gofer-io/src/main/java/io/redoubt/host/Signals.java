package io.redoubt.host;

import java.lang.foreign.MemorySegment;

/** signal.h and pidfds: sending signals, signal(7), pidfd_open(2). */
public final class Signals {
  public static final int SIGHUP = 1;
  public static final int SIGINT = 2;
  public static final int SIGQUIT = 3;
  public static final int SIGILL = 4;
  public static final int SIGTRAP = 5;
  public static final int SIGABRT = 6;
  public static final int SIGBUS = 7;
  public static final int SIGFPE = 8;
  public static final int SIGKILL = 9;
  public static final int SIGUSR1 = 10;
  public static final int SIGSEGV = 11;
  public static final int SIGUSR2 = 12;
  public static final int SIGPIPE = 13;
  public static final int SIGALRM = 14;
  public static final int SIGTERM = 15;
  public static final int SIGSTKFLT = 16;
  public static final int SIGCHLD = 17;
  public static final int SIGCONT = 18;
  public static final int SIGSTOP = 19;
  public static final int SIGTSTP = 20;
  public static final int SIGTTIN = 21;
  public static final int SIGTTOU = 22;
  public static final int SIGURG = 23;
  public static final int SIGXCPU = 24;
  public static final int SIGXFSZ = 25;
  public static final int SIGVTALRM = 26;
  public static final int SIGPROF = 27;
  public static final int SIGWINCH = 28;
  public static final int SIGIO = 29;
  public static final int SIGPWR = 30;
  public static final int SIGSYS = 31;

  /** First real-time signal of the kernel; libc keeps 32 to 34 for itself. */
  public static final int KERNEL_SIGRTMIN = 32;

  /** Highest signal number. */
  public static final int SIGRTMAX = 64;

  public static final int SIG_BLOCK = 0;
  public static final int SIG_UNBLOCK = 1;
  public static final int SIG_SETMASK = 2;
  public static final int SI_USER = 0;
  public static final int SI_KERNEL = 128;
  public static final int SI_QUEUE = -1;
  public static final int SI_TIMER = -2;
  public static final int SI_MESGQ = -3;
  public static final int SI_TKILL = -6;
  public static final int CLD_EXITED = 1;
  public static final int CLD_KILLED = 2;
  public static final int CLD_DUMPED = 3;
  public static final int CLD_TRAPPED = 4;
  public static final int CLD_STOPPED = 5;
  public static final int CLD_CONTINUED = 6;

  /** Bytes of the kernel's sigset_t: signal n is bit n-1 of a long. */
  public static final int SIGSET_SIZE = 8;

  private static final int SIGINFO_SIZE = 128;

  private Signals() {}

  /** kill(2). Returns 0 or -errno. */
  public static int kill(int pid, int signal) {
    return (int) Syscall.call(Nr.KILL, pid, signal);
  }

  /** tgkill(2). Returns 0 or -errno. */
  public static int tgkill(int tgid, int tid, int signal) {
    return (int) Syscall.call(Nr.TGKILL, tgid, tid, signal);
  }

  /** rt_sigqueueinfo(2) with a code below 0, and a value. Returns 0 or -errno. */
  public static int sigqueue(int pid, int signal, int code, int fromPid, int fromUid, long value) {
    MemorySegment s = CallState.get().scratch;
    s.asSlice(0, SIGINFO_SIZE).fill((byte) 0);
    Memory.setInt(s, 0, signal);
    Memory.setInt(s, 8, code);
    Memory.setInt(s, 16, fromPid);
    Memory.setInt(s, 20, fromUid);
    Memory.setLong(s, 24, value);
    return (int) Syscall.call(Nr.RT_SIGQUEUEINFO, pid, signal, s.address());
  }

  /** pidfd_open(2). Returns an fd, readable when the process has died, or -errno. */
  public static int pidfdOpen(int pid, int flags) {
    return (int) Syscall.call(Nr.PIDFD_OPEN, pid, flags);
  }

  /** pidfd_send_signal(2). Returns 0 or -errno. */
  public static int pidfdSendSignal(int pidfd, int signal) {
    return (int) Syscall.call(Nr.PIDFD_SEND_SIGNAL, pidfd, signal, 0, 0);
  }

  /** pidfd_getfd(2): a copy of another process's descriptor. Returns an fd or -errno. */
  public static int pidfdGetfd(int pidfd, int targetFd) {
    return (int) Syscall.call(Nr.PIDFD_GETFD, pidfd, targetFd, 0);
  }

  /**
   * rt_sigprocmask(2), of the calling thread. Never block what the JVM needs (SIGSEGV, SIGQUIT).
   *
   * @return 0 or -errno
   */
  public static int sigprocmask(int how, long set) {
    MemorySegment s = CallState.get().scratch;
    Memory.setLong(s, 0, set);
    return (int) Syscall.call(Nr.RT_SIGPROCMASK, how, s.address(), 0, SIGSET_SIZE);
  }
}
