package io.redoubt.sentry.proc;

import io.redoubt.host.Errno;
import io.redoubt.sentry.fs.pseudo.Content;
import io.redoubt.sentry.fs.pseudo.PseudoDir;
import io.redoubt.sentry.kernel.Kernel;
import io.redoubt.sentry.kernel.Process;

/**
 * Files of /proc about the machine. Processors, memory, times and load are the host's, as a guest
 * sees them by native calls anyway (sched_getaffinity, clock_gettime); what names other things of
 * the host is not shown.
 */
final class Machine {
  private Machine() {}

  static void addTo(PseudoDir root, Kernel kernel) {
    root.text("cgroups", "#subsys_name\thierarchy\tnum_cgroups\tenabled\n");
    root.text("cmdline", "redoubt\n");
    root.text("consoles", "");
    root.file("cpuinfo", host(kernel, "cpuinfo"));
    root.text("devices", DEVICES);
    root.text("diskstats", "");
    root.text("filesystems", FILESYSTEMS);
    root.file("interrupts", (c, out) -> interrupts(kernel, out));
    root.file("loadavg", (c, out) -> loadavg(kernel, out));
    root.text("locks", "");
    root.file("meminfo", host(kernel, "meminfo"));
    root.text("misc", "");
    root.text("modules", "");
    root.text("partitions", "major minor  #blocks  name\n\n");
    root.file("stat", host(kernel, "stat"));
    root.text("swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
    root.dir("tty").text("drivers", DRIVERS);
    root.file("uptime", host(kernel, "uptime"));
    root.file("version", (c, out) -> version(kernel, out));
    root.file("vmstat", host(kernel, "vmstat"));
  }

  static Content host(Kernel kernel, String name) {
    return (c, out) -> {
      String s = kernel.hostProc.read(name);
      if (s == null) {
        return -Errno.EIO;
      }
      out.append(s);
      return 0;
    };
  }

  /** The host's load; runnable and all threads, and the last pid, are the sandbox's. */
  private static int loadavg(Kernel kernel, StringBuilder out) {
    String s = kernel.hostProc.read("loadavg");
    if (s == null) {
      return -Errno.EIO;
    }
    int at = 0;
    for (int i = 0; i < 3 && at >= 0; i++) {
      at = s.indexOf(' ', at + 1);
    }
    int last = 0;
    for (Process p : kernel.tasks.processes()) {
      last = Math.max(last, p.pid);
    }
    out.append(s, 0, Math.max(at, 0))
        .append(" 1/")
        .append(kernel.tasks.taskCount())
        .append(' ')
        .append(last)
        .append('\n');
    return 0;
  }

  private static int version(Kernel kernel, StringBuilder out) {
    String release = kernel.hostProc.read("sys/kernel/osrelease");
    String version = kernel.hostProc.read("sys/kernel/version");
    if (release == null || version == null) {
      return -Errno.EIO;
    }
    out.append("Linux version ")
        .append(release.strip())
        .append(" (redoubt@redoubt) (gcc) ")
        .append(version);
    return 0;
  }

  /** Only the heading, which has a column for each processor. */
  private static int interrupts(Kernel kernel, StringBuilder out) {
    String s = kernel.hostProc.read("interrupts");
    if (s != null) {
      out.append(s, 0, s.indexOf('\n') + 1);
    }
    return 0;
  }

  private static final String FILESYSTEMS =
      """
      nodev\tsysfs
      nodev\ttmpfs
      nodev\tproc
      nodev\tcgroup2
      nodev\tdevtmpfs
      nodev\tsockfs
      nodev\tpipefs
      nodev\tdevpts
      nodev\tmqueue
      nodev\toverlay
      """;

  private static final String DRIVERS =
      """
      /dev/tty             /dev/tty        5       0 system:/dev/tty
      /dev/console         /dev/console    5       1 system:console
      /dev/ptmx            /dev/ptmx       5       2 system
      pty_slave            /dev/pts      136 0-1048575 pty:slave
      pty_master           /dev/ptm      128 0-1048575 pty:master
      """;

  private static final String DEVICES =
      """
      Character devices:
        1 mem
        5 /dev/tty
        5 /dev/console
        5 /dev/ptmx
      128 ptm
      136 pts

      Block devices:
      """;
}
