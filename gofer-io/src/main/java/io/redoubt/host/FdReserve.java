package io.redoubt.host;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Descriptor numbers that this process keeps for itself. What a guest opens costs its sentry a
 * descriptor; when a guest has had them all, the sentry could not even look a new thread up in
 * /proc. So what is opened for a guest is given up again when its number is among the last ones.
 *
 * <p>The limit is that of the first use.
 */
public final class FdReserve {
  private static final int RLIMIT_NOFILE = 7;
  private static final int KEPT = 64;
  private static final long FIRST_KEPT = firstKept();

  private FdReserve() {}

  private static long firstKept() {
    MemorySegment limit = Arena.ofAuto().allocate(Process.Rlimit.SIZEOF, 8);
    if (Process.prlimit64(0, RLIMIT_NOFILE, null, limit) < 0) {
      return Integer.MAX_VALUE;
    }
    long files = Memory.getLong(limit, Process.Rlimit.RLIM_CUR);
    return files < 0 ? Integer.MAX_VALUE : Math.max(files / 2, files - KEPT);
  }

  /** Whether {@code fd} is a number that no guest may take. */
  public static boolean isKept(int fd) {
    return fd >= FIRST_KEPT;
  }

  /** Whether only such numbers, or none, are free. */
  public static boolean isReached() {
    int fd = Fcntl.fcntl(0, Fcntl.F_DUPFD_CLOEXEC, 0); // standard input: it is always there
    if (fd >= 0) {
      Unistd.close(fd);
    }
    return fd < 0 || isKept(fd);
  }
}
