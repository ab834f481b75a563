package io.redoubt.sentry.fs.mem;

import io.redoubt.sentry.fs.Inode;

/**
 * Mount options of tmpfs(5): size, nr_blocks, mode, uid, gid; what bounds inodes or places pages is
 * taken and ignored.
 */
public final class TmpfsOptions {
  private static final long PAGE = 4096;

  private TmpfsOptions() {}

  /**
   * A tmpfs with comma separated options. @return its root, or null when an option is not
   * understood
   */
  public static Inode create(String options, int defaultUid, int defaultGid) {
    long limit = MemFs.hostMemory() / 2; // the default of tmpfs
    int mode = 01777;
    long uid = defaultUid;
    long gid = defaultGid;
    for (String option : options.split(",")) {
      int eq = option.indexOf('=');
      String key = eq < 0 ? option : option.substring(0, eq);
      String value = eq < 0 ? "" : option.substring(eq + 1);
      switch (key) {
        case "size" -> limit = bytes(value);
        case "nr_blocks" -> limit = bytes(value) * PAGE;
        case "mode" -> mode = (int) number(value, 8);
        case "uid" -> uid = number(value, 10);
        case "gid" -> gid = number(value, 10);
        case "",
            "nr_inodes",
            "mpol",
            "huge",
            "inode32",
            "inode64",
            "noswap",
            "rw",
            "ro",
            "nosuid",
            "nodev",
            "noexec",
            "noatime",
            "strictatime",
            "relatime" -> {}
        default -> {
          return null;
        }
      }
    }
    if (limit < 0 || mode < 0 || mode > 07777 || uid < 0 || gid < 0) {
      return null;
    }
    MemDir root = (MemDir) MemFs.tmpfs(limit, mode);
    root.uid = (int) uid;
    root.gid = (int) gid;
    return root;
  }

  /** A number with a suffix k, m, g, or a percentage of memory. @return -1 if it is not one */
  private static long bytes(String s) {
    if (s.isEmpty()) {
      return -1;
    }
    char last = Character.toLowerCase(s.charAt(s.length() - 1));
    int shift =
        switch (last) {
          case 'k' -> 10;
          case 'm' -> 20;
          case 'g' -> 30;
          case '%' -> 0;
          default -> -1;
        };
    long n = number(shift < 0 ? s : s.substring(0, s.length() - 1), 10);
    if (n < 0) {
      return -1;
    }
    if (last == '%') {
      return MemFs.hostMemory() / 100 * Math.min(n, 100);
    }
    return shift < 0 ? n : n > Long.MAX_VALUE >> shift ? Long.MAX_VALUE : n << shift;
  }

  private static long number(String s, int radix) {
    try {
      return Long.parseLong(s, radix);
    } catch (NumberFormatException e) {
      return -1;
    }
  }
}
