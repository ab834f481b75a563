package io.redoubt.gofer;

import io.redoubt.host.Errno;
import io.redoubt.host.FdReserve;
import io.redoubt.host.Memory;
import io.redoubt.host.Poll;
import io.redoubt.host.Process;
import io.redoubt.host.Socket;
import io.redoubt.host.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * The sentry's side of the ring: slots for callers, publishing, waiting, and the end.
 *
 * <p>Each caller owns a slot from {@link #claim} to {@link #release} and waits for that slot alone:
 * it spins on the reply's word, then sleeps in recv(2) on the slot's own socket, which the gofer
 * wakes directly. No caller depends on another, and a wake-up is one hop.
 *
 * <p><b>Exactly one message.</b> A caller that wants to sleep sets CLIENT_ASLEEP and looks at the
 * reply once more. If the reply is there by then, the caller takes its word back; when the gofer
 * has taken it first, a message is on its way and is received, so that none is left for a later
 * request. A reply with a descriptor always comes with exactly one message, and the gofer then
 * leaves the word alone.
 */
final class Connection {
  /**
   * Longest spin before sleep: what a wake-up across CPUs costs; most operations take 2 to 20 us.
   */
  private static final int MAX_SPIN_NANOS = 50_000;

  private static final int LOOKS_PER_CLOCK_READ = 32;

  /** Longest wait for a reply whose message is there. */
  private static final long PUBLICATION_NANOS = 1_000_000_000L;

  private static final long NO_FREE_SLOT_PARK_NANOS = 50_000;

  /** What belongs to a slot on this side; fields are its owner's. */
  static final class Slot {
    final int index;
    final long request;
    final long reply;
    final long payload;
    private final long asleep;
    private final int socket;
    private final MemorySegment message = Arena.global().allocate(8, 8);
    private final int[] received = {-1};
    private int seq;
    private byte[] bytes;

    /**
     * The descriptor that came with the reply, or -1; -EMFILE if one came and there was no number
     * free for it. Whoever takes it sets it to -1.
     */
    int fd = -1;

    private Slot(int index, int socket) {
      this.index = index;
      this.socket = socket;
      long at = RegionLayout.slot(index);
      request = at + RegionLayout.REQUEST;
      reply = at + RegionLayout.REPLY;
      asleep = at + RegionLayout.CLIENT_ASLEEP;
      payload = RegionLayout.payload(index);
    }

    /** Private room of a payload's size. */
    byte[] bytes() {
      if (bytes == null) {
        bytes = new byte[RegionLayout.PAYLOAD_SIZE];
      }
      return bytes;
    }
  }

  final MemorySegment memory;

  private final Region region;
  private final int control;
  private final Runnable onDeath;
  private final SpinBudget spin = new SpinBudget(Process.availableCpus(), MAX_SPIN_NANOS);

  /** Whether some other thread of this process spins, on a CPU that is needed. */
  private volatile boolean isCpuTaken;

  /** A bit for each slot that has an owner. */
  private final AtomicLong busy = new AtomicLong();

  /** Each entry is written once, by the first owner of the slot, holding the monitor of this. */
  private final Slot[] slots = new Slot[RegionLayout.SLOTS];

  /** Why the connection is dead, or null. Guarded by the monitor of this for writing. */
  private volatile String deathReason;

  private final Thread watcher;

  Connection(int control, Region region, Runnable onDeath) {
    this.control = control;
    this.region = region;
    this.memory = region.memory;
    this.onDeath = onDeath;
    watcher = new Thread(null, this::watch, "gofer-watch", 256 * 1024);
    watcher.setDaemon(true);
    watcher.start();
  }

  /** Waits for the gofer's end of the control socket to close; it never sends anything there. */
  private void watch() {
    int events;
    do {
      events = Poll.poll(control, Poll.POLLIN | Poll.POLLRDHUP, -1);
    } while (events == -Errno.EINTR);
    boolean isClosed = (events & (Poll.POLLHUP | Poll.POLLRDHUP)) != 0;
    die(isClosed ? "gofer has gone" : "gofer: unexpected message");
  }

  /** Why the connection is dead, or null while it lives. */
  String deathReason() {
    return deathReason;
  }

  /** Ends the connection, once; every caller gets -EIO. */
  void die(String reason) {
    synchronized (this) {
      if (deathReason != null) {
        return;
      }
      deathReason = reason;
      Socket.shutdown(control, Socket.SHUT_RDWR);
      for (Slot slot : slots) {
        if (slot != null) {
          Socket.shutdown(slot.socket, Socket.SHUT_RDWR); // wakes its owner
        }
      }
    }
    onDeath.run();
  }

  /** Ends the connection quietly and gives everything back. No caller may be inside. */
  void close() {
    synchronized (this) {
      if (deathReason == null) {
        deathReason = "closed";
        Socket.shutdown(control, Socket.SHUT_RDWR);
      }
    }
    boolean isInterrupted = false;
    while (watcher.isAlive()) {
      try {
        watcher.join();
      } catch (InterruptedException e) {
        isInterrupted = true;
      }
    }
    if (isInterrupted) {
      Thread.currentThread().interrupt();
    }
    for (Slot slot : slots) {
      if (slot != null) {
        Unistd.close(slot.socket);
      }
    }
    Unistd.close(control);
    region.unmap();
  }

  /**
   * Takes the lowest free slot, waiting for one if all are in use, and empties its request.
   *
   * @return a slot, or null if the connection is dead
   */
  Slot claim() {
    for (; ; ) {
      if (deathReason != null) {
        return null;
      }
      long taken = busy.get();
      if (taken == -1L) {
        LockSupport.parkNanos(this, NO_FREE_SLOT_PARK_NANOS); // more callers than slots: rare
        continue;
      }
      int i = Long.numberOfTrailingZeros(~taken);
      if (busy.compareAndSet(taken, taken | 1L << i)) {
        Slot slot = slots[i] != null ? slots[i] : open(i);
        if (slot == null) {
          busy.getAndAdd(-(1L << i));
        } else {
          for (int at = 8; at < RegionLayout.REQUEST_SIZE; at += 8) {
            Memory.setLong(memory, slot.request + at, 0); // all but SEQ and OP
          }
        }
        return slot;
      }
    }
  }

  /**
   * From now on neither callers nor the gofer spin, or they do again. A race with one that is about
   * to costs its spin.
   *
   * @param goferCpu where the gofer is to run when it has something to do, or -1
   */
  void setCpuTaken(boolean isTaken, int goferCpu) {
    isCpuTaken = isTaken;
    region.setVolatile(RegionLayout.GOFER_CPU, goferCpu + 1);
    region.setVolatile(RegionLayout.SENTRY_SPINS, isTaken ? 1 : 0);
  }

  /** Whether a caller is inside. */
  boolean isBusy() {
    return busy.get() != 0;
  }

  /** How many requests have been made: exact while none is being made. */
  long requests() {
    long n = 0;
    for (Slot slot : slots) {
      n += slot == null ? 0 : slot.seq;
    }
    return n;
  }

  /** Gives a slot back. A descriptor that nobody took is closed. */
  void release(Slot slot) {
    if (slot.fd >= 0) {
      Unistd.close(slot.fd);
    }
    slot.fd = -1;
    busy.getAndAdd(-(1L << slot.index));
  }

  /** Uses a slot for the first time: gives the gofer a socket for it and lets it be looked at. */
  private Slot open(int index) {
    synchronized (this) {
      if (deathReason != null) {
        return null;
      }
      long pair = Socket.socketpair(Socket.SOCK_SEQPACKET | Socket.SOCK_CLOEXEC);
      long r = pair;
      if (r >= 0) {
        Slot slot = new Slot(index, Unistd.first(pair));
        Memory.setInt(slot.message, 0, Protocol.SLOT_SOCKET);
        Memory.setInt(slot.message, 4, index);
        r = Socket.sendFds(control, slot.message, 8, Socket.MSG_NOSIGNAL, Unistd.second(pair));
        Unistd.close(Unistd.second(pair));
        if (r >= 0) {
          slots[index] = slot;
          if (Memory.getInt(memory, RegionLayout.SLOTS_USED) <= index) {
            region.setRelease(RegionLayout.SLOTS_USED, index + 1);
          }
          return slot;
        }
        Unistd.close(slot.socket);
      }
      if (r == -Errno.EMFILE || r == -Errno.ENFILE) {
        return null; // out of descriptors: this call fails, the connection lives
      }
    }
    die("gofer: cannot open a slot");
    return null;
  }

  /**
   * Publishes the slot's request and waits for the reply.
   *
   * @return whether it came; else the connection is dead
   */
  boolean transact(Slot slot) {
    int seq = ++slot.seq;
    region.setRelease(slot.request + Protocol.SEQ, seq);
    VarHandle.fullFence(); // against GoferServer.sleep: publish, then look
    boolean isRung =
        region.getAcquire(RegionLayout.SERVER_ASLEEP) != 0
            && region.take(RegionLayout.SERVER_ASLEEP, 1);
    if (isRung) {
      Memory.setInt(slot.message, 0, Protocol.DOORBELL);
      Memory.setInt(slot.message, 4, 0);
      // -EAGAIN: so many doorbells are there already that it will wake up anyway. -EPIPE: its end
      // shows below.
      Socket.send(control, slot.message, 8, Socket.MSG_NOSIGNAL | Socket.MSG_DONTWAIT);
    }
    long replySeq = slot.reply + Protocol.SEQ;
    // A gofer that has to wake up first runs soonest, on this very CPU, if this caller sleeps.
    boolean mayNotSpin = isRung || isCpuTaken;
    int budget = mayNotSpin ? 0 : spin.next();
    boolean isThere = budget > 0 && spinUntil(replySeq, seq, budget);
    boolean hasMessage = false;
    if (!isThere) {
      long start = mayNotSpin || budget > 0 ? 0 : System.nanoTime();
      region.setVolatile(slot.asleep, RegionLayout.sleepMark(seq));
      VarHandle.fullFence();
      if (region.getAcquire(replySeq) == seq - 1) {
        if (!receive(slot, seq)) {
          return false;
        }
        hasMessage = true;
      }
      if (start != 0) {
        spin.slept(System.nanoTime() - start);
      }
    }
    int now = region.getAcquire(replySeq);
    if (hasMessage && now == seq - 1) {
      now = awaitPublication(replySeq, seq);
    }
    if (now != seq) {
      die("gofer: malformed reply: seq=" + now + ", expected=" + seq);
      return false;
    }
    boolean hasFd = (Memory.getInt(memory, slot.reply + Protocol.BITS) & Protocol.HAS_FD) != 0;
    if (!isThere) {
      boolean wasMine = region.take(slot.asleep, RegionLayout.sleepMark(seq));
      if (!hasMessage && !hasFd && !wasMine && !receive(slot, seq)) {
        return false;
      }
    }
    if (hasFd && !hasMessage && !receive(slot, seq)) {
      return false;
    }
    if (hasFd != (slot.fd != -1)) {
      die("gofer: malformed reply: descriptor=" + slot.fd + ", promised=" + hasFd);
      return false;
    }
    return true;
  }

  /**
   * A message with a descriptor may come just before its reply, where the caller went to sleep
   * while the gofer sent it (GoferServer.replyWithFd).
   */
  private int awaitPublication(long replySeq, int seq) {
    long end = System.nanoTime() + PUBLICATION_NANOS;
    int now;
    do {
      Process.schedYield();
      now = region.getAcquire(replySeq);
    } while (now != seq && System.nanoTime() < end);
    return now;
  }

  private boolean spinUntil(long replySeq, int seq, int budget) {
    long end = System.nanoTime() + budget;
    do {
      for (int i = 0; i < LOOKS_PER_CLOCK_READ; i++) {
        if (region.getAcquire(replySeq) == seq) {
          spin.hit();
          return true;
        }
        Thread.onSpinWait();
      }
    } while (System.nanoTime() < end);
    spin.miss();
    return false;
  }

  /** Receives the one message of the slot's socket; its descriptor, if any, becomes the slot's. */
  private boolean receive(Slot slot, int seq) {
    long n;
    do {
      n = Socket.recvFds(slot.socket, slot.message, 8, 0, slot.received);
    } while (n == -Errno.EINTR);
    slot.fd = slot.received[0];
    if (FdReserve.isKept(slot.fd)) {
      Unistd.close(slot.fd);
      slot.fd = -Errno.EMFILE;
    }
    if (n == 8
        && Memory.getInt(slot.message, 0) == Protocol.WAKE
        && Memory.getInt(slot.message, 4) == seq) {
      return true;
    }
    die(n <= 0 ? "gofer has gone" : "gofer: malformed wake-up: bytes=" + n);
    return false;
  }
}
