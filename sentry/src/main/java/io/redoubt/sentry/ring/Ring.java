package io.redoubt.sentry.ring;

import io.redoubt.gofer.GoferClient;
import io.redoubt.host.Mman;
import io.redoubt.host.Nr;
import io.redoubt.seccomp.ContainerProfile;
import io.redoubt.sentry.kernel.Process;
import io.redoubt.sentry.kernel.Syscall;
import java.util.ArrayList;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The ring tier of a sandbox: hot calls of its processes without an entry into the kernel.
 *
 * <p>A process gets there in steps, each only when it pays. Its stub brings in the trampoline. A
 * call site that has trapped some times is rewritten to jump there. Some calls later the trampoline
 * asks for a region. When calls then come one soon after the other, the poller wakes up and looks
 * at the region until they stop. Every step can be missing, and all that is lost is the speed: the
 * trap is always behind it. See docs/ring-tier.md.
 */
public final class Ring {
  /** How the ring tier is used. */
  public enum Mode {
    /** Not at all. */
    OFF,
    /** While it pays. */
    AUTO,
    /** Also where it does not pay; for tests. */
    ALWAYS,
    /** Served or not, awake or not, at random; for tests. */
    CHAOS
  }

  final Mode mode;
  private final Set<String> without;
  final int procFd;
  private final SiteRewriter rewriter;

  /** The poller looks at each region that is active; others of its processes trap. */
  private static final int MOST_REGIONS = 256;

  private final ArrayList<RingRegion> live = new ArrayList<>(); // guarded by itself

  /**
   * So many must have trapped in the sandbox before any site is rewritten. Its own code for all
   * this is cold until then, and a sandbox that ends soon would have paid for it in vain.
   */
  private static final int FIRST_TRAPS = 2000;

  private int traps;
  private final AtomicLong doorbells = new AtomicLong();
  private final AtomicLong processes = new AtomicLong(); // whose regions are over
  private final AtomicLong served = new AtomicLong(); // by them
  private final AtomicLong refused = new AtomicLong();
  private final AtomicLong payloads = new AtomicLong();
  private final AtomicLong windowed = new AtomicLong();
  private final AtomicLong[] sites = new AtomicLong[SiteResult.values().length];
  private final int cpus;
  private volatile RingPoller poller; // guarded by this for writing
  private GoferClient gofer; // guarded by this

  /** As many CPUs as a guest, a poller and a gofer need, that all run at once. */
  private static final int ENOUGH_CPUS = 3;

  /**
   * @param use its mode is not {@link Mode#OFF}
   * @param cpus that the sandbox may use
   * @param procFd the host's /proc, O_PATH
   */
  public Ring(RingUse use, int cpus, int procFd) {
    this.mode = use.mode();
    this.without = use.without();
    this.rewriter = new SiteRewriter(procFd);
    this.procFd = procFd;
    for (int i = 0; i < sites.length; i++) {
      sites[i] = new AtomicLong();
    }
    this.cpus = cpus;
  }

  /** The gofer that shares the CPUs of the sandbox. Before its guests run. */
  public synchronized void shareCpus(GoferClient with) {
    gofer = cpus < ENOUGH_CPUS ? with : null;
  }

  /** Whether a container's profile lets the trampoline make the calls that it needs. */
  public static boolean isPossible(ContainerProfile p) {
    return p.allows(Nr.MPROTECT, RingLayout.TEXT, 4096, Mman.PROT_READ | Mman.PROT_EXEC)
        && p.allows(Nr.MADVISE, RingLayout.DATA, 4096, Mman.MADV_WIPEONFORK)
        && p.allows(Nr.MADVISE, RingLayout.REGION, RingLayout.REGION_BYTES, Mman.MADV_DONTFORK)
        && p.allows(Nr.FUTEX, RingLayout.REGION, 0);
  }

  /** Whether any program is to have none. */
  public boolean hasExceptions() {
    return !without.isEmpty();
  }

  /** Whether the program at {@code path} in the sandbox is to have the trampoline. */
  public boolean isFor(String path) {
    return !without.contains(path);
  }

  /** A process of which the stub has said that the trampoline is there. */
  public ProcessRing of(Process process) {
    return new ProcessRing(this, process, new HotSites());
  }

  /** A child of a process that has: a copy of its memory, with the sites as they are there. */
  public ProcessRing ofChild(Process process, ProcessRing maker) {
    ProcessRing ring = new ProcessRing(this, process, maker.sitesCopied());
    ring.inherit(maker);
    return ring;
  }

  /** Whether no more processes can have a region. */
  boolean isFull() {
    synchronized (live) {
      return live.size() >= MOST_REGIONS;
    }
  }

  void note(RingRegion region) {
    synchronized (live) {
      live.add(region);
    }
  }

  /** Whether a poller could help: on one CPU it would only take the time that it waits for. */
  boolean isWorthWhile() {
    if (cpus < 2) {
      return mode != Mode.AUTO;
    }
    RingPoller p = poller;
    return p == null || p.isWanted();
  }

  /** Calls that come within this time of each other count as a row of calls. */
  long soonNanos() {
    return mode == Mode.AUTO ? 100_000 : Long.MAX_VALUE;
  }

  /** A call has trapped that could come by the ring. */
  void noteTrap() {
    if (traps < FIRST_TRAPS) {
      traps++; // by several threads; a lost one does no harm
    }
  }

  /** Traps of one site until it is rewritten, which costs as much as some five of them. */
  int hot() {
    return mode != Mode.AUTO ? 1 : traps < FIRST_TRAPS ? Integer.MAX_VALUE : 12;
  }

  /** Traps of one site that make it worth rewriting where that is the last occasion. */
  int warm() {
    return mode == Mode.AUTO ? 3 : 1;
  }

  /** How many of them in a row wake the poller. */
  int wanted() {
    RingPoller p = poller;
    return mode != Mode.AUTO ? 1 : p != null && p.wasWorthIt() ? 0 : 4;
  }

  /** The poller is awake, and the calling thread serves a trap: they are to have a CPU each. */
  void giveWay() {
    RingPoller p = poller;
    if (p != null) {
      p.giveWay();
    }
  }

  /** Whether calls that come by the ring now would be looked at late. */
  boolean isHeldUp() {
    RingPoller p = poller;
    return p != null && p.isHeldUp();
  }

  void wake(RingRegion region) {
    doorbells.incrementAndGet();
    RingPoller p;
    synchronized (this) {
      if (poller == null) {
        poller = new RingPoller(mode, gofer);
        poller.start();
      }
      p = poller;
    }
    p.add(region);
  }

  /** For --stats: a line or two, "" when nothing of it was used. */
  public String report() {
    StringBuilder b = new StringBuilder();
    for (SiteResult r : SiteResult.values()) {
      long n = sites[r.ordinal()].get();
      if (n > 0) {
        b.append(b.isEmpty() ? "ring: call sites: " : ", ").append(n).append(' ').append(r.label);
      }
    }
    if (processes.get() > 0) {
      b.append("\nring: ").append(processes.get()).append(" processes, ");
      b.append(served.get()).append(" calls served, ").append(refused.get()).append(" refused, ");
      b.append(payloads.get()).append(" with a payload, ");
      b.append(windowed.get()).append(" from windows, ");
      b.append(poller == null ? 0 : poller.wakeUps()).append(" wake-ups of the poller");
    }
    return b.isEmpty() ? "" : b.append('\n').toString();
  }

  /**
   * For {@code events --stats}: an object. {@code spins} are looks of the poller, {@code hits}
   * calls that it served, {@code refused} those that it had made by a trap, {@code doorbells} traps
   * that asked it to look.
   */
  public String json() {
    RingPoller p;
    synchronized (this) {
      p = poller;
    }
    long hits;
    long refusals;
    long active;
    synchronized (live) {
      active = live.size();
      hits = served.get();
      refusals = refused.get();
      for (RingRegion r : live) {
        hits += r.served;
        refusals += r.refused;
      }
    }
    StringBuilder b = new StringBuilder("{\"spins\":").append(p == null ? 0 : p.looks());
    b.append(",\"hits\":").append(hits).append(",\"refused\":").append(refusals);
    b.append(",\"doorbells\":").append(doorbells.get());
    b.append(",\"sleeps\":").append(p == null ? 0 : p.sleeps());
    b.append(",\"processes\":").append(active);
    long rewritten = 0;
    long left = 0;
    for (SiteResult r : SiteResult.values()) {
      long n = sites[r.ordinal()].get();
      rewritten += r.isRewritten() ? n : 0;
      left += r.isRewritten() || r == SiteResult.ALREADY ? 0 : n;
    }
    b.append(",\"rewrittenSites\":").append(rewritten);
    return b.append(",\"refusedSites\":").append(left).append('}').toString();
  }

  /**
   * @param isLast whether its process will have no other one
   */
  void forget(RingRegion region, boolean isLast) {
    synchronized (live) {
      live.remove(region);
      processes.addAndGet(isLast ? 1 : 0);
      served.addAndGet(region.served);
      payloads.addAndGet(region.payloads);
      windowed.addAndGet(region.windowed);
      refused.addAndGet(region.refused);
    }
    RingPoller p;
    synchronized (this) {
      p = poller;
    }
    if (p != null) {
      p.noteEnd();
    }
  }

  /** Rewrites a site that has trapped before, and those behind it, while {@code c} is pending. */
  void rewriteFrom(Syscall c, long address, int nr) {
    rewriter.rewriteFrom(c.task.hostTid, address, nr, c.listener(), c.id(), sites);
  }

  /** Makes the site of a trapped call one that jumps to the trampoline, if that can be done. */
  void rewrite(Syscall c) {
    SiteResult r =
        rewriter.rewrite(c.task.hostTid, c.instructionPointer, c.nr, c.listener(), c.id());
    sites[r.ordinal()].incrementAndGet();
  }
}
