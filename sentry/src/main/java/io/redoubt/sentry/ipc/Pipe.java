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

/** A pipe or the inside of an open FIFO (pipe(7)). Lock: its own monitor. */
public final class Pipe {
  private static final int DEFAULT_SLOTS = 16;
  private static final int MAX_SLOTS = 256; // 1 MiB: /proc/sys/fs/pipe-max-size
  private static final int SIGPIPE = 13;

  /** Told of every change of readiness, for both ends. */
  final WaitQueue queue = new WaitQueue();

  /** Told when an end is opened: blocked opens of a FIFO. */
  final WaitQueue openQueue = new WaitQueue();

  // All below guarded by this.
  private final PipeBuffer buffer = new PipeBuffer(DEFAULT_SLOTS);
  private int readers;
  private int writers;
  private int readerOpens; // how often each end was ever opened
  private int writerOpens;
  private boolean dataLent;
  private boolean spaceLent;
  private boolean dead;

  /**
   * Counts a new open end. @return false when every end was closed before: the caller makes a new
   * pipe
   */
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
        buffer.release();
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
    return buffer.size();
  }

  synchronized int capacity() {
    return buffer.slots() * PipeBuffer.PAGE;
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
      if (buffer.isEmpty()) {
        return writers == 0 ? 0 : -EAGAIN;
      }
      wasFull = buffer.isFull();
      n = buffer.take(dst);
      wasFull &= !buffer.isFull();
    }
    if (wasFull) {
      queue.wake(PollEvents.WRITABLE);
    }
    return n;
  }

  /**
   * write(2).
   *
   * @return bytes, perhaps fewer than asked for if that was more than a page; -EAGAIN, -EFAULT,
   *     -ENOMEM, or -EPIPE after SIGPIPE
   */
  long write(Syscall c, UserBuffer src, boolean packetMode) {
    if (src.remaining() == 0) {
      return 0;
    }
    long n;
    synchronized (this) {
      n = readers == 0 ? -EPIPE : spaceLent ? -EAGAIN : buffer.put(src, packetMode);
    }
    if (n > 0) {
      // Also when there was something before: edge-triggered readers want to hear of every write,
      // and hear of it on Linux.
      queue.wake(PollEvents.READABLE);
    } else if (n == -EPIPE) {
      c.task.sendSignal(SIGPIPE);
    }
    return n;
  }

  /**
   * poll(2) of an end.
   *
   * @param ignoredOpens the value of {@link #writerOpens} at which a reader does not yet see a
   *     hang-up
   */
  synchronized int poll(boolean reader, boolean writer, int ignoredOpens) {
    int ready = 0;
    if (reader) {
      if (!buffer.isEmpty()) {
        ready |= PollEvents.READABLE;
      }
      if (writers == 0 && writerOpens != ignoredOpens) {
        ready |= PollEvents.HUP;
      }
    }
    if (writer) {
      if (!buffer.isFull()) {
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
    if (want > (long) MAX_SLOTS * PipeBuffer.PAGE) {
      return -EPERM;
    }
    int slots = 1;
    while ((long) slots * PipeBuffer.PAGE < want) {
      slots <<= 1;
    }
    synchronized (this) {
      if (slots < buffer.used() || dataLent || spaceLent) {
        return -EBUSY;
      }
      if (slots != buffer.slots() && !buffer.resize(slots)) {
        return -ENOMEM;
      }
    }
    queue.wake(PollEvents.WRITABLE);
    return (long) slots * PipeBuffer.PAGE;
  }

  /** Whether a read would say that this is the end. */
  public synchronized boolean isAtEnd() {
    return buffer.isEmpty() && writers == 0;
  }

  /** Whether a write would fail for want of a reader. */
  public synchronized boolean isBroken() {
    return readers == 0;
  }

  // ---- lending for splice(2) and tee(2): other readers (writers) see an empty (full) pipe
  // meanwhile ----

  /**
   * Lends up to {@code max} bytes of data; end with {@link #takeBack}. @return null when there are
   * none (now)
   */
  public synchronized UserBuffer lendData(long max) {
    if (dataLent || buffer.isEmpty()) {
      return null;
    }
    dataLent = true;
    return buffer.lendData(max);
  }

  /** Ends {@link #lendData}; {@code consumed} bytes are gone. */
  public void takeBack(long consumed) {
    int events;
    synchronized (this) {
      dataLent = false;
      boolean wasFull = buffer.isFull();
      buffer.endData(consumed);
      events = buffer.isEmpty() ? 0 : PollEvents.READABLE;
      events |= wasFull && !buffer.isFull() ? PollEvents.WRITABLE : 0;
    }
    queue.wake(events);
  }

  /**
   * Lends up to {@code max} bytes of free space; end with {@link #takeFilled}. @return null when
   * there is none (now)
   */
  public synchronized UserBuffer lendSpace(long max) {
    if (spaceLent || buffer.isFull()) {
      return null;
    }
    UserBuffer space = buffer.lendSpace(max);
    spaceLent = space != null;
    return space;
  }

  /** Ends {@link #lendSpace}; {@code filled} bytes were written. */
  public void takeFilled(long filled) {
    int events;
    synchronized (this) {
      spaceLent = false;
      buffer.endSpace(filled);
      events = buffer.isFull() ? 0 : PollEvents.WRITABLE;
      events |= filled > 0 ? PollEvents.READABLE : 0;
    }
    queue.wake(events);
  }
}
