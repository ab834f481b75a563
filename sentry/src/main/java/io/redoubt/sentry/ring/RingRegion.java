package io.redoubt.sentry.ring;

import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Memory;
import io.redoubt.host.Mman;
import io.redoubt.host.Process;
import io.redoubt.host.Unistd;
import io.redoubt.sentry.audit.Audit;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.Task;
import java.lang.foreign.MemorySegment;
import java.util.function.IntToLongFunction;

/**
 * The slots of one process. Who calls is known from the region; nothing that stands in it is
 * believed: every word is read once, and what is not a call in a state that makes sense is left
 * alone.
 *
 * <p>The poller scans a region while it is active. Taking a call and answering it happens under the
 * monitor, so that who turns the region off ({@link #turnOff}, {@link #close}) knows that no call
 * is being served any more. The memory stays mapped for as long as the region is active.
 */
final class RingRegion {
  private static final int MOST_REFUSALS = 8;

  /** Less than it takes to get into a signal handler; looks that follow each other take 0.1 us. */
  private static final long LATE_NANOS = 2_000;

  /** For so many the thread changes its beat for certain, if it has a CPU. */
  private static final int BEAT_LOOKS = 50;

  private static final int F_ADD_SEALS = 1033;
  private static final int SEALS = 0x7; // seal, shrink, grow: a truncation would be our SIGBUS
  private static final int O_CLOEXEC_ALLOW_SEALING = 0x3;

  private int fd; // guarded by this; -1 when nobody needs it any more
  private final MemorySegment memory;
  private final boolean isChaos;
  private final RingPayload payload;
  private final StableRanges ranges;
  private final FileWindows windows;

  /** Stands for the threads of the process, which must all have the same files and identity. */
  private Task task;

  // Guarded by this, the outermost of all locks but the poller's: handlers run with it held.
  private boolean isActive;
  private boolean isOff;
  private boolean isOver;

  /**
   * Since when a call of the process that has trapped is being served, or 0: no other will come
   * meanwhile, and then more. By whichever thread serves it; of several one is remembered, which is
   * enough.
   */
  volatile long trapBegunNanos;

  /** Whether the poller looks at it: there is nobody to wake. */
  private volatile boolean isWatched;

  // The poller's: when a call was last found, and whether one was since it looked at the clock.
  long lastCallNanos;
  boolean isBusy;

  /** The poller's: a caller slept and was woken, on this CPU. */
  boolean hasWoken;

  // The poller's: calls served, since the beginning and until it last looked, and calls refused.
  long served;
  long servedBefore;
  long refused;

  // The poller's: when it looked, and which slot it has answered last, and when.
  private long lookedNanos;
  private int answeredSlot = -1;
  private long answeredNanos;

  /** By the poller. Others who find it set wait for the monitor. */
  private volatile boolean isServing;

  /** The poller's: calls that came with a payload. */
  long payloads;

  /** The poller's: calls that were answered with a window. */
  long windowed;

  /** For each number, how often in a row it was refused. The poller's. */
  private final byte[] refusals = new byte[RingLayout.NUMBERS];

  private RingRegion(int fd, MemorySegment memory, Task model) {
    this.isChaos = model.kernel.ring.mode == Ring.Mode.CHAOS;
    this.fd = fd;
    this.memory = memory;
    this.windows = new FileWindows(this, memory);
    this.payload = new RingPayload(memory, model.memory, windows);
    this.task = Task.ofRing(model, payload);
    this.ranges = new StableRanges(memory, model.kernel.ring.procFd, model.hostTid);
  }

  /**
   * Makes a region for the process of {@code model}. @return null when there is no memory for it
   */
  static RingRegion create(Task model) {
    int fd = Mman.memfdCreate("redoubt-ring", O_CLOEXEC_ALLOW_SEALING);
    if (fd < 0) {
      return null;
    }
    long at = -1;
    if (Unistd.ftruncate(fd, RingLayout.REGION_BYTES) == 0
        && Fcntl.fcntl(fd, F_ADD_SEALS, SEALS) == 0) {
      at =
          Mman.mmap(
              0, RingLayout.REGION_BYTES, Mman.PROT_READ | Mman.PROT_WRITE, Mman.MAP_SHARED, fd, 0);
    }
    if (at < 0) {
      Unistd.close(fd);
      return null;
    }
    return new RingRegion(fd, Mman.segment(at, RingLayout.REGION_BYTES), model);
  }

  Task task() {
    return task;
  }

  boolean isWatched() {
    return isWatched;
  }

  /** The thread that stood for the process is gone. */
  synchronized void replaceModel(Task model) {
    payload.reachBy(model.memory);
    task = Task.ofRing(model, payload);
  }

  /**
   * The poller is about to look at this region, or will be when it has woken up. By whoever wakes
   * it.
   *
   * @return false when it must not, or does already
   */
  synchronized boolean activate(int spins) {
    if (isOff || isOver || isWatched) {
      return false;
    }
    isActive = true;
    isWatched = true;
    tryAll();
    spin(spins);
    Memory.setIntVolatile(memory, RingLayout.AWAKE_OFFSET, 1);
    return true;
  }

  /** How often callers look for their answer before they sleep. While it is active. */
  void spin(int times) {
    Memory.setInt(memory, RingLayout.SPINS_OFFSET, times);
  }

  /**
   * The poller will not look any more. The word is cleared first, then all slots are looked at once
   * more: a thread that published before that is found here, one that publishes later sees the word
   * and takes its call back ({@code trampoline.S}, spin).
   */
  void deactivate() {
    synchronized (this) {
      isWatched = false;
      Memory.setIntVolatile(memory, RingLayout.AWAKE_OFFSET, 0);
    }
    scan(System.nanoTime());
    synchronized (this) {
      if (!isWatched) { // else somebody wants it looked at again
        isActive = false;
        if (isOver) {
          unmap();
        }
      }
    }
  }

  /**
   * No call is served until {@link #turnOn}: another process shares the memory (vfork). When this
   * returns none is being served.
   */
  synchronized void turnOff() {
    isOff = true;
    if (!isOver) {
      Memory.setIntVolatile(memory, RingLayout.AWAKE_OFFSET, 0);
    }
  }

  /**
   * Callers have waited in vain: from now on they trap, until the poller has left and been woken
   * again. Not that of the call which holds it up, whose monitor it has.
   */
  synchronized void discourage() {
    if (!isOver) {
      Memory.setIntVolatile(memory, RingLayout.AWAKE_OFFSET, 0);
    }
  }

  synchronized void turnOn() {
    isOff = false;
    if (isWatched && !isOver) {
      Memory.setIntVolatile(memory, RingLayout.AWAKE_OFFSET, 1);
    }
  }

  synchronized boolean isUsable() {
    return !isOff && !isOver;
  }

  /** The process has ended or executes something else. */
  void close() {
    synchronized (this) {
      if (isOver) {
        return;
      }
      isOver = true;
      Memory.setIntVolatile(memory, RingLayout.AWAKE_OFFSET, 0);
      if (!isActive) {
        unmap();
      }
    }
    closeFd();
  }

  /** Has {@code giver} plant the fd of the memory in the guest, while it is open: once. */
  synchronized long give(IntToLongFunction giver) {
    long given = fd < 0 ? -Errno.EPERM : giver.applyAsLong(fd);
    closeFd();
    return given;
  }

  private synchronized void closeFd() {
    if (fd >= 0) {
      Unistd.close(fd);
      fd = -1;
    }
  }

  private void unmap() {
    windows.forget();
    Mman.munmap(memory.address(), RingLayout.REGION_BYTES);
  }

  synchronized boolean isOver() {
    return isOver;
  }

  /**
   * Serves what is there, at most one call a slot. By the poller only.
   *
   * @param now when it looks, CLOCK_MONOTONIC
   * @return how many
   */
  int scan(long now) {
    int found = 0;
    boolean hasServed = false;
    long before = lookedNanos;
    lookedNanos = now;
    // A bit that is missing costs the thread its fast path, one too many a look.
    int used = Memory.getIntAcquire(memory, RingLayout.USED_OFFSET);
    while (used != 0) {
      int slot = Integer.numberOfTrailingZeros(used);
      used &= used - 1;
      int at = RingLayout.slotOffset(slot);
      if (Memory.getIntAcquire(memory, at + RingLayout.STATE_OFFSET) != RingLayout.CALLED) {
        continue;
      }
      // The clock anew, and last of all: the poller may be preempted at any point.
      long since = slot == answeredSlot ? Math.max(answeredNanos, before) : before;
      if ((hasServed || System.nanoTime() - since > LATE_NANOS) && !isBeating(at)) {
        if (Memory.compareAndSetInt(
            memory, at + RingLayout.STATE_OFFSET, RingLayout.CALLED, RingLayout.TRAP)) {
          refused++;
        }
        break; // one a look: it has taken as long as several calls, and other processes wait
      }
      found += serve(slot, at) ? 1 : 0;
      hasServed = true;
      answeredSlot = slot;
      answeredNanos = System.nanoTime();
    }
    return found;
  }

  /**
   * Whether the thread still waits for this call. Who looks all the time finds a call before a
   * signal handler of its thread can do anything. Who has been away, or has served another call,
   * may find one whose thread is in a handler, which must not see it made now, or has been left by
   * one, and must not be made at all.
   */
  private boolean isBeating(int at) {
    int beat = Memory.getIntVolatile(memory, at + RingLayout.BEAT_OFFSET);
    for (int i = 0; i < BEAT_LOOKS; i++) {
      if (Memory.getIntVolatile(memory, at + RingLayout.BEAT_OFFSET) != beat) {
        return true;
      }
      Thread.onSpinWait();
    }
    return false;
  }

  /**
   * A call of the process has trapped. If that is by a signal handler of a thread whose call is
   * being served, it must find that one made.
   */
  void awaitServed() {
    if (isServing) {
      synchronized (this) {
        return;
      }
    }
  }

  /** Pointers that did not come with a payload, or with too little room: perhaps they could. */
  private void learn(Syscall c, int nr) {
    int kind = RingPayload.kind(nr);
    if (kind == 0) {
      return;
    }
    if (RingPayload.hasIn(kind) && !payload.hasIn()) {
      if (!payload.isForWindow()) {
        ranges.missed(RingPayload.inAddress(kind, c.arg0, c.arg1));
      }
    } else if (RingPayload.hasOut(kind)
        && payload.lacksRoom(kind == RingPayload.OUT_SI ? c.arg2 : 1)) {
      ranges.missed(RingPayload.outAddress(kind, c.arg0, c.arg1, c.arg2, c.arg4));
    }
  }

  /** What is refused again and again is not worth trying, for a while. */
  private void noteRefusal(int nr) {
    refused++;
    if (!isChaos && RingCalls.isServed(nr) && ++refusals[nr] >= MOST_REFUSALS) {
      refusals[nr] = 0;
      int word = RingLayout.SERVED_OFFSET + (nr >>> 6) * 8;
      Memory.setLong(memory, word, Memory.getLong(memory, word) & ~(1L << nr));
    }
  }

  /** All calls are worth trying again. */
  void tryAll() {
    RingCalls.writeNumbers(memory);
  }

  /** What the trampoline has to do after a call that was served. */
  private int answer(long result) {
    if (payload.isWindow(result)) {
      windowed++;
      return RingLayout.DONE_WINDOW;
    }
    return payload.finish() > 0 ? RingLayout.DONE_OUT : RingLayout.DONE;
  }

  private boolean serve(int slot, int at) {
    isServing = true; // before the call is taken, which is a locked instruction: seen by all then
    boolean isServed = serveLocked(slot, at);
    isServing = false;
    return isServed;
  }

  /**
   * Since when the thread that was answered last copies from or to a window, or 0: that takes a
   * while where pages are touched for the first time. The poller's.
   */
  long copyBegunNanos() {
    boolean isCopying =
        answeredSlot >= 0
            && Memory.getIntAcquire(
                    memory, RingLayout.slotOffset(answeredSlot) + RingLayout.STATE_OFFSET)
                == RingLayout.DONE_WINDOW;
    return isCopying ? answeredNanos : 0;
  }

  FileWindows windows() {
    return windows;
  }

  private synchronized boolean serveLocked(int slot, int at) {
    if (isOff || isOver) {
      return false;
    }
    windows.begin(slot);
    if (!Memory.compareAndSetInt(
        memory, at + RingLayout.STATE_OFFSET, RingLayout.CALLED, RingLayout.SERVING)) {
      return false;
    }
    int arguments = at + RingLayout.ARGUMENTS_OFFSET;
    Syscall c = task.call;
    int word = Memory.getInt(memory, at + RingLayout.NUMBER_OFFSET);
    int nr = word & ~RingLayout.HAS_PAYLOAD;
    c.arg0 = Memory.getLong(memory, arguments);
    c.arg1 = Memory.getLong(memory, arguments + 8);
    c.arg2 = Memory.getLong(memory, arguments + 16);
    c.arg3 = Memory.getLong(memory, arguments + 24);
    c.arg4 = Memory.getLong(memory, arguments + 32);
    c.arg5 = Memory.getLong(memory, arguments + 40);
    if (nr == word) {
      payload.none();
    } else {
      payloads++;
      payload.begin(c, nr, slot);
    }
    if ((nr & -RingLayout.NUMBERS) != 0 || payload.isMalformed()) {
      Audit.malformedRing(task, "call " + nr + " with a number or a payload of no trampoline's");
    }
    if (nr != word && windows.offer(slot)) {
      publish(at, 0, RingLayout.MAP);
      return true;
    }
    learn(c, nr);
    long result =
        isChaos && (System.nanoTime() & 3) == 0 ? Syscall.CONTINUE : RingCalls.serve(c, nr);
    if (payload.isForNoWindow()) {
      windows.forgetWritable((int) c.arg0);
    }
    boolean isServed = result != Syscall.CONTINUE;
    if (isServed) {
      served++;
      refusals[nr] = 0;
    } else {
      noteRefusal(nr);
    }
    publish(at, result, isServed ? answer(result) : RingLayout.TRAP);
    return true;
  }

  /** Answers the call at {@code at}. */
  private void publish(int at, long result, int answer) {
    Memory.setLong(memory, at + RingLayout.RESULT_OFFSET, result);
    if (!Memory.compareAndSetInt(
        memory, at + RingLayout.STATE_OFFSET, RingLayout.SERVING, answer)) {
      // The thread sleeps; or the guest has written nonsense, which is nobody's loss but its own.
      int found = Memory.getInt(memory, at + RingLayout.STATE_OFFSET);
      if (found != RingLayout.WAITED) {
        Audit.malformedRing(task, "slot in state " + found + " while it was served");
      }
      Memory.setIntVolatile(memory, at + RingLayout.STATE_OFFSET, answer);
      Process.futexWake(memory.address() + at + RingLayout.STATE_OFFSET, 1);
      hasWoken = true;
    }
  }
}
