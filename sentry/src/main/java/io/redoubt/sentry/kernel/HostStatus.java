package io.redoubt.sentry.kernel;

import io.redoubt.host.Fcntl;
import io.redoubt.host.Memory;
import io.redoubt.host.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What the host's /proc says of a guest thread: its ids and its signals (proc_pid_status(5)).
 *
 * <p>Read through a directory fd opened at start, so that it also works when the sentry can open
 * nothing else any more. One instance a caller; not thread-safe.
 */
final class HostStatus {
  private static final int PAGE = 4096;
  private static final int PROC_FD = openProc();

  private MemorySegment buffer = Arena.ofAuto().allocate(2 * PAGE);
  private byte[] text = {}; // what was read, for parsing
  private int length;

  int tgid;
  int ppid;
  int nsTgid;
  int nsPid;
  char state;
  int threads;
  long privatePending;
  long sharedPending;
  long blocked;
  long ignored;
  long caught;

  /** The host's /proc, O_PATH. */
  static int procFd() {
    return PROC_FD;
  }

  private static int openProc() {
    int fd =
        Fcntl.open("/proc", 0200000 | 010000000 | 02000000, 0); // O_DIRECTORY | O_PATH | O_CLOEXEC
    if (fd < 0) {
      throw new IllegalStateException("cannot open /proc: errno=" + -fd);
    }
    return fd;
  }

  /** Reads the status of host thread {@code tid}. @return false when it is gone */
  boolean read(int tid) {
    if (!load(tid + "/status")) {
      return false;
    }
    int at = 0;
    while (at < length) {
      int end = at;
      while (end < length && text[end] != '\n') {
        end++;
      }
      parseLine(at, end);
      at = end + 1;
    }
    return true;
  }

  /** Signals that the thread takes as soon as it can: pending, and not blocked by its own mask. */
  long takes() {
    return (privatePending | sharedPending) & ~blocked;
  }

  /**
   * Host ids of the children that thread {@code tid} of process {@code pid} made and that have not
   * been reaped.
   */
  int[] children(int pid, int tid) {
    return load(pid + "/task/" + tid + "/children") ? numbers() : new int[0];
  }

  /** As above. @param fd an open file of that name; negative: no children */
  int[] childrenIn(int fd) {
    return fd >= 0 && load(fd) ? numbers() : new int[0];
  }

  /** The numbers that have been loaded. */
  private int[] numbers() {
    int n = 0;
    int[] out = new int[8];
    int value = 0;
    boolean digits = false;
    for (int i = 0; i < length; i++) {
      byte b = text[i];
      if (b >= '0' && b <= '9') {
        value = value * 10 + b - '0';
        digits = true;
      } else if (digits) {
        if (n == out.length) {
          out = java.util.Arrays.copyOf(out, n * 2);
        }
        out[n++] = value;
        value = 0;
        digits = false;
      }
    }
    return java.util.Arrays.copyOf(out, n);
  }

  /**
   * All of a file of the host's /proc, at most {@code limit} bytes; empty when it cannot be read.
   */
  static byte[] readFile(String path, int limit) {
    int fd = Fcntl.openat(PROC_FD, path, 02000000, 0);
    if (fd < 0) {
      return new byte[0];
    }
    java.io.ByteArrayOutputStream out = new java.io.ByteArrayOutputStream();
    MemorySegment s = KernelThread.scratch().small;
    long n;
    while (out.size() < limit && (n = Unistd.read(fd, s, s.byteSize())) > 0) {
      byte[] b = new byte[(int) n];
      Memory.copy(s, 0, b, 0, b.length);
      out.writeBytes(b);
    }
    Unistd.close(fd);
    return out.toByteArray();
  }

  private boolean load(String path) {
    int fd = Fcntl.openat(PROC_FD, path, 02000000, 0);
    if (fd < 0) {
      return false;
    }
    boolean isLoaded = load(fd);
    Unistd.close(fd);
    return isLoaded;
  }

  /** The whole of an open file, wherever its position is. */
  private boolean load(int fd) {
    length = 0;
    // A seq_file gives at most a page at once, and all of what it has if that is less.
    long n;
    do {
      if (length == buffer.byteSize()) {
        MemorySegment larger =
            Arena.ofAuto().allocate(2 * buffer.byteSize()); // thousands of children
        Memory.copy(buffer, 0, larger, 0, length);
        buffer = larger;
      }
      n = Unistd.pread(fd, buffer.address() + length, buffer.byteSize() - length, length);
      length += (int) Math.max(n, 0);
    } while (n > PAGE / 2);
    if (text.length < length) {
      text = new byte[(int) buffer.byteSize()];
    }
    Memory.copy(buffer, 0, text, 0, length);
    return length > 0;
  }

  private void parseLine(int at, int end) {
    // Told apart by their first letters; the file has some sixty lines and this runs at every fork.
    if (end - at < 6) {
      return;
    }
    switch (text[at]) {
      case 'T' -> {
        if (is(at, "Tgid:")) {
          tgid = (int) number(at + 5, end, 10);
        } else if (is(at, "Threads:")) {
          threads = (int) number(at + 8, end, 10);
        }
      }
      case 'P' -> {
        if (is(at, "PPid:")) {
          ppid = (int) number(at + 5, end, 10);
        }
      }
      case 'N' -> {
        if (is(at, "NSpid:")) {
          nsPid = (int) lastNumber(at + 6, end);
        } else if (is(at, "NStgid:")) {
          nsTgid = (int) lastNumber(at + 7, end);
        }
      }
      case 'S' -> {
        if (is(at, "State:")) {
          int i = at + 6;
          while (i < end && text[i] <= ' ') {
            i++;
          }
          state = (char) text[i];
        } else if (is(at, "SigPnd:")) {
          privatePending = number(at + 7, end, 16);
        } else if (is(at, "ShdPnd:")) {
          sharedPending = number(at + 7, end, 16);
        } else if (is(at, "SigBlk:")) {
          blocked = number(at + 7, end, 16);
        } else if (is(at, "SigIgn:")) {
          ignored = number(at + 7, end, 16);
        } else if (is(at, "SigCgt:")) {
          caught = number(at + 7, end, 16);
        }
      }
      default -> {}
    }
  }

  private boolean is(int at, String key) {
    for (int i = 0; i < key.length(); i++) {
      if (at + i >= length || text[at + i] != key.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  private long number(int at, int end, int radix) {
    long v = 0;
    for (int i = at; i < end; i++) {
      int d = Character.digit(text[i], radix);
      if (d >= 0) {
        v = v * radix + d;
      }
    }
    return v;
  }

  private long lastNumber(int at, int end) {
    int from = end;
    while (from > at && text[from - 1] > ' ') {
      from--;
    }
    return number(from, end, 10);
  }
}
