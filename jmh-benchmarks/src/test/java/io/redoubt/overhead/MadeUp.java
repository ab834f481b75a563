package io.redoubt.overhead;

import io.redoubt.overhead.results.Machine;
import io.redoubt.overhead.results.Recorder;
import io.redoubt.overhead.results.Results;
import io.redoubt.overhead.results.Sample;
import io.redoubt.overhead.results.Workload;
import java.util.List;
import java.util.Map;

/** Results that are made up, for tests of what is done with results. */
final class MadeUp {
  static final Workload CALL = new Workload("micro", "getuid.libc", "getuid <b>& co</b>", "ns");
  static final Workload PROGRAM =
      new Workload("apps", "git", "git add | commit", "ns").withTarget(2.5);
  static final Workload START =
      new Workload("startup", "life-cycle.1", "whole life cycle", "ns").unpaired();
  static final Workload STARTS =
      new Workload("startup", "life-cycle.8", "whole life cycle, 8 at once", "ns").unpaired();
  static final Workload PROBE =
      new Workload("isolation", "direct-calls", "system calls that arrive", "count").unpaired();

  private MadeUp() {}

  /**
   * Five rounds; Redoubt takes `factor` times what bare Linux takes, and its runs differ by some
   * percent.
   */
  static Results of(double factor, boolean git) {
    Recorder r = new Recorder(List.of("native", "runc", "redoubt"));
    for (Workload w : List.of(CALL, PROGRAM, START, STARTS, PROBE)) {
      r.row(w);
    }
    for (int round = 1; round <= 5; round++) {
      double bare = 100 + 10 * round;
      r.add(CALL, "native", Sample.of(round, new double[] {bare, bare + 1, bare - 1}));
      r.add(CALL, "redoubt", Sample.of(round, new double[] {bare * factor * (1 + 0.01 * round)}));
      r.add(PROGRAM, "native", new Sample(round, 1e9, null));
      r.add(PROGRAM, "runc", new Sample(round, 1e9 * (round % 2 == 0 ? 0.9 : 1.1), null));
      if (git) {
        r.add(PROGRAM, "redoubt", new Sample(round, 2e9, null));
      }
      for (Workload w : List.of(START, STARTS)) {
        r.add(w, "native", new Sample(round, 1e6 + round, null));
        r.add(w, "redoubt", new Sample(round, 3e8 * factor, null));
      }
    }
    if (!git) {
      r.fail(PROGRAM, "redoubt", "exit code 128: fatal: </script><script>alert(1)</script>");
    }
    r.fail(CALL, "runc", "runc is not installed: --install-peers");
    r.add(PROBE, "redoubt", new Sample(1, 2, null));
    r.detail(PROBE, "redoubt", List.of("futex", "mmap"));
    Machine machine =
        new Machine(
            2,
            "Some CPU",
            true,
            8L << 30,
            "6.18.0 #1",
            "Debian",
            "hybrid",
            "always [madvise] never",
            "",
            "ext4",
            Map.of("meltdown", "Mitigation: PTI"),
            "0.1 0.1 0.1",
            "0.5 0.2 0.1",
            "JVM");
    List<Results.Peer> peers =
        List.of(
            new Results.Peer("native", "bare Linux", "", null, null),
            new Results.Peer("runc", "runc", "", null, "runc is not installed"),
            new Results.Peer("redoubt", "Redoubt", "abc", null, null));
    Results.Options options =
        new Results.Options(
            List.of("micro", "apps", "startup", "isolation"), 5, false, "disk", List.of());
    return new Results(
        Results.SCHEMA,
        "2026-01-02T03:04:05Z",
        60,
        false,
        options,
        machine,
        peers,
        r.workloads(),
        r.cells(),
        List.of());
  }
}
