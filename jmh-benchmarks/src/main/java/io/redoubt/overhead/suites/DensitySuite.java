package io.redoubt.overhead.suites;

import io.redoubt.overhead.Session;
import io.redoubt.overhead.host.Guarded;
import io.redoubt.overhead.host.ProcessTree;
import io.redoubt.overhead.peers.Peer;
import io.redoubt.overhead.results.Machine;
import io.redoubt.overhead.results.Sample;
import io.redoubt.overhead.results.Workload;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * What idle sandboxes use: memory of all processes of each, runtime included, and CPU time. Memory
 * that only the kernel knows of (page tables, namespaces) is in the row of what the machine has
 * less available. It changes little from run to run, so that only the first round measures it.
 */
public final class DensitySuite implements Suite {
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final double LEAST_FREE = 0.15;

  private record Rows(int n, Workload pss, Workload unshared, Workload available, Workload cpu) {
    List<Workload> all() {
      // One alone is lost in what the rest of the machine does.
      return n == 1 ? List.of(pss, unshared, cpu) : List.of(pss, unshared, available, cpu);
    }
  }

  private final List<Rows> rows = new ArrayList<>();
  private final Duration idle;

  public DensitySuite(boolean quick) {
    idle = Duration.ofSeconds(quick ? 1 : 6);
    for (int n : quick ? List.of(1) : List.of(1, 10, 50)) {
      String of = n == 1 ? "one sandbox" : n + " sandboxes, each";
      rows.add(
          new Rows(
              n,
              new Workload("density", "pss." + n, "PSS, " + of, "bytes").unpaired(),
              new Workload("density", "private." + n, "private memory, " + of, "bytes").unpaired(),
              new Workload(
                      "density", "available." + n, "less available on the machine, " + of, "bytes")
                  .unpaired(),
              new Workload("density", "idle-cpu." + n, "CPU time per second, " + of, "ns")
                  .unpaired()));
    }
  }

  @Override
  public List<Workload> workloads() {
    return rows.stream().flatMap(r -> r.all().stream()).toList();
  }

  @Override
  public int steps() {
    return rows.stream().mapToInt(Rows::n).sum() + rows.size() * (int) idle.toSeconds();
  }

  @Override
  public void round(Session session, int round) {
    if (round > 1) {
      session.step(steps() * session.peers().size());
      return;
    }
    for (Peer peer : session.inTurn(round)) {
      for (Rows r : rows) {
        if (!peer.covers(r.pss)) {
          r.all().forEach(w -> session.recorder().exclude(w, peer.name()));
        } else if (!session.recorder().hasFailed(r.pss, peer.name())) {
          measure(session, peer, r, round);
          continue;
        }
        session.step(r.n + (int) idle.toSeconds());
      }
    }
  }

  private void measure(Session session, Peer peer, Rows rows, int round) {
    List<Session.Sandbox> running = new ArrayList<>();
    int steps = rows.n + (int) idle.toSeconds();
    try {
      long before = Machine.memory("MemAvailable");
      for (int i = 0; i < rows.n; i++) {
        session.show("density, " + peer.name() + ": " + (i + 1) + " of " + rows.n);
        if (Machine.memory("MemAvailable") < LEAST_FREE * Machine.memory("MemTotal")) {
          fail(
              session,
              peer,
              rows,
              "stopped at "
                  + i
                  + " of "
                  + rows.n
                  + " because less than 15 % of the memory was available");
          return;
        }
        Session.Sandbox s = session.begin(peer, List.of(session.guest().toString(), "idle"));
        running.add(s);
        String said = s.running().line(LIMIT);
        if (!"ready".equals(said)) {
          s.close();
          fail(session, peer, rows, "number " + (i + 1) + " did not start: " + last(s.running()));
          return;
        }
        session.step();
        steps--;
      }
      session.pause(idle.dividedBy(2));
      List<Long> pids =
          running.stream()
              .flatMap(s -> ProcessTree.descendants(s.running().pid()).stream())
              .toList();
      long cpu = ProcessTree.cpuNanos(pids);
      session.pause(idle);
      cpu = ProcessTree.cpuNanos(pids) - cpu;
      ProcessTree.Memory memory = ProcessTree.memory(pids);
      long less = Math.max(0, before - Machine.memory("MemAvailable"));
      record(session, peer, rows.pss, round, memory.proportional(), rows.n);
      record(session, peer, rows.unshared, round, memory.unshared(), rows.n);
      if (rows.n > 1) {
        record(session, peer, rows.available, round, less, rows.n);
      }
      record(session, peer, rows.cpu, round, (double) cpu / idle.toSeconds(), rows.n);
    } finally {
      running.forEach(Session.Sandbox::close);
      session.step(steps);
    }
  }

  private static void record(
      Session session, Peer peer, Workload w, int round, double total, int n) {
    session.recorder().add(w, peer.name(), new Sample(round, total / n, null));
  }

  private static void fail(Session session, Peer peer, Rows rows, String reason) {
    rows.all().forEach(w -> session.recorder().fail(w, peer.name(), reason));
  }

  private static String last(Guarded.Running r) {
    return r.errors()
        .lines()
        .map(String::strip)
        .filter(s -> !s.isEmpty())
        .reduce((a, b) -> b)
        .orElse("it said nothing");
  }
}
