package io.redoubt.sentry.ipc;

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
 * Memory is taken with the first byte. When the queue runs empty both positions return to zero, so small messages keep to one
 * page. Not thread-safe: the owner's lock guards it.
 */
public final class RingBuffer {
  private int capacity;
  private MemorySegment memory; // null: nothing was written yet
  private long head;
  private long tail;

  /** @param capacity bytes, a power of two, at least a page */
  public RingBuffer(int capacity) {
    this.capacity = capacity;
  }

  public int capacity() {
    return capacity;
  }

  /** Bytes in the queue. */
  public int size() {
    return (int) (tail - head);
  }

  /** Bytes that can be written. */
  public int free() {
    return capacity - size();
  }

  /** Position of the first byte; meaningful for marks only while {@link #size()} is not 0. */
  public long head() {
    return head;
  }

  /** Position behind the last byte. */
  public long tail() {
    return tail;
  }

  /** Makes sure that there is memory. @return false when there is none to be had */
  public boolean reserve() {
    if (memory == null) {
      memory = BufferPool.take(capacity);
    }
    return memory != null;
  }

  /** Gives the memory and what is in it back. */
  public void release() {
    if (memory != null) {
      BufferPool.give(memory);
      memory = null;
    }
    head = tail = 0;
  }

  /** Copies up to {@code max} bytes from the guest to the tail; {@link #reserve} must have succeeded. @return bytes or -EFAULT */
  public long fill(UserBuffer src, long max) {
    long want = Math.min(Math.min(src.remaining(), max), free());
    long done = 0;
    while (done < want) {
      int at = (int) tail & (capacity - 1);
      long n = src.copyIn(memory, at, Math.min(want - done, capacity - at));
      if (n <= 0) {
        return done > 0 ? done : n;
      }
      tail += n;
      done += n;
    }
    return done;
  }

  /** Moves up to {@code max} bytes from the head to the guest. @return bytes or -EFAULT */
  public long drain(UserBuffer dst, long max) {
    long n = peek(dst, 0, max);
    if (n > 0) {
      consume(n);
    }
    return n;
  }

  /** Copies up to {@code max} bytes from {@code offset} behind the head and leaves them. @return bytes or -EFAULT */
  public long peek(UserBuffer dst, long offset, long max) {
    long want = Math.min(Math.min(dst.remaining(), max), size() - offset);
    long done = 0;
    while (done < want) {
      int at = (int) (head + offset + done) & (capacity - 1);
      long n = dst.copyOut(memory, at, Math.min(want - done, capacity - at));
      if (n <= 0) {
        return done > 0 ? done : n;
      }
      done += n;
    }
    return done;
  }

  /** Drops {@code n} bytes from the head. */
  public void consume(long n) {
    head += n;
    if (head == tail) {
      head = tail = 0;
    }
  }

  /** Takes {@code n} bytes back from the tail: a message that could not be copied whole. */
  public void retract(long n) {
    tail -= n;
  }

  /** Changes the capacity, to at least {@link #size()}. @return false when there is no memory */
  public boolean resize(int newCapacity) {
    if (memory == null) {
      capacity = newCapacity;
      return true;
    }
    MemorySegment to = BufferPool.take(newCapacity);
    if (to == null) {
      return false;
    }
    int n = size();
    int at = (int) head & (capacity - 1);
    int first = Math.min(n, capacity - at);
    MemorySegment.copy(memory, at, to, 0, first);
    MemorySegment.copy(memory, 0, to, first, n - first);
    BufferPool.give(memory);
    memory = to;
    capacity = newCapacity;
    head = 0;
    tail = n;
    return true;
  }
}
