package io.redoubt.seccomp;

/** What a filter answers for a call: the return values of {@code seccomp(2)}. */
public sealed interface Action {
  Action ALLOW = new Allow();
  Action NOTIFY = new Notify();
  Action KILL_PROCESS = new KillProcess();
  Action KILL_THREAD = new KillThread();
  Action LOG = new Log();
  Action TRAP = new Trap(0);

  /** The host kernel runs the call. */
  record Allow() implements Action {
    @Override
    public int returnValue() {
      return 0x7fff0000;
    }
  }

  /** The call runs and is noted in the host's audit log. */
  record Log() implements Action {
    @Override
    public int returnValue() {
      return 0x7ffc0000;
    }
  }

  /** The thread waits until the holder of the listener has answered for it. */
  record Notify() implements Action {
    @Override
    public int returnValue() {
      return 0x7fc00000;
    }
  }

  /** A tracer is asked; without one the call is ENOSYS. */
  record Trace(int data) implements Action {
    @Override
    public int returnValue() {
      return 0x7ff00000 | data & 0xffff;
    }
  }

  /** The call does not run and fails with this number, 0 to 4095. */
  record Errno(int number) implements Action {
    /** The highest error number that the kernel lets through ({@code MAX_ERRNO}). */
    static final int MAX = 4095;

    public Errno {
      if (number < 0 || number > MAX) {
        throw new IllegalArgumentException("errno out of range: number=" + number);
      }
    }

    @Override
    public int returnValue() {
      return 0x00050000 | number;
    }
  }

  /** The thread gets SIGSYS. */
  record Trap(int data) implements Action {
    @Override
    public int returnValue() {
      return 0x00030000 | data & 0xffff;
    }
  }

  /** The thread dies of SIGSYS, and the process with its last thread. */
  record KillThread() implements Action {
    @Override
    public int returnValue() {
      return 0x00000000;
    }
  }

  /** The process dies of SIGSYS. */
  record KillProcess() implements Action {
    @Override
    public int returnValue() {
      return 0x80000000;
    }
  }

  /**
   * The value that the BPF program returns, {@code SECCOMP_RET_*} with its 16 bits of data. Equal
   * for actions that are: a comparison of these costs no start-up time, one of records does.
   */
  int returnValue();

  /** The action in a few words, for people. */
  default String describe() {
    return switch (this) {
      case Allow() -> "allow";
      case Log() -> "allow and log";
      case Trace(int data) -> "trace " + data;
      case Notify() -> "notify";
      case Errno(int number) -> errnoName(number);
      case Trap(int _) -> "SIGSYS";
      case KillThread() -> "kill thread";
      case KillProcess() -> "kill process";
    };
  }

  private static String errnoName(int number) {
    return switch (number) {
      case 1 -> "EPERM";
      case 13 -> "EACCES";
      case 22 -> "EINVAL";
      case 38 -> "ENOSYS";
      case 95 -> "EOPNOTSUPP";
      default -> "errno " + number;
    };
  }
}
