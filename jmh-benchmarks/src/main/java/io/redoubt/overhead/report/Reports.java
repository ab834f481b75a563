package io.redoubt.overhead.report;

import io.redoubt.overhead.results.Results;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Everything that comes out of one run. */
public final class Reports {
  private Reports() {}

  /** Fails before anything is measured where the results could not be written. */
  public static void check(Path folder) throws IOException {
    Files.createDirectories(folder);
    if (!Files.isWritable(folder)) {
      throw new IOException(folder + " is not writable: choose another folder with --out");
    }
  }

  public static void write(Results r, Path folder) throws IOException {
    Files.writeString(folder.resolve("results.json"), r.toJson() + "\n");
    Files.writeString(folder.resolve("results.csv"), CsvFile.of(r));
    Files.writeString(folder.resolve("index.html"), HtmlPage.of(r));
    System.out.println(TextTable.of(r));
    System.out.println("results.json, results.csv and index.html are in " + folder);
  }
}
