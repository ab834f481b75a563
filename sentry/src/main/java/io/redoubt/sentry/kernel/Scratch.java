package io.redoubt.sentry.kernel;

import io.redoubt.gofer.NodeAttr;
import io.redoubt.gofer.Opened;
import io.redoubt.host.Mman;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.Walk;
import java.lang.foreign.MemorySegment;

/**
 * Native buffers of one sentry thread, so that a call allocates nothing.
 *
 * <p>{@link #small} is for structs and paths; handlers may use it freely but nothing that they call
 * may expect it to be kept. {@link #bulk} is for file data.
 */
public final class Scratch {
  /** Size of {@link #small}: a path and some structs. */
  public static final int SMALL_BYTES = 16 * 1024;

  /** Size of {@link #bulk}; its pages are there once they are used. */
  public static final int BULK_BYTES = 1024 * 1024;

  private static final int PAGE_BYTES = 4096;

  public final MemorySegment small;
  public final MemorySegment bulk;

  /**
   * Path walks of a call: the first for most, both for rename and link. {@link Walk#end} after use.
   */
  public final Walk walk = new Walk();

  public final Walk secondWalk = new Walk();

  /** Answers of the gofer, used at once. */
  public final NodeAttr attr = new NodeAttr();

  public final Opened opened = new Opened();
  public final io.redoubt.gofer.Walk goferWalk = new io.redoubt.gofer.Walk();

  /** Attributes that are asked for and used at once. */
  public final Stat stat = new Stat();

  /** For single values. */
  final MemorySegment word;

  /** For the answer of a notification. */
  final MemorySegment response;

  public Scratch() {
    MemorySegment all = Mman.anonymous(PAGE_BYTES + SMALL_BYTES + BULK_BYTES);
    word = all.asSlice(0, 16);
    response = all.asSlice(64, 64);
    small = all.asSlice(PAGE_BYTES, SMALL_BYTES);
    bulk = all.asSlice(PAGE_BYTES + SMALL_BYTES, BULK_BYTES);
  }
}
