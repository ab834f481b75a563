package io.redoubt.launcher;

import java.util.ArrayList;
import java.util.List;

/**
 * {@code linux.resources} as settings of control group files: "CONTROLLER tab FILE tab VALUE".
 * Names and conversions of version 1 and 2 are those of runc (cgroups(7); the kernel's cgroup-v1
 * and cgroup-v2 documents).
 */
final class Resources {
  private final JsonFields resources;
  private final boolean unified;
  private final List<String> settings = new ArrayList<>();

  private Resources(JsonFields resources, boolean unified) {
    this.resources = resources;
    this.unified = unified;
  }

  /** Whether this host has version 2 only. */
  static boolean isUnified() {
    return HostFiles.type("/sys/fs/cgroup/cgroup.controllers") >= 0;
  }

  /**
   * Whether a container gets less than two CPUs' time: what spins there takes it from who works.
   *
   * @param linux null: no limit
   */
  static boolean isBelowTwoCpus(JsonFields linux) {
    JsonFields resources = linux == null ? null : linux.object("resources");
    JsonFields cpu = resources == null ? null : resources.object("cpu");
    if (cpu == null) {
      return false;
    }
    long quota = cpu.signed("quota");
    long period = cpu.unsigned("period", 0);
    return quota > 0 && quota / 2 < (period == 0 ? 100_000 : period);
  }

  /**
   * The settings of a LinuxResources object.
   *
   * @param unified for version 2
   */
  static List<String> settings(JsonFields resources, boolean unified) {
    Resources r = new Resources(resources, unified);
    r.memory(resources.object("memory"));
    r.cpu(resources.object("cpu"));
    r.pids(resources.object("pids"));
    r.blockIo(resources.object("blockIO"));
    r.hugePages();
    r.network(resources.object("network"));
    r.rdma(resources.object("rdma"));
    r.unified(resources.object("unified"));
    resources.accept("devices"); // a guest has no device of the host
    resources.reportUnknown();
    return r.settings;
  }

  private void set(String controller, String file, Object value) {
    settings.add(controller + "\t" + file + "\t" + value);
  }

  private static String limit(long value) {
    return value < 0 ? "max" : Long.toString(value);
  }

  private void memory(JsonFields m) {
    if (m == null) {
      return;
    }
    long limit = m.signed("limit");
    long swap = m.signed("swap");
    long reservation = m.signed("reservation");
    if (limit > 0 && swap > 0 && swap < limit) {
      throw m.failure("swap", "is memory and swap together, and less than the limit");
    }
    // As runc: no limit of memory is none of memory and swap together, which may not be the lower.
    if (limit == -1 && swap == 0) {
      swap = -1;
    }
    if (unified) {
      if (limit != 0) {
        set("memory", "memory.max", limit(limit));
      }
      if (swap != 0) {
        set("memory", "memory.swap.max", limit(swap < 0 ? swap : swap - Math.max(limit, 0)));
      }
      if (reservation != 0) {
        set("memory", "memory.low", limit(reservation));
      }
    } else {
      if (limit != 0) {
        set("memory", "memory.limit_in_bytes", limit);
      }
      if (swap != 0) {
        set("memory", "memory.memsw.limit_in_bytes", swap);
      }
      if (reservation != 0) {
        set("memory", "memory.soft_limit_in_bytes", reservation);
      }
      if (m.has("swappiness")) {
        set("memory", "memory.swappiness", m.unsigned("swappiness", 0));
      }
      if (m.flag("disableOOMKiller")) {
        set("memory", "memory.oom_control", 1);
      }
    }
    // Hierarchy is the default; limits of kernel memory are gone from Linux, and runc ignores them.
    m.accept(
        "useHierarchy",
        "checkBeforeUpdate",
        "kernel",
        "kernelTCP",
        "swappiness",
        "disableOOMKiller");
    m.reportUnknown();
  }

  private void cpu(JsonFields c) {
    if (c == null) {
      return;
    }
    long shares = c.unsigned("shares", 0);
    long quota = c.signed("quota");
    long period = c.unsigned("period", 0);
    long burst = c.unsigned("burst", 0);
    String cpus = c.string("cpus");
    String mems = c.string("mems");
    if (unified) {
      if (shares != 0) {
        set("cpu", "cpu.weight", 1 + (Math.clamp(shares, 2, 262144) - 2) * 9999 / 262142);
      }
      if (quota != 0 || period != 0) {
        set(
            "cpu",
            "cpu.max",
            (quota > 0 ? Long.toString(quota) : "max") + " " + (period == 0 ? 100000 : period));
      }
    } else {
      if (shares != 0) {
        set("cpu", "cpu.shares", shares);
      }
      if (period != 0) {
        set("cpu", "cpu.cfs_period_us", period);
      }
      if (quota != 0) {
        set("cpu", "cpu.cfs_quota_us", quota);
      }
      if (c.unsigned("realtimePeriod", 0) != 0) {
        set("cpu", "cpu.rt_period_us", c.unsigned("realtimePeriod", 0));
      }
      if (c.signed("realtimeRuntime") != 0) {
        set("cpu", "cpu.rt_runtime_us", c.signed("realtimeRuntime"));
      }
    }
    if (burst != 0) {
      set("cpu", unified ? "cpu.max.burst" : "cpu.cfs_burst_us", burst);
    }
    if (c.has("idle")) {
      set("cpu", "cpu.idle", c.signed("idle"));
    }
    if (cpus != null && !cpus.isEmpty()) {
      set("cpuset", "cpuset.cpus", cpus);
    }
    if (mems != null && !mems.isEmpty()) {
      set("cpuset", "cpuset.mems", mems);
    }
    c.accept("realtimePeriod", "realtimeRuntime");
    c.reportUnknown();
  }

  private void pids(JsonFields p) {
    if (p == null) {
      return;
    }
    long limit = p.signed("limit");
    if (limit != 0) {
      set("pids", "pids.max", limit(limit));
    }
    p.reportUnknown();
  }

  private void blockIo(JsonFields b) {
    if (b == null) {
      return;
    }
    long weight = b.unsigned("weight", 0);
    if (weight != 0) {
      set(
          unified ? "io" : "blkio",
          unified ? "io.weight" : "blkio.weight",
          unified ? "default " + (1 + (weight - 10) * 9999 / 990) : Long.toString(weight));
    }
    for (JsonFields d : b.objects("weightDevice")) {
      long w = d.unsigned("weight", 0);
      if (w != 0) {
        set(
            unified ? "io" : "blkio",
            unified ? "io.weight" : "blkio.weight_device",
            device(d) + " " + (unified ? 1 + (w - 10) * 9999 / 990 : w));
      }
      d.accept("leafWeight");
      d.reportUnknown();
    }
    throttle(b, "throttleReadBpsDevice", "rbps", "blkio.throttle.read_bps_device");
    throttle(b, "throttleWriteBpsDevice", "wbps", "blkio.throttle.write_bps_device");
    throttle(b, "throttleReadIOPSDevice", "riops", "blkio.throttle.read_iops_device");
    throttle(b, "throttleWriteIOPSDevice", "wiops", "blkio.throttle.write_iops_device");
    b.accept("leafWeight");
    b.reportUnknown();
  }

  private void throttle(JsonFields b, String field, String key, String file) {
    for (JsonFields d : b.objects(field)) {
      long rate = d.unsigned("rate", 0);
      if (unified) {
        set("io", "io.max", device(d) + " " + key + "=" + rate);
      } else {
        set("blkio", file, device(d) + " " + rate);
      }
      d.reportUnknown();
    }
  }

  private static String device(JsonFields d) {
    return d.signed("major") + ":" + d.signed("minor");
  }

  private void hugePages() {
    for (JsonFields h : resources.objects("hugepageLimits")) {
      String size = h.string("pageSize");
      if (size == null || size.indexOf('/') >= 0) {
        throw h.failure("pageSize", "must be a size like 2MB");
      }
      set(
          "hugetlb",
          "hugetlb." + size + (unified ? ".max" : ".limit_in_bytes"),
          Long.toUnsignedString(h.unsigned("limit", 0)));
      h.reportUnknown();
    }
  }

  private void network(JsonFields n) {
    if (n == null) {
      return;
    }
    if (!unified && n.unsigned("classID", 0) != 0) {
      set("net_cls", "net_cls.classid", n.unsigned("classID", 0));
    }
    for (JsonFields p : n.objects("priorities")) {
      String name = p.string("name");
      if (!unified && name != null) {
        set("net_prio", "net_prio.ifpriomap", name + " " + p.unsigned("priority", 0));
      }
      p.reportUnknown();
    }
    n.accept("classID");
    n.reportUnknown();
  }

  private void rdma(JsonFields r) {
    if (r == null) {
      return;
    }
    for (String device : r.names()) {
      JsonFields d = r.object(device);
      StringBuilder value = new StringBuilder(RawArguments.raw(device));
      if (d.has("hcaHandles")) {
        value.append(" hca_handle=").append(d.unsigned("hcaHandles", 0));
      }
      if (d.has("hcaObjects")) {
        value.append(" hca_object=").append(d.unsigned("hcaObjects", 0));
      }
      set("rdma", "rdma.max", value);
      d.reportUnknown();
    }
  }

  private void unified(JsonFields u) {
    if (u == null || u.names().isEmpty()) {
      return;
    }
    if (!unified) {
      throw resources.failure("unified", "invalid configuration: cannot use unified on cgroup v1");
    }
    for (String file : u.names()) {
      if (file.indexOf('/') >= 0 || file.indexOf('.') <= 0) {
        throw u.failure(file, "not the name of a control group file");
      }
      set(
          file.substring(0, file.indexOf('.')),
          RawArguments.raw(file),
          u.has(file) ? u.string(file) : "");
    }
  }
}
