package io.redoubt.overhead;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.overhead.report.Comparison;
import io.redoubt.overhead.report.CsvFile;
import io.redoubt.overhead.report.MarkdownTable;
import io.redoubt.overhead.report.TextTable;
import io.redoubt.overhead.results.Cell;
import io.redoubt.overhead.results.Results;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResultsTest {
  @TempDir Path folder;

  @Test
  void ratiosArePairedWithinRounds() {
    Cell c = MadeUp.of(10, true).cell("micro/getuid.libc", "redoubt").orElseThrow();
    // Bare Linux gets slower from round to round; a ratio of the medians would be 10.3 as well, but
    // with a wider spread.
    assertEquals(10.3, c.ratio().median(), 1e-9);
    assertEquals(10.1, c.ratio().low(), 1e-9);
    assertEquals(10.5, c.ratio().high(), 1e-9);
    assertTrue(c.ratio().shown());
    assertEquals(5, c.n());
  }

  @Test
  void aSpreadThatHoldsOneShowsNoDifference() {
    Cell c = MadeUp.of(10, true).cell("apps/git", "runc").orElseThrow();
    assertFalse(c.ratio().shown());
    assertTrue(TextTable.of(MadeUp.of(10, true)).contains("~1.10x"));
  }

  @Test
  void everyCellHasAFigureOrAReason() {
    for (Cell c : MadeUp.of(10, false).cells()) {
      assertTrue(c.isMeasured() || c.failed() != null, c.workloadId() + ", " + c.runtime());
    }
  }

  @Test
  void jsonIsReadAsItWasWritten() throws IOException {
    Results r = MadeUp.of(3, false);
    Files.writeString(folder.resolve("results.json"), r.toJson());
    assertEquals(r.toJson(), Results.read(folder).toJson());
    assertNull(Results.read(folder).cell("apps/git", "redoubt").orElseThrow().median());
  }

  @Test
  void anotherSchemaIsRefused() throws IOException {
    Files.writeString(
        folder.resolve("results.json"),
        MadeUp.of(3, true).toJson().replace(Results.SCHEMA, "redoubt-bench/0"));
    assertThrows(IOException.class, () -> Results.read(folder));
    Files.writeString(folder.resolve("results.json"), "[");
    assertThrows(IOException.class, () -> Results.read(folder));
  }

  @Test
  void csvHasALineForEachCell() throws IOException {
    Results r = MadeUp.of(3, false);
    CSVFormat format = CSVFormat.RFC4180.builder().setHeader().setSkipHeaderRecord(true).get();
    try (CSVParser parser = CSVParser.parse(CsvFile.of(r), format)) {
      List<CSVRecord> lines = parser.getRecords();
      assertEquals(r.cells().size(), lines.size());
      CSVRecord git =
          lines.stream()
              .filter(l -> l.get("workload").equals("git") && l.get("runtime").equals("redoubt"))
              .findFirst()
              .orElseThrow();
      assertEquals("", git.get("median"));
      assertTrue(git.get("failed").startsWith("exit code 128"));
    }
  }

  @Test
  void markdownKeepsItsColumns() {
    String text = MarkdownTable.all(MadeUp.of(3, true));
    assertTrue(text.contains("git add \\| commit"));
    assertTrue(
        MarkdownTable.targets(MadeUp.of(3, true)).contains("| git add \\| commit | 2.5 | 1 s"),
        text);
  }

  @Test
  void aChangeWithinTheNoiseIsNone() {
    Comparison c = new Comparison(MadeUp.of(10, true), MadeUp.of(10.2, true), 5);
    assertEquals(
        List.of(), c.regressions().stream().filter(x -> x.workload().startsWith("micro")).toList());
  }

  @Test
  void whatGotWorseBeyondNoiseAndThresholdIsARegression() {
    Results old = MadeUp.of(10, true);
    assertEquals(
        List.of("micro/getuid.libc", "startup/life-cycle.1", "startup/life-cycle.8"),
        new Comparison(old, MadeUp.of(12, true), 5)
            .regressions().stream().map(Comparison.Change::workload).toList());
    assertEquals(List.of(), new Comparison(old, MadeUp.of(12, true), 25).regressions());
    assertEquals(
        List.of(),
        new Comparison(old, MadeUp.of(8, true), 5).regressions(),
        "better is no regression");
    assertTrue(new Comparison(old, MadeUp.of(8, true), 5).text().contains("-20.0%"));
  }

  @Test
  void whatWorkedAndFailsNowIsARegression() {
    assertEquals(
        List.of("apps/git"),
        new Comparison(MadeUp.of(10, true), MadeUp.of(10, false), 5)
            .regressions().stream().map(Comparison.Change::workload).toList());
    assertEquals(
        List.of(), new Comparison(MadeUp.of(10, false), MadeUp.of(10, true), 5).regressions());
  }
}
