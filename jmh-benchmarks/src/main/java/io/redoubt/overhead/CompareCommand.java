package io.redoubt.overhead;

import io.redoubt.overhead.report.Comparison;
import io.redoubt.overhead.results.Results;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** `redoubt bench compare`. */
@Command(
    name = "compare",
    mixinStandardHelpOptions = true,
    description =
        "Shows what changed beyond the noise between two runs. Exit code 1 if something got worse than the threshold.")
final class CompareCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "OLD", description = "folder of a run, or its results.json")
  private Path old;

  @Parameters(index = "1", paramLabel = "NEW")
  private Path now;

  @Option(
      names = "--threshold",
      paramLabel = "PCT",
      defaultValue = "5",
      description = "in percent (default ${DEFAULT-VALUE})")
  private double threshold;

  @Option(
      names = "--runtimes",
      split = ",",
      paramLabel = "NAME",
      description = "only these; for CI: redoubt")
  private List<String> runtimes;

  @Override
  public Integer call() throws IOException {
    Comparison c =
        new Comparison(Results.read(old).of(runtimes), Results.read(now).of(runtimes), threshold);
    System.out.println(c.text());
    return c.regressions().isEmpty() ? 0 : 1;
  }
}
