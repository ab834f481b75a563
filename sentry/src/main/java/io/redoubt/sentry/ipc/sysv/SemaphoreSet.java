package io.redoubt.sentry.ipc.sysv;

import io.redoubt.host.Errno;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Process;
import io.redoubt.sentry.kernel.WaitQueue;
import java.util.HashMap;

/** A set of semaphores, semop(2). Guarded by its own monitor. */
final class SemaphoreSet extends IpcObject {
  /** SEMVMX, and SEMAEM for the sum of undo adjustments. */
  static final int MAX_VALUE = 32767;

  static final int IPC_NOWAIT = 04000;
  static final int SEM_UNDO = 010000;

  /** {@link #apply}: not now. */
  static final int WOULD_BLOCK = 1;

  /** One operation as it was read from the guest. */
  record Operation(int number, int change, int flags) {
    boolean waits() {
      return (flags & IPC_NOWAIT) == 0;
    }
  }

  final int[] values;
  final int[] pids;

  /** How many calls wait for a value to rise, and for it to become zero. */
  final int[] waitingForRise;

  final int[] waitingForZero;
  long operationSeconds;
  final WaitQueue waitQueue = new WaitQueue();

  /** What to add when a process ends. */
  private final HashMap<Process, int[]> undo = new HashMap<>();

  SemaphoreSet(int key, Credentials maker, int mode, int count) {
    super(key, maker, mode);
    values = new int[count];
    pids = new int[count];
    waitingForRise = new int[count];
    waitingForZero = new int[count];
  }

  /**
   * Does all operations or none.
   *
   * @param blocker its only element is set to the operation that cannot be done now
   * @return 0, {@link #WOULD_BLOCK}, -EAGAIN, -ERANGE, -EIDRM
   */
  synchronized int apply(Process p, Operation[] operations, Operation[] blocker) {
    if (removed) {
      return -Errno.EIDRM;
    }
    int[] adjust = undo.get(p);
    int r = 0;
    int done = 0;
    for (; done < operations.length && r == 0; done++) {
      Operation o = operations[done];
      int value = values[o.number] + o.change;
      if (o.change == 0 ? values[o.number] != 0 : value < 0) {
        blocker[0] = o;
        r = o.waits() ? WOULD_BLOCK : -Errno.EAGAIN;
      } else if (value > MAX_VALUE) {
        r = -Errno.ERANGE;
      } else {
        if ((o.flags & SEM_UNDO) != 0 && o.change != 0) {
          adjust = adjust == null ? new int[values.length] : adjust;
          int sum = adjust[o.number] - o.change;
          if (sum < -MAX_VALUE - 1 || sum > MAX_VALUE) {
            r = -Errno.ERANGE;
            continue;
          }
          adjust[o.number] = sum;
        }
        values[o.number] = value;
      }
    }
    if (r != 0) {
      takeBack(operations, done - 1, adjust);
      return r;
    }
    if (adjust != null) {
      undo.put(p, adjust);
    }
    boolean changed = false;
    for (Operation o : operations) {
      pids[o.number] = p.pid;
      changed |= o.change != 0;
    }
    operationSeconds = now();
    if (changed) {
      waitQueue.wake(PollEvents.IN);
    }
    return 0;
  }

  /**
   * @param count how many from the front have been done
   */
  private void takeBack(Operation[] operations, int count, int[] adjust) {
    for (int i = count - 1; i >= 0; i--) {
      Operation o = operations[i];
      values[o.number] -= o.change;
      if ((o.flags & SEM_UNDO) != 0 && o.change != 0) {
        adjust[o.number] += o.change;
      }
    }
  }

  /** Counts a waiter for GETNCNT and GETZCNT. @param by 1 or -1 */
  synchronized void countWaiter(Operation o, int by) {
    int[] counts = o.change == 0 ? waitingForZero : waitingForRise;
    counts[o.number] += by;
  }

  /** SETVAL, or SETALL. The adjustments of all processes for what is set are void. */
  synchronized int set(Process p, int first, int[] newValues) {
    if (removed) {
      return -Errno.EIDRM;
    }
    for (int i = 0; i < newValues.length; i++) {
      values[first + i] = newValues[i];
      pids[first + i] = p.pid;
      for (int[] adjust : undo.values()) {
        adjust[first + i] = 0;
      }
    }
    changeSeconds = now();
    waitQueue.wake(PollEvents.IN);
    return 0;
  }

  /** IPC_RMID: who waits gets EIDRM. */
  synchronized void remove() {
    removed = true;
    undo.clear();
    waitQueue.wake(PollEvents.IN);
  }

  /** The end of a process, exit_sem(). */
  synchronized void undo(Process p) {
    int[] adjust = undo.remove(p);
    if (adjust == null) {
      return;
    }
    for (int i = 0; i < values.length; i++) {
      if (adjust[i] != 0) {
        values[i] = Math.clamp(values[i] + adjust[i], 0, MAX_VALUE);
        pids[i] = p.pid;
      }
    }
    operationSeconds = now();
    waitQueue.wake(PollEvents.IN);
  }
}
