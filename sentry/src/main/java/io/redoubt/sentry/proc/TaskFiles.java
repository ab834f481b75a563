package io.redoubt.sentry.proc;

import io.redoubt.host.Errno;
import io.redoubt.sentry.kernel.Process;
import io.redoubt.sentry.kernel.ResourceLimits;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.Task;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** The smaller files about a task. */
public final class TaskFiles {
  private TaskFiles() {}

  static int line(StringBuilder out, String s) {
    out.append(s).append('\n');
    return 0;
  }

  private static int hostLine(Target target, String name, StringBuilder out) {
    String s = target.host(name);
    if (s == null) {
      return -Errno.ESRCH;
    }
    out.append(s);
    return 0;
  }

  // ---- comm ----

  private static final int NAME_BYTES = 15; // TASK_COMM_LEN without the NUL

  static int comm(Syscall c, Target target, StringBuilder out) {
    String host = target.host("comm");
    return host == null
        ? -Errno.ESRCH
        : line(out, name(target, host.substring(0, Math.max(0, host.length() - 1))));
  }

  /**
   * The name of a thread: what was written to its comm file, unless it has given itself another
   * since.
   */
  static String name(Target target, String host) {
    Task t = target.thread();
    String[] given = t == null ? null : t.nameGiven;
    return given != null && given[0].equals(host) ? given[1] : host;
  }

  /** prctl(PR_GET_NAME) of the caller. */
  public static long getName(Syscall c, long address) {
    if (c.task.nameGiven == null) {
      return Syscall.CONTINUE; // the host's name goes to the caller's own memory
    }
    Target me = new Target(c.task.process, c.task);
    String host = me.host("comm");
    if (host == null) {
      return Syscall.CONTINUE;
    }
    String name = name(me, host.substring(0, Math.max(0, host.length() - 1)));
    byte[] bytes = Arrays.copyOf(name.getBytes(StandardCharsets.ISO_8859_1), NAME_BYTES + 1);
    return c.memory().writeBytes(address, bytes, 0, bytes.length);
  }

  /**
   * Names a thread of the caller's process. The host allows that only from inside of the process,
   * and prctl(PR_SET_NAME) is native: so the name is kept here, and holds until the host's changes.
   */
  static int setComm(Syscall c, Target target, String value) {
    Task t = target.thread();
    String host = target.host("comm");
    if (t == null || host == null || host.isEmpty() || c.task.process != target.process()) {
      return -Errno.EINVAL;
    }
    int end = value.indexOf(0);
    String name = value.substring(0, Math.min(NAME_BYTES, end < 0 ? value.length() : end));
    t.nameGiven = new String[] {host.substring(0, host.length() - 1), name};
    return 0;
  }

  // ---- limits ----

  private static final String[]
      LIMITS = { // name and unit by resource number, in the order of Linux's file
    "Max cpu time", "seconds", "Max file size", "bytes", "Max data size", "bytes", "Max stack size",
        "bytes",
    "Max core file size", "bytes", "Max resident set", "bytes", "Max processes", "processes",
        "Max open files", "files",
    "Max locked memory", "bytes", "Max address space", "bytes", "Max file locks", "locks",
        "Max pending signals", "signals",
    "Max msgqueue size", "bytes", "Max nice priority", "", "Max realtime priority", "",
        "Max realtime timeout", "us"
  };

  static int limits(Syscall c, Target target, StringBuilder out) {
    padded(out, "Limit", 26);
    padded(out, "Soft Limit", 21);
    padded(out, "Hard Limit", 21);
    padded(out, "Units", 10);
    out.append('\n');
    ResourceLimits limits = target.process().limits;
    for (int i = 0; i < ResourceLimits.COUNT; i++) {
      padded(out, LIMITS[2 * i], 26);
      padded(out, limit(limits.soft(i)), 21);
      padded(out, limit(limits.hard(i)), 21);
      if (!LIMITS[2 * i + 1].isEmpty()) {
        padded(out, LIMITS[2 * i + 1], 10);
      }
      out.append('\n');
    }
    return 0;
  }

  private static String limit(long value) {
    return value == ResourceLimits.INFINITY ? "unlimited" : Long.toUnsignedString(value);
  }

  private static void padded(StringBuilder out, String s, int width) {
    out.append(s);
    for (int i = s.length(); i < width; i++) {
      out.append(' ');
    }
  }

  // ---- scheduling ----

  static int sched(Syscall c, Target target, StringBuilder out) {
    String comm = target.host("comm");
    String host = target.host("sched");
    if (comm == null || host == null) {
      return -Errno.ESRCH;
    }
    out.append(comm, 0, Math.max(0, comm.length() - 1))
        .append(" (")
        .append(target.id())
        .append(", #threads: ");
    out.append(target.process().tasks().size()).append(")\n");
    int second = host.indexOf('\n');
    out.append(host, second < 0 ? host.length() : second + 1, host.length());
    return 0;
  }

  static int schedstat(Syscall c, Target target, StringBuilder out) {
    return hostLine(target, "schedstat", out);
  }

  // ---- the rest ----

  static int personality(Syscall c, Target target, StringBuilder out) {
    return line(out, "00000000");
  }

  static int io(Syscall c, Target target, StringBuilder out) {
    return hostLine(target, "io", out);
  }

  static int wchan(Syscall c, Target target, StringBuilder out) {
    out.append('0');
    return 0;
  }

  /**
   * The call that a thread waits in; a thread that computes or is just being served is "running".
   */
  static int syscall(Syscall c, Target target, StringBuilder out) {
    Task t = target.thread();
    if (t == null || !t.call.isParked()) {
      return line(out, "running");
    }
    Syscall w = t.call;
    out.append(w.nr);
    for (long arg :
        new long[] {w.arg0, w.arg1, w.arg2, w.arg3, w.arg4, w.arg5, 0, w.instructionPointer}) {
      out.append(" 0x").append(Long.toHexString(arg));
    }
    return line(out, "");
  }

  static int children(Syscall c, Target target, StringBuilder out) {
    Process p = target.process();
    if (target.isThread() && target.task() != p.leader()) {
      return 0; // which thread made a child is not kept
    }
    p.kernel.tasks.processes(); // takes in those that have not called yet
    synchronized (p.kernel.tasks) {
      for (Process child : p.children) {
        out.append(child.pid).append(' ');
      }
    }
    return 0;
  }

  static int idMap(Syscall c, Target target, StringBuilder out) {
    return line(out, "         0          0 4294967295");
  }

  static int oomScoreAdj(Syscall c, Target target, StringBuilder out) {
    out.append(target.process().oomScoreAdjust).append('\n');
    return 0;
  }

  /**
   * Kept, without effect on the host: which process dies first in a full cgroup is for the operator
   * to say.
   */
  static int setOomScoreAdj(Syscall c, Target target, String value) {
    int v;
    try {
      v = Integer.parseInt(value.strip());
    } catch (NumberFormatException e) {
      return -Errno.EINVAL;
    }
    if (v < -1000 || v > 1000) {
      return -Errno.EINVAL;
    }
    target.process().oomScoreAdjust = v;
    return 0;
  }
}
