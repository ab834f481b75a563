package io.redoubt.launcher;

import io.redoubt.host.Memory;
import io.redoubt.host.Process;
import io.redoubt.host.Process.Rlimit;
import io.redoubt.host.Process.Utsname;
import io.redoubt.host.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** What a sandbox inherits from the process that starts it when nothing else is asked for. */
final class CallerFacts {
  private static final int NGROUPS_MAX = 65536;

  private CallerFacts() {}

  /** The name of the host. */
  static String hostname() {
    return utsname(Utsname.NODENAME);
  }

  /** Its NIS domain, "(none)" mostly. */
  static String domainname() {
    return utsname(Utsname.DOMAINNAME);
  }

  private static String utsname(int field) {
    MemorySegment s = Arena.ofAuto().allocate(Utsname.SIZEOF);
    if (Process.uname(s) < 0) {
      return "redoubt";
    }
    // Not getString, which would link a type switch.
    int length = 0;
    while (Memory.getByte(s, field + length) != 0) {
      length++;
    }
    byte[] name = new byte[length];
    Memory.copy(s, field, name, 0, length);
    return new String(name, StandardCharsets.ISO_8859_1);
  }

  /** Supplementary groups. */
  static int[] groups() {
    int n = Unistd.getgroups(0, null);
    if (n <= 0 || n > NGROUPS_MAX) {
      return new int[0];
    }
    MemorySegment s = Arena.ofAuto().allocate(n * 4L, 4);
    n = Unistd.getgroups(n, s);
    int[] groups = new int[Math.max(n, 0)];
    for (int i = 0; i < groups.length; i++) {
      groups[i] = Memory.getInt(s, i * 4L);
    }
    return groups;
  }

  /**
   * Resource limits as resource, soft, hard triples. Of open files the front has raised the limit
   * for the sentry's own use; what the caller had is in the environment.
   */
  static long[] limits() {
    long[] out = new long[3 * Process.RLIM_NLIMITS];
    MemorySegment s = Arena.ofAuto().allocate(Rlimit.SIZEOF, 8);
    for (int r = 0; r < Process.RLIM_NLIMITS; r++) {
      out[3 * r] = r;
      out[3 * r + 1] = Process.RLIM_INFINITY;
      out[3 * r + 2] = Process.RLIM_INFINITY;
      if (Process.prlimit64(0, r, null, s) == 0) {
        out[3 * r + 1] = Memory.getLong(s, Rlimit.RLIM_CUR);
        out[3 * r + 2] = Memory.getLong(s, Rlimit.RLIM_MAX);
      }
    }
    String files = System.getenv("REDOUBT_NOFILE");
    int colon = files == null ? -1 : files.indexOf(':');
    if (colon > 0) {
      out[3 * Process.RLIMIT_NOFILE + 1] = Long.parseUnsignedLong(files.substring(0, colon));
      out[3 * Process.RLIMIT_NOFILE + 2] = Long.parseUnsignedLong(files.substring(colon + 1));
    }
    return out;
  }
}
