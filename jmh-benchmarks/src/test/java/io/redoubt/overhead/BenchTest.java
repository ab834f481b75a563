package io.redoubt.overhead;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.overhead.results.Cell;
import io.redoubt.overhead.results.Results;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The harness from its command line to its files, on bare Linux, in seconds. */
class BenchTest {
  @TempDir Path out;

  private int bench(String... words) {
    CommandLine line = new CommandLine(new Bench());
    line.setExecutionExceptionHandler(
        (e, cl, parsed) -> e instanceof IllegalArgumentException ? 9 : 8);
    return line.execute(words);
  }

  @Test
  void aCommandIsMeasuredInEveryRound() throws IOException {
    assertEquals(
        0, bench("--runtimes", "native", "--runs", "3", "--out", out.toString(), "--", "true"));
    Results r = Results.read(out);
    Cell c = r.cell("command/command", "native").orElseThrow();
    assertEquals(3, c.n());
    assertTrue(c.median() > 0);
    assertEquals(1, c.ratio().median());
    assertTrue(Files.exists(out.resolve("results.csv")));
    assertTrue(Files.readString(out.resolve("index.html")).contains("echarts"));
  }

  @Test
  void aCommandThatFailsIsACellWithItsReason() throws IOException {
    assertEquals(
        0,
        bench(
            "--runtimes",
            "native",
            "--runs",
            "2",
            "--out",
            out.toString(),
            "--",
            "sh",
            "-c",
            "echo 'no luck' >&2; exit 7"));
    assertEquals(
        "exit code 7: no luck",
        Results.read(out).cell("command/command", "native").orElseThrow().failed());
  }

  @Test
  void nothingIsLeftInTheFileSystem() {
    bench(
        "--runtimes",
        "native",
        "--runs",
        "1",
        "--suite",
        "startup",
        "--quick",
        "--out",
        out.toString());
    assertTrue(Files.notExists(Path.of("/var/tmp/redoubt-bench-" + ProcessHandle.current().pid())));
  }

  @Test
  void whatIsNotKnownIsRefusedBeforeAnythingIsMeasured() {
    assertEquals(9, bench("--suite", "nonsense", "--out", out.toString()));
    assertEquals(9, bench("--runtimes", "nonsense", "--out", out.toString()));
    assertEquals(9, bench("--runs", "0", "--out", out.toString()));
    assertEquals(9, bench("--scratch", "nonsense", "--out", out.toString()));
  }

  @Test
  void compareExitsWithOneOnARegression() throws IOException {
    Path old = Files.writeString(out.resolve("old.json"), MadeUp.of(10, true).toJson());
    Path now = Files.writeString(out.resolve("new.json"), MadeUp.of(12, true).toJson());
    assertEquals(1, bench("compare", old.toString(), now.toString()));
    assertEquals(0, bench("compare", "--threshold", "50", old.toString(), now.toString()));
    assertEquals(0, bench("compare", now.toString(), old.toString()));
  }

  @Test
  void reportReplacesWhatIsBetweenItsLines() throws IOException {
    Path results = Files.writeString(out.resolve("r.json"), MadeUp.of(10, true).toJson());
    Path file =
        Files.writeString(
            out.resolve("README.md"),
            "before\n<!-- overhead:begin (x) -->\nold\n<!-- overhead:end -->\nafter\n");
    assertEquals(
        0, bench("report", "--format", "readme", "--into", file.toString(), results.toString()));
    String text = Files.readString(file);
    assertTrue(text.startsWith("before\n<!-- overhead:begin (x) -->\n| |"), text);
    assertTrue(text.endsWith("<!-- overhead:end -->\nafter\n"), text);
    assertTrue(!text.contains("old\n"), text);
  }

  @Test
  void jmhScoresAreRead() {
    String json =
        "[{\"benchmark\":\"a.B.c\",\"mode\":\"avgt\",\"params\":{\"n\":\"1\"},\"primaryMetric\":"
            + "{\"score\":1.5,\"scoreError\":\"NaN\",\"scoreUnit\":\"ns/op\"}}]";
    Results.JmhScore s = JmhCommand.scores(json).getFirst();
    assertEquals(1.5, s.score());
    assertEquals(null, s.error());
    assertEquals("{\"n\":\"1\"}", s.params());
  }
}
