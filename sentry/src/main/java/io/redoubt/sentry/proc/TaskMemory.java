package io.redoubt.sentry.proc;

import io.redoubt.host.Errno;
import io.redoubt.host.Stat;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.kernel.Syscall;
import java.nio.charset.StandardCharsets;

/**
 * Files about the address space of a task, which is a real one of the host: only names of mapped
 * files are the sentry's.
 */
final class TaskMemory {
  private TaskMemory() {}

  static int cmdline(Syscall c, Target target, StringBuilder out) {
    byte[] b = target.process().commandLine();
    if (b != null) {
      out.append(new String(b, StandardCharsets.ISO_8859_1));
    }
    return 0; // empty for a zombie
  }

  static int environ(Syscall c, Target target, StringBuilder out) {
    return whole(target, "environ", out);
  }

  /**
   * What the host kernel gave the stub: AT_PHDR, AT_ENTRY and AT_BASE are those of the stub, the
   * rest is right.
   */
  static int auxv(Syscall c, Target target, StringBuilder out) {
    return whole(target, "auxv", out);
  }

  static int maps(Syscall c, Target target, StringBuilder out) {
    return mappings(c, target, "maps", out);
  }

  static int smaps(Syscall c, Target target, StringBuilder out) {
    return mappings(c, target, "smaps", out);
  }

  static int smapsRollup(Syscall c, Target target, StringBuilder out) {
    return whole(target, "smaps_rollup", out);
  }

  private static int whole(Target target, String name, StringBuilder out) {
    String host = target.host(name);
    if (host == null) {
      return -Errno.ESRCH;
    }
    out.append(host);
    return 0;
  }

  private static int mappings(Syscall c, Target target, String name, StringBuilder out) {
    String host = target.host(name);
    if (host == null) {
      return -Errno.ESRCH;
    }
    int at = 0;
    while (at < host.length()) {
      int end = host.indexOf('\n', at);
      end = end < 0 ? host.length() : end;
      // Lines of smaps begin with a capital letter, those of mappings with a small hex digit.
      if (host.charAt(at) >= 'A' && host.charAt(at) <= 'Z') {
        out.append(host, at, end);
      } else {
        mapping(c, target, host, at, end, out);
      }
      out.append('\n');
      at = end + 1;
    }
    return 0;
  }

  /** One line: {@code start-end perms offset major:minor inode path}. */
  private static void mapping(
      Syscall c, Target target, String s, int at, int end, StringBuilder out) {
    int field = at;
    int[] starts = new int[5];
    for (int i = 0; i < 5; i++) {
      starts[i] = field;
      int blank = s.indexOf(' ', field);
      if (blank < 0 || blank >= end) {
        out.append(s, at, end); // no path and no blanks behind the inode
        return;
      }
      field = blank + 1;
    }
    int path = field;
    while (path < end && s.charAt(path) == ' ') {
      path++;
    }
    if (path == end || s.charAt(path) == '[') {
      out.append(s, at, end); // anonymous, or the kernel's own: [heap], [stack], [vdso]
      return;
    }
    int colon = s.indexOf(':', starts[3]);
    long dev =
        Stat.makedev(
            Integer.parseUnsignedInt(s, starts[3], colon, 16),
            Integer.parseUnsignedInt(s, colon + 1, starts[4] - 1, 16));
    long ino = Long.parseUnsignedLong(s, starts[4], field - 1, 10);
    Path file = target.process().kernel.mappingNames.get(dev, ino);
    String name = file == null ? null : GuestPaths.name(c, file);
    if (name == null) {
      name =
          s.startsWith("/dev/zero", path) ? "/dev/zero (deleted)" : "[redoubt]"; // the stub's pages
    }
    out.append(s, at, path);
    for (int i = 0; i < name.length(); i++) {
      if (name.charAt(i) == '\n') {
        out.append("\\012");
      } else {
        out.append(name.charAt(i));
      }
    }
  }
}
