package io.redoubt.overhead.suites;

import io.redoubt.overhead.Session;
import io.redoubt.overhead.host.Guarded.Outcome;
import io.redoubt.overhead.host.Place;
import io.redoubt.overhead.peers.Peer;
import io.redoubt.overhead.results.Sample;
import io.redoubt.overhead.results.Workload;
import io.redoubt.seccomp.Syscalls;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * What the cost buys: which system calls of a guest arrive in the host kernel, how many different
 * ones the runtime itself makes, and what a guest sees of the host. Tried from inside and watched
 * from outside (src/main/c/guest/probe.c, src/main/c/watch-calls.c), in the first round only.
 */
public final class IsolationSuite implements Suite {
  private static final Duration LIMIT = Duration.ofSeconds(120);
  private static final String WORKLOAD =
      "i=0; while [ $i -lt 20 ]; do /bin/true; i=$((i+1)); done; ls -lR /usr/include | sort | tail -1; echo x >f; mv f g; rm g";

  private final Workload direct =
      row("direct-calls", "system calls of a guest that arrive in the host kernel");
  private final Workload own =
      row("own-calls", "different host calls of the runtime's own processes");
  private final Workload guest =
      row("guest-calls", "different host calls of the guest's processes, same commands");
  private final Map<String, Workload> views = new TreeMap<>();
  private final List<Workload> rows = new ArrayList<>();

  public IsolationSuite() {
    rows.addAll(List.of(direct, own, guest));
    view("processes", "processes visible in /proc");
    view("devices", "device files in /dev");
    view("sysfs-files", "files in /sys");
    view("sysctls-writable", "files of /proc/sys that can be opened for writing");
    view("capabilities", "capabilities in effect");
  }

  private void view(String name, String title) {
    Workload w = row(name, title);
    views.put(name, w);
    rows.add(w);
  }

  private static Workload row(String name, String title) {
    return new Workload("isolation", name, title, "count").unpaired();
  }

  @Override
  public List<Workload> workloads() {
    return rows;
  }

  @Override
  public int steps() {
    return 30;
  }

  @Override
  public void round(Session session, int round) {
    if (round > 1) {
      session.step(steps() * session.peers().size());
      return;
    }
    for (Peer peer : session.peers()) {
      if (peer.covers(direct)) {
        see(session, peer, round);
        session.step(5);
        watch(
            session,
            peer,
            round,
            "direct calls",
            List.of(session.guest().toString(), "probe"),
            true);
        session.step(15);
        List<String> commands = List.of(session.guest().toString(), "mark", "sh", "-c", WORKLOAD);
        watch(session, peer, round, "calls of some commands", commands, false);
        session.step(10);
      } else {
        rows.forEach(w -> session.recorder().exclude(w, peer.name()));
        session.step(steps());
      }
    }
  }

  private void see(Session session, Peer peer, int round) {
    session.show("isolation, " + peer.name() + ": what is visible");
    Outcome o = session.run(peer, List.of(session.guest().toString(), "view"), LIMIT);
    for (String line : o.lines()) {
      String[] words = line.split(" ", 2);
      Workload w = views.get(words[0]);
      if (w != null) {
        session
            .recorder()
            .add(w, peer.name(), new Sample(round, Double.parseDouble(words[1]), null));
      } else if (words[0].equals("kernel")) {
        session
            .recorder()
            .detail(
                views.get("processes"), peer.name(), List.of("kernel release seen: " + words[1]));
      }
    }
    if (!o.isGood()) {
      views.values().forEach(w -> session.recorder().fail(w, peer.name(), o.reason(LIMIT)));
    }
  }

  private void watch(
      Session session, Peer peer, int round, String what, List<String> command, boolean probe) {
    List<Workload> mine = probe ? List.of(direct) : List.of(own, guest);
    if (!Place.isRoot()) {
      mine.forEach(
          w -> session.recorder().fail(w, peer.name(), "needs root, to watch the host kernel"));
      return;
    }
    session.show("isolation, " + peer.name() + ": " + what);
    Path file = session.place().folder().resolve("calls");
    List<String> front =
        new ArrayList<>(
            List.of(session.programs().resolve("watch-calls").toString(), file.toString()));
    if (probe && peer.sharesNamespaces()) {
      // The probe tries everything, as root: what it changes must be nobody else's.
      front.addAll(
          List.of(
              "unshare", "--uts", "--ipc", "--net", "--mount", "--pid", "--fork", "--mount-proc"));
    }
    try {
      Files.deleteIfExists(file);
      Outcome o = session.run(peer, front, command, LIMIT);
      if (!o.isGood() || !Files.exists(file)) {
        mine.forEach(w -> session.recorder().fail(w, peer.name(), o.reason(LIMIT)));
        return;
      }
      List<String> lines = Files.readAllLines(file);
      if (probe) {
        count(session, peer, round, direct, lines, "marked");
      } else {
        count(session, peer, round, own, lines, "own");
        count(session, peer, round, guest, lines, "guest");
      }
    } catch (IOException e) {
      mine.forEach(w -> session.recorder().fail(w, peer.name(), e.getMessage()));
    }
  }

  /** Lines "WHO NUMBER COUNT". */
  private static void count(
      Session session, Peer peer, int round, Workload w, List<String> lines, String who) {
    List<String> names =
        lines.stream()
            .map(line -> line.split(" "))
            .filter(words -> words[0].equals(who))
            // Without those that are none: numbers that Linux does not have, and -2, to which a
            // tracer changes a call to undo it.
            .map(words -> Syscalls.name((int) Long.parseLong(words[1])))
            .filter(Objects::nonNull)
            .sorted()
            .toList();
    session.recorder().add(w, peer.name(), new Sample(round, names.size(), null));
    session.recorder().detail(w, peer.name(), names);
  }
}
