package io.redoubt.launcher;

import io.redoubt.sentry.SandboxConfig.MountSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * {@code mounts} of an OCI configuration, as file systems of the sandbox: binds are served by the
 * gofer, all others are the sentry's own, whatever their source says.
 */
final class OciMounts {
  /** What the sentry acts on. */
  private static final Set<String> FLAGS = Set.of("ro", "nosuid", "nodev", "noexec");

  /** What is the case anyway, or means nothing to a file system that only this sandbox has. */
  private static final Set<String> ACCEPTED =
      Set.of(
          "defaults",
          "rw",
          "suid",
          "dev",
          "exec",
          "sync",
          "async",
          "dirsync",
          "atime",
          "noatime",
          "diratime",
          "nodiratime",
          "relatime",
          "norelatime",
          "strictatime",
          "nostrictatime",
          "bind",
          "rbind",
          "private",
          "rprivate",
          "slave",
          "rslave",
          "shared",
          "rshared",
          "unbindable",
          "runbindable",
          "newinstance",
          "silent",
          "loud",
          "mand",
          "nomand",
          "iversion",
          "noiversion",
          "symfollow",
          "rsymfollow",
          "lazytime",
          "nolazytime",
          "ratime",
          "rnoatime",
          "rdiratime",
          "rnodiratime",
          "rrelatime",
          "rnorelatime",
          "rstrictatime",
          "rnostrictatime",
          "rrw",
          "rsuid",
          "rdev",
          "rexec");

  private static final Set<String> ACCEPTED_KEYS =
      Set.of("ptmxmode", "nr_inodes", "nr_blocks", "max", "inode64", "inode32");

  private OciMounts() {}

  static List<MountSpec> read(JsonFields top, String bundle) {
    List<MountSpec> mounts = new ArrayList<>();
    boolean hasDev = false;
    for (JsonFields f : top.objects("mounts")) {
      MountSpec m = mount(f, bundle);
      if (m != null) {
        hasDev |= m.destination().equals("/dev");
        mounts.add(m);
        addMountsBelow(f, m, mounts);
      }
      f.reportUnknown();
    }
    if (!hasDev) {
      mounts.add(0, StandardMounts.DEV); // the specification wants its devices, mounted or not
    }
    return mounts;
  }

  private static MountSpec mount(JsonFields f, String bundle) {
    String destination = f.string("destination");
    if (destination == null || !destination.startsWith("/")) {
      throw f.failure(
          "destination", destination == null ? "missing" : "not an absolute path: " + destination);
    }
    String type = f.string("type");
    String source = f.string("source");
    List<String> given = f.strings("options");
    for (String ids : new String[] {"uidMappings", "gidMappings"}) {
      if (!f.objects(ids).isEmpty()) {
        throw f.failure(ids, "mounts with ids of their own (idmap) are not supported");
      }
    }
    List<String> options = options(f, given);
    if (given.contains("bind") || given.contains("rbind") || "bind".equals(type)) {
      if (source == null) {
        throw f.failure("source", "missing; a bind mount needs one");
      }
      String path = HostFiles.absolute(bundle, source);
      int t = HostFiles.type(path);
      if (t < 0) {
        throw f.failure("source", path + ": " + HostFiles.problem(t));
      }
      if (given.contains("bind") && !given.contains("rbind")) {
        options.add(MountSpec.ALONE);
      }
      return new MountSpec("bind", path, destination, options);
    }
    if (type == null) {
      throw f.failure("type", "missing");
    }
    switch (type) {
      case "tmpfs":
        // An empty /dev that a runtime fills with devices: here that is a file system of its own.
        return destination.equals("/dev")
            ? StandardMounts.DEV
            : new MountSpec(type, type, destination, options);
      case "proc", "devpts", "sysfs", "mqueue":
        return new MountSpec(type, type, destination, options);
      case "cgroup", "cgroup2":
        return null; // the sandbox shows no control groups, so programs find none rather than wrong
      // ones
      default:
        f.warn("type", type + ": not a file system of the sandbox, not mounted");
        return null;
    }
  }

  /**
   * A bind is one mount here, with all that is mounted below its source. Flags that are not to hold
   * for that (mount(8): ro, and not rro) need a bind of their own for each.
   */
  private static void addMountsBelow(JsonFields f, MountSpec m, List<MountSpec> mounts) {
    if (!m.type().equals("bind") || m.isAlone()) {
      return;
    }
    List<String> given = f.strings("options");
    List<String> options = new ArrayList<>(m.options());
    options.removeIf(o -> FLAGS.contains(o) && !given.contains("r" + o));
    String source = options.equals(m.options()) ? null : HostFiles.canonical(m.source());
    if (source == null) {
      return;
    }
    List<String> below = HostMounts.below(source);
    if (below.size() > HostMounts.MAX_BELOW) {
      throw f.failure(
          "options",
          below.size()
              + " mounts are below the source, more than "
              + HostMounts.MAX_BELOW
              + "; give rro in place of ro, so that they need not be told apart");
    }
    for (String name : below) {
      mounts.add(
          new MountSpec(
              "bind",
              HostFiles.absolute(source, name),
              HostFiles.absolute(m.destination(), name),
              options));
    }
  }

  private static List<String> options(JsonFields f, List<String> given) {
    List<String> out = new ArrayList<>();
    for (String o : given) {
      int equals = o.indexOf('=');
      String key = equals < 0 ? o : o.substring(0, equals);
      if (FLAGS.contains(o)) {
        out.add(o);
      } else if (o.startsWith("r") && FLAGS.contains(o.substring(1))) {
        out.add(o.substring(1));
      } else if (equals > 0
          && (key.equals("size") || key.equals("mode") || key.equals("uid") || key.equals("gid"))) {
        out.add(o);
      } else if (o.equals("nosymfollow") || o.equals("rnosymfollow")) {
        throw f.failure("options", o + ": the sandbox follows symlinks on every mount");
      } else if (o.equals("idmap") || o.equals("ridmap")) {
        throw f.failure("options", o + ": mounts with ids of their own are not supported");
      } else if (o.equals("tmpcopyup")) {
        f.warn("options", o + ": the file system starts empty");
      } else if (!ACCEPTED.contains(o) && !ACCEPTED_KEYS.contains(key)) {
        f.warn("options", o + ": unknown option, ignored");
      }
    }
    return out;
  }
}
