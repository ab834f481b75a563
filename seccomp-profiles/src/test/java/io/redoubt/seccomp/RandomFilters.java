package io.redoubt.seccomp;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Makes filters that nobody would write, to try the compiler with. */
final class RandomFilters {
  private static final Action[] ACTIONS = {
    Action.ALLOW,
    Action.NOTIFY,
    Action.KILL_THREAD,
    Action.LOG,
    Action.TRAP,
    new Action.Errno(1),
    new Action.Errno(38),
    new Action.Trace(7)
  };

  private final Random random;

  RandomFilters(Random random) {
    this.random = random;
  }

  Filter next() {
    var rules = new ArrayList<Rule>();
    int numbers = 1 + random.nextInt(60);
    for (int i = 0; i < numbers; i++) {
      int number = random.nextInt(10) == 0 ? random.nextInt(1 << 30) : random.nextInt(470);
      for (int rule = random.nextInt(4); rule >= 0; rule--) {
        rules.add(new Rule(number, condition(3), action(), "random"));
      }
    }
    var hot = new ArrayList<Integer>();
    for (int i = random.nextInt(5); i > 0; i--) {
      hot.add(random.nextBoolean() ? random.nextInt(470) : rules.getFirst().number());
    }
    return new Filter("random", rules, action(), hot);
  }

  private Action action() {
    return ACTIONS[random.nextInt(ACTIONS.length)];
  }

  private Condition condition(int depth) {
    return switch (random.nextInt(depth == 0 ? 4 : 7)) {
      case 0 -> new Condition.Equal(argument(), value());
      case 1 -> new Condition.Range(argument(), value(), value());
      case 2 -> {
        var values = new long[1 + random.nextInt(12)];
        for (int i = 0; i < values.length; i++) {
          values[i] = value();
        }
        yield new Condition.OneOf(argument(), values);
      }
      case 3 ->
          random.nextInt(4) == 0 ? Condition.ALWAYS : new Condition.Equal(argument(), value());
      case 4 -> new Condition.Not(condition(depth - 1));
      case 5 -> new Condition.AllOf(parts(depth));
      default -> new Condition.AnyOf(parts(depth));
    };
  }

  private List<Condition> parts(int depth) {
    var parts = new ArrayList<Condition>();
    for (int i = random.nextInt(4); i > 0; i--) {
      parts.add(condition(depth - 1));
    }
    return parts;
  }

  private Argument argument() {
    int index = random.nextInt(3);
    return switch (random.nextInt(5)) {
      case 0, 1 -> Argument.longArg(index, "a");
      case 2 -> Argument.intArg(index, "a");
      case 3 -> Argument.longArg(index, "a").bits(1L << random.nextInt(64));
      default -> Argument.longArg(index, "a").bits(random.nextLong());
    };
  }

  /** Small numbers, bits and boundaries are likely. */
  private long value() {
    return switch (random.nextInt(6)) {
      case 0, 1 -> random.nextInt(16);
      case 2 -> 1L << random.nextInt(64);
      case 3 -> (1L << random.nextInt(64)) - 1;
      case 4 -> -1L - random.nextInt(3);
      default -> random.nextLong();
    };
  }
}
