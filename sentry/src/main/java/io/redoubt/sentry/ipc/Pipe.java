package io.redoubt.sentry.ipc;

import static io.redoubt.host.Errno.EAGAIN;
import static io.redoubt.host.Errno.EBUSY;
import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.ENOMEM;
import static io.redoubt.host.Errno.EPERM;
import static io.redoubt.host.Errno.EPIPE;

import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.UserBuffer;
import io.redoubt.sentry.kernel.WaitQueue;
import java.util.ArrayDeque;

/**
 * A pipe or the inside of an open FIFO (pipe(7)).
 *
 * <p>Linux counts capacity in pages; here it is bytes, with the same total. A pipe is writable for poll when PIPE_BUF bytes are
 * free, which is when Linux has a free page. Lock: its own monitor.
 */
public final class Pipe {
  /** Writes of up to this many bytes are atomic. */
  static final int PIPE_BUF = 4096;

  private static final int DEFAULT_CAPACITY = 65536;
  private static final int MAX_CAPACITY = 1 << 20; // /proc/sys/fs/pipe-max-size
  private static final int SIGPIPE = 13;

  /** One write in packet mode: ring positions. */
  private record Packet(long start, long end) {}

  /** Told of every change of readiness, for both ends. */
  final WaitQueue queue = new WaitQueue();

  /** Told when an end is opened: blocked opens of a FIFO. */
  final WaitQueue openQueue = new WaitQueue();

  // All below guarded by this.
  private final RingBuffer ring = new RingBuffer(DEFAULT_CAPACITY);
  private ArrayDeque<Packet> packets; // null: never in packet mode
  private int readers;
  private int writers;
  private int readerOpens; // how often each end was ever opened
  private int writerOpens;
  private boolean dataLent;
  private boolean spaceLent;
  private boolean dead;

  /** Counts a new open end. @return false when every end was closed before: the caller makes a new pipe */
  synchronized boolean open(boolean reader, boolean writer) {
    if (dead) {
      return false;
    }
    if (reader) {
      readers++;
      readerOpens++;
    }
    if (writer) {
      writers++;
      writerOpens++;
    }
    openQueue.wake(PollEvents.IN);
    return true;
  }

  /** Uncounts an open end. */
  void close(boolean reader, boolean writer) {
    int events = 0;
    synchronized (this) {
      if (reader && --readers == 0) {
        events |= PollEvents.WRITABLE | PollEvents.ERR;
      }
      if (writer && --writers == 0) {
        events |= PollEvents.READABLE | PollEvents.HUP;
      }
      if (readers == 0 && writers == 0) {
        dead = true;
        ring.release();
      }
    }
    if (events != 0) {
      queue.wake(events);
    }
  }

  synchronized int readers() {
    return readers;
  }

  synchronized int writers() {
    return writers;
  }

  synchronized int readerOpens() {
    return readerOpens;
  }

  synchronized int writerOpens() {
    return writerOpens;
  }

  /** Bytes to read. */
  synchronized int size() {
    return ring.size();
  }

  synchronized int capacity() {
    return ring.capacity();
  }

  /** read(2). @return bytes, 0 at the end, -EAGAIN, -EFAULT */
  long read(UserBuffer dst) {
    if (dst.remaining() == 0) {
      return 0;
    }
    boolean wasFull;
    long n;
    synchronized (this) {
      if (dataLent) {
        return -EAGAIN;
      }
      if (ring.size() == 0) {
        return writers == 0 ? 0 : -EAGAIN;
      }
      wasFull = isFull();
      Packet first = packets == null ? null : packets.peek();
      if (first == null) {
        n = ring.drain(dst, Long.MAX_VALUE);
      } else if (first.start > ring.head()) {
        n = ring.drain(dst, first.start - ring.head());
      } else {
        n = ring.peek(dst, 0, first.end - first.start);
        if (n > 0) {
          // What did not fit is lost: pipe2(2) on O_DIRECT.
          ring.consume(first.end - first.start);
          packets.poll();
        }
      }
    }
    if (n > 0 && wasFull) {
      queue.wake(PollEvents.WRITABLE);
    }
    return n;
  }

  /**
   * write(2): all of up to PIPE_BUF bytes or nothing, part of more.
   *
   * @return bytes, -EAGAIN, -EFAULT, or -EPIPE after SIGPIPE
   */
  long write(Syscall c, UserBuffer src, boolean packetMode) {
    long want = src.remaining();
    if (want == 0) {
      return 0;
    }
    long n;
    synchronized (this) {
      n = readers == 0 ? -EPIPE : put(src, want, packetMode);
    }
    if (n > 0) {
      queue.wake(PollEvents.READABLE);
    } else if (n == -EPIPE) {
      c.task.sendSignal(SIGPIPE);
    }
    return n;
  }

  private long put(UserBuffer src, long want, boolean packetMode) {
    int free = ring.free();
    if (spaceLent || free < Math.min(want, PIPE_BUF) && (want <= PIPE_BUF || free == 0)) {
      return -EAGAIN;
    }
    if (!ring.reserve()) {
      return -ENOMEM;
    }
    if (!packetMode) {
      return ring.fill(src, want);
    }
    if (packets == null) {
      packets = new ArrayDeque<>();
    }
    if (packets.size() >= ring.capacity() / PIPE_BUF) {
      return -EAGAIN;
    }
    long n = ring.fill(src, Math.min(want, PIPE_BUF));
    if (n > 0) {
      packets.add(new Packet(ring.tail() - n, ring.tail()));
    }
    return n;
  }

  private boolean isFull() {
    return ring.free() < PIPE_BUF || (packets != null && packets.size() >= ring.capacity() / PIPE_BUF);
  }

  /**
   * poll(2) of an end.
   *
   * @param ignoredOpens the value of {@link #writerOpens} at which a reader does not yet see a hang-up
   */
  synchronized int poll(boolean reader, boolean writer, int ignoredOpens) {
    int ready = 0;
    if (reader) {
      if (ring.size() > 0) {
        ready |= PollEvents.READABLE;
      }
      if (writers == 0 && writerOpens != ignoredOpens) {
        ready |= PollEvents.HUP;
      }
    }
    if (writer) {
      if (!isFull()) {
        ready |= PollEvents.WRITABLE;
      }
      if (readers == 0) {
        ready |= PollEvents.ERR;
      }
    }
    return ready;
  }

  /** fcntl(F_SETPIPE_SZ). @return the new capacity, or -EINVAL, -EPERM, -EBUSY, -ENOMEM */
  long resize(long bytes) {
    long want = bytes & 0xffffffffL;
    if (want > 1L << 31) {
      return -EINVAL;
    }
    if (want > MAX_CAPACITY) {
      return -EPERM;
    }
    int size = PIPE_BUF;
    while (size < want) {
      size <<= 1;
    }
    synchronized (this) {
      if (size < ring.size() || dataLent || spaceLent) {
        return -EBUSY;
      }
      if (packets != null && !packets.isEmpty()) {
        return size == ring.capacity() ? size : -EBUSY; // the marks are ring positions
      }
      if (size != ring.capacity() && !ring.resize(size)) {
        return -ENOMEM;
      }
    }
    queue.wake(PollEvents.WRITABLE);
    return size;
  }

  // ---- lending for splice(2) and tee(2): other readers (writers) see an empty (full) pipe meanwhile ----

  /** Lends up to {@code max} bytes of data; end with {@link #takeBack}. @return null when there are none (now) */
  synchronized UserBuffer lendData(long max) {
    if (dataLent || ring.size() == 0) {
      return null;
    }
    dataLent = true;
    return ring.data(max);
  }

  /** Ends {@link #lendData}; {@code consumed} bytes are gone. */
  void takeBack(long consumed) {
    int events = PollEvents.READABLE;
    synchronized (this) {
      dataLent = false;
      boolean wasFull = isFull();
      ring.consumed(consumed);
      if (consumed > 0) {
        while (packets != null
            && !packets.isEmpty()
            && (ring.size() == 0 || packets.peek().start < ring.head())) {
          packets.poll();
        }
        events |= wasFull ? PollEvents.WRITABLE : 0;
      }
    }
    queue.wake(events);
  }

  /** Lends up to {@code max} bytes of free space; end with {@link #takeFilled}. @return null when there is none (now) */
  synchronized UserBuffer lendSpace(long max) {
    if (spaceLent || ring.free() == 0 || !ring.reserve()) {
      return null;
    }
    spaceLent = true;
    return ring.space(max);
  }

  /** Ends {@link #lendSpace}; {@code filled} bytes were written. */
  void takeFilled(long filled) {
    int events = PollEvents.WRITABLE;
    synchronized (this) {
      spaceLent = false;
      ring.produced(filled);
      if (filled > 0) {
        events |= PollEvents.READABLE;
      }
    }
    queue.wake(events);
  }
}
