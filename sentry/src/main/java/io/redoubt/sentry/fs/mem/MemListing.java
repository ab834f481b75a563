package io.redoubt.sentry.fs.mem;

import io.redoubt.sentry.fs.DirSink;
import io.redoubt.sentry.fs.gofer.DirSnapshot;
import io.redoubt.sentry.kernel.Syscall;

/**
 * One reading of a directory: first the names that are here, then those of the lower directory that
 * are not hidden.
 *
 * <p>It ends with the youngest entry that was there when it began: a program that renames what it
 * reads would never come to an end otherwise (tmpfs does so since Linux 6.11). The lower names are
 * asked for once. A lower node that is changed while the listing goes on stays where the lower
 * listing has it, so that it comes once.
 */
final class MemListing implements AutoCloseable {
  /** Positions from here on are those of the lower listing. */
  private static final long LOWER = 1L << 40;

  private final MemDir dir;
  private long last;
  private DirSnapshot lower;
  private boolean began;

  MemListing(MemDir dir) {
    this.dir = dir;
  }

  /** As {@link io.redoubt.sentry.fs.Inode#readdir}. */
  int list(Syscall c, long position, DirSink sink) {
    if (position == 0 || !began) {
      int[] error = new int[1];
      last = dir.lastCookie();
      close();
      lower = dir.listLower(c, error);
      if (error[0] < 0) {
        return error[0];
      }
      began = true;
    }
    if (position < LOWER && !dir.list(position, last, sink)) {
      return 0;
    }
    if (lower == null) {
      return 0;
    }
    for (long i = Math.max(0, position - LOWER); i < lower.count(); i++) {
      int at = (int) i;
      if (dir.showsLower(lower.name(at))
          && !sink.add(lower.name(at), lower.ino(at), lower.type(at), LOWER + i + 1)) {
        return 0;
      }
    }
    return 0;
  }

  /** Gives back what is kept. */
  @Override
  public void close() {
    if (lower != null) {
      lower.close();
      lower = null;
    }
  }
}
