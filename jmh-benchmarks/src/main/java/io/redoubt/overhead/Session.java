package io.redoubt.overhead;

import io.redoubt.overhead.host.Guarded;
import io.redoubt.overhead.host.Guarded.Outcome;
import io.redoubt.overhead.host.Place;
import io.redoubt.overhead.peers.Peer;
import io.redoubt.overhead.results.Recorder;
import io.redoubt.overhead.suites.Suite;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * One run of the harness: rounds over suites over runtimes, and how suites start something in a
 * runtime.
 */
public final class Session {
  private final Place place;
  private final Path programs;
  private final List<Peer> peers;
  private final Recorder recorder;
  private final Progress progress;
  private final Guarded guarded;
  private int started;

  Session(Place place, Path programs, List<Peer> peers, Recorder recorder, Progress progress) {
    this.place = place;
    this.programs = programs;
    this.peers = List.copyOf(peers);
    this.recorder = recorder;
    this.progress = progress;
    this.guarded = new Guarded(guest(), place.environment());
  }

  /** A runtime with something in it that goes on until it is closed. */
  public record Sandbox(Guarded.Running running, Runnable afterwards) implements AutoCloseable {
    @Override
    public void close() {
      running.close();
      afterwards.run();
    }
  }

  /**
   * All rounds. What a Ctrl-C interrupts ends with an exception; what was recorded until then
   * stays.
   *
   * @param limit no round is begun that would end later, if it takes as long as the one before; the
   *     first always is
   */
  void measure(List<Suite> suites, int rounds, Duration limit) {
    long begun = System.nanoTime();
    for (Suite s : suites) {
      s.prepare(this);
    }
    long last = System.nanoTime();
    for (int round = 1; round <= rounds; round++) {
      for (Suite s : suites) {
        progress.round(round, rounds);
        s.round(this, round);
      }
      long now = System.nanoTime();
      if (round < rounds && now + (now - last) - begun > limit.toNanos()) {
        progress.say(
            "stopped after round %d of %d: another does not fit into %d s"
                .formatted(round, rounds, limit.toSeconds()));
        return;
      }
      last = now;
    }
  }

  public Place place() {
    return place;
  }

  public Path programs() {
    return programs;
  }

  /** The static program that is run in every runtime. */
  public Path guest() {
    return programs.resolve("bench-guest");
  }

  public List<Peer> peers() {
    return peers;
  }

  public Recorder recorder() {
    return recorder;
  }

  public Optional<Peer> bare() {
    return peers.stream().filter(p -> p.name().equals(Recorder.BARE)).findFirst();
  }

  /**
   * The runtimes in the order of this round: each round begins with another one, so that none
   * always comes after the same.
   */
  public List<Peer> inTurn(int round) {
    List<Peer> order = new ArrayList<>(peers);
    Collections.rotate(order, -(round - 1));
    return order;
  }

  public void show(String what) {
    progress.show(what);
  }

  public void step() {
    progress.step(1);
  }

  public void step(int n) {
    progress.step(n);
  }

  public void pause(Duration time) {
    try {
      Thread.sleep(time);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Guarded.Stopped();
    }
  }

  private String nextId(Peer peer) {
    return peer.name() + "-" + ++started;
  }

  public Outcome run(Peer peer, List<String> guest, Duration limit) {
    return run(peer, guest, limit, line -> {});
  }

  public Outcome run(Peer peer, List<String> guest, Duration limit, Consumer<String> onLine) {
    return run(peer, List.of(), guest, limit, onLine);
  }

  /**
   * @param front words in front of the runtime's own
   */
  public Outcome run(Peer peer, List<String> front, List<String> guest, Duration limit) {
    return run(peer, front, guest, limit, line -> {});
  }

  private Outcome run(
      Peer peer, List<String> front, List<String> guest, Duration limit, Consumer<String> onLine) {
    String id = nextId(peer);
    peer.prepare(place, id, guest);
    try {
      List<String> words = new ArrayList<>(front);
      words.addAll(peer.command(place, id, guest));
      return guarded.run(words, place.work(), limit, onLine);
    } finally {
      peer.clean(place, id);
      place.clean();
    }
  }

  /** Starts n at once by the timer in C, and returns its lines. */
  public Outcome start(Peer peer, int n, List<String> guest, Duration limit) {
    String id = nextId(peer);
    for (int i = 0; i < n; i++) {
      peer.prepare(place, id + "-" + i, guest);
    }
    try {
      List<String> words =
          new ArrayList<>(List.of(guest().toString(), "startup", Integer.toString(n)));
      words.addAll(peer.command(place, id + "-{n}", guest));
      return guarded.run(words, place.work(), limit);
    } finally {
      for (int i = 0; i < n; i++) {
        peer.clean(place, id + "-" + i);
      }
    }
  }

  /** The four commands of a container's life, timed in C; empty for what is no OCI runtime. */
  public Optional<Outcome> ociCommands(Peer peer, List<String> guest, Duration limit) {
    String id = nextId(peer);
    try {
      Optional<Peer.Oci> oci = Place.isRoot() ? peer.oci(place, id, guest) : Optional.empty();
      if (oci.isEmpty()) {
        return Optional.empty();
      }
      List<String> words =
          new ArrayList<>(
              List.of(guest().toString(), "oci-commands", oci.get().bundle().toString(), id));
      words.addAll(oci.get().words());
      return Optional.of(guarded.run(words, place.work(), limit));
    } finally {
      peer.clean(place, id);
    }
  }

  public Sandbox begin(Peer peer, List<String> guest) {
    String id = nextId(peer);
    peer.prepare(place, id, guest);
    return new Sandbox(
        guarded.start(peer.command(place, id, guest), place.work()), () -> peer.clean(place, id));
  }
}
