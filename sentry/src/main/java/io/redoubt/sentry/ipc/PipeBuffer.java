package io.redoubt.sentry.ipc;

import static io.redoubt.host.Errno.EAGAIN;
import static io.redoubt.host.Errno.ENOMEM;

import io.redoubt.sentry.kernel.UserBuffer;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The content of a pipe, in slots of one page as in fs/pipe.c, because what fits is visible: room
 * comes back by whole slots, a write goes into the last slot only if it fits there whole, a packet
 * has a slot for itself.
 *
 * <pre>
 *   slot     tail                head            free-running; index = position and (slots - 1); slot i is page i
 *   +------+----------+--------+------+------+
 *   | free | ..abcdef | ghijkl | free | free |   each used slot: offset and length of its bytes
 *   +------+----------+--------+------+------+
 * </pre>
 *
 * Slots that follow each other and are full are copied to and from the guest in one go. Memory is
 * taken with the first byte, and an empty pipe starts again at slot 0, so small messages keep to
 * one page. Not thread-safe: the pipe's lock guards it.
 */
final class PipeBuffer {
  static final int PAGE = 4096;

  private int slots;
  private MemorySegment memory; // null: nothing was written yet
  private short[] offsets;
  private short[] lengths;
  private boolean[] packets; // a slot that ends a read: pipe2(2) on O_DIRECT
  private int tail; // first used slot
  private int head; // first free one
  private int size; // bytes in all
  private int pins; // parts that are lent: positions must stay

  PipeBuffer(int slots) {
    this.slots = slots;
    offsets = new short[slots];
    lengths = new short[slots];
    packets = new boolean[slots];
  }

  int slots() {
    return slots;
  }

  int size() {
    return size;
  }

  boolean isEmpty() {
    return head == tail;
  }

  boolean isFull() {
    return head - tail >= slots;
  }

  private int index(int slot) {
    return slot & (slots - 1);
  }

  /** Gives the memory and what is in it back. */
  void release() {
    if (memory != null) {
      BufferPool.give(memory);
      memory = null;
    }
    head = tail = size = 0;
  }

  /**
   * Moves bytes from the guest into the pipe: all of up to a page, or what fits.
   *
   * @return bytes, -EAGAIN when nothing fits, -EFAULT, -ENOMEM
   */
  long put(UserBuffer src, boolean packet) {
    if (memory == null) {
      memory = BufferPool.take(slots * PAGE);
      if (memory == null) {
        return -ENOMEM;
      }
    }
    long done = 0;
    int odd = (int) (src.remaining() & (PAGE - 1));
    if (odd != 0 && head != tail) {
      int last = index(head - 1);
      int end = offsets[last] + lengths[last];
      if (!packets[last] && end + odd <= PAGE) {
        long n = src.copyIn(memory, (long) last * PAGE + end, odd);
        if (n < 0) {
          return n;
        }
        lengths[last] += (short) n;
        size += (int) n;
        if (n < odd || src.remaining() == 0) {
          return n;
        }
        done = n;
      }
    }
    while (src.remaining() > 0 && !isFull()) {
      int first = index(head);
      int run = packet ? 1 : Math.min(slots - (head - tail), slots - first);
      long want = Math.min(src.remaining(), (long) run * PAGE);
      long n = src.copyIn(memory, (long) first * PAGE, want);
      if (n < 0) {
        return done > 0 ? done : n;
      }
      append((int) n, packet);
      done += n;
      if (n < want) {
        return done;
      }
    }
    return done > 0 ? done : -EAGAIN;
  }

  /** Counts {@code n} bytes that were written from the first free slot on. */
  private void append(int n, boolean packet) {
    for (int left = n; left > 0; left -= PAGE) {
      int i = index(head++);
      offsets[i] = 0;
      lengths[i] = (short) Math.min(left, PAGE);
      packets[i] = packet;
    }
    size += n;
  }

  /** Moves bytes to the guest, up to the end of a packet. @return bytes or -EFAULT */
  long take(UserBuffer dst) {
    long done = 0;
    while (head != tail && dst.remaining() > 0) {
      int i = index(tail);
      if (packets[i]) {
        long n = dst.copyOut(memory, (long) i * PAGE + offsets[i], lengths[i]);
        if (n < 0) {
          return done > 0 ? done : n;
        }
        // What did not fit is lost.
        drop(lengths[i]);
        return done + n;
      }
      long want = Math.min(run(tail), dst.remaining());
      long n = dst.copyOut(memory, (long) i * PAGE + offsets[i], want);
      if (n < 0) {
        return done > 0 ? done : n;
      }
      drop(n);
      done += n;
      if (n < want) {
        return done;
      }
    }
    return done;
  }

  /** Bytes from {@code slot} on that lie side by side in memory and are not packets. */
  private long run(int slot) {
    int i = index(slot);
    long n = lengths[i];
    while (offsets[i] + lengths[i] == PAGE
        && i + 1 < slots
        && ++slot != head
        && offsets[i + 1] == 0
        && !packets[i + 1]) {
      n += lengths[++i];
    }
    return n;
  }

  /** Takes {@code n} bytes from the first slots away. */
  private void drop(long n) {
    size -= (int) n;
    while (n > 0) {
      int i = index(tail);
      long part = Math.min(n, lengths[i]);
      offsets[i] += (short) part;
      lengths[i] -= (short) part;
      n -= part;
      if (lengths[i] == 0) {
        tail++;
      }
    }
    if (head == tail && pins == 0) {
      head = tail = 0;
    }
  }

  /**
   * Changes the number of slots, to at least those in use. @return false when there is no memory
   */
  boolean resize(int newSlots) {
    MemorySegment to = null;
    if (memory != null) {
      to = BufferPool.take(newSlots * PAGE);
      if (to == null) {
        return false;
      }
    }
    short[] newOffsets = new short[newSlots];
    short[] newLengths = new short[newSlots];
    boolean[] newPackets = new boolean[newSlots];
    int used = head - tail;
    for (int k = 0; k < used; k++) {
      int i = index(tail + k);
      newOffsets[k] = offsets[i];
      newLengths[k] = lengths[i];
      newPackets[k] = packets[i];
      MemorySegment.copy(
          memory, (long) i * PAGE + offsets[i], to, (long) k * PAGE + offsets[i], lengths[i]);
    }
    if (memory != null) {
      BufferPool.give(memory);
    }
    memory = to;
    slots = newSlots;
    offsets = newOffsets;
    lengths = newLengths;
    packets = newPackets;
    tail = 0;
    head = used;
    return true;
  }

  /** Slots in use. */
  int used() {
    return head - tail;
  }

  // ---- lending, for splice(2): the bytes stay where they are while another file reads or writes
  // them ----

  /** Up to {@code max} bytes of content as if they were a guest's buffer. */
  UserBuffer lendData(long max) {
    pins++;
    long[] pairs = new long[2 * (head - tail)];
    int n = 0;
    for (int slot = tail; slot != head && max > 0; slot++) {
      int i = index(slot);
      pairs[n++] = (long) i * PAGE + offsets[i];
      pairs[n++] = Math.min(max, lengths[i]);
      max -= lengths[i];
    }
    return UserBuffer.of(new LocalMemory(memory), Arrays.copyOf(pairs, n));
  }

  /** {@link #lendData} is back; {@code n} bytes are done with. */
  void endData(long n) {
    pins--;
    drop(n);
  }

  /**
   * Up to {@code max} bytes of free slots that lie side by side, as if they were a guest's buffer;
   * null without memory.
   */
  UserBuffer lendSpace(long max) {
    if (memory == null) {
      memory = BufferPool.take(slots * PAGE);
      if (memory == null) {
        return null;
      }
    }
    pins++;
    int first = index(head);
    int run = Math.min(slots - (head - tail), slots - first);
    return UserBuffer.of(
        new LocalMemory(memory), (long) first * PAGE, Math.min(max, (long) run * PAGE));
  }

  /** {@link #lendSpace} is back; {@code n} bytes of it have been written. */
  void endSpace(long n) {
    pins--;
    append((int) n, false);
    if (head == tail && pins == 0) {
      head = tail = 0;
    }
  }
}
