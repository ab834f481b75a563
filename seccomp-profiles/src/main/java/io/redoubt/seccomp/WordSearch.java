package io.redoubt.seccomp;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * A search tree over all values of a word: neighbours with the same outcome are one interval, and
 * each test halves the intervals that are left.
 */
final class WordSearch {
  private static final long MAX_WORD = 0xffff_ffffL;

  /** The longest row of tests for equality that is still shorter than a search. */
  private static final int MAX_CHAIN = 4;

  private final DecisionPool pool;
  private final int offset;
  private final int mask;
  private final Decision otherwise;

  /** Keys are unsigned values of the word. */
  private final TreeMap<Long, Decision> outcomes = new TreeMap<>();

  /** Values with one outcome, unsigned and both ends included. */
  private record Interval(long first, long last, Decision outcome) {
    boolean isSingle() {
      return first == last;
    }
  }

  WordSearch(DecisionPool pool, int offset, int mask, Decision otherwise) {
    this.pool = pool;
    this.offset = offset;
    this.mask = mask;
    this.otherwise = otherwise;
  }

  void put(int value, Decision outcome) {
    outcomes.put(Integer.toUnsignedLong(value), outcome);
  }

  Decision build() {
    var intervals = new ArrayList<Interval>();
    long next = 0;
    for (var entry : outcomes.entrySet()) {
      long value = entry.getKey();
      append(intervals, next, value - 1, otherwise);
      append(intervals, value, value, entry.getValue());
      next = value + 1;
    }
    append(intervals, next, MAX_WORD, otherwise);
    return build(intervals);
  }

  private static void append(List<Interval> intervals, long first, long last, Decision outcome) {
    if (first > last) {
      return;
    }
    if (!intervals.isEmpty() && intervals.getLast().outcome() == outcome) {
      first = intervals.removeLast().first();
    }
    intervals.add(new Interval(first, last, outcome));
  }

  private Decision build(List<Interval> intervals) {
    Decision common = common(intervals);
    if (common != null) {
      return chain(intervals, common);
    }
    int middle = intervals.size() / 2;
    Interval upper = intervals.get(middle);
    return pool.branch(
        WordTest.atLeast(offset, mask, (int) upper.first()),
        build(intervals.subList(middle, intervals.size())),
        build(intervals.subList(0, middle)));
  }

  /** The one outcome that all values share but for a few single ones, or null. */
  private static Decision common(List<Interval> intervals) {
    Decision common = null;
    for (Interval interval : intervals) {
      if (!interval.isSingle() || intervals.size() == 1) {
        if (common != null && common != interval.outcome()) {
          return null;
        }
        common = interval.outcome();
      }
    }
    int exceptions = 0;
    for (Interval interval : intervals) {
      exceptions += interval.outcome() == common ? 0 : 1;
    }
    return exceptions <= MAX_CHAIN ? common : null;
  }

  /** A few single values are found faster, and in half the space, by asking for each. */
  private Decision chain(List<Interval> intervals, Decision common) {
    Decision decision = common;
    for (Interval interval : intervals.reversed()) {
      if (interval.outcome() != common) {
        var test = WordTest.equal(offset, mask, (int) interval.first());
        decision = pool.branch(test, interval.outcome(), decision);
      }
    }
    return decision;
  }
}
