package io.redoubt.host;

import java.lang.foreign.MemorySegment;

/** sys/wait.h: states of children and tracees. */
public final class Wait {
  public static final int WNOHANG = 0x1;
  public static final int WUNTRACED = 0x2;
  public static final int WSTOPPED = 0x2;
  public static final int WEXITED = 0x4;
  public static final int WCONTINUED = 0x8;
  public static final int WNOWAIT = 0x1000000;
  public static final int __WNOTHREAD = 0x20000000;
  public static final int __WALL = 0x40000000;
  public static final long __WCLONE = 0x80000000L;
  public static final int P_ALL = 0;
  public static final int P_PID = 1;
  public static final int P_PGID = 2;
  public static final int P_PIDFD = 3;

  /** siginfo_t as waitid(2) fills it; sigaction(2). */
  public static final class Siginfo {
    public static final String C_NAME = "siginfo_t";
    public static final int SIZEOF = 128;
    public static final int SI_SIGNO = 0; // int
    public static final int SI_ERRNO = 4; // int
    public static final int SI_CODE = 8; // int
    public static final int SI_PID = 16; // pid_t
    public static final int SI_UID = 20; // uid_t
    public static final int SI_STATUS = 24; // int

    private Siginfo() {}
  }

  private Wait() {}

  /**
   * wait4(2).
   *
   * @return the status in the high and the pid in the low 32 bits, 0 with WNOHANG if nothing has
   *     changed, or -errno (a status is never negative, so neither is the sum)
   */
  public static long wait4(int pid, int options) {
    MemorySegment s = CallState.get().scratch;
    Memory.setInt(s, 0, 0);
    long r = Syscall.call(Nr.WAIT4, pid, s.address(), options, 0);
    return r <= 0 ? r : (Memory.getInt(s, 0) & 0x7fffffffL) << 32 | r;
  }

  /** The pid in a result of {@link #wait4}. */
  public static int pid(long result) {
    return (int) result;
  }

  /** The wait status in a result of {@link #wait4}. */
  public static int status(long result) {
    return (int) (result >> 32);
  }

  /** waitid(2) into a {@link Siginfo}, or null. Returns 0 or -errno. */
  public static int waitid(int idType, int id, MemorySegment to, int options) {
    return (int)
        Syscall.call(Nr.WAITID, idType, id, Syscall.addressOrNull(to, Siginfo.SIZEOF), options, 0);
  }

  /** WIFEXITED. */
  public static boolean isExited(int status) {
    return (status & 0x7f) == 0;
  }

  /** WEXITSTATUS. */
  public static int exitStatus(int status) {
    return status >> 8 & 0xff;
  }

  /** WIFSIGNALED. */
  public static boolean isSignaled(int status) {
    return (status & 0x7f) != 0 && (status & 0x7f) != 0x7f;
  }

  /** WTERMSIG. */
  public static int termSignal(int status) {
    return status & 0x7f;
  }

  /** WIFSTOPPED. */
  public static boolean isStopped(int status) {
    return (status & 0xff) == 0x7f;
  }

  /** WSTOPSIG. */
  public static int stopSignal(int status) {
    return status >> 8 & 0xff;
  }

  /** PTRACE_EVENT_* of a ptrace stop; ptrace(2). */
  public static int ptraceEvent(int status) {
    return status >> 16 & 0xff;
  }
}
