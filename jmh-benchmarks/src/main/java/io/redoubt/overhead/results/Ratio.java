package io.redoubt.overhead.results;

/**
 * How much more than bare Linux, from pairs of the same round.
 *
 * @param low and high hold the true median with this confidence
 * @param shown whether a difference is shown at all: at least three pairs, and 1 is outside of the
 *     interval
 */
public record Ratio(
    double median, double low, double high, double confidence, int n, boolean shown) {
  private static final int FEWEST_PAIRS = 3;

  static Ratio of(double[] pairs) {
    Statistics.Interval i = Statistics.medianInterval(pairs);
    boolean shown = pairs.length >= FEWEST_PAIRS && !i.contains(1);
    return new Ratio(
        Statistics.median(pairs), i.low(), i.high(), i.confidence(), pairs.length, shown);
  }
}
