package io.redoubt.overhead.report;

import com.github.freva.asciitable.AsciiTable;
import com.github.freva.asciitable.Column;
import com.github.freva.asciitable.HorizontalAlign;
import io.redoubt.overhead.results.Cell;
import io.redoubt.overhead.results.Recorder;
import io.redoubt.overhead.results.Results;
import io.redoubt.overhead.results.Sample;
import io.redoubt.overhead.results.Statistics;
import io.redoubt.overhead.results.Statistics.Interval;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Two runs against each other. What is compared is the ratio to bare Linux where both have one,
 * which takes a faster or slower machine out, and the figure itself elsewhere. A change counts if
 * the intervals of the two medians have nothing in common, so that it is more than noise, and it is
 * a regression if it is also worse by more than the threshold.
 */
public final class Comparison {
  private static final int FEWEST = 3;

  /** One cell in both runs. */
  public record Change(
      String workload,
      String runtime,
      String before,
      String after,
      double percent,
      boolean beyondNoise,
      String remark) {
    boolean isRegression(double threshold) {
      return remark != null || (beyondNoise && percent > threshold);
    }
  }

  private final List<Change> changes = new ArrayList<>();
  private final double threshold;

  public Comparison(Results before, Results after, double threshold) {
    this.threshold = threshold;
    for (Cell now : after.cells()) {
      before
          .cell(now.workloadId(), now.runtime())
          .flatMap(was -> compare(was, now))
          .ifPresent(changes::add);
    }
  }

  private static Optional<Change> compare(Cell was, Cell now) {
    if (was.isMeasured() && was.failed() == null && now.failed() != null) {
      return Optional.of(
          new Change(now.workloadId(), now.runtime(), "worked", "failed", 0, true, now.failed()));
    }
    if (!was.isMeasured() || !now.isMeasured()) {
      return Optional.empty();
    }
    boolean asRatio =
        was.ratio() != null && now.ratio() != null && !now.runtime().equals(Recorder.BARE);
    double a = asRatio ? was.ratio().median() : was.median();
    double b = asRatio ? now.ratio().median() : now.median();
    boolean enough = was.n() >= FEWEST && now.n() >= FEWEST;
    // A count is exact. What was measured only once or twice shows no change.
    boolean beyond =
        now.unit().equals("count")
            ? a != b
            : enough && interval(was, asRatio).isApart(interval(now, asRatio));
    double percent = a == 0 ? (b == 0 ? 0 : 100) : 100 * (b - a) / a;
    return Optional.of(
        new Change(
            now.workloadId(),
            now.runtime(),
            text(was, asRatio),
            text(now, asRatio),
            percent,
            beyond,
            null));
  }

  private static Interval interval(Cell c, boolean asRatio) {
    return asRatio
        ? new Interval(c.ratio().low(), c.ratio().high(), c.ratio().confidence())
        : Statistics.medianInterval(c.samples().stream().mapToDouble(Sample::value).toArray());
  }

  private static String text(Cell c, boolean asRatio) {
    return asRatio ? Figures.digits(c.ratio().median()) + "x" : Figures.value(c.unit(), c.median());
  }

  public List<Change> regressions() {
    return changes.stream().filter(c -> c.isRegression(threshold)).toList();
  }

  /** What changed beyond the noise, the worst first. */
  public String text() {
    List<Change> shown =
        changes.stream()
            .filter(Change::beyondNoise)
            .sorted((x, y) -> Double.compare(y.percent, x.percent))
            .toList();
    StringBuilder out = new StringBuilder();
    if (!shown.isEmpty()) {
      out.append(
          AsciiTable.getTable(
              AsciiTable.BASIC_ASCII_NO_DATA_SEPARATORS_NO_OUTSIDE_BORDER,
              shown,
              List.of(
                  new Column()
                      .header("workload")
                      .dataAlign(HorizontalAlign.LEFT)
                      .with(Change::workload),
                  new Column()
                      .header("runtime")
                      .dataAlign(HorizontalAlign.LEFT)
                      .with(Change::runtime),
                  new Column().header("before").with(Change::before),
                  new Column().header("after").with(Change::after),
                  new Column()
                      .header("change")
                      .with(c ->
                          c.remark != null ? "" : String.format(Locale.ROOT, "%+.1f%%", c.percent)),
                  new Column()
                      .header("")
                      .dataAlign(HorizontalAlign.LEFT)
                      .with(c ->
                          c.isRegression(threshold)
                              ? "REGRESSION" + (c.remark == null ? "" : ": " + c.remark)
                              : ""))));
      out.append('\n');
    }
    return out.append(changes.size())
        .append(" cells compared, ")
        .append(shown.size())
        .append(" changed beyond the noise, ")
        .append(regressions().size())
        .append(String.format(Locale.ROOT, " got worse by more than %.0f%%", threshold))
        .toString();
  }
}
