package io.redoubt.overhead.report;

import io.redoubt.overhead.results.Cell;
import io.redoubt.overhead.results.Ratio;
import io.redoubt.overhead.results.Results;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;

/** One line a cell, for spreadsheets. */
public final class CsvFile {
  private static final String[] HEADER = {
    "suite",
    "workload",
    "runtime",
    "unit",
    "n",
    "median",
    "median_deviation",
    "q1",
    "q3",
    "min",
    "max",
    "ratio",
    "ratio_low",
    "ratio_high",
    "difference_shown",
    "failed"
  };

  private CsvFile() {}

  public static String of(Results results) {
    StringBuilder out = new StringBuilder();
    CSVFormat format = CSVFormat.RFC4180.builder().setHeader(HEADER).get();
    try (CSVPrinter printer = new CSVPrinter(out, format)) {
      for (Cell c : results.cells()) {
        Ratio r = c.ratio();
        printer.printRecord(
            c.suite(),
            c.workload(),
            c.runtime(),
            c.unit(),
            c.n(),
            c.median(),
            c.medianDeviation(),
            c.q1(),
            c.q3(),
            c.min(),
            c.max(),
            r == null ? null : r.median(),
            r == null ? null : r.low(),
            r == null ? null : r.high(),
            r == null ? null : r.shown(),
            c.failed());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e); // a StringBuilder never fails
    }
    return out.toString();
  }
}
