package io.redoubt.sentry.fs.gofer;

import io.redoubt.sentry.kernel.Timers;
import java.util.ArrayList;

/**
 * The inodes that keep a donated descriptor after the guest has closed it: programs open the same
 * files again and again, and each open is a message to the gofer and a descriptor sent over a
 * socket.
 *
 * <p>Few, and not for long: what the host removes has its space until its last descriptor is
 * closed.
 */
final class KeptFiles {
  private static final int LIMIT = 64;
  private static final long KEEP_NANOS = 1_000_000_000;

  /** Oldest first; guarded by this. */
  private final ArrayList<GoferInode> inodes = new ArrayList<>(LIMIT);

  private boolean isScheduled; // guarded by this

  /** Something is kept with {@code inode}. */
  void add(GoferInode inode, Timers timers) {
    GoferInode oldest = null;
    synchronized (this) {
      if (inodes.contains(inode)) {
        return;
      }
      if (inodes.size() == LIMIT) {
        oldest = inodes.removeFirst();
      }
      inodes.add(inode);
      if (!isScheduled) {
        isScheduled = true;
        timers.schedule(System.nanoTime() + KEEP_NANOS, this::dropAll);
      }
    }
    if (oldest != null) {
      oldest.notOpened();
    }
  }

  private void dropAll() {
    GoferInode[] all;
    synchronized (this) {
      all = inodes.toArray(new GoferInode[0]);
      inodes.clear();
      isScheduled = false;
    }
    for (GoferInode inode : all) {
      inode.notOpened();
    }
  }
}
