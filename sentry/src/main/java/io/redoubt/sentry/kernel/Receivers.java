package io.redoubt.sentry.kernel;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.host.Poll;
import io.redoubt.host.Seccomp;
import io.redoubt.host.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * The threads that receive the calls of one listener and serve them: one as long as that is enough,
 * more while guests keep them all busy.
 *
 * <p>A notification wakes <em>every</em> thread that waits in RECV (their wait is not exclusive),
 * and all but one go back to sleep: with two threads that is a switch of threads at each call, on
 * the CPU that the guest waits for. So threads that are not needed do not wait in RECV. They are
 * parked, and the first of those watches the ones that receive:
 *
 * <pre>
 *   threads[0 .. active)   in RECV, or serving a call
 *   threads[active]        the watcher: looks each 2 ms while there are calls; parked without end while there are none
 *   threads[active+1 ..)   parked
 * </pre>
 *
 * <p>The watcher joins the receivers when all of them were found serving in nearly every look and
 * more than one guest thread calls (the sentry is what guests wait for), and at once when none of
 * them has ended its call since the last look (a slow disk: nobody is left who receives). The last
 * receiver leaves when its calls have seldom come while that of another guest thread was being
 * served. One guest thread alone keeps one receiver: a second would take the next call whenever the
 * guest runs before the first is back in RECV, and move caches about for nothing.
 *
 * <p><b>Falling asleep.</b> A receiver counts its {@link Receiver#turns} up, then reads {@link
 * #isWatched}; the watcher clears isWatched, then reads the turns. Both are volatile, so one of the
 * two sees what the other has written: either the receiver wakes the watcher or the watcher does
 * not park.
 */
final class Receivers {
  private static final long LOOK_NANOS = 2_000_000;

  /** Looks without any call after which the watcher sleeps. */
  private static final int QUIET_LOOKS = 10;

  /** Joins when all were busy in this many of so many looks. */
  private static final int BUSY_LOOKS = 7;

  private static final int LOOKS = 8;

  /** The last receiver leaves when of so many of its calls fewer than this came beside another. */
  private static final int BESIDE_OTHERS = 8;

  private static final int CALLS = 64;

  private final Kernel kernel;
  private final int listener;
  private final Receiver[] threads;

  /** How many receive. Changed by the watcher (up) and by the last receiver (down), not at once. */
  private volatile int active = 1;

  private volatile boolean isWatched;
  private volatile boolean isOver;

  /** Threads that have not ended: the last one closes the listener. */
  private final AtomicInteger running;

  private static final class Receiver extends KernelThread {
    final MemorySegment notification = Arena.global().allocate(Seccomp.Notif.SIZEOF, 8);

    /** Goes up at the begin and at the end of each call: odd while one is served. */
    volatile long turns;

    /** Host tid of the guest thread of the last call, and how often it was another than before. */
    volatile int tid;

    volatile int mixes;

    /** The watcher's: turns at its last look, and mixes when it began to count looks. */
    long turnsSeen;

    int mixesSeen;

    // Of this receiver's last calls, how many, and how many came while another was being served.
    int calls;
    int beside;

    Receiver(Runnable body, String name) {
      super(body, name);
    }
  }

  private Receivers(Kernel kernel, int listener, int count) {
    this.kernel = kernel;
    this.listener = listener;
    threads = new Receiver[count];
    running = new AtomicInteger(count);
    for (int i = 0; i < count; i++) {
      int number = i;
      threads[i] = new Receiver(() -> run(number), "worker-" + i);
    }
  }

  /** Starts serving a listener with at most {@code count} threads, at least two. */
  static void start(Kernel kernel, int listener, int count) {
    Receivers r = new Receivers(kernel, listener, Math.max(2, count));
    for (Receiver t : r.threads) {
      t.start();
    }
  }

  private void run(int number) {
    try {
      while (!isOver) {
        int n = active;
        if (number < n) {
          receive(threads[number], number);
        } else if (number == n) {
          watch(n);
        } else {
          LockSupport.park(this);
        }
      }
      if (running.decrementAndGet() == 0) {
        Unistd.close(listener);
      }
    } catch (Throwable t) {
      Fatal.die("worker", t);
    }
  }

  /** Whether no task is left that could call: the program of an exec, and all that it started. */
  private boolean isHungUp() {
    return (Poll.poll(listener, 0, 0) & Poll.POLLHUP) != 0;
  }

  /** Receives and serves one call. */
  private void receive(Receiver me, int number) {
    int r = Seccomp.receive(listener, me.notification);
    if (r != 0) {
      // EINTR, ENOENT: the guest died or was signalled between the wake-up and the copy. Anything
      // else, or a hang-up, means that the listener has no guest left.
      if ((r != -Errno.EINTR && r != -Errno.ENOENT)
          || kernel.isOver()
          || (r == -Errno.ENOENT && isHungUp())) {
        end();
      }
      return;
    }
    int tid = Memory.getInt(me.notification, Seccomp.Notif.PID);
    if (tid != me.tid) {
      me.tid = tid;
      me.mixes++; // only this thread writes its fields
    }
    me.turns++;
    if (!isWatched) {
      beginWatch();
    }
    boolean isBeside = number > 0 && isAnotherServed(me, tid);
    kernel.signals.noteCall();
    kernel.dispatcher.serve(listener, me.notification);
    KernelThread.drain();
    me.turns++;
    if (number > 0) {
      considerLeaving(me, number, isBeside);
    }
  }

  private void beginWatch() {
    isWatched = true;
    int n = active;
    if (n < threads.length) {
      LockSupport.unpark(threads[n]);
    }
  }

  /** Whether another receiver is serving another guest thread. */
  private boolean isAnotherServed(Receiver me, int tid) {
    for (int i = active - 1; i >= 0; i--) {
      Receiver t = threads[i];
      if (t != me && (t.turns & 1) != 0 && t.tid != tid) {
        return true;
      }
    }
    return false;
  }

  private void considerLeaving(Receiver me, int number, boolean isBeside) {
    me.beside += isBeside ? 1 : 0;
    if (++me.calls < CALLS) {
      return;
    }
    boolean isNeeded = me.beside >= BESIDE_OTHERS;
    me.calls = me.beside = 0;
    if (!isNeeded && number == active - 1) {
      active = number; // this thread is the watcher now; the one that was finds that out by itself
      isWatched = true;
    }
  }

  /** Looks at the receivers until this thread has become one, or is not the watcher any more. */
  private void watch(int number) {
    int looks = 0;
    int busy = 0;
    int quiet = 0;
    while (!isOver && active == number) {
      if (!isWatched) {
        LockSupport.park(this);
        continue;
      }
      LockSupport.parkNanos(this, LOOK_NANOS);
      int serving = 0;
      int stuck = 0;
      boolean hasMoved = false;
      for (int i = 0; i < number; i++) {
        Receiver t = threads[i];
        long turns = t.turns;
        boolean isServing = (turns & 1) != 0;
        hasMoved |= isServing || turns != t.turnsSeen;
        serving += isServing ? 1 : 0;
        stuck += isServing && turns == t.turnsSeen ? 1 : 0;
        t.turnsSeen = turns;
      }
      looks++;
      busy += serving == number ? 1 : 0;
      if (stuck == number || (busy >= BUSY_LOOKS && areMixed(number))) {
        join(number);
        return;
      }
      if (looks == LOOKS) {
        looks = busy = 0;
        for (int i = 0; i < number; i++) {
          threads[i].mixesSeen = threads[i].mixes;
        }
      }
      quiet = hasMoved ? 0 : quiet + 1;
      if (quiet == QUIET_LOOKS) {
        quiet = 0;
        isWatched = false;
        for (int i = 0; i < number; i++) {
          if (threads[i].turns != threads[i].turnsSeen) {
            isWatched = true;
          }
        }
      }
    }
  }

  /** Whether each receiver has served more than one guest thread lately. */
  private boolean areMixed(int number) {
    for (int i = 0; i < number; i++) {
      if (threads[i].mixes - threads[i].mixesSeen < 2) {
        return false;
      }
    }
    return true;
  }

  private void join(int number) {
    threads[number].calls = threads[number].beside = 0;
    active = number + 1;
    if (number + 1 < threads.length) {
      LockSupport.unpark(threads[number + 1]);
    }
  }

  /** The listener has no guest left: the parked threads end as well. */
  private void end() {
    isOver = true;
    for (Receiver t : threads) {
      LockSupport.unpark(t);
    }
  }
}
