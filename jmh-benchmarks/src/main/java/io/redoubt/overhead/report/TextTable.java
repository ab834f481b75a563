package io.redoubt.overhead.report;

import com.github.freva.asciitable.AsciiTable;
import com.github.freva.asciitable.Column;
import com.github.freva.asciitable.ColumnData;
import com.github.freva.asciitable.HorizontalAlign;
import com.github.freva.asciitable.OverflowBehaviour;
import io.redoubt.overhead.results.Cell;
import io.redoubt.overhead.results.Recorder;
import io.redoubt.overhead.results.Results;
import io.redoubt.overhead.results.Results.Peer;
import io.redoubt.overhead.results.Workload;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The table for the terminal: one a suite, a column a runtime, and below them why cells are empty.
 */
public final class TextTable {
  private static final Character[] LINES =
      AsciiTable.BASIC_ASCII_NO_DATA_SEPARATORS_NO_OUTSIDE_BORDER;

  private final Results results;
  private final Map<String, Integer> notes = new LinkedHashMap<>();

  private TextTable(Results results) {
    this.results = results;
  }

  public static String of(Results results) {
    return new TextTable(results).text();
  }

  private String text() {
    StringBuilder out = new StringBuilder();
    for (String suite : results.workloads().stream().map(Workload::suite).distinct().toList()) {
      List<Workload> rows =
          results.workloads().stream().filter(w -> w.suite().equals(suite)).toList();
      List<Peer> columns =
          results.runtimes().stream()
              .filter(p -> rows.stream().anyMatch(w -> results.cell(w.id(), p.name()).isPresent()))
              .toList();
      out.append(suite).append('\n').append(table(rows, columns)).append("\n\n");
    }
    for (Map.Entry<String, Integer> note : notes.entrySet()) {
      out.append('[').append(note.getValue()).append("] ").append(note.getKey()).append('\n');
    }
    int most = results.cells().stream().mapToInt(Cell::n).max().orElse(0);
    out.append("Median of n=").append(most);
    out.append(
        " rounds ±median absolute deviation; with x: ratio to bare Linux in the same round, median and an interval that\n");
    out.append(
        "holds it; ~ no difference shown: the interval holds 1, or fewer than three rounds.\n");
    if (results.interrupted()) {
      out.append("Interrupted: this is what was measured until then.\n");
    }
    return out.toString();
  }

  private String table(List<Workload> rows, List<Peer> columns) {
    List<ColumnData<Workload>> data = new ArrayList<>();
    data.add(
        new Column()
            .header("")
            .dataAlign(HorizontalAlign.LEFT)
            .maxWidth(48, OverflowBehaviour.NEWLINE)
            .with(Workload::title));
    for (Peer p : columns) {
      data.add(
          new Column()
              .header(p.name())
              .dataAlign(HorizontalAlign.RIGHT)
              .maxWidth(26)
              .with(w -> cell(w, p.name())));
    }
    return AsciiTable.getTable(LINES, rows, data);
  }

  private String cell(Workload w, String runtime) {
    Optional<Cell> found = results.cell(w.id(), runtime);
    if (found.isEmpty()) {
      return "";
    }
    Cell c = found.get();
    String mark = c.failed() == null ? "" : "[" + note(runtime + ": " + c.failed()) + "]";
    if (!c.isMeasured()) {
      return mark;
    }
    boolean asRatio = c.ratio() != null && !runtime.equals(Recorder.BARE);
    String text = asRatio ? Figures.ratio(c.ratio()) : Figures.withSpread(c);
    return mark.isEmpty() ? text : text + " " + mark;
  }

  private int note(String reason) {
    return notes.computeIfAbsent(reason, r -> notes.size() + 1);
  }
}
