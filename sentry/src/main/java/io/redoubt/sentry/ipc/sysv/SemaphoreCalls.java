package io.redoubt.sentry.ipc.sysv;

import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.sentry.ipc.sysv.SemaphoreSet.Operation;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** semget, semop, semtimedop; the rest is {@link SemaphoreControl}. */
public final class SemaphoreCalls {
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT;

  /** SEMMSL: semaphores of a set; SEMOPM: operations of a call. */
  static final int MAX_SEMAPHORES = 32000;

  static final int MAX_OPERATIONS = 500;

  /** Of all sets together: what a guest can make the sentry hold, 16 bytes each. */
  private static final int MAX_TOTAL = 1 << 20;

  private static final long MAX_SECONDS = 1L << 32;

  // struct sembuf
  private static final int SEM_NUM = 0; // unsigned short
  private static final int SEM_OP = 2; // short
  private static final int SEM_FLG = 4; // short
  private static final int SEMBUF_SIZEOF = 6;

  private SemaphoreCalls() {}

  public static void register(SyscallTable t) {
    t.on(64, "semget", 3, SemaphoreCalls::semget, FULL);
    t.on(65, "semop", 3, c -> operate(c, 0), FULL);
    t.on(66, "semctl", 4, SemaphoreControl::semctl, FULL);
    t.on(220, "semtimedop", 4, c -> operate(c, c.arg3), FULL);
  }

  private static long semget(Syscall c) {
    int key = (int) c.arg0;
    int count = (int) c.arg1;
    int flags = (int) c.arg2;
    if (count < 0 || count > limit(c, 0, MAX_SEMAPHORES)) {
      return -Errno.EINVAL;
    }
    IpcTable<SemaphoreSet> sets = c.task.kernel.sysv().semaphores;
    return sets.get(
        c,
        key,
        flags,
        new IpcTable.Kind<>() {
          @Override
          public int check(SemaphoreSet existing) {
            return count > existing.values.length ? -Errno.EINVAL : 0;
          }

          @Override
          public SemaphoreSet create() {
            if (count == 0) {
              return c.fail(-Errno.EINVAL);
            }
            return count + total(sets) > limit(c, 1, MAX_TOTAL)
                ? c.fail(-Errno.ENOSPC)
                : new SemaphoreSet(key, c.task.credentials, flags, count);
          }
        });
  }

  /** A word of kernel.sem. */
  static long limit(Syscall c, int word, int limit) {
    return c.task.kernel.sysctls.of("kernel.sem", word, limit, limit);
  }

  /** Semaphores of all sets. */
  static int total(IpcTable<SemaphoreSet> sets) {
    int n = 0;
    for (int i = sets.highestIndex(); i >= 0; i--) {
      SemaphoreSet s = sets.byIndex(i);
      n += s == null ? 0 : s.values.length;
    }
    return n;
  }

  /** A call that has been read, and, while it waits, counted as a waiter. */
  private static final class Pending implements Syscall.Cleanup {
    final SemaphoreSet set;
    final Operation[] operations;
    final Operation[] blocker = new Operation[1];
    private Operation counted;

    Pending(SemaphoreSet set, Operation[] operations) {
      this.set = set;
      this.operations = operations;
    }

    void count() {
      cleanup();
      counted = blocker[0];
      set.countWaiter(counted, 1);
    }

    @Override
    public void cleanup() {
      if (counted != null) {
        set.countWaiter(counted, -1);
        counted = null;
      }
    }
  }

  private static long operate(Syscall c, long timeout) {
    Pending p = (Pending) c.state;
    if (p == null) {
      p = read(c, timeout);
      if (p == null) {
        return c.error();
      }
      c.state = p;
    }
    int r = p.set.apply(c.task.process, p.operations, p.blocker);
    if (r != SemaphoreSet.WOULD_BLOCK) {
      return r;
    }
    if (timeout != 0 && c.timedOut()) {
      return -Errno.EAGAIN;
    }
    p.count();
    return c.block(p.set.waitQueue, PollEvents.IN, -Errno.EINTR); // never restarted, signal(7)
  }

  /** In the order in which do_semtimedop() finds mistakes. */
  private static Pending read(Syscall c, long timeout) {
    int id = (int) c.arg0;
    long count = c.arg2 & 0xffffffffL;
    if (count == 0 || id < 0) {
      return c.fail(-Errno.EINVAL);
    }
    if (count > limit(c, 2, MAX_OPERATIONS)) {
      return c.fail(-Errno.E2BIG);
    }
    MemorySegment s = c.scratch().small;
    if (c.memory().read(c.arg1, s, count * SEMBUF_SIZEOF) < 0) {
      return c.fail(-Errno.EFAULT);
    }
    Operation[] operations = new Operation[(int) count];
    int highest = 0;
    boolean alters = false;
    for (int i = 0; i < operations.length; i++) {
      long at = (long) i * SEMBUF_SIZEOF;
      operations[i] =
          new Operation(
              Memory.getShort(s, at + SEM_NUM) & 0xffff,
              Memory.getShort(s, at + SEM_OP),
              Memory.getShort(s, at + SEM_FLG));
      highest = Math.max(highest, operations[i].number());
      alters |= operations[i].change() != 0;
    }
    if (timeout != 0) {
      if (c.memory().read(timeout, s, 16) < 0) {
        return c.fail(-Errno.EFAULT);
      }
      long seconds = Memory.getLong(s, 0);
      long nanos = Memory.getLong(s, 8);
      if (seconds < 0 || nanos < 0 || nanos >= 1_000_000_000L) {
        return c.fail(-Errno.EINVAL);
      }
      c.deadline(Math.min(seconds, MAX_SECONDS) * 1_000_000_000L + nanos);
    }
    SemaphoreSet set = c.task.kernel.sysv().semaphores.byId(id);
    if (set == null) {
      return c.fail(-Errno.EINVAL);
    }
    if (highest >= set.values.length) {
      return c.fail(-Errno.EFBIG);
    }
    int r = set.access(c.task.credentials, alters ? IpcObject.WRITE : IpcObject.READ);
    return r < 0 ? c.fail(r) : new Pending(set, operations);
  }
}
