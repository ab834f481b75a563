package io.redoubt.sentry.ring;

import io.redoubt.gofer.GoferClient;
import io.redoubt.host.Process;
import io.redoubt.sentry.kernel.KernelThread;
import java.util.ArrayList;
import java.util.concurrent.locks.LockSupport;

/**
 * The thread that looks at regions: one for a sandbox, asleep until calls come fast.
 *
 * <p>It spins only while that pays. A call that it finds saves the thread a trap, a look that finds
 * nothing costs CPU time: when none has come for {@link #PATIENCE_NANOS} it sleeps, and when what
 * it saved was less than what it took it stays away for a while, twice as long each time. So it
 * does when it has been preempted, because then somebody else could have used the CPU.
 *
 * <p>Poller and caller must not meet on one CPU: each would wait there for what the other does. The
 * kernel brings them together, also with idle CPUs about, when the caller is woken while the poller
 * runs (docs/ring-tier.md, "Sleeping and waking"). So the caller is kept from sleeping: it is told
 * to call by the ring before the poller has woken up, and spins until then; and it spins longer
 * once its call is being served. Where it has slept all the same, whoever is here last goes away:
 * the poller after it has woken a caller ({@link #watch}), or it is moved by who serves the
 * caller's trap ({@link #giveWay}).
 */
final class RingPoller {
  /** About what a wake-up costs the thread that calls and the CPU that it wakes. */
  private static final long PATIENCE_NANOS = 150_000;

  /**
   * For each call served it may have looked in vain for so long: twice what a trap costs, because
   * the guest's own time between calls is in it.
   */
  private static final long WORTH_NANOS = 25_000;

  /** Longest call that the poller waits for: what takes longer is not worth a CPU. */
  private static final long LONGEST_TRAP_NANOS = 500_000;

  /** The same of a copy from a window, of pages that the process has not touched yet. */
  private static final long LONGEST_COPY_NANOS = 4_000_000;

  private static final long PREEMPTED_PAUSE_NANOS = 1_000_000;
  private static final long FIRST_PAUSE_NANOS = 1_000_000;
  private static final long LAST_PAUSE_NANOS = 16_000_000;

  /** Looks between two looks at the clock. */
  private static final int LOOKS = 64;

  /**
   * For a call it is to be known whether looks have followed each other; the clock takes as long.
   */
  private static final int LOOKS_BY_ONE_CLOCK = 8;

  /** Between two looks that find nothing are microseconds; if it is this, the CPU was another's. */
  private static final long PREEMPTED_NANOS = 300_000;

  /**
   * How often a guest's thread looks for its answer before it sleeps. Each time is 10 to 35 ns, by
   * how long a pause instruction takes: about as long as the wake-up would.
   */
  private static final int SPINS = 1500;

  /** The same until the poller, which has been woken, looks for the first time. */
  private static final int FIRST_SPINS = 8000;

  private static final int UNTOLD = -2;

  /** More than it takes to serve a call at each of the looks between two looks at the clock. */
  private static final long HELD_UP_NANOS = 5_000_000;

  /** After this time a call that was not worth trying is tried again. */
  private static final long TRY_AGAIN_NANOS = 20_000_000;

  private final Ring.Mode mode;
  private final GoferClient gofer;
  private final ArrayList<RingRegion> active = new ArrayList<>();
  private final ArrayList<RingRegion> added = new ArrayList<>(); // guarded by this
  private final RingThread thread = new RingThread(this::run);
  private volatile boolean hasNews;

  /** Null until the thread runs. */
  private volatile PollerCpu cpu;

  /** What the gofer was last told: where it is to run; {@link #UNTOLD} before. The poller's. */
  private int goferCpu = UNTOLD;

  /** Where it was when it last looked at the clock; -1 while it sleeps, or may run anywhere. */
  private volatile int runsOn = -1;

  /** When it last looked at the clock; 0 while it sleeps. */
  private volatile long lookedNanos;

  private volatile long wakeUps;
  private volatile long looks;
  private volatile long sleeps;
  private volatile long notBeforeNanos = System.nanoTime();
  private volatile boolean wasWorthIt;
  private long pauseNanos = FIRST_PAUSE_NANOS;
  private long worth; // calls served since it woke up, by regions that it has left

  /**
   * @param gofer whom to tell when a CPU is taken; null: there are CPUs enough
   */
  RingPoller(Ring.Mode mode, GoferClient gofer) {
    this.mode = mode;
    this.gofer = gofer;
  }

  void start() {
    thread.start();
  }

  /** Whether it would be of use now, if calls came fast. */
  boolean isWanted() {
    return mode != Ring.Mode.AUTO || (System.nanoTime() - notBeforeNanos >= 0 && !isHeldUp());
  }

  /** Whether it is awake and does not look: it waits for the gofer, and that for who knows what. */
  boolean isHeldUp() {
    long at = lookedNanos;
    return mode == Ring.Mode.AUTO && at != 0 && System.nanoTime() - at > HELD_UP_NANOS;
  }

  /** Whether it was worth it the last time: then it is likely that calls come again. */
  boolean wasWorthIt() {
    return wasWorthIt;
  }

  /**
   * Looks at {@code region} from now on. The guest is told at once, and not by the poller when it
   * runs: the thread whose trap has woken it makes its next call through the region then, and waits
   * there as long as a wake-up takes. By another trap it would be put where the poller has just
   * begun to run.
   */
  void add(RingRegion region) {
    synchronized (this) {
      // In chaos it comes and goes all the time.
      int spins = mode == Ring.Mode.AUTO ? FIRST_SPINS : SPINS;
      if (added.contains(region) || !region.activate(spins)) {
        return;
      }
      added.add(region);
      hasNews = true;
    }
    PollerCpu c = cpu;
    if (mode == Ring.Mode.AUTO && c != null) {
      c.avoid(Process.getcpu()); // a listener is woken on the CPU of who has trapped
    }
    LockSupport.unpark(thread);
  }

  /**
   * The calling thread serves a trap of a process whose calls the poller looks for. If both are on
   * one CPU the poller, which does not run then, is moved off it. Other threads of that process may
   * trap anywhere else: who moved it for each of them would do so at every trap.
   */
  void giveWay() {
    int at = runsOn;
    if (at >= 0 && at == Process.getcpu()) {
      cpu.avoid(at);
    }
  }

  /** How often it has begun to spin. */
  long wakeUps() {
    return wakeUps;
  }

  /** How often it has looked at its regions. */
  long looks() {
    return looks;
  }

  /** How often it has gone to sleep. */
  long sleeps() {
    return sleeps;
  }

  /** A region is over: its memory is given back once nobody looks at it. */
  void noteEnd() {
    hasNews = true;
    LockSupport.unpark(thread);
  }

  private void run() {
    cpu = new PollerCpu();
    try {
      for (; ; ) {
        if (hasNews) {
          takeNews();
        }
        if (active.isEmpty()) {
          sleeps++;
          LockSupport.park(this);
        } else {
          watch();
        }
      }
    } catch (Throwable t) {
      io.redoubt.sentry.kernel.Fatal.die("ring", t);
    }
  }

  private void takeNews() {
    hasNews = false;
    ArrayList<RingRegion> taken;
    synchronized (this) {
      taken = new ArrayList<>(added);
      added.clear();
    }
    for (RingRegion r : taken) {
      r.lastCallNanos = System.nanoTime();
      r.servedBefore = r.served;
      r.spin(SPINS);
      active.add(r);
    }
    for (int i = active.size() - 1; i >= 0; i--) {
      if (active.get(i).isOver()) {
        leave(active.remove(i));
      }
    }
  }

  /** Looks at the active regions until nothing comes any more. */
  private void watch() {
    wakeUps++;
    long inVain = 0; // without the time of calls, however long: those take it by a trap as well
    long looked = System.nanoTime(); // when the clock was read
    long retried = looked; // when all calls were last made worth trying
    worth = 0;
    boolean isPreempted = false;
    boolean hasWoken = false; // a caller, which the kernel has put on this CPU: it is to have it
    while (!active.isEmpty() && !isPreempted && !hasWoken) {
      boolean isBusy = false;
      looks += LOOKS;
      int here = Process.getcpu();
      runsOn = mode == Ring.Mode.AUTO ? here : -1;
      lookedNanos = looked;
      shareCpu(here);
      long at = 0;
      for (int n = 0; n < LOOKS; n++) {
        int some = 0;
        at = n % LOOKS_BY_ONE_CLOCK == 0 ? System.nanoTime() : at;
        for (int i = 0; i < active.size(); i++) {
          RingRegion r = active.get(i);
          int found = r.scan(at);
          r.isBusy |= found > 0;
          some += found;
        }
        isBusy |= some > 0;
        if (some == 0) {
          Thread.onSpinWait();
        } else {
          KernelThread.drain();
        }
      }
      long now = System.nanoTime();
      isPreempted = mode == Ring.Mode.AUTO && !isBusy && now - looked > PREEMPTED_NANOS;
      boolean isWaiting = false; // for a call that traps: its process cannot make another one
      for (int i = active.size() - 1; i >= 0; i--) {
        RingRegion r = active.get(i);
        hasWoken |= r.hasWoken && mode == Ring.Mode.AUTO;
        r.hasWoken = false;
        boolean isInTrap = isInTrap(r, now);
        if (r.isBusy || isInTrap) {
          isWaiting |= isInTrap;
          r.isBusy = false;
          r.lastCallNanos = now;
        } else if (isIdle(r, now)) {
          active.remove(i);
          leave(r);
        }
      }
      inVain += isBusy || isWaiting ? 0 : now - looked;
      looked = now;
      if (now - retried > TRY_AGAIN_NANOS) {
        retried = now;
        for (int i = 0; i < active.size(); i++) {
          active.get(i).tryAll();
        }
      }
      if (hasNews) {
        takeNews();
      }
    }
    runsOn = -1;
    lookedNanos = 0;
    for (RingRegion r : active) {
      leave(r);
    }
    active.clear();
    if (goferCpu != UNTOLD) {
      goferCpu = UNTOLD;
      gofer.setCpuTaken(false, -1);
    }
    if (mode == Ring.Mode.AUTO && !hasWoken) {
      settle(inVain, isPreempted);
    }
  }

  /**
   * If there is one process only, its calls that need the gofer are made from here. Where CPUs are
   * few the gofer sleeps while this spins, and for those calls it runs here as well.
   */
  private void shareCpu(int here) {
    boolean isAlone = active.size() == 1;
    thread.setAlone(isAlone);
    if (gofer == null) {
      return;
    }
    int wanted = isAlone ? here : -1;
    if (wanted != goferCpu) {
      goferCpu = wanted;
      gofer.setCpuTaken(true, wanted);
    }
    if (isAlone && gofer.isBusy()) {
      Process.schedYield(); // for somebody whose call has trapped
    }
  }

  private void leave(RingRegion r) {
    r.deactivate();
    KernelThread.drain(); // it may have served a last call, and that one have woken another's
    worth += r.served - r.servedBefore;
  }

  /**
   * A call that needs the gofer has trapped: the guest's CPU is idle meanwhile, and this one as
   * well. Or it copies what it was answered.
   */
  private static boolean isInTrap(RingRegion r, long now) {
    return isShort(r.trapBegunNanos, now, LONGEST_TRAP_NANOS)
        || isShort(r.copyBegunNanos(), now, LONGEST_COPY_NANOS);
  }

  private static boolean isShort(long begun, long now, long longest) {
    return begun != 0 && now - begun < longest;
  }

  private boolean isIdle(RingRegion r, long now) {
    return switch (mode) {
      case ALWAYS -> false;
      case CHAOS -> (now & 0x30) == 0;
      default -> now - r.lastCallNanos > PATIENCE_NANOS;
    };
  }

  private void settle(long inVain, boolean isPreempted) {
    if (isPreempted) {
      // The time was another's. Whoever it is, is let alone for a moment.
      notBeforeNanos = System.nanoTime() + PREEMPTED_PAUSE_NANOS;
    } else if (worth * WORTH_NANOS > inVain) {
      pauseNanos = FIRST_PAUSE_NANOS;
      wasWorthIt = true;
    } else {
      wasWorthIt = false;
      notBeforeNanos = System.nanoTime() + pauseNanos;
      pauseNanos = Math.min(2 * pauseNanos, LAST_PAUSE_NANOS);
    }
  }
}
