package io.redoubt.seccomp;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * Turns rules into a decision graph, plainly: what is redundant is left to {@link Passes}.
 *
 * <p>The graph asks for the architecture, then for x32, then for each hot number, and then searches
 * for the number among the others.
 */
final class DecisionBuilder {
  private final DecisionPool pool;

  DecisionBuilder(DecisionPool pool) {
    this.pool = pool;
  }

  Decision build(Filter filter) {
    var byNumber = new TreeMap<Integer, List<Rule>>();
    for (Rule rule : filter.rules()) {
      byNumber.computeIfAbsent(rule.number(), _ -> new ArrayList<>()).add(rule);
    }
    Decision fallback = pool.returning(filter.defaultAction());
    Decision kill = pool.returning(Action.KILL_PROCESS);

    var search = new WordSearch(pool, SeccompData.NUMBER_OFFSET, -1, fallback);
    for (var entry : byNumber.entrySet()) {
      if (!filter.hot().contains(entry.getKey())) {
        search.put(entry.getKey(), build(entry.getValue(), fallback));
      }
    }
    Decision numbers = search.build();
    for (int number : filter.hot().reversed()) {
      var test = WordTest.equal(SeccompData.NUMBER_OFFSET, -1, number);
      var rules = byNumber.getOrDefault(number, List.of());
      numbers = pool.branch(test, build(rules, fallback), numbers);
    }

    // x32 numbers are 0x40000000 to 0x7fffffff; what is above is negative, and just no such call
    Decision notNative = pool.branch(numberAtLeast(Integer.MIN_VALUE), fallback, kill);
    Decision native64 = pool.branch(numberAtLeast(SeccompData.X32_BIT), notNative, numbers);
    var isX8664 = WordTest.equal(SeccompData.ARCHITECTURE_OFFSET, -1, SeccompData.ARCH_X86_64);
    return pool.branch(isX8664, native64, kill);
  }

  private static WordTest numberAtLeast(int number) {
    return WordTest.atLeast(SeccompData.NUMBER_OFFSET, -1, number);
  }

  private Decision build(List<Rule> rules, Decision fallback) {
    Decision decision = fallback;
    for (Rule rule : rules.reversed()) {
      decision = build(rule.condition(), pool.returning(rule.action()), decision);
    }
    return decision;
  }

  private Decision build(Condition condition, Decision yes, Decision no) {
    return switch (condition) {
      case Condition.Always() -> yes;
      case Condition.Not(var inner) -> build(inner, no, yes);
      case Condition.AllOf(var parts) -> {
        Decision decision = yes;
        for (Condition part : parts.reversed()) {
          decision = build(part, decision, no);
        }
        yield decision;
      }
      case Condition.AnyOf(var parts) -> {
        Decision decision = no;
        for (Condition part : parts.reversed()) {
          decision = build(part, yes, decision);
        }
        yield decision;
      }
      case Condition.Equal(var argument, long value) -> equal(argument, value, yes, no);
      case Condition.Range(var argument, long min, long max) -> {
        if (Long.compareUnsigned(min, max) > 0) {
          yield no;
        }
        Decision belowMax = max == -1L ? yes : atLeast(argument, max + 1, no, yes);
        yield atLeast(argument, min, belowMax, no);
      }
      case Condition.OneOf(var argument, long[] values) -> oneOf(argument, values, yes, no);
    };
  }

  private Decision equal(Argument argument, long value, Decision yes, Decision no) {
    int highMask = (int) (argument.mask() >>> 32);
    int lowMask = (int) argument.mask();
    Decision low = pool.branch(WordTest.equal(low(argument), lowMask, (int) value), yes, no);
    int highValue = (int) (value >>> 32);
    return pool.branch(WordTest.equal(high(argument), highMask, highValue), low, no);
  }

  /** The comparison of a 64-bit value by two or three tests of its halves. */
  private Decision atLeast(Argument argument, long min, Decision yes, Decision no) {
    int highMask = (int) (argument.mask() >>> 32);
    int lowMask = (int) argument.mask();
    int highMin = (int) (min >>> 32);
    Decision low = pool.branch(WordTest.atLeast(low(argument), lowMask, (int) min), yes, no);
    Decision sameHigh = pool.branch(WordTest.equal(high(argument), highMask, highMin), low, no);
    return highMin == -1
        ? sameHigh
        : pool.branch(WordTest.atLeast(high(argument), highMask, highMin + 1), yes, sameHigh);
  }

  /** Groups by upper half, which is nearly always zero, and a search for the lower half in each. */
  private Decision oneOf(Argument argument, long[] sorted, Decision yes, Decision no) {
    Decision decision = no;
    for (int end = sorted.length; end > 0; ) {
      int highValue = (int) (sorted[end - 1] >>> 32);
      var search = new WordSearch(pool, low(argument), (int) argument.mask(), no);
      for (; end > 0 && (int) (sorted[end - 1] >>> 32) == highValue; end--) {
        search.put((int) sorted[end - 1], yes);
      }
      var isHigh = WordTest.equal(high(argument), (int) (argument.mask() >>> 32), highValue);
      decision = pool.branch(isHigh, search.build(), decision);
    }
    return decision;
  }

  private static int low(Argument argument) {
    return SeccompData.lowOffset(argument.index());
  }

  private static int high(Argument argument) {
    return SeccompData.highOffset(argument.index());
  }
}
