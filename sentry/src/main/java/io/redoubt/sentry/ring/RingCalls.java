package io.redoubt.sentry.ring;

import io.redoubt.host.Memory;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.RegularFile;
import io.redoubt.sentry.ipc.PipeFile;
import io.redoubt.sentry.kernel.Syscall;
import java.lang.foreign.MemorySegment;

/**
 * Which calls are served through the ring, by the same handlers as when they trap.
 *
 * <p>A call is here if it can complete at once, changes nothing about the process or its threads
 * and does not need to know which of these it is. A handler that would wait is taken back, and its
 * thread told to make the call itself; so is one whose answer would go with a signal.
 */
final class RingCalls {
  private static final int READ = 0;
  private static final int WRITE = 1;
  private static final int CLOSE = 3;
  private static final int POLL = 7;
  private static final int IOCTL = 16;
  private static final int PREAD64 = 17;
  private static final int WRITEV = 20;
  private static final int SENDTO = 44;
  private static final int RECVFROM = 45;
  private static final int FCNTL = 72;
  private static final int EPOLL_WAIT = 232;
  private static final int EPOLL_PWAIT = 281;

  private static final int[] NUMBERS = {
    READ,
    WRITE,
    2, // open
    CLOSE,
    4, // stat
    5, // fstat
    6, // lstat
    POLL,
    8, // lseek
    IOCTL,
    PREAD64,
    18, // pwrite64
    19, // readv
    WRITEV,
    21, // access
    22, // pipe
    32, // dup
    33, // dup2
    43, // accept
    SENDTO,
    RECVFROM,
    48, // shutdown
    51, // getsockname
    52, // getpeername
    53, // socketpair
    54, // setsockopt
    55, // getsockopt
    63, // uname
    FCNTL,
    78, // getdents
    79, // getcwd
    82, // rename
    83, // mkdir
    84, // rmdir
    86, // link
    87, // unlink
    88, // symlink
    89, // readlink
    90, // chmod
    91, // fchmod
    92, // chown
    93, // fchown
    94, // lchown
    95, // umask
    102, // getuid
    104, // getgid
    107, // geteuid
    108, // getegid
    115, // getgroups
    118, // getresuid
    120, // getresgid
    137, // statfs
    138, // fstatfs
    217, // getdents64
    EPOLL_WAIT,
    233, // epoll_ctl
    257, // openat
    258, // mkdirat
    260, // fchownat
    262, // newfstatat
    263, // unlinkat
    264, // renameat
    265, // linkat
    266, // symlinkat
    267, // readlinkat
    268, // fchmodat
    269, // faccessat
    280, // utimensat
    EPOLL_PWAIT,
    284, // eventfd
    288, // accept4
    290, // eventfd2
    291, // epoll_create1
    292, // dup3
    293, // pipe2
    295, // preadv
    296, // pwritev
    316, // renameat2
    332, // statx
    439, // faccessat2
  };

  private static final long[] SERVED = served();

  private static final int CREATES = 0x40 | 0x200 | 0x400000; // O_CREAT, O_TRUNC, __O_TMPFILE
  private static final long PIPE_BUF = 4096;
  private static final int MSG_DONTWAIT = 0x40;
  private static final int MSG_WAITALL = 0x100;
  private static final int F_DUPFD = 0;
  private static final int F_SETFL = 4;
  private static final int F_DUPFD_CLOEXEC = 1030;
  private static final int TCGETS = 0x5401;
  private static final int TIOCGWINSZ = 0x5413;
  private static final int FIONREAD = 0x541b;
  private static final int FIONBIO = 0x5421;
  private static final int FIONCLEX = 0x5450;
  private static final int FIOCLEX = 0x5451;

  private RingCalls() {}

  private static long[] served() {
    long[] bits = new long[RingLayout.NUMBERS / 64];
    for (int nr : NUMBERS) {
      bits[nr >>> 6] |= 1L << nr;
    }
    return bits;
  }

  /** Whether calls of this number may come by the ring. */
  static boolean isServed(int nr) {
    return nr >= 0 && nr < RingLayout.NUMBERS && (SERVED[nr >>> 6] & 1L << nr) != 0;
  }

  /** Tells the trampoline which calls are worth trying. */
  static void writeNumbers(MemorySegment region) {
    for (int i = 0; i < SERVED.length; i++) {
      Memory.setLong(region, RingLayout.SERVED_OFFSET + 8L * i, SERVED[i]);
    }
  }

  /**
   * Serves a call whose arguments are set.
   *
   * @return its result, or {@link Syscall#CONTINUE} when its thread has to make it by a trap
   */
  static long serve(Syscall c, int nr) {
    if (!isServed(nr) || !c.task.isRingReady()) {
      return Syscall.CONTINUE;
    }
    int timeoutArgument = 0;
    switch (nr) {
      case CLOSE -> {
        // Where a mapping has planted a host fd, the host has to close it.
        if (c.task.process.hasScratchFd(c.arg0)) {
          return Syscall.CONTINUE;
        }
      }
      case FCNTL -> {
        int command = (int) c.arg1;
        if ((command < F_DUPFD || command > F_SETFL) && command != F_DUPFD_CLOEXEC) {
          return Syscall.CONTINUE;
        }
      }
      case WRITE, WRITEV -> {
        if (mayWaitInTheMiddle(c, nr)) {
          return Syscall.CONTINUE;
        }
      }
      case SENDTO -> {
        if ((c.arg3 & MSG_DONTWAIT) == 0 && mayWaitInTheMiddle(c, nr)) {
          return Syscall.CONTINUE;
        }
      }
      case RECVFROM -> {
        if ((c.arg3 & MSG_WAITALL) != 0) {
          return Syscall.CONTINUE;
        }
      }
      case IOCTL -> {
        if (!isPlainIoctl((int) c.arg1)) {
          return Syscall.CONTINUE;
        }
      }
      // What is ready now is the answer; to wait for it the thread comes by a trap.
      case POLL -> timeoutArgument = 2;
      case EPOLL_WAIT, EPOLL_PWAIT -> {
        if (nr == EPOLL_PWAIT && c.arg4 != 0) {
          return Syscall.CONTINUE; // a signal mask is the thread's
        }
        timeoutArgument = 3;
      }
      default -> {}
    }
    RingThread thread = (RingThread) Thread.currentThread();
    if (changesTrees(c, nr) && !thread.mayWait(c)) {
      return Syscall.CONTINUE;
    }
    thread.tries(isLookUp(c, nr) ? c : null, isShortRead(c, nr));
    long result = c.task.kernel.dispatcher.serveRing(c, nr, timeoutArgument);
    thread.tries(null, false);
    return result;
  }

  /**
   * Whether a write may put in a part and wait for room for the rest: its thread could not make it
   * again. A pipe takes up to PIPE_BUF bytes whole or not at all (pipe(7)).
   */
  private static boolean mayWaitInTheMiddle(Syscall c, int nr) {
    OpenFile f = c.task.files.get((int) c.arg0);
    if (f == null || f.isSeekable() || !f.continuesWrites() || f.isNonblocking()) {
      return false;
    }
    return nr != WRITE || !(f instanceof PipeFile) || Long.compareUnsigned(c.arg2, PIPE_BUF) > 0;
  }

  /**
   * Whether the call changes nothing if it fails, so that it can be tried and then be made again.
   */
  private static boolean isLookUp(Syscall c, int nr) {
    return switch (nr) {
      case 2 -> (c.arg1 & CREATES) == 0;
      case 257 -> (c.arg2 & CREATES) == 0;
      case READ, 4, 5, 6, PREAD64, 19, 21, 78, 89, 137, 138, 217, 262, 267, 269, 295, 332, 439 ->
          true;
      default -> false;
    };
  }

  /** Whether the call changes names or attributes: it is not to be tried, but made or not. */
  private static boolean changesTrees(Syscall c, int nr) {
    return switch (nr) {
      case 2 -> (c.arg1 & CREATES) != 0;
      case 257 -> (c.arg2 & CREATES) != 0;
      case 82, 83, 84, 86, 87, 88, 90, 91, 92, 93, 94 -> true;
      case 258, 260, 263, 264, 265, 266, 268, 280, 316 -> true;
      default -> false;
    };
  }

  /** Whether it is a read of a file by one read of the host's. */
  private static boolean isShortRead(Syscall c, int nr) {
    return (nr == READ || nr == PREAD64) && c.arg2 >= 0 && c.arg2 <= RegularFile.CHUNK;
  }

  private static boolean isPlainIoctl(int request) {
    return switch (request) {
      case TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX -> true;
      default -> false;
    };
  }
}
