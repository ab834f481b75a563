package io.redoubt.launcher;

import io.redoubt.host.Unistd;
import io.redoubt.sentry.LinuxSettings;
import io.redoubt.sentry.LinuxSettings.Device;
import io.redoubt.sentry.fs.Stat;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * {@code linux} of an OCI configuration, field by field: what is done, what is refused, and what is
 * warned about. Phrases are runc's where it has any.
 */
final class OciLinux {
  /** What an ipc namespace has of its own, and the sentry imitates. */
  private static final Set<String> IPC_SYSCTLS =
      Set.of(
          "kernel.msgmax",
          "kernel.msgmnb",
          "kernel.msgmni",
          "kernel.sem",
          "kernel.shmall",
          "kernel.shmmax",
          "kernel.shmmni",
          "kernel.shm_rmid_forced");

  private static final Set<String> MQUEUE_SYSCTLS =
      Set.of(
          "fs.mqueue.msg_default",
          "fs.mqueue.msg_max",
          "fs.mqueue.msgsize_default",
          "fs.mqueue.msgsize_max",
          "fs.mqueue.queues_max");

  /** No mount of a sandbox reaches out of it, nor is one of the host's seen in it. */
  private static final Set<String> PROPAGATION_WITHIN =
      Set.of("private", "rprivate", "unbindable", "runbindable");

  private static final Set<String> PROPAGATION_BEYOND =
      Set.of("slave", "rslave", "shared", "rshared");

  private static final int MAJOR_MEMORY = 1;
  private static final int MAJOR_TTY = 5;
  private static final int MAJOR_PTS = 136;

  private final JsonFields linux;
  private final List<Device> devices = new ArrayList<>();
  private final List<String> sysctls = new ArrayList<>();
  private String domainname;

  private OciLinux(JsonFields linux) {
    this.linux = linux;
  }

  /** Of a configuration without such an object. */
  private static LinuxSettings none() {
    return new LinuxSettings(
        List.of(), List.of(), List.of(), List.of(), null, new int[0], new int[0], false);
  }

  static LinuxSettings read(JsonFields linux) {
    if (linux == null) {
      return none();
    }
    OciLinux l = new OciLinux(linux);
    l.devices();
    l.sysctls();
    l.propagation();
    l.others();
    int[] users = l.map("uidMappings");
    int[] groups = l.map("gidMappings");
    boolean maps = users.length > 0 || groups.length > 0;
    boolean isOwn = isOnly(users, Unistd.geteuid()) && isOnly(groups, Unistd.getegid());
    return new LinuxSettings(
        l.devices,
        l.paths("maskedPaths"),
        l.paths("readonlyPaths"),
        l.sysctls,
        l.machine(),
        users,
        groups,
        maps && !isOwn && Unistd.geteuid() != 0);
  }

  /** kernel.domainname where linux.sysctl has it, or null. */
  static String domainname(LinuxSettings settings) {
    int at = settings.sysctls().indexOf("kernel.domainname");
    return at < 0 ? null : settings.sysctls().get(at + 1);
  }

  /** What an ordinary user can map without help: himself. As in stage.c. */
  private static boolean isOnly(int[] map, int own) {
    return map.length == 0 || map.length == 3 && map[1] == own && map[2] == 1;
  }

  /** Container's first, host's first, size. */
  private int[] map(String field) {
    List<JsonFields> entries = linux.objects(field);
    int[] map = new int[3 * entries.size()];
    boolean hasRoot = entries.isEmpty();
    for (int i = 0; i < entries.size(); i++) {
      JsonFields e = entries.get(i);
      map[3 * i] = e.id("containerID");
      map[3 * i + 1] = e.id("hostID");
      long size = e.unsigned("size", 0);
      if (size < 1 || size > 0xffffffffL) {
        throw e.failure("size", "must be above 0 and below 2 to the power of 32");
      }
      map[3 * i + 2] = (int) size;
      hasRoot |= map[3 * i] == 0;
      e.reportUnknown();
    }
    if (!entries.isEmpty() && !hasNamespace("user")) {
      linux.warn(field, "no user namespace in linux.namespaces, ignored"); // as runc does it
      return new int[0];
    }
    if (!hasRoot) {
      throw linux.failure(
          field, "no mapping for container ID 0: the sandbox's first process has it");
    }
    return map;
  }

  private List<String> paths(String field) {
    List<String> paths = linux.strings(field);
    for (String p : paths) {
      if (!p.startsWith("/")) {
        throw linux.failure(field, "not an absolute path: " + p);
      }
    }
    return paths;
  }

  private void devices() {
    for (JsonFields d : linux.objects("devices")) {
      String path = d.string("path");
      String type = d.string("type");
      if (path == null || !path.startsWith("/") || path.endsWith("/")) {
        throw d.failure(
            "path", path == null ? "missing" : "not the absolute path of a file: " + path);
      }
      int kind =
          switch (type == null ? "" : type) {
            case "c", "u" -> Stat.S_IFCHR;
            case "b" -> Stat.S_IFBLK;
            case "p" -> Stat.S_IFIFO;
            default -> throw d.failure("type", "invalid type: " + type + ", must be c, b, u or p");
          };
      int major = (int) d.signed("major");
      int minor = (int) d.signed("minor");
      if (kind != Stat.S_IFIFO && (kind == Stat.S_IFBLK || !isServed(major, minor))) {
        d.warn(
            "path",
            path
                + ": the node is made, but a guest has no device of the host: to open it is ENXIO");
      }
      devices.add(
          new Device(
              path,
              kind,
              major,
              minor,
              (int) d.unsigned("fileMode", 0666) & 07777,
              d.id("uid"),
              d.id("gid")));
      d.reportUnknown();
    }
  }

  private static boolean isServed(int major, int minor) {
    return switch (major) {
      case MAJOR_MEMORY -> minor == 3 || minor == 5 || minor == 7 || minor == 8 || minor == 9;
      case MAJOR_TTY -> minor <= 2;
      case MAJOR_PTS -> true;
      default -> false;
    };
  }

  private boolean hasNamespace(String type) {
    for (JsonFields n : linux.objects("namespaces")) {
      if (type.equals(n.string("type"))) {
        return true;
      }
    }
    return false;
  }

  private void sysctls() {
    JsonFields f = linux.object("sysctl");
    if (f == null) {
      return;
    }
    for (String given : f.names()) {
      String value = f.has(given) ? f.string(given) : ""; // null, as runc takes it
      String name = normal(RawArguments.raw(given));
      String problem = problem(name, value);
      if (problem != null) {
        throw linux.failure("sysctl", problem);
      }
      sysctls.add(name);
      sysctls.add(value);
    }
  }

  /** sysctl(8) takes a name with slashes for one whose parts may have dots. */
  private static String normal(String name) {
    int dot = name.indexOf('.');
    int slash = name.indexOf('/');
    return slash >= 0 && (dot < 0 || slash < dot)
        ? name.replace('.', '\0').replace('/', '.').replace('\0', '/')
        : name;
  }

  private String problem(String name, String value) {
    String quoted = "sysctl \"" + name + "\" ";
    if (IPC_SYSCTLS.contains(name) || MQUEUE_SYSCTLS.contains(name)) {
      if (!hasNamespace("ipc")) {
        return quoted + "is not allowed in the hosts ipc namespace";
      }
      for (String word : value.trim().split("[ \t]+")) {
        if (word.isEmpty() || !word.chars().allMatch(c -> c >= '0' && c <= '9')) {
          return quoted + "is not a number: " + value;
        }
      }
      return name.equals("kernel.shm_rmid_forced") && !value.trim().equals("0")
          ? quoted + "cannot be 1: segments of a sandbox stay until they are removed"
          : null;
    }
    if (name.startsWith("net.")) {
      if (name.contains("..") || name.contains("//") || name.endsWith(".") || name.contains("/")) {
        return quoted + "is not the name of a parameter";
      }
      return hasNamespace("network") ? null : quoted + "not allowed in host network namespace";
    }
    return switch (name) {
      case "kernel.domainname" ->
          hasNamespace("uts") ? null : quoted + "is not allowed in the host UTS namespace";
      case "kernel.hostname" ->
          hasNamespace("uts")
              ? "sysctl \"kernel.hostname\" is not allowed as it conflicts with the OCI \"hostname\" field"
              : quoted + "is not allowed in the host UTS namespace";
      default -> quoted + "is not in a separate kernel namespace";
    };
  }

  private void propagation() {
    String p = linux.string("rootfsPropagation");
    if (p == null || p.isEmpty() || PROPAGATION_WITHIN.contains(p)) {
      return;
    }
    if (!PROPAGATION_BEYOND.contains(p)) {
      throw linux.failure("rootfsPropagation", "rootfsPropagation=" + p + " is not supported");
    }
    linux.warn(
        "rootfsPropagation",
        p + ": mounts of the sandbox and of the host do not reach each other, as with private");
  }

  /** PER_LINUX32 is no more than another name in uname(2), to a program of 64 bits. */
  private String machine() {
    JsonFields p = linux.object("personality");
    if (p == null) {
      return null;
    }
    String domain = p.string("domain");
    if (!p.strings("flags").isEmpty()) {
      throw p.failure("flags", "personality flag has to be empty");
    }
    p.reportUnknown();
    return switch (domain == null ? "" : domain) {
      case "LINUX" -> null;
      case "LINUX32" -> "i686";
      default -> throw p.failure("domain", "invalid personality domain " + domain);
    };
  }

  private void others() {
    if (!isEmpty("intelRdt")) {
      throw linux.failure(
          "intelRdt", "intelRdt is specified in config, but Intel RDT is not supported or enabled");
    }
    if (!isEmpty("mountLabel")) {
      selinux(linux, "mountLabel");
    }
    linux.unsupported("netDevices", "timeOffsets", "memoryPolicy");
  }

  private boolean isEmpty(String field) {
    String json = linux.json(field);
    return json == null || json.equals("{}") || json.equals("\"\"");
  }

  /** A label for the files of a mount, or for a process. */
  static void selinux(JsonFields f, String field) {
    if (HostFiles.type("/sys/fs/selinux/enforce") < 0) {
      throw f.failure(
          field, "selinux label is specified in config, but selinux is disabled or not supported");
    }
    f.warn(
        field, "ignored: a guest reaches no file of the host, so there is nothing to label it for");
  }
}
