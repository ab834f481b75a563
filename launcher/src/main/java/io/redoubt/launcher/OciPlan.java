package io.redoubt.launcher;

import io.redoubt.sentry.LinuxSettings;
import java.util.ArrayList;
import java.util.List;

/**
 * The parts of an OCI configuration that the front acts on, not the sentry: keys and values in
 * turn. What each key means is said in {@code lifecycle.c}.
 */
final class OciPlan {
  /** In the order of the specification. */
  private static final String[] HOOKS = {
    "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"
  };

  /** By number, sched(7). */
  private static final List<String> POLICIES =
      List.of(
          "SCHED_OTHER",
          "SCHED_FIFO",
          "SCHED_RR",
          "SCHED_BATCH",
          "SCHED_ISO",
          "SCHED_IDLE",
          "SCHED_DEADLINE");

  /** By bit, linux/sched.h. */
  private static final List<String> SCHEDULER_FLAGS =
      List.of(
          "SCHED_FLAG_RESET_ON_FORK",
          "SCHED_FLAG_RECLAIM",
          "SCHED_FLAG_DL_OVERRUN",
          "SCHED_FLAG_KEEP_POLICY",
          "SCHED_FLAG_KEEP_PARAMS",
          "SCHED_FLAG_UTIL_CLAMP_MIN",
          "SCHED_FLAG_UTIL_CLAMP_MAX");

  /** From 1 on, linux/ioprio.h. */
  private static final List<String> IO_CLASSES =
      List.of("IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE");

  private final List<String> entries = new ArrayList<>();

  private OciPlan() {}

  static List<String> of(
      String version,
      String root,
      JsonFields top,
      JsonFields process,
      JsonFields linux,
      LinuxSettings settings) {
    OciPlan p = new OciPlan();
    p.add("ociVersion", version);
    p.add("rootfs", root);
    String annotations = top.json("annotations");
    if (annotations != null && !annotations.equals("{}")) {
      p.add("annotations", annotations);
    }
    p.hooks(top.object("hooks"));
    p.process(process);
    if (linux != null) {
      p.namespaces(linux);
      p.sysctls(settings);
      p.map("map.uid", settings.userMap());
      p.map("map.gid", settings.groupMap());
      String path = linux.string("cgroupsPath");
      p.add("cgroup.path", path == null ? "" : path);
      JsonFields resources = linux.object("resources");
      if (resources != null) {
        for (String setting : Resources.settings(resources, Resources.isUnified())) {
          p.add("cgroup.set", setting);
        }
      }
    }
    return p.entries;
  }

  /** The part that is about a process, for one that is started later. */
  static List<String> ofProcess(JsonFields process) {
    OciPlan p = new OciPlan();
    p.process(process);
    return p.entries;
  }

  private void add(String key, String value) {
    entries.add(key);
    entries.add(value);
  }

  private void process(JsonFields process) {
    JsonFields size = process.object("consoleSize");
    if (size != null) {
      add("console.size", size.unsigned("height", 0) + ":" + size.unsigned("width", 0));
      size.reportUnknown();
    }
    scheduler(process.object("scheduler"));
    ioPriority(process.object("ioPriority"));
    if (process.has("oomScoreAdj")) {
      long score = process.signed("oomScoreAdj");
      if (score < -1000 || score > 1000) {
        throw process.failure("oomScoreAdj", score + " is not within -1000 to 1000");
      }
      add("oom.score", Long.toString(score));
    }
  }

  /** Those of the network namespace, whose values are the host kernel's. */
  private void sysctls(LinuxSettings settings) {
    for (int i = 0; i + 1 < settings.sysctls().size(); i += 2) {
      if (settings.sysctls().get(i).startsWith("net.")) {
        add("sysctl", settings.sysctls().get(i) + "\t" + settings.sysctls().get(i + 1));
      }
    }
  }

  /** As /proc/PID/uid_map takes it. */
  private void map(String key, int[] map) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < map.length; i += 3) {
      text.append(Integer.toUnsignedString(map[i]))
          .append(' ')
          .append(Integer.toUnsignedString(map[i + 1]))
          .append(' ')
          .append(Integer.toUnsignedString(map[i + 2]))
          .append('\n');
    }
    if (map.length > 0) {
      add(key, text.toString());
    }
  }

  /** sched_setattr(2): policy, flags, nice, priority, runtime, deadline, period. */
  private void scheduler(JsonFields s) {
    if (s == null) {
      return;
    }
    String name = s.string("policy");
    int policy = name == null ? -1 : POLICIES.indexOf(name);
    if (policy < 0) {
      throw s.failure("policy", "invalid scheduler policy: " + name);
    }
    int flags = 0;
    for (String flag : s.strings("flags")) {
      int bit = SCHEDULER_FLAGS.indexOf(flag);
      if (bit < 0) {
        throw s.failure("flags", "invalid scheduler flag: " + flag);
      }
      flags |= 1 << bit;
    }
    add(
        "scheduler",
        policy
            + " "
            + flags
            + " "
            + s.signed("nice")
            + " "
            + s.signed("priority")
            + " "
            + s.unsigned("runtime", 0)
            + " "
            + s.unsigned("deadline", 0)
            + " "
            + s.unsigned("period", 0));
    s.reportUnknown();
  }

  /** ioprio_set(2). */
  private void ioPriority(JsonFields p) {
    if (p == null) {
      return;
    }
    String name = p.string("class");
    int kind = name == null ? -1 : IO_CLASSES.indexOf(name);
    long priority = p.signed("priority");
    if (kind < 0) {
      throw p.failure("class", "invalid ioPriority.Class: " + name);
    }
    if (priority < 0 || priority > 7) {
      throw p.failure("priority", priority + " is not within 0 to 7");
    }
    add("io.priority", Long.toString((long) (kind + 1) << 13 | priority));
    p.reportUnknown();
  }

  private void namespaces(JsonFields linux) {
    List<String> seen = new ArrayList<>();
    for (JsonFields n : linux.objects("namespaces")) {
      String type = n.string("type");
      if (type == null) {
        throw n.failure("type", "missing");
      }
      if (seen.contains(type)) {
        throw n.failure("type", "malformed spec file: duplicated ns " + type);
      }
      seen.add(type);
      String path = n.string("path");
      if (path != null && !path.isEmpty()) {
        if (type.equals("cgroup")) {
          n.warn("path", "a sandbox shows no control groups, so that it has its own");
        } else {
          add("namespace", type + "\t" + path);
        }
      }
      n.reportUnknown();
    }
  }

  private void hooks(JsonFields hooks) {
    if (hooks == null) {
      return;
    }
    for (String name : HOOKS) {
      for (JsonFields hook : hooks.objects(name)) {
        String path = hook.string("path");
        if (path == null || !path.startsWith("/")) {
          throw hook.failure("path", path == null ? "missing" : "not an absolute path: " + path);
        }
        long timeout = hook.signed("timeout");
        if (hook.has("timeout") && (timeout <= 0 || timeout > Integer.MAX_VALUE)) {
          throw hook.failure("timeout", "must be a number of seconds above 0");
        }
        add("hook", name + "\t" + timeout + "\t" + path);
        for (String a : hook.strings("args")) {
          add("hook.arg", a);
        }
        for (String e : hook.strings("env")) {
          add("hook.env", e);
        }
        hook.reportUnknown();
      }
    }
    hooks.reportUnknown();
  }
}
