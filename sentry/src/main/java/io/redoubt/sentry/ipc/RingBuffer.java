package io.redoubt.sentry.ipc;

import static io.redoubt.host.Errno.EAGAIN;
import static io.redoubt.host.Errno.ENOBUFS;

import io.redoubt.sentry.kernel.UserBuffer;
import java.lang.foreign.MemorySegment;

/**
 * A byte queue in native memory, copied to and from guests without a stop in between.
 *
 * <pre>
 *          head              tail                 free-running; index = position and (capacity - 1)
 *   +-------+=================+-------------+
 *   | free  |      data       |    free     |
 *   +-------+=================+-------------+
 * </pre>
 *
 * Memory is taken with the first byte, grows by doubling, and goes back when the queue is empty and
 * had grown much; otherwise an empty queue starts at its first page again, so small messages keep
 * to that. Not thread-safe: the owner's lock guards it.
 */
public final class RingBuffer {
  private static final int FIRST_CAPACITY = 4096;
  private static final int KEPT_CAPACITY = 64 * 1024;

  private final int maxCapacity;
  private MemorySegment memory; // null: nothing was written yet
  private int capacity;
  private long head;
  private long tail;

  /**
   * @param maxCapacity bytes, a power of two, at least a page
   */
  public RingBuffer(int maxCapacity) {
    this.maxCapacity = maxCapacity;
  }

  /** Bytes in the queue. */
  public int size() {
    return (int) (tail - head);
  }

  /**
   * Makes room for {@code n} more bytes. @return 0, -EAGAIN when they do not fit, -ENOBUFS without
   * memory
   */
  public int reserve(long n) {
    long need = size() + n;
    if (memory != null && need <= capacity) {
      return 0;
    }
    if (need > maxCapacity) {
      return -EAGAIN;
    }
    int bigger = Math.max(capacity, FIRST_CAPACITY);
    while (bigger < need) {
      bigger <<= 1;
    }
    MemorySegment to = BufferPool.take(bigger);
    if (to == null) {
      return -ENOBUFS;
    }
    if (memory != null) {
      int size = size();
      int at = (int) head & (capacity - 1);
      int first = Math.min(size, capacity - at);
      MemorySegment.copy(memory, at, to, 0, first);
      MemorySegment.copy(memory, 0, to, first, size - first);
      BufferPool.give(memory);
      head = 0;
      tail = size;
    }
    memory = to;
    capacity = bigger;
    return 0;
  }

  /** Gives the memory and what is in it back. */
  public void release() {
    if (memory != null) {
      BufferPool.give(memory);
      memory = null;
    }
    capacity = 0;
    head = tail = 0;
  }

  /**
   * Copies {@code n} bytes from the guest to the tail; {@link #reserve} has succeeded. @return
   * bytes or -EFAULT
   */
  public long fill(UserBuffer src, long n) {
    long done = 0;
    while (done < n) {
      int at = (int) tail & (capacity - 1);
      long want = Math.min(n - done, capacity - at);
      long m = src.copyIn(memory, at, want);
      if (m < 0) {
        return done > 0 ? done : m;
      }
      tail += m;
      done += m;
      if (m < want) {
        return done;
      }
    }
    return done;
  }

  /**
   * Copies up to {@code max} bytes from {@code offset} behind the head to the guest and leaves
   * them. @return bytes or -EFAULT
   */
  public long peek(UserBuffer dst, long offset, long max) {
    long want = Math.min(Math.min(dst.remaining(), max), size() - offset);
    long done = 0;
    while (done < want) {
      int at = (int) (head + offset + done) & (capacity - 1);
      long chunk = Math.min(want - done, capacity - at);
      long n = dst.copyOut(memory, at, chunk);
      if (n < 0) {
        return done > 0 ? done : n;
      }
      done += n;
      if (n < chunk) {
        return done;
      }
    }
    return done;
  }

  /** Drops {@code n} bytes from the head. */
  public void consume(long n) {
    head += n;
    if (head == tail) {
      head = tail = 0;
      if (capacity > KEPT_CAPACITY) {
        release();
      }
    }
  }

  /** Takes {@code n} bytes back from the tail: a message that could not be copied whole. */
  public void retract(long n) {
    tail -= n;
  }
}
