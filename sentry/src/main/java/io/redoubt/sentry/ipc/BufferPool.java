package io.redoubt.sentry.ipc;

import io.redoubt.host.Mman;
import io.redoubt.sentry.limits.Limit;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.HashMap;

/**
 * Native memory for the buffers of pipes and sockets: taken when the first byte is written, given
 * back when the object is gone.
 *
 * <p>Sizes are powers of two, at least a page. Up to {@link #KEPT_BYTES} of what was given back is
 * kept for the next one, so that a shell that makes a pipe per command maps nothing; the rest goes
 * back to the host. The sum of what is out is bounded: a guest cannot make the sentry grow without
 * end. Lock: its own monitor, below that of the object that buys.
 */
public final class BufferPool {
  private static final long KEPT_BYTES = 4L << 20;

  private static final BufferPool SHARED = new BufferPool();

  private final HashMap<Integer, ArrayDeque<MemorySegment>> kept = new HashMap<>();
  private long keptBytes;

  private BufferPool() {}

  /**
   * Buffers of {@code size} bytes, a power of two. @return a segment with undefined content, or
   * null when there is no more
   */
  static MemorySegment take(int size) {
    return SHARED.acquire(size);
  }

  /** Takes a buffer back; nobody may use it any more. */
  static void give(MemorySegment buffer) {
    SHARED.release(buffer);
  }

  private synchronized MemorySegment acquire(int size) {
    if (!Limit.BUFFER_BYTES.charge(size)) {
      return null;
    }
    ArrayDeque<MemorySegment> list = kept.get(size);
    MemorySegment s = list == null ? null : list.poll();
    if (s != null) {
      keptBytes -= size;
    } else {
      long address =
          Mman.mmap(
              0,
              size,
              Mman.PROT_READ | Mman.PROT_WRITE,
              Mman.MAP_PRIVATE | Mman.MAP_ANONYMOUS | Mman.MAP_NORESERVE,
              -1,
              0);
      if (address < 0) {
        Limit.BUFFER_BYTES.release(size);
        return null;
      }
      s = Mman.segment(address, size);
    }
    return s;
  }

  private synchronized void release(MemorySegment buffer) {
    int size = (int) buffer.byteSize();
    Limit.BUFFER_BYTES.release(size);
    if (keptBytes + size > KEPT_BYTES) {
      Mman.munmap(buffer.address(), size);
      return;
    }
    keptBytes += size;
    kept.computeIfAbsent(size, n -> new ArrayDeque<>()).push(buffer);
  }

  /** Bytes that are out, for tests that look for leaks. */
  static long outstanding() {
    return Limit.BUFFER_BYTES.used();
  }
}
