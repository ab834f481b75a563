package io.redoubt.overhead.suites;

import io.redoubt.overhead.Session;
import io.redoubt.overhead.host.Guarded.Outcome;
import io.redoubt.overhead.peers.Peer;
import io.redoubt.overhead.results.Sample;
import io.redoubt.overhead.results.Workload;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * From the start of the runtime's command to the first instruction of the guest's program, to its
 * first output as its caller sees it, and to the end of the command; with one and with several
 * started at the same moment. Timed by a program in C (src/main/c/guest/commands.c), so that no
 * start of a process by this JVM is in it.
 */
public final class StartupSuite implements Suite {
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final String[] POINTS = {"first-instruction", "first-output", "life-cycle"};
  private static final String[] TITLES = {
    "to the first instruction", "to the first output", "whole life cycle"
  };

  private final List<Integer> numbers;
  private final List<Workload> rows = new ArrayList<>();

  /** What a container manager starts for each container. */
  private final Workload commands =
      new Workload("startup", "oci-commands", "create + start + delete + delete --force", "ns")
          .unpaired();

  public StartupSuite(boolean quick) {
    numbers = quick ? List.of(1, 8) : List.of(1, 2, 4, 8);
    for (int n : numbers) {
      for (int i = 0; i < POINTS.length; i++) {
        String title = TITLES[i] + (n == 1 ? "" : ", " + n + " at once");
        rows.add(new Workload("startup", POINTS[i] + "." + n, title, "ns").unpaired());
      }
    }
  }

  @Override
  public List<Workload> workloads() {
    List<Workload> all = new ArrayList<>(rows);
    all.add(commands);
    return all;
  }

  @Override
  public int steps() {
    return 2 * numbers.size() + 1;
  }

  @Override
  public void prepare(Session session) {
    for (Peer peer : session.peers()) {
      session.show("startup, to warm up: " + peer.name());
      session.run(peer, List.of(session.guest().toString(), "first"), LIMIT);
    }
  }

  @Override
  public void round(Session session, int round) {
    for (int i = 0; i < numbers.size(); i++) {
      List<Workload> three = rows.subList(i * POINTS.length, (i + 1) * POINTS.length);
      for (Peer peer : session.inTurn(round)) {
        three.stream()
            .filter(w -> !peer.covers(w))
            .forEach(w -> session.recorder().exclude(w, peer.name()));
        if (!session.recorder().hasFailed(three.getFirst(), peer.name())) {
          session.show("startup, " + peer.name() + ": " + numbers.get(i) + " at once");
          measure(session, peer, numbers.get(i), three, round);
        }
        session.step(2);
      }
    }
    for (Peer peer : session.inTurn(round)) {
      if (!session.recorder().hasFailed(commands, peer.name())) {
        session.show("startup, " + peer.name() + ": create, start, delete, delete --force");
        measureCommands(session, peer, round);
      }
      session.step();
    }
  }

  private void measureCommands(Session session, Peer peer, int round) {
    Optional<Outcome> o =
        session.ociCommands(peer, List.of(session.guest().toString(), "first"), LIMIT);
    if (o.isEmpty()) {
      session.recorder().exclude(commands, peer.name());
    } else if (!o.get().isGood() || o.get().lines().size() != 1) {
      String reason = o.get().isGood() ? "no figure in its output" : o.get().reason(LIMIT);
      session.recorder().fail(commands, peer.name(), reason);
    } else {
      double figure = Double.parseDouble(o.get().lines().getFirst());
      session.recorder().add(commands, peer.name(), Sample.of(round, new double[] {figure}));
    }
  }

  private static void measure(Session session, Peer peer, int n, List<Workload> three, int round) {
    Outcome o = session.start(peer, n, List.of(session.guest().toString(), "first"), LIMIT);
    if (!o.isGood() || o.lines().size() != n) {
      String reason = o.isGood() ? "no figure in its output" : o.reason(LIMIT);
      three.forEach(w -> session.recorder().fail(w, peer.name(), reason));
      return;
    }
    for (int point = 0; point < POINTS.length; point++) {
      double[] figures = new double[n];
      for (int i = 0; i < n; i++) {
        figures[i] = Double.parseDouble(o.lines().get(i).split(" ")[point]);
      }
      session.recorder().add(three.get(point), peer.name(), Sample.of(round, figures));
    }
  }
}
