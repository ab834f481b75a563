package io.redoubt.sentry.ipc.sysv;

/**
 * Fields of a line of the host's /proc/PID/maps, proc_pid_maps(5):
 *
 * <pre>7f0000000000-7f0000001000 rw-s 00000000 00:01 1234   /memfd:redoubt-shm (deleted)</pre>
 */
final class Maps {
  private Maps() {}

  static long start(String maps, int line) {
    return Long.parseUnsignedLong(maps, line, maps.indexOf('-', line), 16);
  }

  static long end(String maps, int line) {
    return Long.parseUnsignedLong(maps, maps.indexOf('-', line) + 1, maps.indexOf(' ', line), 16);
  }

  static long offset(String maps, int line) {
    int at = field(maps, line, 2);
    return Long.parseUnsignedLong(maps, at, maps.indexOf(' ', at), 16);
  }

  /** Device and inode, "00:01 1234 " with the space after it. */
  static String identity(String maps, int line) {
    int at = field(maps, line, 3);
    int inode = maps.indexOf(' ', at) + 1;
    int end = maps.indexOf(' ', inode);
    return end < 0 || end > next(maps, line) ? "" : maps.substring(at, end + 1);
  }

  /** Where the line after this one begins. */
  static int next(String maps, int line) {
    int end = maps.indexOf('\n', line);
    return end < 0 ? maps.length() : end + 1;
  }

  private static int field(String maps, int line, int n) {
    int at = line;
    for (int i = 0; i < n; i++) {
      at = maps.indexOf(' ', at) + 1;
    }
    return at;
  }
}
