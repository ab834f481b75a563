package io.redoubt.overhead;

import io.redoubt.overhead.report.HtmlPage;
import io.redoubt.overhead.report.MarkdownTable;
import io.redoubt.overhead.report.TextTable;
import io.redoubt.overhead.results.Results;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** `redoubt bench report`: the same results once more, in another form. */
@Command(
    name = "report",
    mixinStandardHelpOptions = true,
    description = "Prints the results of a run again.")
final class ReportCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "RUN", description = "folder of a run, or its results.json")
  private Path run;

  @Option(
      names = "--format",
      paramLabel = "FORM",
      defaultValue = "text",
      description = "text (default), markdown, readme, or html")
  private String format;

  @Option(
      names = "--into",
      paramLabel = "FILE",
      description = "replace what is between the lines overhead:begin and overhead:end of FILE")
  private Path into;

  @Override
  public Integer call() throws IOException {
    Results r = Results.read(run);
    String text =
        switch (format) {
          case "text" -> TextTable.of(r);
          case "markdown" -> MarkdownTable.all(r);
          case "readme" -> MarkdownTable.targets(r);
          case "html" -> HtmlPage.of(r);
          default ->
              throw new IllegalArgumentException(
                  "--format " + format + ": it is text, markdown, readme or html");
        };
    if (into == null) {
      System.out.print(text);
      return 0;
    }
    String old = Files.readString(into);
    int begin = old.indexOf("<!-- overhead:begin");
    int end = old.indexOf("<!-- overhead:end");
    if (begin < 0 || end < begin) {
      throw new IOException(into + " has no lines overhead:begin and overhead:end");
    }
    Files.writeString(
        into, old.substring(0, old.indexOf('\n', begin) + 1) + text + old.substring(end));
    return 0;
  }
}
