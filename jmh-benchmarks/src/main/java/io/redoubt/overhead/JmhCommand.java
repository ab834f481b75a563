package io.redoubt.overhead;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.redoubt.overhead.report.HtmlPage;
import io.redoubt.overhead.results.Results;
import io.redoubt.overhead.results.Results.JmhScore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** `redoubt bench jmh`: the benchmarks of the inside of the sentry. */
@Command(
    name = "jmh",
    mixinStandardHelpOptions = true,
    description = "Runs the JMH benchmarks and puts their scores into the results.json of a run.")
final class JmhCommand implements Callable<Integer> {
  @Parameters(
      arity = "0..*",
      paramLabel = "PATTERN",
      description = "which; and, after --, JMH's own options")
  private List<String> arguments = List.of();

  @Option(
      names = "--into",
      paramLabel = "RUN",
      description = "folder of a run; without it the scores are only printed")
  private Path run;

  @Override
  public Integer call() throws Exception {
    Path json = Files.createTempFile("redoubt-jmh", ".json");
    try {
      List<String> words = new ArrayList<>(arguments);
      words.addAll(
          List.of(
              "-rf",
              "json",
              "-rff",
              json.toString(),
              "-jvmArgs",
              System.getProperty("redoubt.jmh.jvm", "")));
      io.redoubt.benchmarks.Main.main(words.toArray(String[]::new));
      if (run != null) {
        merge(json);
      }
    } finally {
      Files.deleteIfExists(json);
    }
    return 0;
  }

  private void merge(Path json) throws IOException {
    Path file = Files.isDirectory(run) ? run.resolve("results.json") : run;
    List<JmhScore> fresh = scores(Files.readString(json));
    Results old = Results.read(file);
    List<JmhScore> all = new ArrayList<>(old.jmh());
    all.removeIf(s ->
        fresh.stream()
            .anyMatch(f -> f.benchmark().equals(s.benchmark()) && f.params().equals(s.params())));
    all.addAll(fresh);
    Results merged = old.withJmh(all);
    Files.writeString(file, merged.toJson() + "\n");
    Files.writeString(file.resolveSibling("index.html"), HtmlPage.of(merged));
    System.out.println(fresh.size() + " scores are now in " + file);
  }

  static List<JmhScore> scores(String json) {
    List<JmhScore> scores = new ArrayList<>();
    for (JsonElement e : new Gson().fromJson(json, JsonArray.class)) {
      JsonObject o = e.getAsJsonObject();
      JsonObject metric = o.getAsJsonObject("primaryMetric");
      String params = o.has("params") ? o.getAsJsonObject("params").toString() : "";
      JsonElement error = metric.get("scoreError"); // a number, or "NaN"
      Double known = error.getAsString().equals("NaN") ? null : error.getAsDouble();
      scores.add(
          new JmhScore(
              o.get("benchmark").getAsString(),
              params,
              o.get("mode").getAsString(),
              metric.get("score").getAsDouble(),
              known,
              metric.get("scoreUnit").getAsString()));
    }
    return scores;
  }
}
