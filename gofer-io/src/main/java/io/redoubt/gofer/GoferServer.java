package io.redoubt.gofer;

import io.redoubt.host.Affinity;
import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.host.Process;
import io.redoubt.host.Socket;
import io.redoubt.host.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * The gofer's loop: looks at the slots, does what is asked, answers, and sleeps when nothing is.
 *
 * <p>One thread serves all slots, so requests need no locks; what they wait for is the host's file
 * system, and the bulk of the data does not come this way.
 *
 * <p><b>Going to sleep.</b> The race is a request published between the last look and the sleep.
 * Each side writes its own word, then a full fence, then reads the other's: the gofer sets
 * SERVER_ASLEEP and looks at the slots once more; the sentry publishes and looks at SERVER_ASLEEP.
 * At least one of them sees the other. If both do, a doorbell is rung for nothing and ends the next
 * sleep early.
 *
 * <p>A wake-up is a byte on a socket and not a futex: it carries descriptors as well, it tells of
 * the peer's death, and the kernel tends to wake the reader on the writer's CPU. Round trips
 * between two processes asleep in turn, us, on a machine of two busy CPUs: socket 17 to 23 on one
 * CPU, 25 to 28 placed by the kernel, 38 to 165 pinned to two; futex 13 to 17, 15 to 21, 16 to 22.
 * On the same machine idle, a futex across CPUs took 50 one way, the socket 7. Both are far above a
 * spin that succeeds (0.4 us), so what matters is that few requests see either.
 */
final class GoferServer {
  /**
   * Longest spin before sleep: what lies between two requests of one guest thread while its sentry
   * still sleeps for each reply; shorter, and both would sleep in turn for ever.
   */
  private static final int MAX_SPIN_NANOS = 100_000;

  private static final int LOOKS_PER_CLOCK_READ = 32;

  private final int control;
  private final Region region;
  private final FileOps files;
  private final SpinBudget spin;
  private final int[] served = new int[RegionLayout.SLOTS];
  private final int[] sockets = new int[RegionLayout.SLOTS];
  private final MemorySegment message = Arena.global().allocate(Protocol.MAX_MESSAGE, 8);
  private final int[] received = new int[1];
  private final Affinity affinity = new Affinity(0);
  private boolean isConnected = true;

  /** GOFER_CPU when it was last obeyed. */
  private int cpu;

  GoferServer(int control, Region region, FileOps files) {
    this.control = control;
    this.region = region;
    this.files = files;
    this.spin = new SpinBudget(Process.availableCpus(), MAX_SPIN_NANOS);
    java.util.Arrays.fill(sockets, -1);
  }

  /**
   * Serves until the sentry is gone.
   *
   * @throws MalformedException if it sends what it must not
   */
  void serve() {
    while (isConnected) {
      if (!serveReady()) {
        int budget = spin.next();
        if (region.getAcquire(RegionLayout.SENTRY_SPINS) != 0) {
          sleep();
        } else if (budget == 0) {
          long start = System.nanoTime();
          sleep();
          spin.slept(System.nanoTime() - start);
        } else if (!spinUntilServed(budget)) {
          sleep();
        }
      }
    }
  }

  /** The directory of this process's own descriptors. */
  int links() {
    return files.procFd;
  }

  /** Closes every descriptor of this connection but the control socket. */
  void close() {
    files.closeAll();
    for (int fd : sockets) {
      if (fd >= 0) {
        Unistd.close(fd);
      }
    }
  }

  private boolean spinUntilServed(int budget) {
    long end = System.nanoTime() + budget;
    do {
      for (int i = 0; i < LOOKS_PER_CLOCK_READ; i++) {
        Thread.onSpinWait();
        if (serveReady()) {
          spin.hit();
          return true;
        }
      }
    } while (System.nanoTime() < end);
    spin.miss();
    return false;
  }

  private void sleep() {
    region.setVolatile(RegionLayout.SERVER_ASLEEP, 1);
    VarHandle.fullFence();
    if (!isReady()) {
      receiveControl(0);
    }
    region.setVolatile(RegionLayout.SERVER_ASLEEP, 0);
    place();
  }

  /**
   * A caller that spins when it does not wait for the gofer has a CPU to itself. There the gofer is
   * to run, because it can: to wake somebody on one's own CPU and to sleep is a change of process,
   * on another it is an interrupt.
   */
  private void place() {
    int now = region.getAcquire(RegionLayout.GOFER_CPU);
    if (now != cpu) {
      cpu = now;
      if (now > 0) {
        affinity.only(now - 1);
      } else {
        affinity.all();
      }
    }
  }

  private int slotsUsed() {
    int used = region.getAcquire(RegionLayout.SLOTS_USED);
    if (used < 0 || used > RegionLayout.SLOTS) {
      throw new MalformedException("slots out of range: used=" + used);
    }
    return used;
  }

  private boolean isReady() {
    int used = slotsUsed();
    for (int i = 0; i < used; i++) {
      if (region.getAcquire(RegionLayout.slot(i) + Protocol.SEQ) != served[i]) {
        return true;
      }
    }
    return false;
  }

  /** Serves each slot that has a request. Returns whether any had. */
  private boolean serveReady() {
    boolean any = false;
    int used = slotsUsed();
    for (int i = 0; i < used; i++) {
      int seq = region.getAcquire(RegionLayout.slot(i) + Protocol.SEQ);
      if (seq != served[i]) {
        if (seq != served[i] + 1) {
          throw new MalformedException(
              "sequence out of order: slot=" + i + ", seq=" + seq + ", last=" + served[i]);
        }
        served[i] = seq;
        serve(i, seq);
        any = true;
      }
    }
    return any;
  }

  private void serve(int slot, int seq) {
    long at = RegionLayout.slot(slot);
    files.request.load(region.memory, at + RegionLayout.REQUEST);
    int result = files.handle(RegionLayout.payload(slot));
    long reply = at + RegionLayout.REPLY;
    MemorySegment m = region.memory;
    Memory.setInt(m, reply + Protocol.RESULT, result);
    Memory.setInt(m, reply + Protocol.NODE, files.node);
    Memory.setInt(m, reply + Protocol.OPEN, files.open);
    Memory.setInt(m, reply + Protocol.BITS, files.donated >= 0 ? Protocol.HAS_FD : 0);
    Memory.setInt(m, reply + Protocol.ERROR, files.walkError);
    Memory.setInt(m, reply + Protocol.REPLY_PAYLOAD, files.replyPayload);
    if (files.hasAttributes) {
      files.ids.toGuest(files.stat);
      NodeAttr.store(files.stat, m, reply + Protocol.ATTR);
    }
    if (files.donated >= 0) {
      replyWithFd(slot, seq, reply, at + RegionLayout.CLIENT_ASLEEP);
      return;
    }
    region.setRelease(reply + Protocol.SEQ, seq);
    VarHandle.fullFence();
    // The word is taken before the message is sent: a caller that finds it taken knows that there
    // is
    // exactly one message to come.
    int mark = RegionLayout.sleepMark(seq);
    if (region.getAcquire(at + RegionLayout.CLIENT_ASLEEP) == mark
        && region.take(at + RegionLayout.CLIENT_ASLEEP, mark)) {
      ring(slot, seq, -1);
    }
  }

  /**
   * The message with the descriptor wakes the caller up as well, so its word is left alone: one
   * message, not two. A caller that spins shall find the message there when it sees the reply; one
   * that sleeps shall find the reply when the message wakes it.
   */
  private void replyWithFd(int slot, int seq, long reply, long asleep) {
    boolean isAsleep = region.getAcquire(asleep) == RegionLayout.sleepMark(seq);
    if (isAsleep) {
      region.setRelease(reply + Protocol.SEQ, seq);
    }
    ring(slot, seq, files.donated);
    if (!files.keepsDonated) {
      Unistd.close(files.donated);
    }
    if (!isAsleep) {
      region.setRelease(reply + Protocol.SEQ, seq);
    }
  }

  /** Sends the slot's caller a message, with a descriptor if there is one. */
  private void ring(int slot, int seq, int fd) {
    while (sockets[slot] < 0 && isConnected) {
      // Sent before the slot was first used, so it is there.
      if (!receiveControl(Socket.MSG_DONTWAIT)) {
        throw new MalformedException("slot without a socket: slot=" + slot);
      }
    }
    if (!isConnected) {
      return;
    }
    Memory.setInt(message, 0, Protocol.WAKE);
    Memory.setInt(message, 4, seq);
    long r;
    do {
      r =
          fd < 0
              ? Socket.send(sockets[slot], message, 8, Socket.MSG_NOSIGNAL)
              : Socket.sendFds(sockets[slot], message, 8, Socket.MSG_NOSIGNAL, fd);
    } while (r == -Errno.EINTR);
    if (r < 0) {
      isConnected = false; // the sentry has closed its end
    }
  }

  /** Takes one message from the control socket. Returns whether there was one, or the end. */
  private boolean receiveControl(int flags) {
    long n = Socket.recvFds(control, message, 8, flags, received);
    if (n == -Errno.EINTR || n == -Errno.EAGAIN) {
      return n == -Errno.EINTR;
    }
    if (n <= 0) {
      isConnected = false;
      return true;
    }
    int kind = n < 8 ? 0 : Memory.getInt(message, 0);
    int argument = n < 8 ? 0 : Memory.getInt(message, 4);
    boolean isSocket =
        kind == Protocol.SLOT_SOCKET
            && argument >= 0
            && argument < RegionLayout.SLOTS
            && sockets[argument] < 0
            && received[0] >= 0;
    if (isSocket) {
      sockets[argument] = received[0];
      return true;
    }
    if (kind != Protocol.DOORBELL || received[0] >= 0) {
      Unistd.close(received[0]);
      throw new MalformedException("unknown message: bytes=" + n + ", kind=" + kind);
    }
    return true;
  }
}
