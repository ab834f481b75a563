package io.redoubt.overhead.results;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonParseException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * All of one run, as results.json holds it. docs/benchmarks.md describes the fields; their names
 * stay.
 */
public record Results(
    String schema,
    String started,
    double seconds,
    boolean interrupted,
    Options options,
    Machine machine,
    List<Peer> runtimes,
    List<Workload> workloads,
    List<Cell> cells,
    List<JmhScore> jmh) {

  public static final String SCHEMA = "redoubt-bench/1";
  private static final Gson GSON =
      new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

  /** What was asked for. */
  public record Options(
      List<String> suites, int rounds, boolean quick, String scratch, List<String> command) {}

  /**
   * A runtime as it was found.
   *
   * @param command how it starts a guest, with its configuration file where it has one
   * @param unavailable why it could not be measured at all, or null
   */
  public record Peer(
      String name, String title, String version, String command, String unavailable) {}

  /** A score of the JMH benchmarks. */
  public record JmhScore(
      String benchmark, String params, String mode, double score, Double error, String unit) {}

  public static Results read(Path file) throws IOException {
    Path json = Files.isDirectory(file) ? file.resolve("results.json") : file;
    Results r;
    try {
      r = GSON.fromJson(Files.readString(json), Results.class);
    } catch (JsonParseException e) {
      throw new IOException(json + " is no results.json: " + e.getMessage(), e);
    }
    if (r == null || !SCHEMA.equals(r.schema)) {
      throw new IOException(
          json
              + " has no schema "
              + SCHEMA
              + ": it was not written by this version of redoubt bench");
    }
    return r;
  }

  public String toJson() {
    return GSON.toJson(this);
  }

  public Results withJmh(List<JmhScore> scores) {
    return new Results(
        schema,
        started,
        seconds,
        interrupted,
        options,
        machine,
        runtimes,
        workloads,
        cells,
        scores);
  }

  /** Only these runtimes; all for null. */
  public Results of(List<String> names) {
    List<Cell> some =
        names == null ? cells : cells.stream().filter(c -> names.contains(c.runtime())).toList();
    return new Results(
        schema, started, seconds, interrupted, options, machine, runtimes, workloads, some, jmh);
  }

  public Optional<Cell> cell(String workloadId, String runtime) {
    return cells.stream()
        .filter(c -> c.workloadId().equals(workloadId) && c.runtime().equals(runtime))
        .findFirst();
  }
}
