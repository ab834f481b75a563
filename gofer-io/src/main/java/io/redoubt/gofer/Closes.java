package io.redoubt.gofer;

import io.redoubt.host.Errno;
import java.lang.foreign.MemorySegment;

/** Fids that are closed, many at a time. */
final class Closes {
  /** Closes gathered before they are sent together. */
  private static final int CLOSE_BATCH = 64;

  private final Calls calls;
  private final MemorySegment memory;

  /** Fids to be closed; guarded by itself. */
  private final int[] closing = new int[CLOSE_BATCH];

  private int closingCount;

  Closes(Calls calls) {
    this.calls = calls;
    this.memory = calls.memory;
  }

  /** Closes several at once; those not known are skipped. Returns 0 or -EIO. */
  int many(int[] fids, int count) {
    for (int from = 0; from < count; from += Calls.CHUNK / 4) {
      int n = Math.min(count - from, Calls.CHUNK / 4);
      Connection.Slot slot = calls.begin(Op.CLOSE, 0);
      if (slot == null) {
        return -Errno.EIO;
      }
      try {
        Calls.setInts(fids, from, memory, slot.payload, n);
        calls.setLong(slot, Protocol.LENGTH, n);
        calls.setInt(slot, Protocol.PAYLOAD, 4 * n);
        int r = calls.finish(slot, n);
        if (r < 0) {
          return r;
        }
      } finally {
        calls.release(slot);
      }
    }
    return 0;
  }

  /**
   * Closes a fid some time later, together with others. Not for the last fid of a file that was
   * removed: its space would stay in use.
   */
  void later(int fid) {
    int[] full = null;
    synchronized (closing) {
      closing[closingCount++] = fid;
      if (closingCount == CLOSE_BATCH) {
        full = closing.clone();
        closingCount = 0;
      }
    }
    if (full != null) {
      many(full, full.length);
    }
  }

  /** Sends what {@link #later} has gathered. */
  void flush() {
    int[] some;
    int n;
    synchronized (closing) {
      some = closing.clone();
      n = closingCount;
      closingCount = 0;
    }
    many(some, n);
  }
}
