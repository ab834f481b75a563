package io.redoubt.seccomp;

import java.util.Arrays;

/**
 * What is known about the words of a call after some tests of it: for each word an unsigned
 * interval and the bits that are surely one or surely zero. Immutable.
 */
final class Facts {
  private static final int MIN = 0;
  private static final int MAX = 1;
  private static final int ONES = 2;
  private static final int ZEROS = 3;
  private static final int FIELDS = 4;

  /** Nothing is known. */
  static final Facts NONE = new Facts(unknown());

  private final int[] words;

  private Facts(int[] words) {
    this.words = words;
  }

  private static int[] unknown() {
    var words = new int[SeccompData.SIZE / Integer.BYTES * FIELDS];
    for (int at = 0; at < words.length; at += FIELDS) {
      words[at + MAX] = -1;
    }
    return words;
  }

  private static int at(WordTest test) {
    return test.offset() / Integer.BYTES * FIELDS;
  }

  /** Whether the test must hold. */
  boolean implies(WordTest test) {
    return bounds(test, true);
  }

  /** Whether the test cannot hold. */
  boolean excludes(WordTest test) {
    return bounds(test, false);
  }

  private boolean bounds(WordTest test, boolean outcome) {
    int at = at(test);
    int ones = words[at + ONES] & test.mask();
    int zeros = words[at + ZEROS] | ~test.mask();
    // a mask may lower the value, so the interval's lower end survives only without one
    int min = test.mask() == -1 ? max(words[at + MIN], ones) : ones;
    int max = min(words[at + MAX], ~zeros);
    int k = test.k();
    return switch (test.operator()) {
      case EQUAL ->
          outcome
              ? min == max && min == k
              : less(k, min) || less(max, k) || (k & zeros) != 0 || (ones & ~k) != 0;
      case GREATER_OR_EQUAL -> outcome ? !less(min, k) : less(max, k);
      case ANY_BIT -> outcome ? (ones & k) != 0 : (k & ~zeros) == 0;
    };
  }

  /** What is known after the test, if it had this outcome. */
  Facts after(WordTest test, boolean outcome) {
    var next = words.clone();
    int at = at(test);
    int k = test.k();
    int mask = test.mask();
    boolean isWhole = mask == -1;
    switch (test.operator()) {
      case EQUAL -> {
        if (outcome) {
          next[at + ONES] |= k;
          next[at + ZEROS] |= mask & ~k;
          next[at + MIN] = max(next[at + MIN], k);
        } else if (Integer.bitCount(mask) == 1) {
          next[at + (k == 0 ? ONES : ZEROS)] |= mask;
        } else if (isWhole && k == next[at + MIN]) {
          next[at + MIN]++;
        } else if (isWhole && k == next[at + MAX]) {
          next[at + MAX]--;
        }
      }
      case GREATER_OR_EQUAL -> {
        if (outcome) {
          next[at + MIN] = max(next[at + MIN], k);
        } else if (isWhole) {
          next[at + MAX] = min(next[at + MAX], k - 1);
        }
      }
      case ANY_BIT -> {
        if (!outcome) {
          next[at + ZEROS] |= k & mask;
        } else if (Integer.bitCount(k & mask) == 1) {
          next[at + ONES] |= k & mask;
        }
      }
    }
    settle(next, at);
    return new Facts(next);
  }

  /** Lets interval and bits of a word learn from each other. */
  private static void settle(int[] words, int at) {
    words[at + MIN] = max(words[at + MIN], words[at + ONES]);
    words[at + MAX] = min(words[at + MAX], ~words[at + ZEROS]);
    if (words[at + MIN] == words[at + MAX]) {
      words[at + ONES] |= words[at + MIN];
      words[at + ZEROS] |= ~words[at + MIN];
    }
  }

  /** The same, but with nothing known of words outside this set ({@link Decision#words}). */
  Facts about(int set) {
    int[] kept = null;
    for (int word = 0; word < words.length / FIELDS; word++) {
      if ((set & 1 << word) == 0) {
        kept = kept == null ? words.clone() : kept;
        System.arraycopy(NONE.words, 0, kept, word * FIELDS, FIELDS);
      }
    }
    return kept == null ? this : new Facts(kept);
  }

  private static boolean less(int a, int b) {
    return Integer.compareUnsigned(a, b) < 0;
  }

  private static int min(int a, int b) {
    return less(a, b) ? a : b;
  }

  private static int max(int a, int b) {
    return less(a, b) ? b : a;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Facts facts && Arrays.equals(words, facts.words);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(words);
  }
}
