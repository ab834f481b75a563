package io.redoubt.sentry.fs.mem;

import io.redoubt.gofer.GoferClient;
import java.util.LinkedHashSet;

/**
 * Read-only host files that are kept open although nobody reads them just now, so that opening libc
 * once more asks nobody. The one that has been idle for longest goes first. Lock: its own monitor,
 * below that of a {@link LowerFile}.
 */
final class LowerFiles {
  private static final int MAX_IDLE = 1024;

  final GoferClient client;
  private final LinkedHashSet<LowerFile> idle = new LinkedHashSet<>();

  LowerFiles(GoferClient client) {
    this.client = client;
  }

  /** {@code f} has no user any more. @return another one to be closed by the caller, or null */
  synchronized LowerFile becameIdle(LowerFile f) {
    idle.add(f);
    if (idle.size() <= MAX_IDLE) {
      return null;
    }
    LowerFile oldest = idle.iterator().next();
    idle.remove(oldest);
    return oldest;
  }

  /** {@code f} is used again, or gone. */
  synchronized void noLongerIdle(LowerFile f) {
    idle.remove(f);
  }
}
