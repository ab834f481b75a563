package io.redoubt.sentry.ring;

import io.redoubt.host.Errno;
import io.redoubt.sentry.kernel.Process;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.Task;
import java.util.function.IntToLongFunction;

/**
 * The ring tier of one process that has the trampoline: its region, if it has asked for one, and
 * the call sites that trap.
 */
public final class ProcessRing {
  private final Ring ring;
  private final Process process;
  private final HotSites sites;

  /** Null until the process asks for it; guarded by this for writing. */
  private volatile RingRegion region;

  private boolean isOver; // guarded by this

  /**
   * How often it may ask. A thread that a signal handler has left while it asked asks once more;
   * but each region is memory of the sentry, and the guest may keep them mapped.
   */
  private static final int MOST_REGIONS = 64;

  private int regions; // guarded by this

  /** Held while a region is made and given; the outermost lock. */
  private final Object attaching = new Object();

  // Since when calls that could have come by the ring have come one soon after the other. Several
  // threads may write these: a lost one does no harm.
  private long lastTrapNanos;
  private int inRow;

  /**
   * Calls that share the memory of this process with another one (vfork), and so must trap. Guarded
   * by this.
   */
  private Task sharer;

  /**
   * No region from now on: memory is shared with a process that is not waited for, or threads may
   * be cancelled. Guarded by this.
   */
  private boolean isOffForGood;

  private boolean cancels; // threads of its own; guarded by this
  private boolean hasHadThreads; // for which sites were rewritten; guarded by this

  ProcessRing(Ring ring, Process process, HotSites sites) {
    this.ring = ring;
    this.sites = sites;
    this.process = process;
  }

  /** A call of the process has trapped, and is served next. */
  public void onTrap(Syscall c) {
    if (sharer == c.task) {
      endSharing(); // the thread is back from its vfork
    }
    RingRegion r = region;
    if (r != null) {
      r.awaitServed();
    }
    if (!RingCalls.isServed(c.nr)) {
      return;
    }
    ring.noteTrap();
    c.isAtHotSite = sites.isHot(c.instructionPointer, c.nr, ring.hot());
    if (r != null && r.isWatched() && ring.isHeldUp()) {
      r.discourage();
    }
    if (r == null || !ring.isWorthWhile()) {
      return;
    }
    long now = System.nanoTime();
    r.trapBegunNanos = now;
    if (r.isWatched()) {
      ring.giveWay();
    }
    inRow = now - lastTrapNanos < ring.soonNanos() ? inRow + 1 : 0;
    lastTrapNanos = now;
    if (inRow >= ring.wanted()) {
      inRow = 0;
      if (r.isWatched() && !r.task().isModelGone()) {
        return;
      }
      if (r.task().isModelGone()) {
        r.replaceModel(c.task);
      }
      ring.wake(r);
    }
  }

  /** The call that had trapped is answered, or waits. */
  public void onTrapServed() {
    RingRegion r = region;
    if (r == null) {
      return;
    }
    long begun = r.trapBegunNanos;
    if (begun != 0) {
      r.trapBegunNanos = 0;
      lastTrapNanos += System.nanoTime() - begun; // the gap is the guest's time, not ours
    }
  }

  /** A call whose site is hot is about to be answered, and not by the host kernel. */
  public void rewriteSite(Syscall c) {
    sites.setTried(c.instructionPointer);
    if (mayRewrite()) {
      ring.rewrite(c);
    }
  }

  /**
   * The one thread of the process is in a clone that makes another, and then code cannot be changed
   * any more. So the sites that have been of use are rewritten now, and those behind them: libc has
   * two in each function that is a cancellation point, one for processes with threads.
   */
  public void onThread(Syscall c) {
    if (!mayRewrite()) {
      return;
    }
    synchronized (this) {
      if (cancels) {
        return;
      }
      hasHadThreads = true;
    }
    sites.tryAll(ring.warm(), (address, nr) -> ring.rewriteFrom(c, address, nr));
  }

  /**
   * Whether code may be changed: nobody else runs it. The one thread of the process is in a call.
   */
  private boolean mayRewrite() {
    synchronized (this) {
      if (sharer != null || isOffForGood) {
        return false;
      }
    }
    return process.kernel.tasks.isSingleThreaded(process);
  }

  /**
   * The process has a handler by which glibc cancels threads. Before 2.41 that unwinds the stack of
   * a thread that is in a cancellation point from wherever the signal finds it, and from the
   * trampoline nobody can.
   */
  public void onCancelHandler() {
    RingRegion r;
    synchronized (this) {
      cancels = true;
      isOffForGood |= hasHadThreads;
      r = hasHadThreads ? region : null;
    }
    if (r != null) {
      r.turnOff();
    }
  }

  /** A forked child has its maker's code and handlers. */
  void inherit(ProcessRing maker) {
    boolean makerCancels;
    boolean makerHadThreads;
    synchronized (maker) {
      makerCancels = maker.cancels;
      makerHadThreads = maker.hasHadThreads;
    }
    synchronized (this) {
      cancels = makerCancels;
      hasHadThreads = makerHadThreads;
      isOffForGood = makerCancels && makerHadThreads;
    }
  }

  /**
   * The trampoline asks for a region, and gets it before another thread can ask as well.
   *
   * @param giver plants the host fd of its memory in the guest; the fd is the region's
   * @return what {@code giver} answers; -EAGAIN while other processes share the memory of this one,
   *     -ENOMEM, -EPERM
   */
  public long attach(Task model, IntToLongFunction giver) {
    synchronized (attaching) {
      RingRegion old;
      synchronized (this) {
        if (sharer != null || isOffForGood) {
          return -Errno.EAGAIN;
        }
        if (isOver || regions == MOST_REGIONS) {
          return -Errno.EPERM;
        }
        regions++;
        old = region;
        region = null;
      }
      if (old != null) {
        end(old, false);
      }
      RingRegion r = ring.isFull() ? null : RingRegion.create(model);
      if (r == null) {
        return -Errno.ENOMEM;
      }
      ring.note(r);
      boolean isLate;
      synchronized (this) {
        isLate = isOver;
        region = isLate ? null : r;
      }
      if (isLate) {
        end(r, false);
        return -Errno.EPERM;
      }
      return r.give(giver);
    }
  }

  /** With no lock held that a handler takes. */
  private void end(RingRegion r, boolean isLast) {
    r.close();
    ring.forget(r, isLast);
  }

  /**
   * The trampoline was told to map a file, and asks for it.
   *
   * @return an fd in the guest, for the one mmap that it was told, or a negative errno
   */
  public long lendWindow(Syscall c) {
    RingRegion r = region;
    return r == null ? -Errno.EPERM : r.windows().lend(c);
  }

  /** For a child that has the same code. */
  HotSites sitesCopied() {
    return sites.copy();
  }

  /**
   * A thread makes a child that shares the memory. Until that executes something, or ends, it would
   * call through the region of this process. @param isVfork whether the thread sleeps meanwhile
   */
  public void onShare(Task maker, boolean isVfork) {
    RingRegion r;
    synchronized (this) {
      isOffForGood |= !isVfork || sharer != null;
      sharer = maker;
      r = region;
    }
    if (r != null) {
      r.turnOff();
    }
  }

  private void endSharing() {
    RingRegion r;
    synchronized (this) {
      sharer = null;
      r = isOffForGood ? null : region;
    }
    if (r != null) {
      r.turnOn();
    }
  }

  /** The process has ended or executes something else. With no lock held. */
  public void close() {
    RingRegion r;
    synchronized (this) {
      isOver = true;
      r = region;
    }
    if (r != null) {
      end(r, true);
    }
  }
}
