package io.redoubt.sentry.ipc;

import io.redoubt.sentry.kernel.UserBuffer;
import java.lang.foreign.MemorySegment;

/**
 * A buffer of the sentry's own that stands for a guest's while bytes go from one file to another.
 */
public final class CopyBuffer implements AutoCloseable {
  private static final int BYTES = 256 * 1024;

  private final MemorySegment memory = BufferPool.take(BYTES);
  private final LocalMemory local = new LocalMemory(memory);

  /** False when the sandbox has used up its buffers. */
  public boolean isThere() {
    return memory != null;
  }

  /** The first {@code length} bytes, or all if that is less, as a guest's buffer. */
  public UserBuffer of(long length) {
    return UserBuffer.of(local, 0, Math.min(length, BYTES));
  }

  @Override
  public void close() {
    if (memory != null) {
      BufferPool.give(memory);
    }
  }
}
