package io.redoubt.overhead.suites;

import io.redoubt.overhead.Session;
import io.redoubt.overhead.host.Guarded.Outcome;
import io.redoubt.overhead.peers.Peer;
import io.redoubt.overhead.results.Sample;
import io.redoubt.overhead.results.Workload;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Single operations, timed by one static program (src/main/c/guest) that runs all of them in one
 * sandbox. A round is one such run for each runtime. If the runtime hangs or dies in one of them,
 * that one has failed, and the others go on in a new sandbox.
 */
public final class MicroSuite implements Suite {
  private static final Duration LIMIT = Duration.ofSeconds(30);

  private final Map<String, Workload> rows = new LinkedHashMap<>();
  private final List<String> options;

  public MicroSuite(boolean quick) {
    for (MicroList.Entry e : MicroList.ALL) {
      if (!quick || e.quick()) {
        Workload w = new Workload("micro", e.name(), e.title(), "ns");
        rows.put(e.name(), e.target() == null ? w : w.withTarget(e.target()));
      }
    }
    options =
        quick
            ? List.of("--warm", "15", "--batch", "4", "--batches", "3")
            : List.of("--warm", "60", "--batch", "8", "--batches", "5");
  }

  @Override
  public List<Workload> workloads() {
    return List.copyOf(rows.values());
  }

  @Override
  public int steps() {
    return rows.size();
  }

  @Override
  public void round(Session session, int round) {
    for (Peer peer : session.inTurn(round)) {
      List<String> left = new ArrayList<>();
      for (Workload w : rows.values()) {
        if (!peer.covers(w)) {
          session.recorder().exclude(w, peer.name());
        }
        if (session.recorder().hasFailed(w, peer.name())) {
          session.step();
        } else {
          left.add(w.name());
        }
      }
      while (!left.isEmpty()) {
        run(session, peer, round, left);
      }
    }
  }

  /** One sandbox. Removes from the list what has an answer, and the one that got stuck. */
  private void run(Session session, Peer peer, int round, List<String> left) {
    List<String> guest = new ArrayList<>(List.of(session.guest().toString(), "micro"));
    guest.addAll(options);
    guest.addAll(left);
    session.show("micro, " + peer.name() + ": " + left.getFirst());
    Outcome o =
        session.run(
            peer,
            guest,
            LIMIT,
            line -> {
              accept(session, peer, round, line, left);
              if (!left.isEmpty()) {
                session.show("micro, " + peer.name() + ": " + left.getFirst());
              }
            });
    if (!left.isEmpty()) {
      String stuck = left.removeFirst();
      String reason = o.isGood() ? "the program ended without a figure" : o.reason(LIMIT);
      session.recorder().fail(rows.get(stuck), peer.name(), reason);
      session.step();
      if (o.lines().isEmpty() && !o.timedOut()) {
        // It does not start: so will it not for the others.
        for (String other : left) {
          session.recorder().fail(rows.get(other), peer.name(), reason);
          session.step();
        }
        left.clear();
      }
    }
  }

  /** "NAME NS NS NS" or "NAME ! REASON". */
  private void accept(Session session, Peer peer, int round, String line, List<String> left) {
    String[] words = line.strip().split(" +");
    if (!left.remove(words[0])) {
      return;
    }
    Workload w = rows.get(words[0]);
    session.step();
    if (words.length > 1 && words[1].equals("!")) {
      session.recorder().fail(w, peer.name(), line.substring(line.indexOf('!') + 1).strip());
      return;
    }
    try {
      double[] batches = Arrays.stream(words).skip(1).mapToDouble(Double::parseDouble).toArray();
      session.recorder().add(w, peer.name(), Sample.of(round, batches));
    } catch (NumberFormatException e) {
      session.recorder().fail(w, peer.name(), "no figure in its output: " + line);
    }
  }
}
