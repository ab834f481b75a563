package io.redoubt.launcher;

import io.redoubt.sentry.Container;
import io.redoubt.sentry.SandboxConfig.Capabilities;
import java.util.ArrayList;
import java.util.List;

/**
 * {@code process} of an OCI configuration.
 *
 * @param groups supplementary ones
 * @param rlimits resource, soft, hard triples: the caller's where the configuration has none
 */
record OciProcess(
    List<String> args,
    List<String> env,
    String cwd,
    int uid,
    int gid,
    int[] groups,
    int umask,
    Capabilities capabilities,
    boolean noNewPrivs,
    boolean terminal,
    long[] rlimits) {
  private static final int DEFAULT_UMASK = 022;

  /** By number, getrlimit(2). */
  private static final List<String> RLIMITS =
      List.of(
          "CPU",
          "FSIZE",
          "DATA",
          "STACK",
          "CORE",
          "RSS",
          "NPROC",
          "NOFILE",
          "MEMLOCK",
          "AS",
          "LOCKS",
          "SIGPENDING",
          "MSGQUEUE",
          "NICE",
          "RTPRIO",
          "RTTIME");

  /** By number, capabilities(7). */
  static final List<String> CAPABILITIES =
      List.of(
          "CHOWN",
          "DAC_OVERRIDE",
          "DAC_READ_SEARCH",
          "FOWNER",
          "FSETID",
          "KILL",
          "SETGID",
          "SETUID",
          "SETPCAP",
          "LINUX_IMMUTABLE",
          "NET_BIND_SERVICE",
          "NET_BROADCAST",
          "NET_ADMIN",
          "NET_RAW",
          "IPC_LOCK",
          "IPC_OWNER",
          "SYS_MODULE",
          "SYS_RAWIO",
          "SYS_CHROOT",
          "SYS_PTRACE",
          "SYS_PACCT",
          "SYS_ADMIN",
          "SYS_BOOT",
          "SYS_NICE",
          "SYS_RESOURCE",
          "SYS_TIME",
          "SYS_TTY_CONFIG",
          "MKNOD",
          "LEASE",
          "AUDIT_WRITE",
          "AUDIT_CONTROL",
          "SETFCAP",
          "MAC_OVERRIDE",
          "MAC_ADMIN",
          "SYSLOG",
          "WAKE_ALARM",
          "BLOCK_SUSPEND",
          "AUDIT_READ",
          "PERFMON",
          "BPF",
          "CHECKPOINT_RESTORE");

  /**
   * Reads it.
   *
   * @param root files of the root, whose user database says where home is
   */
  static OciProcess read(JsonFields f, Container.GuestFiles root) {
    List<String> args = f.strings("args");
    if (args.isEmpty()) {
      throw f.failure("args", "missing or empty; it is the command to run");
    }
    String cwd = f.string("cwd");
    if (cwd == null || !cwd.startsWith("/")) {
      throw f.failure("cwd", cwd == null ? "missing" : "not an absolute path: " + cwd);
    }
    int uid = 0;
    int gid = 0;
    int[] groups = {};
    long umask = DEFAULT_UMASK;
    JsonFields user = f.object("user");
    if (user != null) {
      uid = user.id("uid");
      gid = user.id("gid");
      groups = user.ids("additionalGids");
      umask = user.unsigned("umask", DEFAULT_UMASK);
      user.accept("username"); // Windows
      user.reportUnknown();
    }
    OciProcess p =
        new OciProcess(
            args,
            env(f, root, uid),
            cwd,
            uid,
            gid,
            groups,
            (int) umask & 0777,
            capabilities(f.object("capabilities")),
            f.flag("noNewPrivileges"),
            f.flag("terminal"),
            rlimits(f));
    String profile = f.string("apparmorProfile");
    if (profile != null && !profile.isEmpty()) {
      f.warn(
          "apparmorProfile",
          profile
              + ": ignored: it is about files and rights of the host, of which a guest has none");
    }
    String label = f.string("selinuxLabel");
    if (label != null && !label.isEmpty()) {
      OciLinux.selinux(f, "selinuxLabel");
    }
    f.unsupported("execCPUAffinity");
    return p;
  }

  /** With HOME, as runc does it, where the configuration has none. */
  private static List<String> env(JsonFields f, Container.GuestFiles root, int uid) {
    List<String> env = f.strings("env");
    for (String e : env) {
      if (e.startsWith("HOME=")) {
        return env;
      }
    }
    String home = UserDatabase.of(root).home(uid);
    env.add("HOME=" + (home == null || home.isEmpty() ? "/" : home));
    return env;
  }

  /** None at all when there is no such object, for root too. */
  private static Capabilities capabilities(JsonFields f) {
    if (f == null) {
      return new Capabilities(0, 0, 0, 0, 0);
    }
    long permitted = set(f, "permitted");
    long effective = set(f, "effective");
    long inheritable = set(f, "inheritable");
    long bounding = set(f, "bounding");
    long ambient = set(f, "ambient");
    f.reportUnknown();
    // The kernel keeps it so; what is too much runc does not complain of either.
    return new Capabilities(
        permitted, effective & permitted, inheritable, bounding, ambient & permitted & inheritable);
  }

  private static long set(JsonFields f, String field) {
    long bits = 0;
    for (String name : f.strings(field)) {
      int n = name.startsWith("CAP_") ? CAPABILITIES.indexOf(name.substring(4)) : -1;
      if (n < 0) {
        f.warn(field, name + ": unknown capability, ignored");
      } else {
        bits |= 1L << n;
      }
    }
    return bits;
  }

  private static long[] rlimits(JsonFields f) {
    long[] limits = CallerFacts.limits();
    List<String> seen = new ArrayList<>();
    for (JsonFields r : f.objects("rlimits")) {
      String type = r.string("type");
      int n = type != null && type.startsWith("RLIMIT_") ? RLIMITS.indexOf(type.substring(7)) : -1;
      if (n < 0) {
        throw r.failure(
            "type", type == null ? "missing" : type + " is no resource limit, see getrlimit(2)");
      }
      if (seen.contains(type)) {
        throw r.failure("type", type + " is there twice");
      }
      seen.add(type);
      long soft = r.unsigned("soft", 0);
      long hard = r.unsigned("hard", 0);
      if (Long.compareUnsigned(soft, hard) > 0) {
        throw r.failure("soft", "is above the hard limit");
      }
      r.reportUnknown();
      limits[3 * n + 1] = soft;
      limits[3 * n + 2] = hard;
    }
    return limits;
  }
}
