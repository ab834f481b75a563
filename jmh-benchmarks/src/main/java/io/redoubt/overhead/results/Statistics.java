package io.redoubt.overhead.results;

import java.util.Arrays;

/**
 * The few statistics that the harness uses. None of them assumes a distribution, and none drops a
 * value.
 */
public final class Statistics {
  private static final double CONFIDENCE = 0.95;

  private Statistics() {}

  /**
   * An interval that holds the median of what was sampled, with the confidence that n samples
   * allow.
   */
  public record Interval(double low, double high, double confidence) {
    public boolean contains(double x) {
      return low <= x && x <= high;
    }

    /** True if the two have no value in common. */
    public boolean isApart(Interval other) {
      return high < other.low || other.high < low;
    }
  }

  public static double median(double[] values) {
    return quantile(values, 0.5);
  }

  /** Linear between the two nearest values, as most programs do it (type 7 of Hyndman and Fan). */
  public static double quantile(double[] values, double q) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    double at = q * (sorted.length - 1);
    int below = (int) Math.floor(at);
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
  }

  /** Median of the distances from the median. */
  public static double medianDeviation(double[] values) {
    double median = median(values);
    return median(Arrays.stream(values).map(v -> Math.abs(v - median)).toArray());
  }

  /**
   * The interval between two order statistics that holds the true median with 95 % probability or,
   * where there are too few values for that, from the least to the greatest. The median lies
   * outside of the k-th from either end with the probability that a fair coin shows fewer than k
   * heads, or fewer than k tails, in n throws.
   */
  public static Interval medianInterval(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int n = sorted.length;
    int k = 1;
    while (2 * (k + 1) <= n && coverage(n, k + 1) >= CONFIDENCE) {
      k++;
    }
    return new Interval(sorted[k - 1], sorted[n - k], coverage(n, k));
  }

  /** The probability that the median lies between the k-th least and the k-th greatest of n. */
  private static double coverage(int n, int k) {
    double term = Math.pow(0.5, n);
    double tail = 0;
    for (int heads = 0; heads < k; heads++) {
      tail += term;
      term = term * (n - heads) / (heads + 1);
    }
    return Math.max(0, 1 - 2 * tail);
  }
}
