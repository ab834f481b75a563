package io.redoubt.overhead.peers;

import io.redoubt.overhead.host.Place;
import io.redoubt.overhead.results.Workload;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The runtimes that take all they need on their command line. */
final class SimplePeers {
  private SimplePeers() {}

  private static List<String> join(List<String> front, List<String> guest) {
    List<String> all = new ArrayList<>(front);
    all.addAll(guest);
    return all;
  }

  private static Optional<String> missing(String program, String debianPackage) {
    return Program.find(program).isPresent()
        ? Optional.empty()
        : Optional.of(
            program + " is not installed: --install-peers, or apt-get install " + debianPackage);
  }

  /** Bare Linux: the command as it is. */
  record Native() implements Peer {
    @Override
    public String name() {
      return "native";
    }

    @Override
    public String title() {
      return "bare Linux";
    }

    @Override
    public Optional<String> unavailable() {
      return Optional.empty();
    }

    @Override
    public String version() {
      return "";
    }

    @Override
    public List<String> command(Place place, String id, List<String> guest) {
      return guest;
    }

    @Override
    public boolean sharesNamespaces() {
      return true;
    }
  }

  /**
   * The floor of user notification: getuid(2) is answered by a loop in C that does nothing else.
   */
  record NotifyFloor(Path program) implements Peer {
    @Override
    public String name() {
      return "notify-floor";
    }

    @Override
    public String title() {
      return "user notification, a loop in C";
    }

    @Override
    public Optional<String> unavailable() {
      return Optional.empty();
    }

    @Override
    public String version() {
      return "";
    }

    @Override
    public List<String> command(Place place, String id, List<String> guest) {
      return join(List.of(program.toString()), guest);
    }

    @Override
    public boolean covers(Workload w) {
      return w.id().startsWith("micro/getuid.");
    }

    @Override
    public boolean sharesNamespaces() {
      return true;
    }
  }

  record Bubblewrap() implements Peer {
    @Override
    public String name() {
      return "bubblewrap";
    }

    @Override
    public String title() {
      return "bubblewrap";
    }

    @Override
    public Optional<String> unavailable() {
      return missing("bwrap", "bubblewrap");
    }

    @Override
    public String version() {
      return Program.firstLine(List.of("bwrap", "--version"));
    }

    @Override
    public List<String> command(Place place, String id, List<String> guest) {
      String work = place.work().toString();
      List<String> words =
          new ArrayList<>(
              List.of("bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"));
      words.addAll(List.of("--tmpfs", "/dev/shm"));
      words.addAll(place.memory() ? List.of("--tmpfs", work) : List.of("--bind", work, work));
      words.addAll(List.of("--unshare-all", "--die-with-parent", "--chdir", work));
      return join(words, guest);
    }
  }

  record Proot() implements Peer {
    @Override
    public String name() {
      return "proot";
    }

    @Override
    public String title() {
      return "proot";
    }

    @Override
    public Optional<String> unavailable() {
      return missing("proot", "proot");
    }

    @Override
    public String version() {
      String said = Program.output(List.of("proot", "--version"));
      return said.lines()
          .filter(s -> s.matches(".*\\d+\\.\\d+.*"))
          .map(s -> s.replaceAll("[^0-9.]*(\\d[\\w.-]*).*", "proot $1"))
          .findFirst()
          .orElse("");
    }

    @Override
    public List<String> command(Place place, String id, List<String> guest) {
      return join(List.of("proot", "-r", "/", "-w", place.work().toString()), guest);
    }

    @Override
    public boolean sharesNamespaces() {
      return true;
    }
  }

  /**
   * @param flags what stands in front of "do"
   * @param options of "do"; one with either is run by "do" alone
   */
  record Redoubt(Path front, String name, String title, List<String> flags, List<String> options)
      implements Peer {
    @Override
    public boolean isVariant() {
      return !flags.isEmpty() || !options.isEmpty();
    }

    @Override
    public Optional<String> unavailable() {
      return Files.isExecutable(front)
          ? Optional.empty()
          : Optional.of("it is not built: run ./redoubt do -- true");
    }

    @Override
    public String version() {
      Path root = front.getParent().getParent().getParent().getParent().getParent();
      String commit =
          Program.firstLine(
              List.of("git", "-C", root.toString(), "log", "-1", "--format=%h of %cs"));
      return commit.startsWith("fatal") ? "" : commit;
    }

    /** For the four commands, which only root's runs have. */
    @Override
    public boolean needsRootDirectory() {
      return Place.isRoot() && !isVariant();
    }

    /** With the same bundle as all other OCI runtimes. */
    @Override
    public Optional<Oci> oci(Place place, String id, List<String> guest) {
      return isVariant()
          ? Optional.empty()
          : new OciPeer(name, title, name, front, List.of(), "").oci(place, id, guest);
    }

    @Override
    public void clean(Place place, String id) {
      if (Place.isRoot()) {
        new OciPeer(name, title, name, front, List.of(), "").clean(place, id);
      }
    }

    @Override
    public List<String> command(Place place, String id, List<String> guest) {
      String work = place.work().toString();
      List<String> words = new ArrayList<>(List.of(front.toString()));
      words.addAll(flags);
      words.add("do");
      words.addAll(options);
      if (!place.memory()) {
        words.addAll(List.of("--bind", work + ":" + work));
      }
      words.addAll(List.of("--workdir", work, "--"));
      return join(words, guest);
    }
  }
}
