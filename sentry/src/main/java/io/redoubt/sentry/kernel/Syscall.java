package io.redoubt.sentry.kernel;

import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import java.util.ArrayList;

/**
 * The call that a guest thread is in: number, six arguments, and, while it blocks, what it waits
 * for.
 *
 * <p>A guest thread has at most one call in flight, so every {@link Task} owns one of these and
 * reuses it. The life of a call:
 *
 * <pre>
 *   IDLE --receive--> RUNNING --handler returned a value--> answered, IDLE
 *                        |  ^
 *          BLOCKED       |  |  wake: an event, the deadline, a signal (whoever wakes it puts it on its own run queue)
 *                        v  |
 *                      PARKED
 * </pre>
 *
 * A handler that cannot finish registers with {@link #block} and returns {@link #BLOCKED}. The
 * dispatcher then runs it once more, so that an event between the handler's look and its
 * registration is not lost, and only then parks it. When woken the handler runs again from its
 * beginning with the same arguments; what it must remember between the runs is in {@link
 * #progress}, {@link #state} and the deadline.
 */
public final class Syscall implements Waiter {
  /** The call waits; {@link #block} has been called. */
  public static final long BLOCKED = Long.MIN_VALUE;

  /**
   * Let the host kernel run the call itself. Only when every argument that matters is in a
   * register.
   */
  public static final long CONTINUE = Long.MIN_VALUE + 1;

  /** The handler has ended the call and answered it by itself, or the caller is gone. */
  public static final long NO_REPLY = Long.MIN_VALUE + 2;

  /**
   * Kernel-internal restart codes, see signal(7) and include/linux/errno.h: the host kernel acts on
   * them at signal delivery.
   */
  public static final long ERESTARTSYS = -512;

  public static final long ERESTARTNOHAND = -514;

  private static final int IDLE = 0;
  private static final int RUNNING = 1;
  private static final int PARKED = 2;

  public final Task task;
  public int nr;
  public long arg0;
  public long arg1;
  public long arg2;
  public long arg3;
  public long arg4;
  public long arg5;

  /** Address of the instruction after the call. */
  public long instructionPointer;

  /** Bytes already transferred by earlier runs of a call that blocked in the middle. */
  public long progress;

  /** Whatever the handler must keep between its runs; null at the first. See {@link Cleanup}. */
  public Object state;

  /**
   * A {@link #state} that must be undone however the call ends: answered, interrupted, or with its
   * thread.
   */
  public interface Cleanup {
    /** Runs once, with no lock held, when the call is over. */
    void cleanup();
  }

  /**
   * The signal mask that holds while the call waits (ppoll, pselect6, epoll_pwait): bit n-1 is
   * signal n. Only with {@link #hasWaitMask}. The host thread keeps its own mask: whoever looks for
   * signals that interrupt a parked call takes this one.
   */
  public long waitMask;

  public boolean hasWaitMask;

  /** Guest address of the eight bytes of {@link #waitMask}. */
  public long waitMaskAddress;

  /** Whether it was made where the ring tier would like calls to come from. */
  public boolean isAtHotSite;

  /** Set when the answer goes with something that only a trap can do, a signal. */
  boolean mustTrap;

  long id; // of the notification; 0 when idle
  int listener; // the fd it came from
  long startNanos; // of this run, for --trace and --stats; 0 when nobody asked
  long servedNanos; // of all runs so far, without the waits between them

  /** Answer when a signal interrupts the parked call. Set by {@link #block}. */
  private long interruptResult;

  private long deadlineNanos; // System.nanoTime() scale; 0: none
  private Timers.Timer timer;
  private final ArrayList<WaitQueue.Entry> waits = new ArrayList<>(2);
  private WaitQueue.Entry spare; // most calls wait on one queue: its entry is used again
  private UserBuffer buffer; // of the last plain read or write
  private boolean registered; // since the last reset

  // Guarded by this: the hand-over between the one that parks and the ones that wake.
  private int phase = IDLE;
  private boolean woken;
  private boolean interrupted;
  private boolean stopping; // the interruption is the stop of the process
  private boolean cancelled; // its thread has gone while another sentry thread was running it

  private final ArrayList<Path> kept = new ArrayList<>(0);
  private OpenFile held;
  private OpenFile heldSecond;

  // What a call that a signal interrupted was, so that its restart keeps the deadline of the first
  // run.
  private long savedDeadline;
  private int savedNr;
  private long savedArg0;
  private long savedArg1;

  private long error;

  Syscall(Task task) {
    this.task = task;
  }

  // ---- for handlers ----

  /** True when this is not the first run of this call. */
  public boolean isRetry() {
    return registered;
  }

  /**
   * Registers for {@code events} on {@code queue}.
   *
   * @param interruptResult what the guest gets when a signal interrupts: {@link #ERESTARTSYS}
   *     (restarted when the handler has SA_RESTART), {@link #ERESTARTNOHAND} (restarted only when
   *     no handler ran) or -EINTR
   * @return {@link #BLOCKED}
   */
  public long block(WaitQueue queue, int events, long interruptResult) {
    if (!registered || waits.isEmpty()) {
      register(queue, events);
    }
    registered = true;
    this.interruptResult = interruptResult;
    return BLOCKED;
  }

  /** As {@link #block}, on the queue of an open file, with the code for read and write. */
  public long block(OpenFile file, int events) {
    return block(file.waitQueue(), events, ERESTARTSYS);
  }

  /**
   * Registers on a further queue, for calls that wait for several things. Call only on the first
   * run.
   */
  public void alsoWait(WaitQueue queue, int events) {
    register(queue, events);
    registered = true;
  }

  private void register(WaitQueue queue, int events) {
    WaitQueue.Entry e = spare == null ? new WaitQueue.Entry() : spare;
    spare = null;
    queue.add(e, this, events);
    waits.add(e);
  }

  /**
   * Blocks for the queues that were given to {@link #alsoWait} (possibly none: only the deadline
   * and signals).
   */
  public long blockHere(long interruptResult) {
    registered = true;
    this.interruptResult = interruptResult;
    return BLOCKED;
  }

  /** Drops the registrations made so far, for a handler whose next wait is on other objects. */
  public void forgetWaits() {
    for (int i = waits.size() - 1; i >= 0; i--) {
      spare = waits.get(i);
      spare.remove();
    }
    waits.clear();
  }

  /**
   * Sets the time at which the call is woken with {@link #timedOut()}, once per call: later runs
   * keep the first.
   *
   * @param nanosFromNow relative, at least 0
   */
  public void deadline(long nanosFromNow) {
    if (deadlineNanos == 0) {
      if (savedDeadline != 0 && savedNr == nr && savedArg0 == arg0 && savedArg1 == arg1) {
        deadlineNanos = savedDeadline;
        savedDeadline = 0;
        timer = task.kernel.timers.schedule(deadlineNanos, this::onDeadline);
        return;
      }
      long t = System.nanoTime() + nanosFromNow;
      deadlineNanos = t == 0 ? 1 : t;
      timer = task.kernel.timers.schedule(deadlineNanos, this::onDeadline);
    }
  }

  /** Nanoseconds until the deadline, never negative; 0 without one. */
  public long remainingNanos() {
    return deadlineNanos == 0 ? 0 : Math.max(0, deadlineNanos - System.nanoTime());
  }

  /** Whether the deadline has passed. */
  public boolean timedOut() {
    return deadlineNanos != 0 && System.nanoTime() - deadlineNanos >= 0;
  }

  /** Guest memory of the calling thread. */
  public GuestMemory memory() {
    return task.memory;
  }

  /**
   * A range of guest memory to transfer, checked by the caller. The next call of the thread uses
   * the same object.
   */
  public UserBuffer buffer(long address, long length) {
    if (buffer == null) {
      buffer = UserBuffer.of(task.memory, address, length);
    } else {
      buffer.reset(address, length);
    }
    return buffer;
  }

  /** Scratch of the running sentry thread: valid until the handler returns. */
  public Scratch scratch() {
    return KernelThread.scratch();
  }

  /**
   * Keeps {@code errno} (negative) for a caller that got a null object. @return null, so that
   * {@code return c.fail(..)} works
   */
  public <T> T fail(long errno) {
    error = errno;
    return null;
  }

  /** The negative errno of the lookup that last answered null. */
  public long error() {
    return error;
  }

  /** The open file of {@code fd}, or null with {@link #error()} -EBADF. */
  public OpenFile file(long fd) {
    OpenFile f = task.files.get((int) fd);
    if (f == null) {
      error = -9;
    }
    return f;
  }

  /**
   * The open file of {@code fd} with a reference that is kept until the call is over, because
   * another thread may close the fd meanwhile. Later runs of a blocked call get the same file,
   * whatever the fd has become. As fdget() of the kernel, it refuses O_PATH files.
   *
   * @return the file, or null with {@link #error()} -EBADF
   */
  public OpenFile hold(long fd) {
    if (held == null) {
      held = acquire(fd);
    }
    return held;
  }

  /** As {@link #hold}, for calls that use two files. */
  public OpenFile holdSecond(long fd) {
    if (heldSecond == null) {
      heldSecond = acquire(fd);
    }
    return heldSecond;
  }

  private OpenFile acquire(long fd) {
    OpenFile f = task.files.get((int) fd);
    if (f == null || (f.flags() & OpenFile.O_PATH) != 0 || !f.acquire()) {
      return fail(-9);
    }
    return f;
  }

  /** Keeps {@code path}, on which the caller has a pin, pinned until the call is over. */
  public void keep(Path path) {
    kept.add(path);
  }

  /**
   * Replaces the lower 32 bits of an argument.
   *
   * @param number 2 or 3, or 0: none
   * @return what they were, or 0
   */
  long exchangeArgument(int number, long value) {
    long old = 0;
    if (number == 2) {
      old = (int) arg2;
      arg2 = value;
    } else if (number == 3) {
      old = (int) arg3;
      arg3 = value;
    }
    return old;
  }

  /** If the call fails, its thread has to make it by a trap. Only of one that came by the ring. */
  public void trapIfFails() {
    mustTrap = true;
  }

  /** The listener that it came from; negative when it came by the ring. */
  public int listener() {
    return listener;
  }

  /** The notification that it is. */
  public long id() {
    return id;
  }

  // ---- for the dispatcher ----

  void begin(int listener, long id, int nr) {
    this.listener = listener;
    this.nr = nr;
    progress = 0;
    state = null;
    mustTrap = false;
    isAtHotSite = false;
    if (savedDeadline != 0 && savedNr != nr) {
      savedDeadline = 0;
    }
    hasWaitMask = false;
    synchronized (this) {
      this.id = id;
      phase = RUNNING;
      woken = false;
      interrupted = false;
      stopping = false;
      cancelled = false;
    }
  }

  /**
   * After BLOCKED: true when parked, false when something happened meanwhile and the call must be
   * looked at again. From the moment that this returns true another thread may run the call.
   */
  synchronized boolean park() {
    if (woken || interrupted || cancelled) {
      woken = false;
      return false;
    }
    phase = PARKED;
    return true;
  }

  /**
   * Whether a signal interrupted the call; then, if it would still block, {@link
   * #interruptedAnswer()} is its answer.
   */
  synchronized boolean isInterrupted() {
    return interrupted;
  }

  /** What an interrupted call answers: what was done so far, else its restart code. */
  long interruptedAnswer() {
    if (progress > 0) {
      return progress;
    }
    if (deadlineNanos != 0 && interruptResult == ERESTARTNOHAND) {
      savedDeadline = deadlineNanos;
      savedNr = nr;
      savedArg0 = arg0;
      savedArg1 = arg1;
    }
    return interruptResult;
  }

  /** Whether the call waits for something (a hint when read by another thread). */
  public boolean isParked() {
    return phase == PARKED;
  }

  /**
   * How long the sentry has worked on the call, waits not counted; only while somebody observes
   * calls.
   */
  public long servedNanos() {
    return servedNanos;
  }

  /** Whether the thread is in a call. */
  public boolean isInFlight() {
    return phase != IDLE;
  }

  /**
   * Ends the call: registrations and timer go. Before the answer is sent: after it the thread may
   * call again.
   */
  void end() {
    forgetWaits();
    registered = false;
    if (timer != null) {
      timer.cancel();
      timer = null;
    }
    deadlineNanos = 0;
    Object s = state;
    state = null;
    OpenFile first = held;
    OpenFile second = heldSecond;
    held = null;
    heldSecond = null;
    if (s instanceof Cleanup undo) {
      undo.cleanup();
    }
    if (first != null) {
      first.close();
    }
    if (second != null) {
      second.close();
    }
    for (int i = kept.size() - 1; i >= 0; i--) {
      kept.remove(i).release();
    }
    synchronized (this) {
      phase = IDLE;
      id = 0;
    }
  }

  @Override
  public void onEvents(int events) {
    wake(false);
  }

  /**
   * May come late, when the call is over and the thread is in its next one: only a reason to look.
   */
  private void onDeadline() {
    wake(false);
  }

  /**
   * A signal is pending for the thread: a parked call is answered with its restart code. @return
   * whether it was parked
   */
  boolean interrupt() {
    return wake(true);
  }

  /** As above, because the process stops and its threads have to come out. */
  void interruptToStop() {
    synchronized (this) {
      stopping = phase != IDLE;
    }
    wake(true);
  }

  /** Whether {@link #interruptToStop} is why. */
  synchronized boolean isStopping() {
    return stopping;
  }

  /** The signal is gone, another thread has taken it: the call goes on waiting. */
  synchronized void forgetInterrupt() {
    interrupted = false;
  }

  /** Whether {@link #cancel} came while the call was running: it ends where it would park. */
  synchronized boolean isCancelled() {
    return cancelled;
  }

  /**
   * The thread is gone: a parked call ends without an answer.
   *
   * @return false when another sentry thread is running it just now; then it ends there
   */
  boolean cancel() {
    synchronized (this) {
      if (phase != PARKED) {
        cancelled = phase == RUNNING;
        return phase == IDLE;
      }
      phase = RUNNING;
    }
    end();
    return true;
  }

  private boolean wake(boolean bySignal) {
    synchronized (this) {
      if (phase == IDLE) {
        return false;
      }
      if (bySignal) {
        interrupted = true;
      } else {
        woken = true;
      }
      if (phase != PARKED) {
        return false;
      }
      woken = false;
      phase = RUNNING;
    }
    KernelThread.runLater(this);
    return true;
  }
}
