package io.redoubt.overhead.peers;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** All runtimes that the harness knows, in the order of the columns. */
public final class Peers {
  private Peers() {}

  /**
   * @param root the tree of this project
   * @param programs where the harness's programs in C are
   * @param installed where --install-peers puts what is in no package of this system
   */
  public static List<Peer> all(Path root, Path programs, Path installed) {
    Path runc = Program.find("runc").orElse(null);
    Path crun = Program.find("crun").orElse(null);
    Path own = installed.resolve("runsc");
    Path front = root.resolve("launcher/target/dist/bin/redoubt-front");
    Path runsc = java.nio.file.Files.isExecutable(own) ? own : Program.find("runsc").orElse(null);
    return List.of(
        new SimplePeers.Native(),
        new OciPeer("runc", "runc", "runc", runc, List.of(), "apt-get install runc"),
        new OciPeer("crun", "crun", "crun", crun, List.of(), "apt-get install crun"),
        gvisor("systrap", runsc),
        gvisor("ptrace", runsc),
        new SimplePeers.Bubblewrap(),
        new SimplePeers.Proot(),
        new SimplePeers.NotifyFloor(programs.resolve("notify-floor")),
        new SimplePeers.Redoubt(front, "redoubt", "Redoubt", List.of(), List.of()),
        new SimplePeers.Redoubt(
            front,
            "redoubt-unconfined",
            "Redoubt, sentry and gofer unconfined",
            List.of("--no-confinement"),
            List.of()),
        new SimplePeers.Redoubt(
            front, "redoubt-notify", "Redoubt, no ring", List.of(), List.of("--ring=off")));
  }

  private static Peer gvisor(String platform, Path runsc) {
    return new OciPeer(
        "runsc-" + platform,
        "gVisor (" + platform + ")",
        "runsc",
        runsc,
        List.of("--platform=" + platform, "--network=none"),
        "apt-get install runsc on Debian 13 or newer");
  }

  /** Those named, in the order of the columns. */
  public static List<Peer> named(List<Peer> all, List<String> names) {
    List<Peer> chosen = new ArrayList<>();
    for (String name : names) {
      if (all.stream().noneMatch(p -> p.name().equals(name) || group(p).equals(name))) {
        throw new IllegalArgumentException(
            "no runtime "
                + name
                + ": there are "
                + String.join(", ", all.stream().map(Peer::name).toList()));
      }
    }
    for (Peer p : all) {
      if (names.contains(p.name()) || names.contains(group(p))) {
        chosen.add(p);
      }
    }
    return chosen;
  }

  /** "runsc" means all of its platforms. */
  private static String group(Peer p) {
    return p.name().startsWith("runsc-") ? "runsc" : p.name();
  }
}
