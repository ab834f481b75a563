package io.redoubt.overhead.peers;

import com.google.gson.Gson;
import io.redoubt.overhead.host.Cgroups;
import io.redoubt.overhead.host.Place;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A runtime that takes an OCI bundle. The configuration is what `runc spec` writes, with the
 * capabilities and the limits of files that Docker gives, the root file system of this machine,
 * read-only, and the writable directory; no seccomp profile, as from `runc spec`. The runtime's own
 * options are its defaults.
 *
 * @param flags what stands between the program and "run"
 */
record OciPeer(
    String name, String title, String program, Path path, List<String> flags, String install)
    implements Peer {
  private static final Gson GSON = new Gson();
  private static final List<String> CAPABILITIES =
      List.of(
          "CAP_CHOWN",
          "CAP_DAC_OVERRIDE",
          "CAP_FSETID",
          "CAP_FOWNER",
          "CAP_MKNOD",
          "CAP_NET_RAW",
          "CAP_SETGID",
          "CAP_SETUID",
          "CAP_SETFCAP",
          "CAP_SETPCAP",
          "CAP_NET_BIND_SERVICE",
          "CAP_SYS_CHROOT",
          "CAP_KILL",
          "CAP_AUDIT_WRITE");

  @Override
  public Optional<String> unavailable() {
    if (path == null) {
      return Optional.of(program + " is not installed: --install-peers, or " + install);
    }
    if (!Place.isRoot()) {
      return Optional.of(
          "needs root: without it these runtimes want other cgroups and id maps than the harness makes");
    }
    String platform = name.substring(name.indexOf('-') + 1);
    if (program.equals("runsc") && !isPlatformKnown(platform)) {
      return Optional.of(
          "this runsc ("
              + version()
              + ") has no platform "
              + platform
              + ": Debian 12's is too old for systrap; --install-peers brings Debian 13's, or "
              + install);
    }
    return Optional.empty();
  }

  /** An older runsc takes any name and fails at the first start; its flags know better. */
  private boolean isPlatformKnown(String platform) {
    return platform.equals("ptrace")
        || Program.output(List.of(path.toString(), "help", "flags")).contains(platform)
        || Program.output(List.of(path.toString(), "flags")).contains(platform);
  }

  @Override
  public String version() {
    return path == null ? "" : Program.firstLine(List.of(path.toString(), "--version"));
  }

  @Override
  public Optional<Oci> oci(Place place, String id, List<String> guest) {
    prepare(place, id, guest);
    return Optional.of(new Oci(words(place), bundle(place, id)));
  }

  private List<String> words(Place place) {
    List<String> words =
        new ArrayList<>(List.of(path.toString(), "--root", state(place).toString()));
    words.addAll(flags);
    return words;
  }

  @Override
  public List<String> command(Place place, String id, List<String> guest) {
    List<String> words = words(place);
    words.addAll(List.of("run", "--bundle", bundle(place, id).toString(), id));
    return words;
  }

  @Override
  public boolean needsRootDirectory() {
    return true;
  }

  private Path state(Place place) {
    return place.folder().resolve("state-" + name);
  }

  private static Path bundle(Place place, String id) {
    return place.folder().resolve("bundles").resolve(id);
  }

  @Override
  public void prepare(Place place, String id, List<String> guest) {
    try {
      Path bundle = bundle(place, id);
      Files.createDirectories(bundle);
      Files.writeString(
          bundle.resolve("config.json"), GSON.toJson(configuration(place, id, guest)));
    } catch (IOException e) {
      throw new IllegalStateException(
          "cannot write the bundle of " + name + ": " + e.getMessage(), e);
    }
  }

  @Override
  public void clean(Place place, String id) {
    // After a command that ended by itself this finds nothing; after one that was killed, its books
    // and its cgroups.
    if (Files.exists(state(place).resolve(id)) || hasState(place, id)) {
      Program.output(
          List.of(path.toString(), "--root", state(place).toString(), "delete", "--force", id));
    }
    Cgroups.remove(group(place) + "/" + id);
    Cgroups.remove(group(place));
  }

  /** runsc keeps files, not folders, named by the id. */
  private boolean hasState(Place place, String id) {
    try (Stream<Path> files = Files.list(state(place))) {
      return files.anyMatch(f -> f.getFileName().toString().contains(id));
    } catch (IOException e) {
      return false;
    }
  }

  private static String group(Place place) {
    return place.folder().getFileName().toString();
  }

  private static Map<String, Object> mount(
      String at, String type, String source, String... options) {
    return Map.of("destination", at, "type", type, "source", source, "options", List.of(options));
  }

  private static Map<String, Object> configuration(Place place, String id, List<String> guest) {
    String work = place.work().toString();
    Map<String, Object> process =
        Map.of(
            "terminal",
            false,
            "user",
            Map.of("uid", 0, "gid", 0),
            "args",
            guest,
            "env",
            place.environment().entrySet().stream()
                .map(e -> e.getKey() + "=" + e.getValue())
                .toList(),
            "cwd",
            work,
            "noNewPrivileges",
            true,
            "capabilities",
            Map.of("bounding", CAPABILITIES, "effective", CAPABILITIES, "permitted", CAPABILITIES),
            "rlimits",
            List.of(Map.of("type", "RLIMIT_NOFILE", "hard", 20000, "soft", 20000)));
    List<Map<String, Object>> mounts =
        List.of(
            mount("/proc", "proc", "proc"),
            mount("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
            mount(
                "/dev/pts",
                "devpts",
                "devpts",
                "nosuid",
                "noexec",
                "newinstance",
                "ptmxmode=0666",
                "mode=0620",
                "gid=5"),
            mount(
                "/dev/shm",
                "tmpfs",
                "shm",
                "nosuid",
                "noexec",
                "nodev",
                "mode=1777",
                "size=65536k"),
            mount("/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev"),
            mount("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro"),
            place.memory()
                ? mount(work, "tmpfs", "tmpfs", "mode=755")
                : mount(work, "bind", work, "bind", "rw"));
    Map<String, Object> linux =
        Map.of(
            "cgroupsPath", "/" + group(place) + "/" + id,
            "resources", Map.of("devices", List.of(Map.of("allow", false, "access", "rwm"))),
            "namespaces",
                Stream.of("pid", "network", "ipc", "uts", "mount")
                    .map(t -> Map.of("type", t))
                    .toList(),
            "maskedPaths",
                List.of(
                    "/proc/acpi",
                    "/proc/asound",
                    "/proc/kcore",
                    "/proc/keys",
                    "/proc/latency_stats",
                    "/proc/timer_list",
                    "/proc/timer_stats",
                    "/proc/sched_debug",
                    "/sys/firmware",
                    "/proc/scsi"),
            "readonlyPaths",
                List.of("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"));
    return Map.of(
        "ociVersion",
        "1.0.2",
        "process",
        process,
        "root",
        Map.of("path", place.root().toString(), "readonly", true),
        "hostname",
        "bench",
        "mounts",
        mounts,
        "linux",
        linux);
  }
}
