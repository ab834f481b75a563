package io.redoubt.sentry.kernel;

import java.util.PriorityQueue;

/**
 * Deadlines of parked calls, timerfds and interval timers, in System.nanoTime() time.
 *
 * <p>Only the reactor runs them; {@link #schedule} wakes it when the new deadline is the earliest.
 * Lock: its own monitor, never held while a timer runs.
 */
public final class Timers {
  /** A scheduled action. */
  public final class Timer implements Comparable<Timer> {
    private final long atNanos;
    private final Runnable action;
    private boolean done;

    Timer(long atNanos, Runnable action) {
      this.atNanos = atNanos;
      this.action = action;
    }

    /** Takes it back; an action that is running already is not waited for. */
    public void cancel() {
      synchronized (Timers.this) {
        if (!done) {
          done = true;
          queue.remove(this);
        }
      }
    }

    @Override
    public int compareTo(Timer o) {
      return Long.compare(atNanos - o.atNanos, 0);
    }
  }

  /** 146 years. */
  private static final long FAR_NANOS = Long.MAX_VALUE / 2;

  private final PriorityQueue<Timer> queue = new PriorityQueue<>();
  private Runnable wakeReactor = () -> {};

  /** Sets what makes the reactor look again. */
  public void onEarlier(Runnable wake) {
    wakeReactor = wake;
  }

  /**
   * Runs {@code action} on the reactor at {@code atNanos} or soon after. It may only wake and
   * schedule.
   */
  public Timer schedule(long atNanos, Runnable action) {
    // Times are compared by their difference: none may be half of all the numbers away from
    // another.
    long latest = System.nanoTime() + FAR_NANOS;
    Timer t = new Timer(atNanos - latest > 0 ? latest : atNanos, action);
    boolean earliest;
    synchronized (this) {
      queue.add(t);
      earliest = queue.peek() == t;
    }
    if (earliest) {
      wakeReactor.run();
    }
    return t;
  }

  /** Runs what is due. @return nanoseconds until the next one, -1 when there is none */
  long runDue() {
    for (; ; ) {
      Timer t;
      synchronized (this) {
        t = queue.peek();
        if (t == null) {
          return -1;
        }
        long left = t.atNanos - System.nanoTime();
        if (left > 0) {
          return left;
        }
        queue.poll();
        t.done = true;
      }
      t.action.run();
    }
  }
}
