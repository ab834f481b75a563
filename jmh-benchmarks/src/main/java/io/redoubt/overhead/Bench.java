package io.redoubt.overhead;

import io.redoubt.overhead.host.Guarded;
import io.redoubt.overhead.host.Place;
import io.redoubt.overhead.peers.Peer;
import io.redoubt.overhead.peers.PeerInstaller;
import io.redoubt.overhead.peers.Peers;
import io.redoubt.overhead.report.Reports;
import io.redoubt.overhead.results.Machine;
import io.redoubt.overhead.results.Recorder;
import io.redoubt.overhead.results.Results;
import io.redoubt.overhead.suites.AppSuite;
import io.redoubt.overhead.suites.DensitySuite;
import io.redoubt.overhead.suites.IsolationSuite;
import io.redoubt.overhead.suites.MicroSuite;
import io.redoubt.overhead.suites.StartupSuite;
import io.redoubt.overhead.suites.Suite;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** `redoubt bench`: what does a runtime cost, on these workloads or on yours. */
@Command(
    name = "redoubt bench",
    sortOptions = false,
    usageHelpWidth = 110,
    subcommands = {CompareCommand.class, ReportCommand.class, JmhCommand.class},
    description = {
      "Measures workloads on bare Linux and in runtimes, interleaved, and writes results.json, results.csv and index.html.",
      "With a command after --, that command is the workload, in the current directory (which is writable in every runtime)."
    })
public final class Bench implements Callable<Integer> {
  private static final int QUICK_SECONDS = 165;
  private static final List<String> QUICK_RUNTIMES =
      List.of("native", "runc", "runsc-systrap", "bubblewrap", "redoubt");
  private static final List<String> SUITES =
      List.of("micro", "apps", "startup", "density", "isolation");

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "print this")
  private boolean help;

  @Option(
      names = "--suite",
      split = ",",
      paramLabel = "SUITE",
      description = "micro, apps, startup, density, isolation or all (the default)")
  private List<String> suites;

  @Option(
      names = "--runtimes",
      split = ",",
      paramLabel = "NAME",
      description =
          "of native, runc, crun, runsc-systrap, runsc-ptrace, bubblewrap, proot, notify-floor, redoubt;"
              + " default all, quick native, runc, runsc-systrap, bubblewrap, redoubt")
  private List<String> runtimes;

  @Option(
      names = "--runs",
      paramLabel = "N",
      description = "rounds, each of which runs everything once (default 5, quick 3)")
  private Integer runs;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "where the results go (default bench-DATE-TIME)")
  private Path out;

  @Option(
      names = "--quick",
      description = "fewer workloads, shorter, in less than three minutes on two cores")
  private boolean quick;

  @Option(
      names = "--limit",
      paramLabel = "SECONDS",
      description = "begin no round that would end later (default none, quick 165)")
  private Integer limit;

  @Option(
      names = "--scratch",
      paramLabel = "WHERE",
      description =
          "what the working directory is: disk (a directory of the host in every runtime, the default) or memory")
  private String scratch = "disk";

  @Option(
      names = "--install-peers",
      description = "install first what is missing of runtimes and workloads (Debian, as root)")
  private boolean installPeers;

  @Parameters(paramLabel = "CMD", description = "the workload")
  private List<String> command = List.of();

  static final Path ROOT = Path.of(System.getProperty("redoubt.root", "."));
  static final Path TARGET = ROOT.resolve("jmh-benchmarks/target");

  public static void main(String[] args) {
    CommandLine line = new CommandLine(new Bench());
    line.setExecutionExceptionHandler((e, cl, parsed) -> {
      System.err.println("redoubt: " + (e.getMessage() == null ? e.toString() : e.getMessage()));
      return 1;
    });
    System.exit(line.execute(args));
  }

  @Override
  public Integer call() throws IOException {
    if (!scratch.equals("disk") && !scratch.equals("memory")) {
      throw new IllegalArgumentException("--scratch " + scratch + ": it is disk or memory");
    }
    if (scratch.equals("memory") && !command.isEmpty()) {
      throw new IllegalArgumentException(
          "--scratch memory goes with suites: a command of yours runs in the current directory");
    }
    if (runs != null && runs < 1) {
      throw new IllegalArgumentException("--runs is at least 1");
    }
    if (installPeers) {
      PeerInstaller.install(TARGET.resolve("peers"));
    }
    List<Peer> all = Peers.all(ROOT, TARGET.resolve("bin"), TARGET.resolve("peers"));
    List<String> wanted = runtimes == null && quick ? QUICK_RUNTIMES : runtimes;
    List<Peer> chosen =
        wanted == null
            ? all.stream().filter(p -> !p.isVariant()).toList()
            : Peers.named(all, wanted);
    List<String> names = suiteNames();
    List<Suite> measured = suitesOf(names);
    int rounds = runs != null ? runs : quick ? 3 : 5;
    Path to =
        out != null
            ? out
            : Path.of(
                "bench-"
                    + LocalDateTime.now().format(DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss")));
    Reports.check(to);

    Recorder recorder = new Recorder(chosen.stream().map(Peer::name).toList());
    measured.forEach(s -> s.workloads().forEach(recorder::row));
    List<Peer> usable = new ArrayList<>();
    List<Results.Peer> facts = new ArrayList<>();
    for (Peer p : chosen) {
      String reason = p.unavailable().orElse(null);
      if (reason == null) {
        usable.add(p);
      } else {
        System.err.println("redoubt: " + p.name() + ": " + reason);
        recorder.workloads().stream()
            .filter(p::covers)
            .forEach(w -> recorder.fail(w, p.name(), reason));
      }
      recorder.workloads().stream()
          .filter(w -> !p.covers(w))
          .forEach(w -> recorder.exclude(w, p.name()));
      facts.add(
          new Results.Peer(p.name(), p.title(), reason == null ? p.version() : "", null, reason));
    }

    Results.Options options = new Results.Options(names, rounds, quick, scratch, command);
    try (Interruption interruption = Interruption.ofThisThread()) {
      Results results = measure(measured, usable, recorder, options, facts);
      Reports.write(results, to);
      return results.interrupted() ? 130 : 0;
    }
  }

  private List<String> suiteNames() {
    if (!command.isEmpty()) {
      return List.of("command");
    }
    if (suites == null || suites.contains("all")) {
      return SUITES;
    }
    for (String s : suites) {
      if (!SUITES.contains(s)) {
        throw new IllegalArgumentException(
            "no suite " + s + ": there are " + String.join(", ", SUITES) + " and all");
      }
    }
    return SUITES.stream().filter(suites::contains).toList();
  }

  private List<Suite> suitesOf(List<String> names) {
    List<Suite> chosen = new ArrayList<>();
    for (String name : names) {
      chosen.add(
          switch (name) {
            case "micro" -> new MicroSuite(quick);
            case "apps" -> AppSuite.standard(quick, TARGET.resolve("peers"));
            case "startup" -> new StartupSuite(quick);
            case "density" -> new DensitySuite(quick);
            case "isolation" -> new IsolationSuite();
            default -> AppSuite.of(command);
          });
    }
    return chosen;
  }

  /** Measures until the end or until Ctrl-C, and puts together what there is by then. */
  private Results measure(
      List<Suite> suites,
      List<Peer> peers,
      Recorder recorder,
      Results.Options options,
      List<Results.Peer> facts)
      throws IOException {
    long seconds = limit != null ? limit : quick ? QUICK_SECONDS : Integer.MAX_VALUE;
    Duration time = Duration.ofSeconds(seconds);
    Instant begun = Instant.now();
    boolean interrupted = false;
    Machine machine;
    Path directory = command.isEmpty() ? null : Path.of("").toAbsolutePath();
    boolean withRoot = peers.stream().anyMatch(Peer::needsRootDirectory);
    try (Place place = Place.make(scratch.equals("memory"), directory, withRoot)) {
      machine = Machine.describe(place.work());
      long steps =
          (long) options.rounds() * peers.size() * suites.stream().mapToInt(Suite::steps).sum();
      try (Progress progress = new Progress(steps)) {
        new Session(place, TARGET.resolve("bin"), peers, recorder, progress)
            .measure(suites, options.rounds(), time);
      } catch (Guarded.Stopped e) {
        interrupted = true;
      } catch (IllegalStateException e) {
        // Something of the harness's own failed: what was measured before is kept all the same.
        System.err.println("redoubt: " + e.getMessage());
        interrupted = true;
      }
    }
    return new Results(
        Results.SCHEMA,
        begun.toString(),
        Duration.between(begun, Instant.now()).toMillis() / 1000.0,
        interrupted,
        options,
        machine.withLoadAfter(Machine.load()),
        facts,
        recorder.workloads(),
        recorder.cells(),
        List.of());
  }
}
