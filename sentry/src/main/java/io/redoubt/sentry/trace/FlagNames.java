package io.redoubt.sentry.trace;

/** Names of the bits and numbers in arguments, as strace prints them. */
final class FlagNames {
  /** A bit, or a field of several bits with one of its values. */
  private record Flag(long mask, long value, String name) {}

  private static Flag bit(long value, String name) {
    return new Flag(value, value, name);
  }

  private static final long O_ACCMODE = 3;
  private static final String[] ACCESS_MODES = {"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"};

  // asm-generic/fcntl.h; those of several bits first
  private static final Flag[] OPEN = {
    bit(020200000, "O_TMPFILE"),
    bit(04010000, "O_SYNC"),
    bit(0100, "O_CREAT"),
    bit(0200, "O_EXCL"),
    bit(0400, "O_NOCTTY"),
    bit(01000, "O_TRUNC"),
    bit(02000, "O_APPEND"),
    bit(04000, "O_NONBLOCK"),
    bit(010000, "O_DSYNC"),
    bit(020000, "O_ASYNC"),
    bit(040000, "O_DIRECT"),
    bit(0100000, "O_LARGEFILE"),
    bit(0200000, "O_DIRECTORY"),
    bit(0400000, "O_NOFOLLOW"),
    bit(01000000, "O_NOATIME"),
    bit(02000000, "O_CLOEXEC"),
    bit(010000000, "O_PATH"),
  };
  private static final Flag[] AT = {
    bit(0x100, "AT_SYMLINK_NOFOLLOW"),
    bit(0x200, "AT_REMOVEDIR"),
    bit(0x400, "AT_SYMLINK_FOLLOW"),
    bit(0x800, "AT_NO_AUTOMOUNT"),
    bit(0x1000, "AT_EMPTY_PATH"),
    bit(0x2000, "AT_STATX_FORCE_SYNC"),
    bit(0x4000, "AT_STATX_DONT_SYNC"),
  };
  private static final Flag[] PROT = {
    bit(1, "PROT_READ"), bit(2, "PROT_WRITE"), bit(4, "PROT_EXEC"), bit(0x1000000, "PROT_GROWSDOWN")
  };
  private static final Flag[] MAP = {
    new Flag(3, 3, "MAP_SHARED_VALIDATE"),
    new Flag(3, 1, "MAP_SHARED"),
    new Flag(3, 2, "MAP_PRIVATE"),
    bit(0x10, "MAP_FIXED"),
    bit(0x20, "MAP_ANONYMOUS"),
    bit(0x40, "MAP_32BIT"),
    bit(0x100, "MAP_GROWSDOWN"),
    bit(0x800, "MAP_DENYWRITE"),
    bit(0x2000, "MAP_LOCKED"),
    bit(0x4000, "MAP_NORESERVE"),
    bit(0x8000, "MAP_POPULATE"),
    bit(0x10000, "MAP_NONBLOCK"),
    bit(0x20000, "MAP_STACK"),
    bit(0x40000, "MAP_HUGETLB"),
    bit(0x100000, "MAP_FIXED_NOREPLACE"),
  };
  private static final Flag[] CLONE = {
    bit(0x100, "CLONE_VM"),
    bit(0x200, "CLONE_FS"),
    bit(0x400, "CLONE_FILES"),
    bit(0x800, "CLONE_SIGHAND"),
    bit(0x1000, "CLONE_PIDFD"),
    bit(0x2000, "CLONE_PTRACE"),
    bit(0x4000, "CLONE_VFORK"),
    bit(0x8000, "CLONE_PARENT"),
    bit(0x10000, "CLONE_THREAD"),
    bit(0x20000, "CLONE_NEWNS"),
    bit(0x40000, "CLONE_SYSVSEM"),
    bit(0x80000, "CLONE_SETTLS"),
    bit(0x100000, "CLONE_PARENT_SETTID"),
    bit(0x200000, "CLONE_CHILD_CLEARTID"),
    bit(0x800000, "CLONE_UNTRACED"),
    bit(0x1000000, "CLONE_CHILD_SETTID"),
    bit(0x2000000, "CLONE_NEWCGROUP"),
    bit(0x4000000, "CLONE_NEWUTS"),
    bit(0x8000000, "CLONE_NEWIPC"),
    bit(0x10000000, "CLONE_NEWUSER"),
    bit(0x20000000, "CLONE_NEWPID"),
    bit(0x40000000, "CLONE_NEWNET"),
  };
  private static final Flag[] ACCESS = {bit(4, "R_OK"), bit(2, "W_OK"), bit(1, "X_OK")};
  private static final String[] SIGNALS = {
    "0",
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGCHLD",
    "SIGCONT",
    "SIGSTOP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGWINCH",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
  };
  private static final String[] WHENCE = {
    "SEEK_SET", "SEEK_CUR", "SEEK_END", "SEEK_DATA", "SEEK_HOLE"
  };
  private static final String[] FCNTL = {
    "F_DUPFD",
    "F_GETFD",
    "F_SETFD",
    "F_GETFL",
    "F_SETFL",
    "F_GETLK",
    "F_SETLK",
    "F_SETLKW",
    "F_SETOWN",
    "F_GETOWN",
    "F_SETSIG",
    "F_GETSIG",
  };
  private static final String[] LIMITS = {
    "RLIMIT_CPU",
    "RLIMIT_FSIZE",
    "RLIMIT_DATA",
    "RLIMIT_STACK",
    "RLIMIT_CORE",
    "RLIMIT_RSS",
    "RLIMIT_NPROC",
    "RLIMIT_NOFILE",
    "RLIMIT_MEMLOCK",
    "RLIMIT_AS",
    "RLIMIT_LOCKS",
    "RLIMIT_SIGPENDING",
    "RLIMIT_MSGQUEUE",
    "RLIMIT_NICE",
    "RLIMIT_RTPRIO",
    "RLIMIT_RTTIME",
  };
  private static final String[] FAMILIES = {
    "AF_UNSPEC",
    "AF_UNIX",
    "AF_INET",
    null,
    null,
    null,
    null,
    null,
    null,
    null,
    "AF_INET6",
    null,
    null,
    null,
    null,
    null,
    "AF_NETLINK",
    "AF_PACKET"
  };
  private static final String[] SOCKETS = {
    null, "SOCK_STREAM", "SOCK_DGRAM", "SOCK_RAW", null, "SOCK_SEQPACKET"
  };
  private static final String[] EPOLL = {null, "EPOLL_CTL_ADD", "EPOLL_CTL_DEL", "EPOLL_CTL_MOD"};

  private static final int F_DUPFD_CLOEXEC = 1030;
  private static final int SIGNAL_MASK = 0xff;
  private static final int SOCKET_TYPE_MASK = 0xf;

  private FlagNames() {}

  /**
   * Appends the argument that {@code letter} of {@link Signatures} describes. @return false when
   * the letter is not one of flags
   */
  static boolean append(StringBuilder b, char letter, long value) {
    switch (letter) {
      case 'O' -> {
        b.append(ACCESS_MODES[(int) (value & O_ACCMODE)]);
        bits(b, OPEN, value & 0xffffffffL & ~O_ACCMODE, true);
      }
      case 'G' -> bits(b, OPEN, value & 0xffffffffL, false);
      case 'T' -> bits(b, AT, value & 0xffffffffL, false);
      case 'P' -> bits(b, PROT, value, false, "PROT_NONE");
      case 'M' -> bits(b, MAP, value, false);
      case 'A' -> bits(b, ACCESS, value & 0xffffffffL, false, "F_OK");
      case 'C' -> clone(b, value);
      case 'S' -> named(b, SIGNALS, value);
      case 'W' -> named(b, WHENCE, value);
      case 'F' -> {
        if ((int) value == F_DUPFD_CLOEXEC) {
          b.append("F_DUPFD_CLOEXEC");
        } else {
          named(b, FCNTL, value);
        }
      }
      case 'R' -> named(b, LIMITS, value);
      case 'Y' -> named(b, FAMILIES, value);
      case 'K' -> {
        named(b, SOCKETS, value & SOCKET_TYPE_MASK);
        bits(b, OPEN, value & 0xffffffffL & ~SOCKET_TYPE_MASK, true);
      }
      case 'E' -> named(b, EPOLL, value);
      default -> {
        return false;
      }
    }
    return true;
  }

  private static void clone(StringBuilder b, long value) {
    int signal = (int) value & SIGNAL_MASK;
    bits(b, CLONE, value & ~SIGNAL_MASK, false, "0");
    if (signal != 0) {
      named(b.append('|'), SIGNALS, signal);
    }
  }

  private static void named(StringBuilder b, String[] names, long value) {
    int n = (int) value;
    if (n >= 0 && n < names.length && names[n] != null) {
      b.append(names[n]);
    } else {
      b.append(n);
    }
  }

  private static void bits(StringBuilder b, Flag[] flags, long value, boolean more) {
    bits(b, flags, value, more, "0");
  }

  /**
   * @param more whether something stands before it already
   */
  private static void bits(StringBuilder b, Flag[] flags, long value, boolean more, String none) {
    long left = value;
    boolean any = more;
    for (Flag f : flags) {
      if ((left & f.mask) == f.value) {
        b.append(any ? "|" : "").append(f.name);
        any = true;
        left &= ~f.mask;
      }
    }
    if (left != 0) {
      b.append(any ? "|0x" : "0x").append(Long.toHexString(left));
    } else if (!any) {
      b.append(none);
    }
  }
}
