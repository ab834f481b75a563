package io.redoubt.overhead;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.overhead.results.Statistics;
import io.redoubt.overhead.results.Statistics.Interval;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * Against figures of textbooks, and the promise of the interval against random samples whose median
 * is known.
 */
class StatisticsTest {
  private static double[] upTo(int n) {
    return IntStream.rangeClosed(1, n).asDoubleStream().toArray();
  }

  @Test
  void quantilesAreThoseOfType7() {
    // R: quantile(c(1, 2, 3, 4, 10))
    double[] x = {10, 1, 3, 2, 4};
    assertEquals(2, Statistics.quantile(x, 0.25));
    assertEquals(3, Statistics.median(x));
    assertEquals(4, Statistics.quantile(x, 0.75));
    // R: quantile(c(1, 2, 3, 4), 0.25) is 1.75
    assertEquals(1.75, Statistics.quantile(upTo(4), 0.25));
    assertEquals(2.5, Statistics.median(upTo(4)));
  }

  @Test
  void medianDeviationIgnoresHowFarAnOutlierIs() {
    assertEquals(1, Statistics.medianDeviation(new double[] {1, 2, 3, 4, 1000}));
  }

  /**
   * The ranks of the usual tables of confidence limits for a median: n, and the rank from either
   * end.
   */
  @Test
  void intervalHasTheRanksOfTheTables() {
    int[][] table = {{6, 1}, {8, 1}, {9, 2}, {12, 3}, {15, 4}, {20, 6}, {25, 8}, {30, 10}};
    for (int[] row : table) {
      Interval i = Statistics.medianInterval(upTo(row[0]));
      assertEquals(row[1], i.low(), "n=" + row[0]);
      assertEquals(row[0] + 1 - row[1], i.high(), "n=" + row[0]);
      assertTrue(i.confidence() >= 0.95, "n=" + row[0]);
    }
  }

  @Test
  void fewValuesGiveTheirRangeAndSayHowSureThatIs() {
    Interval i = Statistics.medianInterval(new double[] {3, 1, 2});
    assertEquals(1, i.low());
    assertEquals(3, i.high());
    assertEquals(0.75, i.confidence(), 1e-12);
    assertEquals(0.9375, Statistics.medianInterval(upTo(5)).confidence(), 1e-12);
  }

  @Test
  void intervalHoldsTheMedianAsOftenAsItSays() {
    Random random = new Random(7);
    int held = 0;
    int trials = 4000;
    double confidence = 0;
    for (int t = 0; t < trials; t++) {
      // Skewed, as times are; the median of an exponential distribution is ln 2.
      double[] x = random.doubles(12).map(u -> -Math.log(1 - u)).toArray();
      Interval i = Statistics.medianInterval(x);
      held += i.contains(Math.log(2)) ? 1 : 0;
      confidence = i.confidence();
    }
    assertEquals(confidence, (double) held / trials, 0.015);
  }

  @Test
  void intervalsThatTouchAreNotApart() {
    assertFalse(new Interval(1, 2, 1).isApart(new Interval(2, 3, 1)));
    assertTrue(new Interval(1, 2, 1).isApart(new Interval(2.1, 3, 1)));
    assertTrue(new Interval(5, 6, 1).isApart(new Interval(2.1, 3, 1)));
  }

  @Test
  void argumentsStayAsTheyWere() {
    double[] x = {3, 1, 2};
    Statistics.median(x);
    Statistics.medianInterval(x);
    assertEquals("[3.0, 1.0, 2.0]", Arrays.toString(x));
  }
}
