package io.redoubt.sentry.kernel;

import io.redoubt.host.Errno;

/**
 * Signals: the host kernel queues and delivers them; the sentry only has to see to it that a call
 * which it holds does not keep a thread from its handler.
 *
 * <p>A thread whose call has been received sleeps in the host kernel so that only a fatal signal
 * gets it out (WAIT_KILLABLE_RECV). When another signal becomes pending for it the sentry must
 * answer the call with a restart code; at the answer the host kernel delivers the signal and
 * restarts the call or not, as on Linux. The sentry hears of signals in four ways: it sends them
 * itself; a kill is let through (it looks at the target when the sender calls next, or soon); a
 * timer that it has seen being set runs out; and for all others a slow scan of parked calls.
 */
public final class Signals {
  public static final int SIGHUP = 1;
  public static final int SIGINT = 2;
  public static final int SIGQUIT = 3;
  public static final int SIGKILL = 9;
  public static final int SIGPIPE = 13;
  public static final int SIGTERM = 15;
  public static final int SIGCHLD = 17;
  public static final int SIGCONT = 18;
  public static final int SIGSTOP = 19;
  public static final int SIGTSTP = 20;
  public static final int SIGTTIN = 21;
  public static final int SIGTTOU = 22;
  public static final int SIGXFSZ = 25;
  public static final int SIGWINCH = 28;

  private static final long STOP_SIGNALS =
      bit(SIGSTOP) | bit(SIGTSTP) | bit(SIGTTIN) | bit(SIGTTOU);
  private static final long SCAN_NANOS = 250_000_000L;
  private static final long QUIET_SCAN_NANOS = 5_000_000_000L;

  private final Kernel kernel;

  /** Whether a call came since the last scan. Written under the monitor, read by every call. */
  private volatile boolean hadCalls;

  /** Whether the next scan is a slow one, and that scan. Guarded by the monitor. */
  private boolean isQuiet;

  private Timers.Timer nextScan;

  Signals(Kernel kernel) {
    this.kernel = kernel;
  }

  private static long bit(int signal) {
    return 1L << (signal - 1);
  }

  // ---- sending ----

  /** To one thread. */
  public void toTask(Task task, int signal) {
    io.redoubt.host.Signals.tgkill(task.process.hostPid, task.hostTid, signal);
    lookAt(task, new HostStatus(), 0);
  }

  /** To a process. @return 0 or a negative errno */
  public int toProcess(Process process, int signal) {
    if (process.exited) {
      return -Errno.ESRCH;
    }
    int r = kernel.tasks.signal(process, signal);
    look(process);
    return r;
  }

  /** To every process of a process group (terminal signals). @return how many there were */
  public int toGroup(int pgid, int signal) {
    int n = 0;
    for (Process p : kernel.tasks.processes()) {
      if (p.pgid == pgid && !p.exited) {
        toProcess(p, signal);
        n++;
      }
    }
    return n;
  }

  /**
   * A signal that the command outside received: for the process group of the process that it
   * started, as a terminal would do it.
   */
  public void fromOutside(Process first, int signal) {
    if (first != null && signal > 0 && signal <= 64 && toGroup(first.pgid, signal) == 0) {
      toProcess(first, signal);
    }
  }

  /** To every process of a session (hang-up). */
  public void toSession(int sid, int signal) {
    for (Process p : kernel.tasks.processes()) {
      if (p.sid == sid && !p.exited) {
        toProcess(p, signal);
      }
    }
  }

  // ---- finding ----

  /**
   * Looks now, and some times more in the next milliseconds, whether a signal is pending for a
   * parked call of {@code process}.
   */
  void expect(Process process) {
    long now = System.nanoTime();
    for (long delay = 400_000; delay <= 20_000_000; delay *= 7) {
      kernel.timers.schedule(now + delay, () -> look(process));
    }
  }

  /** Interrupts the parked calls of {@code process} for which a signal is pending. */
  public void look(Process process) {
    HostStatus status = null;
    long given = 0;
    for (Task t : process.tasks()) {
      if (t.call.isParked()) {
        if (status == null) {
          status = new HostStatus();
        }
        given |= lookAt(t, status, given);
      }
    }
    // After that: a call that waits for a signalfd among others is not parked any more when it has
    // been woken for that.
    if (!process.signalQueue.isEmpty() && kernel.pendingSignals.pending(process, null) != 0) {
      process.signalQueue.wake(PollEvents.READABLE);
    }
  }

  /** Interrupts the call that {@code task} is in, if a signal is pending for it. */
  void look(Task task) {
    lookAt(task, new HostStatus(), 0);
  }

  /**
   * Interrupts the call that {@code t} is in, if a signal is pending for it.
   *
   * @param given signals to the process for which another thread has been interrupted
   * @return signals to the process for which this one has been
   */
  private long lookAt(Task t, HostStatus status, long given) {
    if (!t.call.isInFlight() || !status.read(t.hostTid)) {
      return 0;
    }
    long blocked = t.call.hasWaitMask ? t.call.waitMask : status.blocked;
    long mine = status.privatePending & ~blocked;
    long shared = status.sharedPending & ~blocked & ~given;
    if (mine == 0 && shared == 0) {
      return 0;
    }
    // A signal to the process is for one of its threads: the host kernel prefers the leader if that
    // does not block it. A thread that
    // it did not choose must not see a restart code, because nothing would turn that into a
    // restart.
    if (mine == 0 && t.hostTid != t.process.hostPid && leaderTakes(t.process, shared)) {
      return 0;
    }
    boolean wasParked = t.call.interrupt();
    if (((mine | shared) & STOP_SIGNALS & ~status.caught) != 0 && t.process.threads.size() > 1) {
      // The thread will stop, and with it all the others: those that are parked have to come out
      // for it.
      kernel.timers.schedule(System.nanoTime() + 2_000_000, () -> stopOthers(t));
    }
    return wasParked ? shared : 0;
  }

  private static boolean leaderTakes(Process p, long shared) {
    Task leader = p.leader();
    HostStatus s = new HostStatus();
    return leader != null
        && leader.hostTid == p.hostPid
        && s.read(leader.hostTid)
        && (shared & ~s.blocked) != 0;
  }

  private void stopOthers(Task stopped) {
    HostStatus s = new HostStatus();
    if (s.read(stopped.hostTid) && s.state == 'T') {
      for (Task o : stopped.process.tasks()) {
        if (o != stopped && o.call.isParked()) {
          o.call.interruptToStop();
        }
      }
    }
  }

  /** Starts the slow scan. */
  public synchronized void start() {
    scheduleScan(SCAN_NANOS);
  }

  private void scheduleScan(long nanos) {
    nextScan = kernel.timers.schedule(System.nanoTime() + nanos, this::scan);
  }

  private void scan() {
    for (Process p : kernel.tasks.processes()) {
      look(p);
    }
    synchronized (this) {
      isQuiet = !hadCalls;
      hadCalls = false;
      scheduleScan(isQuiet ? QUIET_SCAN_NANOS : SCAN_NANOS);
    }
  }

  /**
   * A call was received. While there are none next to nothing can send a signal, and an idle
   * sandbox is to use no CPU.
   */
  void noteCall() {
    if (!hadCalls) {
      noteFirstCall();
    }
  }

  private synchronized void noteFirstCall() {
    hadCalls = true;
    if (isQuiet) {
      isQuiet = false;
      nextScan.cancel();
      scheduleScan(SCAN_NANOS);
    }
  }

  /** A child of {@code p} has ended: SIGCHLD is pending for it now or at once. */
  void childEnded(Process p) {
    for (Task t : p.tasks()) {
      if (t.call.isParked()) {
        expect(p);
        return;
      }
    }
  }
}
