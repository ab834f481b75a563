package io.redoubt.sentry.syscalls;

import static io.redoubt.host.Errno.EBADF;
import static io.redoubt.host.Errno.EFAULT;
import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.ENOMEM;
import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;

import io.redoubt.host.Memory;
import io.redoubt.sentry.fs.FdTable;
import io.redoubt.sentry.ipc.Clocks;
import io.redoubt.sentry.ipc.PollSet;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * poll(2) and select(2): fs/select.c. Without fds they only sleep, with a signal mask perhaps: then
 * the host kernel does it all, because the count is in a register and nothing else names anything.
 */
final class PollCalls {
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

  // struct pollfd { int fd; short events; short revents; }
  private static final int SIZEOF_POLLFD = 8;

  // What the three sets of select ask for and take as ready.
  private static final int READ_SET =
      PollEvents.READABLE | PollEvents.RDBAND | PollEvents.HUP | PollEvents.ERR | PollEvents.NVAL;
  private static final int WRITE_SET =
      PollEvents.WRITABLE | PollEvents.WRBAND | PollEvents.ERR | PollEvents.NVAL;
  private static final int EXCEPT_SET = PollEvents.PRI | PollEvents.NVAL;

  /** Largest nfds: fs.nr_open. */
  private static final int MAX_FDS = 1 << 20;

  /** Longest wait; larger ones would overflow nanoTime. */
  static final long FOREVER = 1L << 61;

  /** The timeout argument says: wait without limit. */
  static final long NO_TIMEOUT = -1;

  private PollCalls() {}

  static void register(SyscallTable t) {
    t.on(7, "poll", 3, PollCalls::poll, FULL);
    t.on(271, "ppoll", 5, PollCalls::ppoll, FULL);
    t.on(23, "select", 5, PollCalls::select, FULL);
    t.on(270, "pselect6", 6, PollCalls::pselect6, FULL);
  }

  /** A timeout in milliseconds, negative for none, as nanoseconds or {@link #NO_TIMEOUT}. */
  static long millis(int timeout) {
    return timeout < 0 ? NO_TIMEOUT : timeout * 1_000_000L;
  }

  /**
   * Reads a struct timespec. @return nanoseconds, {@link #NO_TIMEOUT} for a null pointer, or
   * another negative: errno - 1
   */
  static long timespec(Syscall c, long address) {
    if (address == 0) {
      return NO_TIMEOUT;
    }
    MemorySegment s = c.scratch().small;
    if (c.memory().read(address, s, 16) != 0) {
      return -EFAULT - 1;
    }
    long sec = Memory.getLong(s, 0);
    long nsec = Memory.getLong(s, 8);
    return Clocks.isValid(sec, nsec) ? Clocks.nanos(sec, nsec) : -EINVAL - 1;
  }

  /** Takes the signal mask argument of ppoll and its relatives. @return 0, -EINVAL or -EFAULT */
  static long takeMask(Syscall c, long address, long size) {
    if (address == 0) {
      return 0;
    }
    if (size != 8) {
      return -EINVAL;
    }
    MemorySegment s = c.scratch().small;
    if (c.memory().read(address, s, 8) != 0) {
      return -EFAULT;
    }
    c.waitMask = Memory.getLong(s, 0);
    c.waitMaskAddress = address;
    c.hasWaitMask = true;
    return 0;
  }

  private static long poll(Syscall c) {
    if ((int) c.arg1 == 0) {
      return Syscall.CONTINUE;
    }
    return doPoll(c, millis((int) c.arg2));
  }

  private static long ppoll(Syscall c) {
    if ((int) c.arg1 == 0) {
      return Syscall.CONTINUE;
    }
    long timeout = timespec(c, c.arg2);
    if (timeout < NO_TIMEOUT) {
      return timeout + 1;
    }
    long r = takeMask(c, c.arg3, c.arg4);
    if (r != 0) {
      return r;
    }
    r = doPoll(c, timeout);
    if (r != Syscall.BLOCKED && timeout > 0) {
      tellRemaining(c, c.arg2, timeout, 1);
    }
    return r;
  }

  private static long doPoll(Syscall c, long timeout) {
    long n = c.arg1 & 0xffffffffL;
    PollSet set = (PollSet) c.state;
    if (set == null) {
      if (n > c.task.process.limits.files() || n > MAX_FDS) {
        return -EINVAL;
      }
      set = readPollfds(c, (int) n);
      if (set == null) {
        return c.error();
      }
      c.state = set;
    }
    int ready = set.scan();
    if (ready == 0 && timeout != 0 && !c.timedOut()) {
      return waitFor(c, set, timeout);
    }
    return writeRevents(c, set) == 0 ? ready : -EFAULT;
  }

  private static long waitFor(Syscall c, PollSet set, long timeout) {
    set.register(c);
    if (timeout != NO_TIMEOUT) {
      c.deadline(Math.min(timeout, FOREVER));
    }
    return c.blockHere(Syscall.ERESTARTNOHAND);
  }

  private static PollSet readPollfds(Syscall c, int n) {
    PollSet set = new PollSet(n);
    FdTable table = c.task.files;
    MemorySegment s = c.scratch().bulk;
    int chunk = (int) (s.byteSize() / SIZEOF_POLLFD);
    for (int from = 0; from < n; from += chunk) {
      int m = Math.min(chunk, n - from);
      long address = c.arg0 + (long) from * SIZEOF_POLLFD;
      if (c.memory().read(address, s, (long) m * SIZEOF_POLLFD) != 0) {
        return c.fail(-EFAULT);
      }
      for (int i = 0; i < m; i++) {
        long at = (long) i * SIZEOF_POLLFD;
        set.set(from + i, table, Memory.getInt(s, at), Memory.getShort(s, at + 4));
      }
    }
    return set;
  }

  private static long writeRevents(Syscall c, PollSet set) {
    MemorySegment s = c.scratch().bulk;
    int chunk = (int) (s.byteSize() / SIZEOF_POLLFD);
    for (int from = 0; from < set.size; from += chunk) {
      int m = Math.min(chunk, set.size - from);
      for (int i = 0; i < m; i++) {
        long at = (long) i * SIZEOF_POLLFD;
        Memory.setInt(s, at, set.fds[from + i]);
        Memory.setShort(s, at + 4, set.interest[from + i]);
        Memory.setShort(s, at + 6, set.ready[from + i]);
      }
      long address = c.arg0 + (long) from * SIZEOF_POLLFD;
      if (c.memory().write(address, s, (long) m * SIZEOF_POLLFD) != 0) {
        return -EFAULT;
      }
    }
    return 0;
  }

  private static long select(Syscall c) {
    if ((int) c.arg0 == 0) {
      return Syscall.CONTINUE;
    }
    long timeout = NO_TIMEOUT;
    if (c.arg4 != 0) {
      // struct timeval; microseconds past a second carry over, as in kern_select()
      MemorySegment s = c.scratch().small;
      if (c.memory().read(c.arg4, s, 16) != 0) {
        return -EFAULT;
      }
      long sec = Memory.getLong(s, 0);
      long usec = Memory.getLong(s, 8);
      sec += usec / 1_000_000;
      long nsec = usec % 1_000_000 * 1000;
      if (!Clocks.isValid(sec, nsec)) {
        return -EINVAL;
      }
      timeout = Clocks.nanos(sec, nsec);
    }
    long r = doSelect(c, timeout);
    if (r != Syscall.BLOCKED && timeout > 0) {
      tellRemaining(c, c.arg4, timeout, 1000);
    }
    return r;
  }

  private static long pselect6(Syscall c) {
    if ((int) c.arg0 == 0) {
      return Syscall.CONTINUE;
    }
    // struct { const sigset_t *ss; size_t ss_len; }
    long mask = 0;
    long maskSize = 0;
    if (c.arg5 != 0) {
      MemorySegment s = c.scratch().small;
      if (c.memory().read(c.arg5, s, 16) != 0) {
        return -EFAULT;
      }
      mask = Memory.getLong(s, 0);
      maskSize = Memory.getLong(s, 8);
    }
    long timeout = timespec(c, c.arg4);
    if (timeout < NO_TIMEOUT) {
      return timeout + 1;
    }
    long r = takeMask(c, mask, maskSize);
    if (r != 0) {
      return r;
    }
    r = doSelect(c, timeout);
    if (r != Syscall.BLOCKED && timeout > 0) {
      tellRemaining(c, c.arg4, timeout, 1);
    }
    return r;
  }

  private static long doSelect(Syscall c, long timeout) {
    PollSet set = (PollSet) c.state;
    if (set == null) {
      int n = (int) c.arg0;
      if (n < 0) {
        return -EINVAL;
      }
      set = readSets(c, Math.min(n, MAX_FDS));
      if (set == null) {
        return c.error();
      }
      c.state = set;
    }
    int entries = set.scan();
    if (entries == 0 && timeout != 0 && !c.timedOut()) {
      return waitFor(c, set, timeout);
    }
    return writeSets(c, set, Math.min((int) c.arg0, MAX_FDS));
  }

  private static int setBytes(int n) {
    return (n + 63) / 64 * 8;
  }

  private static PollSet readSets(Syscall c, int n) {
    MemorySegment s = c.scratch().bulk;
    int bytes = setBytes(n);
    if (3L * bytes > s.byteSize()) {
      return c.fail(-ENOMEM);
    }
    for (int k = 0; k < 3; k++) {
      long address = k == 0 ? c.arg1 : k == 1 ? c.arg2 : c.arg3;
      long at = (long) k * bytes;
      if (address == 0) {
        s.asSlice(at, bytes).fill((byte) 0);
      } else if (c.memory().copyIn(address, s, at, bytes) != bytes) {
        return c.fail(-EFAULT);
      }
    }
    int count = 0;
    for (int word = 0; word < bytes; word += 8) {
      count += Long.bitCount(any(s, bytes, word, n));
    }
    PollSet set = new PollSet(count);
    FdTable table = c.task.files;
    int i = 0;
    for (int word = 0; word < bytes; word += 8) {
      long any = any(s, bytes, word, n);
      for (; any != 0; any &= any - 1) {
        long bit = Long.lowestOneBit(any);
        int fd = word * 8 + Long.numberOfTrailingZeros(any);
        int events =
            ((Memory.getLong(s, word) & bit) != 0 ? READ_SET : 0)
                | ((Memory.getLong(s, bytes + word) & bit) != 0 ? WRITE_SET : 0)
                | ((Memory.getLong(s, 2L * bytes + word) & bit) != 0 ? EXCEPT_SET : 0);
        if (!set.set(i++, table, fd, events)) {
          return c.fail(-EBADF);
        }
      }
    }
    return set;
  }

  /** The fds of one word that are in any of the three sets. */
  private static long any(MemorySegment s, int bytes, int word, int n) {
    long any =
        Memory.getLong(s, word)
            | Memory.getLong(s, bytes + word)
            | Memory.getLong(s, 2L * bytes + word);
    int left = n - word * 8;
    return left < 64 ? any & ((1L << left) - 1) : any;
  }

  private static long writeSets(Syscall c, PollSet set, int n) {
    MemorySegment s = c.scratch().bulk;
    int bytes = setBytes(n);
    s.asSlice(0, 3L * bytes).fill((byte) 0);
    long found = 0;
    for (int i = 0; i < set.size; i++) {
      int asked = set.interest[i] & 0xffff;
      int ready = set.ready[i] & 0xffff;
      // An entry asks for one to three sets; which ones is told by a bit that only this set has.
      if ((asked & PollEvents.RDBAND) != 0 && (ready & READ_SET) != 0) {
        found += mark(s, 0, set.fds[i]);
      }
      if ((asked & PollEvents.WRBAND) != 0 && (ready & WRITE_SET) != 0) {
        found += mark(s, bytes, set.fds[i]);
      }
      if ((asked & PollEvents.PRI) != 0 && (ready & EXCEPT_SET) != 0) {
        found += mark(s, 2L * bytes, set.fds[i]);
      }
    }
    for (int k = 0; k < 3; k++) {
      long address = k == 0 ? c.arg1 : k == 1 ? c.arg2 : c.arg3;
      if (address != 0 && c.memory().copyOut(address, s, (long) k * bytes, bytes) != bytes) {
        return -EFAULT;
      }
    }
    return found;
  }

  private static int mark(MemorySegment s, long base, int fd) {
    long at = base + fd / 64 * 8L;
    Memory.setLong(s, at, Memory.getLong(s, at) | 1L << (fd & 63));
    return 1;
  }

  /**
   * Linux writes back the time that is left; a fault there does no harm. @param unit nanoseconds of
   * the second word
   */
  private static void tellRemaining(Syscall c, long address, long timeout, long unit) {
    long left = c.isRetry() ? c.remainingNanos() : timeout;
    MemorySegment s = c.scratch().small;
    Memory.setLong(s, 0, left / 1_000_000_000L);
    Memory.setLong(s, 8, left % 1_000_000_000L / unit);
    c.memory().write(address, s, 16);
  }
}
