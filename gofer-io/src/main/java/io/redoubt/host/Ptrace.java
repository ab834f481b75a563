package io.redoubt.host;

import java.lang.foreign.MemorySegment;

/**
 * sys/ptrace.h and sys/user.h.
 *
 * <p>All calls on one tracee must come from the one host thread that seized it.
 */
public final class Ptrace {
  public static final int PTRACE_GETREGS = 0xc;
  public static final int PTRACE_SETREGS = 0xd;
  public static final int PTRACE_GETFPREGS = 0xe;
  public static final int PTRACE_SETFPREGS = 0xf;
  public static final int PTRACE_CONT = 0x7;
  public static final int PTRACE_KILL = 0x8;
  public static final int PTRACE_DETACH = 0x11;
  public static final int PTRACE_SEIZE = 0x4206;
  public static final int PTRACE_INTERRUPT = 0x4207;
  public static final int PTRACE_LISTEN = 0x4208;
  public static final int PTRACE_SETOPTIONS = 0x4200;
  public static final int PTRACE_GETEVENTMSG = 0x4201;
  public static final int PTRACE_GETSIGINFO = 0x4202;
  public static final int PTRACE_SETSIGINFO = 0x4203;
  public static final int PTRACE_GETSIGMASK = 0x420a;
  public static final int PTRACE_SETSIGMASK = 0x420b;
  public static final int PTRACE_EVENT_STOP = 128;
  public static final int PTRACE_O_TRACESYSGOOD = 0x1;
  public static final int PTRACE_O_EXITKILL = 0x100000;

  /** {@code struct user_regs_struct}, sys/user.h. */
  public static final class UserRegs {
    public static final String C_NAME = "struct user_regs_struct";
    public static final int SIZEOF = 216;
    public static final int R15 = 0; // all fields are 8 bytes
    public static final int R14 = 8;
    public static final int R13 = 16;
    public static final int R12 = 24;
    public static final int RBP = 32;
    public static final int RBX = 40;
    public static final int R11 = 48;
    public static final int R10 = 56;
    public static final int R9 = 64;
    public static final int R8 = 72;
    public static final int RAX = 80;
    public static final int RCX = 88;
    public static final int RDX = 96;
    public static final int RSI = 104;
    public static final int RDI = 112;
    public static final int ORIG_RAX = 120;
    public static final int RIP = 128;
    public static final int CS = 136;
    public static final int EFLAGS = 144;
    public static final int RSP = 152;
    public static final int SS = 160;
    public static final int FS_BASE = 168;
    public static final int GS_BASE = 176;
    public static final int DS = 184;
    public static final int ES = 192;
    public static final int FS = 200;
    public static final int GS = 208;

    private UserRegs() {}
  }

  private Ptrace() {}

  /** PTRACE_SEIZE with PTRACE_O_* options: attaches without stopping. Returns 0 or -errno. */
  public static int seize(int tid, int options) {
    return (int) Syscall.call(Nr.PTRACE, PTRACE_SEIZE, tid, 0, options);
  }

  /**
   * PTRACE_INTERRUPT: stops a seized thread; {@link Wait#wait4} tells when. Returns 0 or -errno.
   */
  public static int interrupt(int tid) {
    return (int) Syscall.call(Nr.PTRACE, PTRACE_INTERRUPT, tid, 0, 0);
  }

  /** PTRACE_DETACH, delivering {@code signal} if it is not 0. Returns 0 or -errno. */
  public static int detach(int tid, int signal) {
    return (int) Syscall.call(Nr.PTRACE, PTRACE_DETACH, tid, 0, signal);
  }

  /** PTRACE_CONT, delivering {@code signal} if it is not 0. Returns 0 or -errno. */
  public static int cont(int tid, int signal) {
    return (int) Syscall.call(Nr.PTRACE, PTRACE_CONT, tid, 0, signal);
  }

  /** PTRACE_GETREGS into a {@link UserRegs}. Returns 0 or -errno. */
  public static int getRegs(int tid, MemorySegment to) {
    return (int)
        Syscall.call(Nr.PTRACE, PTRACE_GETREGS, tid, 0, Syscall.address(to, UserRegs.SIZEOF));
  }

  /** PTRACE_SETREGS from a {@link UserRegs}. Returns 0 or -errno. */
  public static int setRegs(int tid, MemorySegment from) {
    return (int)
        Syscall.call(Nr.PTRACE, PTRACE_SETREGS, tid, 0, Syscall.address(from, UserRegs.SIZEOF));
  }

  /** ptrace(2) of any other request; the value or -errno. */
  public static long ptrace(int request, int tid, long address, long data) {
    return Syscall.call(Nr.PTRACE, request, tid, address, data);
  }
}
