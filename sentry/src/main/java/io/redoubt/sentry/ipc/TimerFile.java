package io.redoubt.sentry.ipc;

import static io.redoubt.host.Errno.EAGAIN;
import static io.redoubt.host.Errno.EFAULT;
import static io.redoubt.host.Errno.EINVAL;

import io.redoubt.host.Memory;
import io.redoubt.sentry.fs.AnonInode;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.Timers;
import io.redoubt.sentry.kernel.UserBuffer;
import io.redoubt.sentry.kernel.WaitQueue;
import io.redoubt.sentry.limits.Limit;
import java.lang.foreign.MemorySegment;

/**
 * timerfd_create(2). Lock: its own monitor.
 *
 * <p>As in fs/timerfd.c a periodic timer fires once and then only counts, until a read takes the
 * count: an unread timer costs nothing. An absolute CLOCK_REALTIME time is turned into a distance
 * when it is set; steps of the host's clock after that are not followed.
 */
public final class TimerFile extends OpenFile {
  private static final long FOREVER = 1L << 62; // added to nanoTime it does not overflow

  private final Timers timers;
  private final int clock;
  private final WaitQueue queue = new WaitQueue();

  // Guarded by this.
  private boolean armed;
  private long expires; // System.nanoTime() scale
  private long interval; // nanoseconds, 0: once
  private long ticks; // expirations since the last read
  private Timers.Timer timer;

  /** The caller has charged {@link Limit#TIMERS}, which is released with the file. */
  public TimerFile(Timers timers, int clock, int flags) {
    super(AnonInode.path("anon_inode:[timerfd]", 0600), O_RDWR | flags);
    this.timers = timers;
    this.clock = clock;
  }

  /**
   * timerfd_settime(2).
   *
   * @param value nanoseconds, from now or (absolute) of the clock; 0 disarms
   */
  public void set(boolean absolute, long value, long newInterval) {
    synchronized (this) {
      cancel();
      ticks = 0;
      interval = newInterval;
      armed = value != 0;
      if (armed) {
        long now = System.nanoTime();
        expires = now + Math.min(absolute ? value - Clocks.now(clock) : value, FOREVER);
        arm();
      }
    }
  }

  /** Nanoseconds to the next expiration; 0 when disarmed. */
  public synchronized long remaining() {
    update();
    return armed ? Math.max(1, expires - System.nanoTime()) : 0;
  }

  /** The period in nanoseconds; 0 for a timer that fires once. */
  public synchronized long interval() {
    return interval;
  }

  private void arm() {
    timer = timers.schedule(expires, this::onTimer);
  }

  private void cancel() {
    if (timer != null) {
      timer.cancel();
      timer = null;
    }
  }

  private void onTimer() {
    boolean fired;
    synchronized (this) {
      timer = null;
      update();
      fired = ticks > 0;
    }
    if (fired) {
      queue.wake(PollEvents.READABLE);
    }
  }

  /** Counts what has expired by now: the reactor may be late, a reader must not see that. */
  private void update() {
    long now = System.nanoTime();
    if (!armed || now - expires < 0) {
      return;
    }
    if (interval == 0) {
      ticks++;
      armed = false;
      return;
    }
    long n = 1 + (now - expires) / interval;
    ticks += n;
    expires += n * interval;
  }

  @Override
  protected void release() {
    Limit.TIMERS.release(1);
    synchronized (this) {
      armed = false;
      cancel();
    }
  }

  @Override
  public long read(Syscall c, UserBuffer dst) {
    if (dst.remaining() < 8) {
      return -EINVAL;
    }
    long n;
    synchronized (this) {
      update();
      n = ticks;
      if (n == 0) {
        return -EAGAIN;
      }
      ticks = 0;
      cancel();
      if (armed) {
        arm();
      }
    }
    MemorySegment s = c.scratch().small;
    Memory.setLong(s, 0, n);
    return dst.copyOut(s, 0, 8) == 8 ? 8 : -EFAULT;
  }

  @Override
  public synchronized int poll(int interest) {
    update();
    return ticks > 0 ? PollEvents.READABLE : 0;
  }

  @Override
  public long seek(Syscall c, long offset, int whence) {
    return 0; // noop_llseek()
  }

  @Override
  public WaitQueue waitQueue() {
    return queue;
  }

  @Override
  public synchronized String fdinfo() {
    return "clockid: "
        + clock
        + "\nticks: "
        + ticks
        + "\nsettime flags: 0\nit_value: "
        + pair(remaining())
        + "\nit_interval: "
        + pair(interval)
        + "\n";
  }

  private static String pair(long nanos) {
    return "(" + nanos / 1_000_000_000L + ", " + nanos % 1_000_000_000L + ")";
  }

  @Override
  public String linkText() {
    return "anon_inode:[timerfd]";
  }
}
