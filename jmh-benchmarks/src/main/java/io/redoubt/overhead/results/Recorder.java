package io.redoubt.overhead.results;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Collects samples while rounds go on, in the order of rows and columns in which they will be
 * shown.
 */
public final class Recorder {
  public static final String BARE = "native";

  private record Key(String workload, String runtime) {}

  private final Map<String, Workload> workloads = new LinkedHashMap<>();
  private final List<String> runtimes;
  private final Map<Key, List<Sample>> samples = new LinkedHashMap<>();
  private final Map<Key, String> failures = new LinkedHashMap<>();
  private final Set<Key> excluded = new HashSet<>();
  private final Map<Key, List<String>> details = new LinkedHashMap<>();

  public Recorder(List<String> runtimes) {
    this.runtimes = List.copyOf(runtimes);
  }

  public void row(Workload w) {
    workloads.put(w.id(), w);
  }

  public void add(Workload w, String runtime, Sample s) {
    samples.computeIfAbsent(new Key(w.id(), runtime), k -> new ArrayList<>()).add(s);
  }

  /** The reason why a cell has no more figures. The first one stays. */
  public void fail(Workload w, String runtime, String reason) {
    failures.putIfAbsent(new Key(w.id(), runtime), reason);
  }

  /** There will be no cell: the runtime is not made for this. */
  public void exclude(Workload w, String runtime) {
    excluded.add(new Key(w.id(), runtime));
  }

  public void detail(Workload w, String runtime, List<String> lines) {
    details.put(new Key(w.id(), runtime), List.copyOf(lines));
  }

  public boolean hasFailed(Workload w, String runtime) {
    Key k = new Key(w.id(), runtime);
    return failures.containsKey(k) || excluded.contains(k);
  }

  public List<Workload> workloads() {
    return List.copyOf(workloads.values());
  }

  public List<Cell> cells() {
    List<Cell> cells = new ArrayList<>();
    for (Workload w : workloads.values()) {
      List<Sample> bare = samplesOf(w, BARE);
      for (String runtime : runtimes) {
        Key k = new Key(w.id(), runtime);
        if (excluded.contains(k)) {
          continue;
        }
        cells.add(
            Cell.of(w, runtime, samplesOf(w, runtime), bare, failures.get(k), details.get(k)));
      }
    }
    return cells;
  }

  private List<Sample> samplesOf(Workload w, String runtime) {
    return samples.getOrDefault(new Key(w.id(), runtime), List.of());
  }
}
