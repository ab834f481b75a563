package io.redoubt.sentry.fs.mem;

/**
 * How much to ask for ahead, learnt as the window of a file's readahead is: twice as much while at
 * least half of what was brought has been used, half as much otherwise.
 */
final class AheadWindow {
  private static final int WIDE = 8;

  /** After so many it is time to look whether they were used. */
  private static final int ENOUGH = 32;

  private final int most;
  private int size = 1;
  private int brought;
  private int used;

  AheadWindow(int most) {
    this.most = most;
  }

  /** How many to ask for now, the one that is needed among them. */
  synchronized int next() {
    if (2 * used >= brought) {
      size = Math.min(2 * size, most);
    } else {
      size = Math.max(size / 2, 1);
    }
    brought = 0;
    used = 0;
    return size;
  }

  /** Whether so much of what comes along is used that it shall come with other things, too. */
  synchronized boolean isWide() {
    if (brought >= ENOUGH && 2 * used < brought) {
      next();
    }
    return size >= WIDE;
  }

  /** {@code n} came besides what was needed. */
  synchronized void brought(int n) {
    brought += n;
  }

  /** One of them was used. */
  synchronized void used() {
    used++;
  }
}
