package io.redoubt.overhead.results;

/**
 * What one round gave for one cell.
 *
 * @param value the figure that counts: the median of the batches where there were several
 * @param batches all figures of this round, or null where there was one
 */
public record Sample(int round, double value, double[] batches) {
  public static Sample of(int round, double[] batches) {
    return new Sample(round, Statistics.median(batches), batches.length > 1 ? batches : null);
  }
}
