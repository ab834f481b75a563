package io.redoubt.sentry.ring;

/**
 * How often the call sites of a process have trapped: a small table without collision chains, in
 * which a site that is called more drives out one that is called less.
 *
 * <p>Threads of one process write it without a lock: what is lost is a count.
 */
final class HotSites {
  private static final int SIZE = 64; // a power of two

  /** Counts of a site for which that has been tried. */
  private static final byte TRIED = Byte.MAX_VALUE;

  private static final byte MOST = TRIED - 1;

  /** And of one that was tried before there were threads, with those behind it. */
  private static final byte TRIED_WITH_OTHERS = -1;

  private long[] addresses;
  private short[] numbers; // of the calls
  private byte[] counts;

  /** The same, for another process that has the same code. */
  HotSites copy() {
    HotSites copy = new HotSites();
    if (addresses != null) {
      copy.counts = counts.clone();
      copy.addresses = addresses.clone();
      copy.numbers = numbers.clone();
    }
    return copy;
  }

  /**
   * Counts a trap.
   *
   * @param nr number of the call, one that is served
   * @param hot traps until a site is hot
   * @return whether it is, and {@link #setTried} has not said so before
   */
  boolean isHot(long address, int nr, int hot) {
    if (addresses == null) {
      counts = new byte[SIZE];
      addresses = new long[SIZE];
      numbers = new short[SIZE];
    }
    int i = index(address);
    if (addresses[i] != address) {
      if (counts[i] > 0 && counts[i] != TRIED) {
        counts[i]--;
        return false;
      }
      addresses[i] = address;
      numbers[i] = (short) nr;
      counts[i] = 0;
    }
    if (counts[i] == TRIED || counts[i] == TRIED_WITH_OTHERS) {
      return false;
    }
    if (counts[i] < MOST) {
      counts[i]++;
    }
    return counts[i] >= hot;
  }

  private static int index(long address) {
    return (int) ((address ^ address >>> 7 ^ address >>> 14) & SIZE - 1);
  }

  /** A hot site is rewritten, or cannot be: not again. */
  void setTried(long address) {
    int i = index(address);
    if (addresses[i] == address) {
      counts[i] = TRIED;
    }
  }

  /** Does something, once, for each site that has trapped at least so often. */
  void tryAll(int atLeast, Visitor visitor) {
    for (int i = 0; counts != null && i < SIZE; i++) {
      if (counts[i] >= atLeast) {
        counts[i] = TRIED_WITH_OTHERS;
        visitor.visit(addresses[i], numbers[i]);
      }
    }
  }

  /** What {@link #tryAll} does. */
  interface Visitor {
    /**
     * @param address behind the call
     */
    void visit(long address, int nr);
  }
}
