package io.redoubt.seccomp;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/** Chooses the calls to try a filter with: around every constant that its rules mention. */
final class Calls {
  /** Numbers with more combinations of interesting values than this are sampled. */
  private static final int MAX_PER_NUMBER = 20_000;

  private Calls() {}

  /** Every number of the table, those around the rules' numbers, and odd ones. */
  static Set<Integer> numbers(Filter filter) {
    var numbers = new LinkedHashSet<Integer>();
    for (int number = 0; number < 1024; number++) {
      numbers.add(number);
      numbers.add(number | SeccompData.X32_BIT);
      numbers.add(-1 - number);
    }
    for (Rule rule : filter.rules()) {
      numbers.addAll(List.of(rule.number() - 1, rule.number(), rule.number() + 1));
    }
    for (int bit = 0; bit < 32; bit++) {
      numbers.addAll(List.of(1 << bit, (1 << bit) - 1, -1 << bit));
    }
    return numbers;
  }

  /** Calls of one number, with every combination of interesting arguments or a sample of them. */
  static List<SeccompData> calls(Filter filter, int number, Random random) {
    var values = new ArrayList<List<Long>>();
    for (int index = 0; index < 6; index++) {
      values.add(new ArrayList<>(Set.of(0L, -1L)));
    }
    boolean[] isTested = new boolean[6];
    for (Rule rule : filter.rules()) {
      if (rule.number() == number) {
        collect(rule.condition(), values, isTested);
      }
    }
    long combinations = 1;
    for (int index = 0; index < 6; index++) {
      values.set(index, isTested[index] ? distinct(values.get(index)) : List.of(random.nextLong()));
      combinations = Math.min(combinations * values.get(index).size(), Integer.MAX_VALUE);
    }
    var calls = new ArrayList<SeccompData>();
    boolean isSampled = combinations > MAX_PER_NUMBER;
    for (int i = 0; i < Math.min(combinations, MAX_PER_NUMBER); i++) {
      int choice = isSampled ? random.nextInt((int) combinations) : i;
      var arguments = new long[6];
      for (int index = 0; index < 6; index++) {
        var choices = values.get(index);
        arguments[index] = choices.get(choice % choices.size());
        choice /= choices.size();
      }
      calls.add(SeccompData.call(number, arguments));
    }
    return calls;
  }

  private static List<Long> distinct(List<Long> values) {
    return new ArrayList<>(new LinkedHashSet<>(values));
  }

  private static void collect(Condition condition, List<List<Long>> values, boolean[] isTested) {
    switch (condition) {
      case Condition.Always() -> {}
      case Condition.Equal(var argument, long value) -> add(argument, value, values, isTested);
      case Condition.Range(var argument, long min, long max) -> {
        add(argument, min, values, isTested);
        add(argument, max, values, isTested);
      }
      case Condition.OneOf(var argument, long[] all) -> {
        for (long value : all) {
          add(argument, value, values, isTested);
        }
      }
      case Condition.AllOf(var parts) -> parts.forEach(part -> collect(part, values, isTested));
      case Condition.AnyOf(var parts) -> parts.forEach(part -> collect(part, values, isTested));
      case Condition.Not(var inner) -> collect(inner, values, isTested);
    }
  }

  /**
   * The value, its neighbours, and the same with bits that the mask hides and with each one bit.
   */
  private static void add(
      Argument argument, long value, List<List<Long>> values, boolean[] isTested) {
    isTested[argument.index()] = true;
    var all = values.get(argument.index());
    long hidden = ~argument.mask();
    all.addAll(List.of(value, value - 1, value + 1, value | hidden, value ^ 1L << 32, ~value));
    all.add(value | 0x1234_5678_9abc_def0L & hidden);
    if (argument.mask() != -1L) {
      for (int bit = 0; bit < 64; bit++) {
        all.add(value ^ 1L << bit);
      }
    }
  }
}
