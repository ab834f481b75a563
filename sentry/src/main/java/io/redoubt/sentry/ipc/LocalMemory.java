package io.redoubt.sentry.ipc;

import io.redoubt.sentry.kernel.GuestMemory;
import java.lang.foreign.MemorySegment;

/** Sentry memory where guest memory is expected: addresses are offsets into a segment. */
public final class LocalMemory extends GuestMemory {
  private final MemorySegment memory;

  public LocalMemory(MemorySegment memory) {
    this.memory = memory;
  }

  @Override
  public long copyIn(long address, MemorySegment local, long offset, long length) {
    MemorySegment.copy(memory, address, local, offset, length);
    return length;
  }

  @Override
  public long copyOut(long address, MemorySegment local, long offset, long length) {
    MemorySegment.copy(local, offset, memory, address, length);
    return length;
  }
}
