package io.redoubt.sentry.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Native buffers of one sentry thread, so that a call allocates nothing.
 *
 * <p>{@link #small} is for structs and paths; handlers may use it freely but nothing that they call may expect it to be kept.
 * {@link #bulk} is for file data.
 */
public final class Scratch {
  /** Size of {@link #small}: a path and some structs. */
  public static final int SMALL_BYTES = 16 * 1024;

  /** Size of {@link #bulk}; touched lazily by the kernel. */
  public static final int BULK_BYTES = 1024 * 1024;

  public final MemorySegment small;
  public final MemorySegment bulk;

  /** For single values. */
  final MemorySegment word;

  /** For {@link GuestMemory}: one local and one remote iovec. */
  final MemorySegment iovecs;

  public Scratch() {
    Arena arena = Arena.global();
    small = arena.allocate(SMALL_BYTES, 64);
    bulk = arena.allocate(BULK_BYTES, 64);
    word = arena.allocate(16, 16);
    iovecs = arena.allocate(64, 16);
  }
}
