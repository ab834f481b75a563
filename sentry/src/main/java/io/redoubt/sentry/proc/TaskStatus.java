package io.redoubt.sentry.proc;

import io.redoubt.host.Errno;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.Process;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.Task;
import io.redoubt.sentry.tty.Terminal;
import java.util.HashMap;

/**
 * {@code status}, {@code stat} and {@code statm}: the host's numbers under the guest's ids
 * (proc_pid_status(5), proc_pid_stat(5)).
 */
final class TaskStatus {
  // Fields of stat, numbered as in proc_pid_stat(5), that are the guest's own or need the right to
  // look into the process.
  private static final int PPID = 4;
  private static final int PGRP = 5;
  private static final int SESSION = 6;
  private static final int TTY_NR = 7;
  private static final int TPGID = 8;
  private static final int STARTCODE = 26;
  private static final int KSTKEIP = 30;
  private static final int WCHAN = 35;
  private static final int START_DATA = 45;
  private static final int ENV_END = 51;

  private TaskStatus() {}

  /**
   * The state letter. The host shows a thread whose call the sentry holds as sleeping; for the
   * guest it runs while its call is being served and sleeps when that call waits.
   */
  static char state(Target target, char host) {
    Task t = target.thread();
    boolean inCall = (host == 'S' || host == 'D') && t != null && t.call.isInFlight();
    return inCall ? (t.call.isParked() ? 'S' : 'R') : host;
  }

  private static String stateName(char state) {
    return switch (state) {
      case 'R' -> "R (running)";
      case 'S' -> "S (sleeping)";
      case 'D' -> "D (disk sleep)";
      case 'T' -> "T (stopped)";
      case 't' -> "t (tracing stop)";
      case 'X' -> "X (dead)";
      case 'Z' -> "Z (zombie)";
      case 'I' -> "I (idle)";
      default -> state + " (parked)";
    };
  }

  private static int parentPid(Process p) {
    Process parent = p.parent;
    return parent == null ? 0 : parent.pid;
  }

  // ---- stat ----

  static int stat(Syscall c, Target target, StringBuilder out) {
    String host = target.host("stat");
    int open = host == null ? -1 : host.indexOf('(');
    int close = host == null ? -1 : host.lastIndexOf(')');
    if (open < 0 || close + 2 >= host.length()) {
      return -Errno.ESRCH;
    }
    Process p = target.process();
    out.append(target.id())
        .append(" (")
        .append(TaskFiles.name(target, host.substring(open + 1, close)))
        .append(") ");
    out.append(state(target, host.charAt(close + 2)));
    boolean mayInspect = target.mayInspect(c) == 0;
    int at = close + 3; // at the blank after the state, which is field 3
    for (int field = PPID; at < host.length() && host.charAt(at) == ' '; field++) {
      int end = at + 1;
      while (end < host.length() && host.charAt(end) != ' ' && host.charAt(end) != '\n') {
        end++;
      }
      out.append(' ');
      switch (field) {
        case PPID -> out.append(parentPid(p));
        case PGRP -> out.append(p.pgid);
        case SESSION -> out.append(p.sid);
        case TTY_NR ->
            out.append(p.controllingTerminal instanceof Terminal t ? t.deviceNumber() : 0);
        case TPGID ->
            out.append(p.controllingTerminal instanceof Terminal t ? t.foregroundGroup() : -1);
        case WCHAN -> out.append('0');
        default -> {
          boolean address =
              field >= STARTCODE && field <= KSTKEIP || field >= START_DATA && field <= ENV_END;
          if (address && !mayInspect) {
            out.append('0');
          } else {
            out.append(host, at + 1, end);
          }
        }
      }
      at = end;
    }
    out.append('\n');
    return 0;
  }

  static int statm(Syscall c, Target target, StringBuilder out) {
    String host = target.host("statm");
    if (host == null) {
      return -Errno.ESRCH;
    }
    out.append(host);
    return 0;
  }

  // ---- status ----

  /** Writes the value of one line; {@code value} is the host's. */
  @FunctionalInterface
  private interface Line {
    void write(Target t, String value, StringBuilder out);
  }

  private static final Line SAME = (t, value, out) -> out.append(value);
  private static final Line ID = (t, value, out) -> out.append(t.id());
  private static final Line ZERO = (t, value, out) -> out.append('0');

  /** The lines that a guest gets to see; a line of the host that is not here is left out. */
  private static final HashMap<String, Line> LINES = new HashMap<>();

  static {
    String[] same = {
      "Kthread",
      "VmPeak",
      "VmSize",
      "VmLck",
      "VmPin",
      "VmHWM",
      "VmRSS",
      "RssAnon",
      "RssFile",
      "RssShmem",
      "VmData",
      "VmStk",
      "VmExe",
      "VmLib",
      "VmPTE",
      "VmSwap",
      "HugetlbPages",
      "CoreDumping",
      "THP_enabled",
      "untag_mask",
      "Threads",
      "SigQ",
      "SigPnd",
      "ShdPnd",
      "SigBlk",
      "SigIgn",
      "SigCgt",
      "Speculation_Store_Bypass",
      "SpeculationIndirectBranch",
      "Cpus_allowed",
      "Cpus_allowed_list",
      "Mems_allowed",
      "Mems_allowed_list",
      "voluntary_ctxt_switches",
      "nonvoluntary_ctxt_switches"
    };
    for (String key : same) {
      LINES.put(key, SAME);
    }
    LINES.put("Name", (t, value, out) -> escaped(out, TaskFiles.name(t, value)));
    LINES.put(
        "Umask", (t, value, out) -> octal(out, t.thread() == null ? 0 : t.thread().fs.umask()));
    LINES.put(
        "State",
        (t, value, out) ->
            out.append(stateName(state(t, value.isEmpty() ? '?' : value.charAt(0)))));
    LINES.put("Tgid", (t, value, out) -> out.append(t.process().pid));
    LINES.put("Ngid", ZERO);
    LINES.put("Pid", ID);
    LINES.put("PPid", (t, value, out) -> out.append(parentPid(t.process())));
    LINES.put("TracerPid", ZERO);
    LINES.put(
        "Uid",
        (t, value, out) ->
            ids(
                t,
                out,
                Credentials::uid,
                Credentials::euid,
                Credentials::suid,
                Credentials::fsuid));
    LINES.put(
        "Gid",
        (t, value, out) ->
            ids(
                t,
                out,
                Credentials::gid,
                Credentials::egid,
                Credentials::sgid,
                Credentials::fsgid));
    LINES.put("FDSize", (t, value, out) -> out.append(fdSize(t)));
    LINES.put("Groups", (t, value, out) -> groups(t, out));
    LINES.put("NStgid", (t, value, out) -> out.append(t.process().pid));
    LINES.put("NSpid", ID);
    LINES.put("NSpgid", (t, value, out) -> out.append(t.process().pgid));
    LINES.put("NSsid", (t, value, out) -> out.append(t.process().sid));
    LINES.put("CapInh", (t, value, out) -> capabilities(t, out, Credentials::inheritable));
    LINES.put("CapPrm", (t, value, out) -> capabilities(t, out, Credentials::permitted));
    LINES.put("CapEff", (t, value, out) -> capabilities(t, out, Credentials::effective));
    LINES.put("CapBnd", (t, value, out) -> capabilities(t, out, Credentials::bounding));
    LINES.put("CapAmb", (t, value, out) -> capabilities(t, out, Credentials::ambient));
    // The host's is the sandbox's, not the guest's.
    LINES.put(
        "NoNewPrivs",
        (t, value, out) ->
            out.append(t.credentials() != null && t.credentials().noNewPrivs() ? '1' : '0'));
    LINES.put("Seccomp", (t, value, out) -> out.append(hasProfile(t) ? '2' : '0'));
    LINES.put("Seccomp_filters", (t, value, out) -> out.append(hasProfile(t) ? '1' : '0'));
  }

  private static boolean hasProfile(Target t) {
    return t.process().kernel.profile != null;
  }

  static int status(Syscall c, Target target, StringBuilder out) {
    String host = target.host("status");
    if (host == null) {
      return -Errno.ESRCH;
    }
    int at = 0;
    while (at < host.length()) {
      int end = host.indexOf('\n', at);
      end = end < 0 ? host.length() : end;
      int colon = host.indexOf(':', at);
      if (colon > at && colon < end) {
        String key = host.substring(at, colon);
        Line line = LINES.get(key);
        if (line != null) {
          out.append(key).append(":\t");
          line.write(target, host.substring(Math.min(colon + 2, end), end), out);
          out.append('\n');
        }
      }
      at = end + 1;
    }
    return 0;
  }

  @FunctionalInterface
  private interface IdOf {
    int get(Credentials c);
  }

  @FunctionalInterface
  private interface SetOf {
    long get(Credentials c);
  }

  private static void ids(
      Target t, StringBuilder out, IdOf real, IdOf effective, IdOf saved, IdOf fileSystem) {
    Credentials c = t.credentials();
    if (c == null) {
      out.append("0\t0\t0\t0");
      return;
    }
    out.append(Integer.toUnsignedString(real.get(c))).append('\t');
    out.append(Integer.toUnsignedString(effective.get(c))).append('\t');
    out.append(Integer.toUnsignedString(saved.get(c))).append('\t');
    out.append(Integer.toUnsignedString(fileSystem.get(c)));
  }

  private static void groups(Target t, StringBuilder out) {
    Credentials c = t.credentials();
    if (c != null) {
      for (int g : c.groups()) {
        out.append(Integer.toUnsignedString(g)).append(' ');
      }
    }
    if (c == null || c.groups().length == 0) {
      out.append(' ');
    }
  }

  private static void capabilities(Target t, StringBuilder out, SetOf set) {
    Credentials c = t.credentials();
    String hex = Long.toHexString(c == null ? 0 : set.get(c));
    out.append("0000000000000000", 0, 16 - hex.length()).append(hex);
  }

  /** A power of two, at least 64, as the kernel's tables grow. */
  private static int fdSize(Target t) {
    Task thread = t.thread();
    int[] numbers = thread == null ? new int[0] : thread.files.numbers();
    int highest = numbers.length == 0 ? 0 : numbers[numbers.length - 1];
    return Math.max(64, Integer.highestOneBit(highest) << 1);
  }

  /**
   * As string_escape_str() of Linux does for names: a newline or a backslash must not make another
   * line.
   */
  private static void escaped(StringBuilder out, String name) {
    for (int i = 0; i < name.length(); i++) {
      char ch = name.charAt(i);
      out.append(ch == '\n' ? "\\n" : ch == '\\' ? "\\\\" : String.valueOf(ch));
    }
  }

  private static void octal(StringBuilder out, int mask) {
    String s = Integer.toOctalString(mask);
    out.append("0000", 0, Math.max(0, 4 - s.length())).append(s);
  }
}
