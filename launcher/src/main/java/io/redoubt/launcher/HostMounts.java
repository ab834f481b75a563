package io.redoubt.launcher;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/** What is mounted on the host, as far as the launcher sees it: proc_pid_mountinfo(5). */
final class HostMounts {
  private static final int MAX_BYTES = 4 << 20;

  /** Most mounts below one source. */
  static final int MAX_BELOW = 200;

  private HostMounts() {}

  /**
   * The mounts below a directory that can be seen from there: not those that others hide.
   *
   * @param directory without symlinks, see {@link HostFiles#canonical}
   * @return their names relative to it, as raw bytes in Latin-1, each behind those it is below
   */
  static List<String> below(String directory) {
    String table = HostFiles.read("/proc/self/mountinfo", MAX_BYTES);
    String prefix = directory.equals("/") ? "/" : directory + "/";
    TreeSet<String> points = new TreeSet<>();
    for (String line : table == null ? new String[0] : table.split("\n")) {
      String[] fields = line.split(" ", 6);
      String point = fields.length < 6 ? "" : unescaped(fields[4]);
      if (point.startsWith(prefix) && point.length() > prefix.length()) {
        points.add(point);
      }
    }
    List<String> seen = new ArrayList<>();
    for (String point : points) {
      if (HostFiles.isMountRoot(point)) {
        seen.add(point.substring(prefix.length()));
      }
    }
    return seen;
  }

  /** Blank, tab, newline and backslash are octal there. */
  static String unescaped(String field) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < field.length(); i++) {
      char c = field.charAt(i);
      if (c == '\\' && i + 3 < field.length()) {
        out.append((char) Integer.parseInt(field, i + 1, i + 4, 8));
        i += 3;
      } else {
        out.append(c);
      }
    }
    return out.toString();
  }
}
