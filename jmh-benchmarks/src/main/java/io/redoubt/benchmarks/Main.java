package io.redoubt.benchmarks;

import java.util.Collection;
import java.util.Locale;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Runs the benchmarks and prints a table. Takes JMH's own options and patterns; without them it
 * runs everything in a few minutes.
 */
public final class Main {
  private Main() {}

  public static void main(String[] args) throws RunnerException, CommandLineOptionException {
    CommandLineOptions given = new CommandLineOptions(args);
    OptionsBuilder b = new OptionsBuilder();
    b.parent(given);
    if (!given.getForkCount().hasValue()) {
      b.forks(1);
    }
    if (!given.getWarmupIterations().hasValue()) {
      b.warmupIterations(3);
    }
    if (!given.getWarmupTime().hasValue()) {
      b.warmupTime(TimeValue.seconds(1));
    }
    if (!given.getMeasurementIterations().hasValue()) {
      b.measurementIterations(5);
    }
    if (!given.getMeasurementTime().hasValue()) {
      b.measurementTime(TimeValue.seconds(1));
    }
    if (!given.getResult().hasValue()) {
      b.result("jmh.json").resultFormat(ResultFormatType.JSON);
    }
    Options options = b.verbosity(given.verbosity().orElse(VerboseMode.NORMAL)).build();
    print(new Runner(options).run());
  }

  private static void print(Collection<RunResult> results) {
    System.out.println();
    System.out.println("| benchmark | score | error | unit |");
    System.out.println("|---|---|---|---|");
    for (RunResult r : results) {
      String name = r.getParams().getBenchmark();
      StringBuilder row =
          new StringBuilder(name.substring(name.lastIndexOf('.', name.lastIndexOf('.') - 1) + 1));
      for (String p : r.getParams().getParamsKeys()) {
        row.append(' ').append(p).append('=').append(r.getParams().getParam(p));
      }
      double error = r.getPrimaryResult().getScoreError();
      System.out.println(
          String.format(
              Locale.ROOT,
              "| %s | %.1f | %s | %s |",
              row,
              r.getPrimaryResult().getScore(),
              Double.isNaN(error) ? "" : String.format(Locale.ROOT, "%.1f", error),
              r.getPrimaryResult().getScoreUnit()));
    }
  }
}
