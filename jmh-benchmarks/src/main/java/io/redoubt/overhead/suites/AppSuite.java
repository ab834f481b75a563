package io.redoubt.overhead.suites;

import io.redoubt.overhead.Session;
import io.redoubt.overhead.host.Guarded.Outcome;
import io.redoubt.overhead.peers.Peer;
import io.redoubt.overhead.peers.Program;
import io.redoubt.overhead.results.Recorder;
import io.redoubt.overhead.results.Sample;
import io.redoubt.overhead.results.Workload;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Whole programs, each run in a sandbox of its own. Their time is taken inside, so that starting
 * the sandbox is not in it.
 */
public final class AppSuite implements Suite {
  private static final Duration LIMIT = Duration.ofSeconds(90);

  private final Map<App, Workload> rows = new LinkedHashMap<>();
  private final String suite;
  private final Path sources;

  private AppSuite(String suite, List<App> apps, Path sources) {
    this.suite = suite;
    this.sources = sources;
    for (App a : apps) {
      Workload w = new Workload(suite, a.name(), a.title(), "ns");
      rows.put(a, a.target() == null ? w : w.withTarget(a.target()));
    }
  }

  /**
   * @param sources where source packages are that a workload builds
   */
  public static AppSuite standard(boolean quick, Path sources) {
    return new AppSuite(
        "apps", AppList.ALL.stream().filter(a -> !quick || a.quick()).toList(), sources);
  }

  /** The user's own command as the one workload. */
  public static AppSuite of(List<String> command) {
    String words = String.join(" ", command.stream().map(AppSuite::quote).toList());
    return new AppSuite(
        "command",
        List.of(App.of("command", String.join(" ", command), "sh", "exec " + words)),
        null);
  }

  private static String quote(String word) {
    return word.matches("[\\w./:=,@%+-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
  }

  @Override
  public List<Workload> workloads() {
    return List.copyOf(rows.values());
  }

  @Override
  public int steps() {
    return rows.size() * 3;
  }

  @Override
  public void prepare(Session session) {
    try {
      if (sources != null) {
        session.show("apps: making what they read");
        AppInput.make(session.place(), sources);
      }
      for (App a : rows.keySet()) {
        Files.writeString(script(session, a), text(session, a));
        Files.writeString(timed(session, a), a.run() + "\n");
      }
    } catch (IOException e) {
      throw new IllegalStateException(
          "cannot write below " + session.place().input() + ": " + e.getMessage(), e);
    }
    for (Map.Entry<App, Workload> row : rows.entrySet()) {
      Optional<String> missing = missing(session, row.getKey());
      if (missing.isPresent()) {
        session
            .peers()
            .forEach(p -> session.recorder().fail(row.getValue(), p.name(), missing.get()));
      } else {
        // Once unmeasured on bare Linux: what it reads is in the page cache from now on.
        session.show(suite + ", to warm up: " + row.getKey().title());
        session
            .bare()
            .ifPresent(p ->
                session.run(p, List.of("sh", script(session, row.getKey()).toString()), LIMIT));
      }
    }
  }

  private static Path script(Session session, App a) {
    return session.place().input().resolve(a.name() + ".sh");
  }

  private static Path timed(Session session, App a) {
    return session.place().input().resolve(a.name() + ".run");
  }

  private static String text(Session session, App a) {
    String setup =
        a.setup().isEmpty()
            ? ""
            : "{ "
                + a.setup()
                + "\n} >&2 </dev/null || { echo 'its preparation failed' >&2; exit 1; }\n";
    return setup
        + (a.printsFigure() ? "" : session.guest() + " time ")
        + "sh "
        + timed(session, a)
        + "\n";
  }

  private static Optional<String> missing(Session session, App a) {
    for (String need : a.needs()) {
      boolean there =
          need.startsWith("input/")
              ? Files.exists(session.place().folder().resolve(need))
              : need.startsWith("/")
                  ? Files.isExecutable(Path.of(need))
                  : Program.find(need).isPresent();
      if (!there) {
        return Optional.of(
            need.replace("input/", "").replace("/Makefile", "'s source")
                + " is not installed: --install-peers");
      }
    }
    return Optional.empty();
  }

  @Override
  public void round(Session session, int round) {
    Recorder recorder = session.recorder();
    rows.forEach((app, w) -> {
      for (Peer peer : session.inTurn(round)) {
        if (!peer.covers(w)) {
          recorder.exclude(w, peer.name());
        }
        if (!recorder.hasFailed(w, peer.name())) {
          session.show(suite + ", " + peer.name() + ": " + app.title());
          measure(session, peer, app, w, round);
        }
        session.step(3);
      }
    });
  }

  private static void measure(Session session, Peer peer, App app, Workload w, int round) {
    Outcome o = session.run(peer, List.of("sh", script(session, app).toString()), LIMIT);
    Optional<Double> figure = o.lines().isEmpty() ? Optional.empty() : number(o.lines().getLast());
    if (!o.isGood()) {
      session.recorder().fail(w, peer.name(), o.reason(LIMIT));
    } else if (figure.isEmpty()) {
      session.recorder().fail(w, peer.name(), "no figure in its output");
    } else {
      session.recorder().add(w, peer.name(), new Sample(round, figure.get(), null));
    }
  }

  private static Optional<Double> number(String text) {
    try {
      return Optional.of(Double.parseDouble(text.strip()));
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }
}
