package io.redoubt.sentry.net;

import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.limits.Limit;
import java.util.ArrayDeque;

/**
 * Open files on their way through sockets (SCM_RIGHTS). Each holds a reference.
 *
 * <p>Sockets that are in flight in each other keep each other alive; Linux looks for such circles,
 * Redoubt bounds their number: at the limit sends fail with ETOOMANYREFS.
 */
final class InFlight {
  // Closing a file may release a socket that has files in flight, and so on: one loop, not a
  // recursion that a guest can make deep.
  private static final ThreadLocal<ArrayDeque<OpenFile>> CLOSING = new ThreadLocal<>();

  private InFlight() {}

  /** Counts files that are put in flight. @return false when there are too many */
  static boolean add(int n) {
    return Limit.FILES_IN_FLIGHT.charge(n);
  }

  static int count() {
    return (int) Limit.FILES_IN_FLIGHT.used();
  }

  /** Files have arrived. */
  static void remove(int n) {
    Limit.FILES_IN_FLIGHT.release(n);
  }

  /** Closes files that nobody received and uncounts them. Call with no lock held. */
  static void discard(OpenFile[] files) {
    remove(files.length);
    close(files, 0);
  }

  /** Closes files from {@code from} on. */
  static void close(OpenFile[] files, int from) {
    ArrayDeque<OpenFile> list = CLOSING.get();
    boolean outermost = list == null;
    if (outermost) {
      list = new ArrayDeque<>();
      CLOSING.set(list);
    }
    for (int i = from; i < files.length; i++) {
      list.add(files[i]);
    }
    if (outermost) {
      try {
        for (OpenFile f = list.poll(); f != null; f = list.poll()) {
          f.close();
        }
      } finally {
        CLOSING.remove();
      }
    }
  }
}
