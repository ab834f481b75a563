package io.redoubt.sentry.proc;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.sentry.fs.pseudo.Content;
import io.redoubt.sentry.fs.pseudo.PseudoDir;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.Kernel;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * /proc/sys: values that programs ask for. What the host kernel really goes by (memory overcommit,
 * limits of maps and pids) is the host's; the rest are Linux's defaults. Only the names of the host
 * can be written, as all else would reach out of the sandbox.
 */
final class Sysctl {
  private Sysctl() {}

  static void addTo(PseudoDir sys, Kernel kernel) {
    kernel(sys.dir("kernel"), kernel);
    vm(sys.dir("vm"), kernel);
    fs(sys.dir("fs"), kernel);
    net(sys.dir("net"));
    sys.dir("user").text("max_user_namespaces", "0\n");
    given(sys, kernel);
  }

  /** Those of the container's configuration, in place of the defaults. */
  private static void given(PseudoDir sys, Kernel k) {
    for (String name : k.sysctls.names()) {
      if (name.equals("kernel.domainname")) {
        continue; // has a file that can be written
      }
      PseudoDir d = sys;
      int from = 0;
      for (int dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', from)) {
        d = d.at(name.substring(from, dot));
        from = dot + 1;
      }
      d.text(name.substring(from), k.sysctls.text(name) + "\n");
    }
  }

  private static void kernel(PseudoDir d, Kernel k) {
    values(
        d,
        "arch",
        "x86_64",
        "auto_msgmni",
        "0",
        "cap_last_cap",
        "40",
        "core_pattern",
        "core",
        "core_uses_pid",
        "0",
        "dmesg_restrict",
        "1",
        "kptr_restrict",
        "2",
        "modules_disabled",
        "1",
        "msgmax",
        "8192",
        "msgmnb",
        "16384",
        "msgmni",
        "32000",
        "ngroups_max",
        "65536",
        "ostype",
        "Linux",
        "overflowgid",
        "65534",
        "overflowuid",
        "65534",
        "panic",
        "0",
        "perf_event_paranoid",
        "4",
        "printk",
        "4\t4\t1\t7",
        "sched_autogroup_enabled",
        "0",
        "sem",
        "32000\t1024000000\t500\t32000",
        "shmall",
        "18446744073692774399",
        "shmmax",
        "18446744073692774399",
        "shmmni",
        "4096",
        "shm_rmid_forced",
        "0",
        "tainted",
        "0",
        "unprivileged_bpf_disabled",
        "2");
    hosts(d, k, "kernel", "osrelease", "pid_max", "randomize_va_space", "threads-max", "version");
    d.file(
        "hostname",
        0644,
        (c, out) -> line(out, k.hostname),
        (c, v) -> rename(c.task.credentials, v, k, true));
    d.file(
        "domainname",
        0644,
        (c, out) -> line(out, k.domainname),
        (c, v) -> rename(c.task.credentials, v, k, false));
    PseudoDir random = d.dir("random");
    String boot = uuid();
    random.text("boot_id", boot + "\n");
    random.file("uuid", (c, out) -> line(out, uuid()));
    values(
        random,
        "entropy_avail",
        "256",
        "poolsize",
        "256",
        "urandom_min_reseed_secs",
        "60",
        "write_wakeup_threshold",
        "256");
    values(d.dir("pty"), "max", "1024", "nr", "0", "reserve", "1024");
    values(d.dir("yama"), "ptrace_scope", "1");
    values(
        d.dir("seccomp"),
        "actions_avail",
        "kill_process kill_thread trap errno user_notif trace log allow",
        "actions_logged",
        "kill_process kill_thread trap errno user_notif trace log");
  }

  private static void vm(PseudoDir d, Kernel k) {
    hosts(
        d,
        k,
        "vm",
        "max_map_count",
        "mmap_min_addr",
        "overcommit_kbytes",
        "overcommit_memory",
        "overcommit_ratio",
        "swappiness",
        "min_free_kbytes",
        "vfs_cache_pressure");
    values(
        d,
        "dirty_background_ratio",
        "10",
        "dirty_ratio",
        "20",
        "drop_caches",
        "0",
        "hugetlb_shm_group",
        "0",
        "legacy_va_layout",
        "0",
        "nr_hugepages",
        "0",
        "nr_overcommit_hugepages",
        "0",
        "oom_kill_allocating_task",
        "0",
        "page-cluster",
        "3",
        "panic_on_oom",
        "0",
        "zone_reclaim_mode",
        "0");
  }

  private static void fs(PseudoDir d, Kernel k) {
    hosts(d, k, "fs", "nr_open");
    values(
        d,
        "aio-max-nr",
        "65536",
        "aio-nr",
        "0",
        "dentry-state",
        "0\t0\t45\t0\t0\t0",
        "file-max",
        "9223372036854775807",
        "file-nr",
        "0\t0\t9223372036854775807",
        "lease-break-time",
        "45",
        "leases-enable",
        "1",
        "overflowgid",
        "65534",
        "overflowuid",
        "65534",
        "pipe-max-size",
        "1048576",
        "pipe-user-pages-hard",
        "0",
        "pipe-user-pages-soft",
        "16384",
        "protected_fifos",
        "1",
        "protected_hardlinks",
        "1",
        "protected_regular",
        "2",
        "protected_symlinks",
        "1",
        "suid_dumpable",
        "0");
    values(d.dir("epoll"), "max_user_watches", "1048576");
    values(
        d.dir("inotify"),
        "max_queued_events",
        "16384",
        "max_user_instances",
        "128",
        "max_user_watches",
        "65536");
    values(
        d.dir("mqueue"),
        "msg_default",
        "10",
        "msg_max",
        "10",
        "msgsize_default",
        "8192",
        "msgsize_max",
        "8192",
        "queues_max",
        "256");
  }

  private static void net(PseudoDir d) {
    values(
        d.dir("core"),
        "netdev_max_backlog",
        "1000",
        "optmem_max",
        "131072",
        "rmem_default",
        "212992",
        "rmem_max",
        "212992",
        "somaxconn",
        "4096",
        "wmem_default",
        "212992",
        "wmem_max",
        "212992");
    PseudoDir v4 = d.dir("ipv4");
    values(
        v4,
        "ip_forward",
        "0",
        "ip_local_port_range",
        "32768\t60999",
        "ip_local_reserved_ports",
        "",
        "ip_unprivileged_port_start",
        "1024",
        "ping_group_range",
        "1\t0",
        "tcp_congestion_control",
        "cubic",
        "tcp_fastopen",
        "1",
        "tcp_fin_timeout",
        "60",
        "tcp_keepalive_intvl",
        "75",
        "tcp_keepalive_probes",
        "9",
        "tcp_keepalive_time",
        "7200",
        "tcp_max_syn_backlog",
        "512",
        "tcp_mem",
        "92388\t123185\t184776",
        "tcp_rmem",
        "4096\t131072\t6291456",
        "tcp_sack",
        "1",
        "tcp_syncookies",
        "1",
        "tcp_timestamps",
        "1",
        "tcp_window_scaling",
        "1",
        "tcp_wmem",
        "4096\t16384\t4194304");
    PseudoDir all = d.dir("ipv6").dir("conf");
    values(all.dir("all"), "disable_ipv6", "0");
    values(all.dir("default"), "disable_ipv6", "0");
    values(d.dir("unix"), "max_dgram_qlen", "512");
  }

  private static void values(PseudoDir d, String... pairs) {
    for (int i = 0; i < pairs.length; i += 2) {
      d.text(pairs[i], pairs[i + 1] + "\n");
    }
  }

  private static void hosts(PseudoDir d, Kernel k, String folder, String... names) {
    for (String name : names) {
      Content content = Machine.host(k, "sys/" + folder + "/" + name);
      d.file(name, content);
    }
  }

  private static int line(StringBuilder out, String s) {
    out.append(s).append('\n');
    return 0;
  }

  /** sethostname(2) by file. */
  private static int rename(Credentials who, String value, Kernel k, boolean host) {
    if (!who.has(Credentials.CAP_SYS_ADMIN)) {
      return -Errno.EPERM;
    }
    int end = 0;
    while (end < value.length() && value.charAt(end) != '\n' && value.charAt(end) != 0) {
      end++;
    }
    String name = value.substring(0, Math.min(end, 64)); // __NEW_UTS_LEN
    if (host) {
      k.hostname = name;
    } else {
      k.domainname = name;
    }
    return 0;
  }

  /** A random UUID, version 4 (RFC 9562), without what java.util.UUID would load for it. */
  private static String uuid() {
    long high;
    long low;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment s = arena.allocate(16, 8);
      io.redoubt.host.Process.getrandom(s, 16, 0);
      high = Memory.getLong(s, 0) & ~0xf000L | 0x4000L;
      low = Memory.getLong(s, 8) & ~(3L << 62) | 2L << 62;
    }
    StringBuilder out = new StringBuilder(36);
    for (int i = 0; i < 32; i++) {
      if (i == 8 || i == 12 || i == 16 || i == 20) {
        out.append('-');
      }
      long half = i < 16 ? high : low;
      out.append(Character.forDigit((int) (half >>> 60 - 4 * (i & 15)) & 15, 16));
    }
    return out.toString();
  }
}
