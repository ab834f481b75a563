package io.redoubt.overhead.report;

import io.redoubt.overhead.results.Cell;
import io.redoubt.overhead.results.Machine;
import io.redoubt.overhead.results.Recorder;
import io.redoubt.overhead.results.Results;
import io.redoubt.overhead.results.Results.Peer;
import io.redoubt.overhead.results.Workload;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** Tables for documents: all of them, or those rows that have a target, for the README. */
public final class MarkdownTable {
  private MarkdownTable() {}

  /** Every suite, with its title. */
  public static String all(Results r) {
    StringBuilder out = new StringBuilder();
    for (String suite : r.workloads().stream().map(Workload::suite).distinct().toList()) {
      List<Workload> rows = r.workloads().stream().filter(w -> w.suite().equals(suite)).toList();
      out.append("### ")
          .append(suite)
          .append("\n\n")
          .append(table(r, rows, columns(r, rows), false))
          .append('\n');
    }
    return out.append(method(r)).toString();
  }

  /**
   * The rows with a target; Redoubt and those of its peers that an engineer would otherwise use.
   */
  public static String targets(Results r) {
    List<Workload> rows = r.workloads().stream().filter(w -> w.target() != null).toList();
    List<String> wanted = List.of(Recorder.BARE, "redoubt", "runsc-systrap", "runc");
    List<Peer> columns =
        wanted.stream()
            .flatMap(name -> columns(r, rows).stream().filter(p -> p.name().equals(name)))
            .toList();
    List<Workload> single =
        r.workloads().stream()
            .filter(w ->
                List.of(
                        "startup/first-output.1",
                        "startup/life-cycle.1",
                        "density/pss.1",
                        "density/idle-cpu.1")
                    .contains(w.id()))
            .toList();
    String text = table(r, rows, columns, true);
    if (!single.isEmpty()) {
      text += "\n" + table(r, single, columns, false);
    }
    return text + "\n" + method(r);
  }

  private static List<Peer> columns(Results r, List<Workload> rows) {
    return r.runtimes().stream()
        .filter(p -> rows.stream().anyMatch(w -> r.cell(w.id(), p.name()).isPresent()))
        .toList();
  }

  private static String table(Results r, List<Workload> rows, List<Peer> all, boolean withTarget) {
    // A column without a figure is a line below, with its reasons.
    List<Peer> columns =
        all.stream().filter(p -> cells(r, rows, p).anyMatch(Cell::isMeasured)).toList();
    StringBuilder out = new StringBuilder("| |" + (withTarget ? " target |" : ""));
    columns.forEach(p -> out.append(' ').append(p.title()).append(" |"));
    out.append("\n|---|")
        .append(withTarget ? "---|" : "")
        .append("---:|".repeat(columns.size()))
        .append('\n');
    for (Workload w : rows) {
      out.append("| ").append(w.title().replace("|", "\\|")).append(" |");
      if (withTarget) {
        out.append(' ').append(w.target()).append(" |");
      }
      columns.forEach(
          p -> out.append(' ').append(cell(r.cell(w.id(), p.name()), p.name())).append(" |"));
      out.append('\n');
    }
    for (Peer p : all) {
      if (!columns.contains(p)) {
        List<String> reasons = cells(r, rows, p).map(Cell::failed).distinct().toList();
        out.append("\nNot in the table: ")
            .append(p.title())
            .append(" (")
            .append(String.join("; ", reasons))
            .append(").\n");
      }
    }
    return out.toString();
  }

  private static Stream<Cell> cells(Results r, List<Workload> rows, Peer p) {
    return rows.stream().flatMap(w -> r.cell(w.id(), p.name()).stream());
  }

  private static String cell(Optional<Cell> found, String runtime) {
    if (found.isEmpty()) {
      return "";
    }
    Cell c = found.get();
    String failed = c.failed() == null ? "" : "failed: " + c.failed().replace("|", "/");
    if (!c.isMeasured()) {
      return failed;
    }
    String text =
        c.ratio() == null || runtime.equals(Recorder.BARE)
            ? Figures.withSpread(c)
            : Figures.ratio(c.ratio());
    return failed.isEmpty() ? text : text + ", then " + failed;
  }

  static String method(Results r) {
    Machine m = r.machine();
    return String.format(
        Locale.ROOT,
        "%d CPUs (%s%s), %s memory, Linux %s, %s, cgroups %s, load before %s; %d rounds, %s. Bare Linux: median ± median absolute"
            + " deviation. Others: ratio to bare Linux in the same round, median and an interval that holds it; ~ where no difference"
            + " is shown.\n",
        m.cpus(),
        m.cpu(),
        m.virtual() ? ", virtual machine" : "",
        Figures.value("bytes", m.memoryBytes()),
        m.kernel().split(" ")[0],
        m.system(),
        m.cgroups(),
        m.loadBefore().split(" ")[0],
        r.cells().stream().mapToInt(Cell::n).max().orElse(0),
        r.started().substring(0, 10));
  }
}
