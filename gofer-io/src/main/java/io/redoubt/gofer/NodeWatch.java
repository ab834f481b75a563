package io.redoubt.gofer;

/**
 * What is known of changes of one inode of the host, and of the names in it if it is a directory.
 *
 * <p>A <em>stamp</em> is taken before the gofer is asked something, and kept with the answer. The
 * answer still holds if, after {@link WatchClient#hear}, the stamp is the same. 0 is the stamp of
 * what nobody watches.
 *
 * <p>All stamps are of one clock, which each event advances, so one that has passed never comes
 * again. Written by whoever hears, under the monitor of the {@link WatchClient}; a thread that
 * reads has heard itself, and so sees what happened before its call. What it sees of later events
 * does no harm.
 */
public final class NodeWatch {
  /** Names share a stamp by their hash: an event of one asks a sixty-fourth of them again. */
  private static final int NAMES = 64;

  private final WatchClient client;
  private final long[] names;
  private long attributes;
  private volatile boolean isOver;

  NodeWatch(WatchClient client, boolean isDirectory, long now) {
    this.client = client;
    names = isDirectory ? new long[NAMES] : new long[0];
    attributes = now;
    java.util.Arrays.fill(names, now);
  }

  /** Whether there will be no more events: the node was closed, or its file system unmounted. */
  public boolean isOver() {
    return isOver;
  }

  /** The stamp of its attributes. */
  public long stamp() {
    return isOver ? 0 : Math.max(attributes, client.floor());
  }

  /** The stamp of what a name in it leads to, and whether there is one. */
  public long stamp(String name) {
    return isOver || names.length == 0
        ? 0
        : Math.max(names[name.hashCode() & NAMES - 1], client.floor());
  }

  void changed(long now) {
    attributes = now;
  }

  void changed(String name, long now) {
    if (names.length > 0) {
      names[name.hashCode() & NAMES - 1] = now;
    }
  }

  void end() {
    isOver = true;
  }
}
