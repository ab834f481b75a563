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

  /** What each of names was before its last event. */
  private final long[] previous;

  private long attributes;
  private volatile boolean isOver;

  NodeWatch(WatchClient client, boolean isDirectory, long now) {
    this.client = client;
    names = isDirectory ? new long[NAMES] : new long[0];
    previous = new long[names.length];
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
    return isOver || names.length == 0 ? 0 : Math.max(names[index(name)], client.floor());
  }

  /**
   * The last event of names with the hash of this one that has been heard of: for {@link
   * #stampAfter}, taken before this sandbox changes what the name leads to itself. 0: there is
   * none.
   */
  public long event(String name) {
    return isOver || names.length == 0 ? 0 : names[index(name)];
  }

  /**
   * The stamp of a name that this sandbox has changed itself, once, after {@link WatchClient#hear}.
   * The host kernel has queued the event of that change before the change was answered; if it is
   * the only one since {@code before}, nobody else has changed the name. 0: somebody may have.
   */
  public long stampAfter(String name, long before) {
    synchronized (client) { // or an event could come between the two looks
      boolean isOnly = before != 0 && before >= client.lost() && previous[index(name)] == before;
      return isOnly ? stamp(name) : 0;
    }
  }

  private static int index(String name) {
    return name.hashCode() & NAMES - 1;
  }

  void changed(long now) {
    attributes = now;
  }

  void changed(String name, long now) {
    if (names.length > 0) {
      int i = index(name);
      previous[i] = names[i];
      names[i] = now;
    }
  }

  void end() {
    isOver = true;
  }
}
