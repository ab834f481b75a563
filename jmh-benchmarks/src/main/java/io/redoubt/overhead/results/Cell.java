package io.redoubt.overhead.results;

import java.util.List;

/**
 * One workload in one runtime. The figures are null where nothing was measured; then `failed` says
 * why. Both can be there: what was measured before it failed.
 */
public record Cell(
    String suite,
    String workload,
    String runtime,
    String unit,
    int n,
    Double median,
    Double medianDeviation,
    Double q1,
    Double q3,
    Double min,
    Double max,
    Ratio ratio,
    List<Sample> samples,
    String failed,
    List<String> detail) {

  static Cell of(
      Workload w,
      String runtime,
      List<Sample> samples,
      List<Sample> bare,
      String failed,
      List<String> detail) {
    if (samples.isEmpty()) {
      String reason = failed != null ? failed : "not measured";
      return new Cell(
          w.suite(), w.name(), runtime, w.unit(), 0, null, null, null, null, null, null, null,
          List.of(), reason, detail);
    }
    double[] values = samples.stream().mapToDouble(Sample::value).toArray();
    return new Cell(
        w.suite(),
        w.name(),
        runtime,
        w.unit(),
        values.length,
        Statistics.median(values),
        Statistics.medianDeviation(values),
        Statistics.quantile(values, 0.25),
        Statistics.quantile(values, 0.75),
        Statistics.quantile(values, 0),
        Statistics.quantile(values, 1),
        w.paired() ? ratio(samples, bare) : null,
        List.copyOf(samples),
        failed,
        detail);
  }

  private static Ratio ratio(List<Sample> samples, List<Sample> bare) {
    double[] pairs =
        samples.stream()
            .flatMap(s ->
                bare.stream()
                    .filter(b -> b.round() == s.round() && b.value() > 0)
                    .map(b -> s.value() / b.value()))
            .mapToDouble(Double::doubleValue)
            .toArray();
    return pairs.length == 0 ? null : Ratio.of(pairs);
  }

  public String workloadId() {
    return suite + "/" + workload;
  }

  public boolean isMeasured() {
    return n > 0;
  }
}
