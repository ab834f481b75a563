package io.redoubt.seccomp;

import java.util.Arrays;
import java.util.List;

/** A predicate on the arguments of a call. All comparisons are of unsigned 64-bit values. */
public sealed interface Condition {
  /** True for every call. */
  record Always() implements Condition {}

  /** The argument, masked, is exactly this. */
  record Equal(Argument argument, long value) implements Condition {}

  /** The argument, masked, lies between two bounds, both of which belong to the range. */
  record Range(Argument argument, long min, long max) implements Condition {}

  /** The argument, masked, is one of these. */
  @SuppressWarnings("ArrayRecordComponent") // never compared, and sorted once for all readers
  record OneOf(Argument argument, long[] values) implements Condition {
    public OneOf {
      values = values.clone();
      Arrays.sort(values);
    }
  }

  /** Every part holds. */
  record AllOf(List<Condition> parts) implements Condition {}

  /** At least one part holds. */
  record AnyOf(List<Condition> parts) implements Condition {}

  /** The inner condition does not hold. */
  record Not(Condition inner) implements Condition {}

  Condition ALWAYS = new Always();

  static Condition is(Argument argument, long value) {
    return new Equal(argument, value);
  }

  static Condition between(Argument argument, long min, long max) {
    return new Range(argument, min, max);
  }

  static Condition oneOf(Argument argument, long... values) {
    return new OneOf(argument, values);
  }

  static Condition noneOf(Argument argument, long... values) {
    return new Not(new OneOf(argument, values));
  }

  /** All of these bits are set. */
  static Condition has(Argument argument, long bits) {
    return new Equal(argument.bits(bits), bits);
  }

  /** No bit is set but some of these. */
  static Condition only(Argument argument, long bits) {
    return new Equal(argument.without(bits), 0);
  }

  static Condition allOf(Condition... parts) {
    return new AllOf(List.of(parts));
  }

  static Condition anyOf(Condition... parts) {
    return new AnyOf(List.of(parts));
  }

  static Condition not(Condition inner) {
    return new Not(inner);
  }

  /** The meaning of the condition, against which everything that is compiled is tested. */
  default boolean holds(SeccompData data) {
    return switch (this) {
      case Always() -> true;
      case Equal(var argument, long value) -> argument.of(data) == value;
      case Range(var argument, long min, long max) ->
          Long.compareUnsigned(argument.of(data), min) >= 0
              && Long.compareUnsigned(argument.of(data), max) <= 0;
      case OneOf(var argument, long[] values) ->
          Arrays.binarySearch(values, argument.of(data)) >= 0;
      case AllOf(var parts) -> {
        for (Condition part : parts) {
          if (!part.holds(data)) {
            yield false;
          }
        }
        yield true;
      }
      case AnyOf(var parts) -> {
        for (Condition part : parts) {
          if (part.holds(data)) {
            yield true;
          }
        }
        yield false;
      }
      case Not(var inner) -> !inner.holds(data);
    };
  }

  /** The condition in words, for people. */
  default String describe() {
    return switch (this) {
      case Always() -> "always";
      case Equal(var argument, long value) ->
          argument.describe() + " == " + Argument.describe(value);
      case Range(var argument, long min, long max) ->
          argument.describe() + " in " + Argument.describe(min) + ".." + Argument.describe(max);
      case OneOf(var argument, long[] values) -> {
        var text = new StringBuilder(argument.describe()).append(" in {");
        for (int i = 0; i < values.length; i++) {
          text.append(i == 0 ? "" : ", ").append(Argument.describe(values[i]));
        }
        yield text.append('}').toString();
      }
      case AllOf(var parts) -> join(parts, " and ");
      case AnyOf(var parts) -> join(parts, " or ");
      case Not(var inner) -> "not (" + inner.describe() + ")";
    };
  }

  private static String join(List<Condition> parts, String word) {
    var text = new StringBuilder();
    for (Condition part : parts) {
      boolean isCompound = part instanceof AllOf || part instanceof AnyOf;
      text.append(text.isEmpty() ? "" : word)
          .append(isCompound ? "(" : "")
          .append(part.describe())
          .append(isCompound ? ")" : "");
    }
    return text.toString();
  }
}
