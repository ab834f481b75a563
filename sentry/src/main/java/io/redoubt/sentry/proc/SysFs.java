package io.redoubt.sentry.proc;

import io.redoubt.host.Errno;
import io.redoubt.sentry.fs.DirSink;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.pseudo.PseudoDir;
import io.redoubt.sentry.fs.pseudo.PseudoFs;
import io.redoubt.sentry.kernel.Syscall;

/**
 * A minimal /sys: how many processors there are and how they hang together, which libc (sysconf),
 * the JVM, OpenMP and Go ask for. Each file is read from the host's file of the same name when it
 * is read; only the names listed here are.
 */
public final class SysFs {
  private static final int MINOR = 22;
  private static final int MAX_CPUS = 4096;
  private static final String[] LISTS = {
    "online", "possible", "present", "offline", "isolated", "kernel_max"
  };
  private static final String[] TOPOLOGY = {
    "core_id",
    "core_cpus",
    "core_cpus_list",
    "core_siblings",
    "core_siblings_list",
    "die_id",
    "package_cpus",
    "package_cpus_list",
    "physical_package_id",
    "thread_siblings",
    "thread_siblings_list"
  };
  private static final String[] CACHE = {
    "coherency_line_size",
    "level",
    "number_of_sets",
    "shared_cpu_list",
    "shared_cpu_map",
    "size",
    "type",
    "ways_of_associativity"
  };

  private SysFs() {}

  /** The root directory of a new instance. */
  public static PseudoDir create() {
    HostTree host = new HostTree("/sys");
    PseudoFs fs = new PseudoFs(MINOR);
    PseudoDir root = new PseudoDir(fs, 1, 0555);
    root.dir("block");
    root.dir("bus");
    PseudoDir classes = root.dir("class");
    classes.dir("block");
    classes.add("net", new InterfacesDir(fs));
    classes.dir("tty");
    root.dir("dev");
    PseudoDir system = root.dir("devices").dir("system");
    system.add("cpu", new CpusDir(fs, host));
    system.add(
        "node",
        new HostDir(
            fs, host, "devices/system/node", "online", "possible", "has_cpu", "has_memory"));
    root.dir("firmware");
    root.dir("fs").dir("cgroup");
    PseudoDir mm = root.dir("kernel").dir("mm");
    mm.add(
        "transparent_hugepage",
        new HostDir(
            fs,
            host,
            "kernel/mm/transparent_hugepage",
            "defrag",
            "enabled",
            "hpage_pmd_size",
            "shmem_enabled",
            "use_zero_page"));
    mm.dir("hugepages");
    root.dir("module");
    return root;
  }

  /**
   * Files about all processors, and a directory for each that is made when somebody looks for it:
   * large machines have many.
   */
  private static final class CpusDir extends HostDir {
    private static final long FIRST_INO = PseudoFs.COMPUTED;

    private final HostTree host;
    private final int count;

    CpusDir(PseudoFs fs, HostTree host) {
      super(fs, host, "devices/system/cpu", LISTS);
      this.host = host;
      count = Math.min(last(host.read("devices/system/cpu/possible")) + 1, MAX_CPUS);
    }

    @Override
    public Inode lookup(Syscall c, String name) {
      int n = name.startsWith("cpu") ? Numbers.parse(name.substring(3)) : -1;
      if (n < 0 || n >= count) {
        return super.lookup(c, name);
      }
      String path = "devices/system/cpu/cpu" + n;
      PseudoDir one = new PseudoDir(fs, FIRST_INO + n, 0555);
      one.add("topology", new HostDir(fs, host, path + "/topology", TOPOLOGY));
      one.add("cache", new CacheDir(fs, host, path + "/cache"));
      return one;
    }

    @Override
    public int readdir(Syscall c, long position, DirSink sink) {
      for (int n = (int) Math.min(position, count); n < count; n++) {
        if (!sink.add("cpu" + n, FIRST_INO + n, 4, n + 1L)) {
          return 0;
        }
      }
      return super.readdir(
          c,
          Math.max(0, position - count),
          (name, ino, type, next) -> sink.add(name, ino, type, next + count));
    }
  }

  /** The last number of a list such as "0-3,8-11". */
  static int last(String list) {
    int v = 0;
    for (int i = 0; list != null && i < list.length(); i++) {
      char ch = list.charAt(i);
      v = ch >= '0' && ch <= '9' ? v * 10 + ch - '0' : ch == '\n' ? v : 0;
    }
    return v;
  }

  /** The caches of one processor: index0 and so on, as many as the host has. */
  private static final class CacheDir extends PseudoDir {
    private static final int MAX_LEVELS = 8;

    private final HostTree host;
    private final String path;

    CacheDir(PseudoFs fs, HostTree host, String path) {
      super(fs, 0555);
      this.host = host;
      this.path = path;
      for (int i = 0; i < MAX_LEVELS; i++) {
        add("index" + i, new HostDir(fs, host, path + "/index" + i, CACHE));
      }
    }

    private boolean exists(String name) {
      return host.read(path + "/" + name + "/level") != null;
    }

    @Override
    public Inode lookup(Syscall c, String name) {
      Inode i = super.lookup(c, name);
      return i == null || exists(name) ? i : c.fail(-Errno.ENOENT);
    }

    @Override
    public int readdir(Syscall c, long position, DirSink sink) {
      return super.readdir(
          c, position, (name, ino, type, next) -> !exists(name) || sink.add(name, ino, type, next));
    }
  }
}
