package io.redoubt.sentry.fs;

import io.redoubt.sentry.limits.Limit;

/**
 * Bounds the number of cached dentries with a clock: a ring of them and a hand that takes what
 * nobody pins and nobody has used since it last came by. A directory with cached children is pinned
 * by them, so only leaves go.
 *
 * <p>Lock: its own monitor, innermost; victims are buried after it is let go of, because that
 * releases gofer nodes.
 */
final class DentryCache {
  /** Steps of the hand for one insertion, so that an insertion is short even when all is pinned. */
  private static final int MAX_STEPS = 32;

  /** What one insertion may evict: more than one, so that the cache shrinks back to its limit. */
  private static final int MAX_VICTIMS = 4;

  private static final int MIN_LIMIT = 16;

  private int limit;
  private Dentry hand;
  private int size;

  DentryCache(int limit) {
    this.limit = limit;
  }

  /** Takes a hashed dentry in. The caller holds a pin on it. */
  void add(Dentry d) {
    Dentry victims;
    synchronized (this) {
      if (hand == null) {
        d.ringNext = d.ringPrevious = d;
        hand = d;
      } else { // just behind the hand: it comes here last
        d.ringNext = hand;
        d.ringPrevious = hand.ringPrevious;
        d.ringPrevious.ringNext = d;
        hand.ringPrevious = d;
      }
      d.inRing = true;
      size++;
      Limit.CACHED_NAMES.take(1);
      victims = size > limit ? sweep(MAX_STEPS, MAX_VICTIMS) : null;
    }
    bury(victims);
  }

  private static void bury(Dentry list) {
    Dentry victims = list;
    while (victims != null) {
      Dentry next = victims.ringNext;
      victims.ringNext = null;
      victims.bury();
      victims = next;
    }
  }

  /** Takes a dentry out that is no longer hashed. */
  synchronized void remove(Dentry d) {
    if (d.inRing) {
      takeOut(d);
    }
  }

  /** Halves what is there, and the limit. */
  void shrink() {
    Dentry victims;
    synchronized (this) {
      limit = Math.min(limit, Math.max(MIN_LIMIT, size / 2));
      victims = sweep(2 * size, size - limit);
    }
    bury(victims);
  }

  synchronized int size() {
    return size;
  }

  private Dentry sweep(int maxSteps, int maxVictims) {
    Dentry victims = null;
    int found = 0;
    for (int i = 0; i < maxSteps && found < maxVictims && size > limit; i++) {
      Dentry d = hand;
      hand = d.ringNext;
      if (d.used) {
        d.used = false;
      } else if (d.tryKill()) {
        takeOut(d);
        d.ringNext = victims;
        victims = d;
        found++;
      }
    }
    return victims;
  }

  private void takeOut(Dentry d) {
    if (d.ringNext == d) {
      hand = null;
    } else {
      d.ringPrevious.ringNext = d.ringNext;
      d.ringNext.ringPrevious = d.ringPrevious;
      if (hand == d) {
        hand = d.ringNext;
      }
    }
    d.ringNext = d.ringPrevious = null;
    d.inRing = false;
    size--;
    Limit.CACHED_NAMES.release(1);
  }
}
