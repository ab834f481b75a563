package io.redoubt.host;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * How a process of Redoubt gives up what it no longer needs: the same for sentry and gofer, each
 * with a filter of its own, once they have started.
 *
 * <p>The front starts them with no capability that they can do without, and {@code no_new_privs}
 * ({@code jvm.c}). What is left to do here is the filter, on all threads at once. A call that it
 * does not allow is SIGSYS; the library of {@link Syscall} has a handler for it that prints which
 * call that was, and dies of the same signal.
 */
public final class Confinement {
  private static final int MAX_FILTER = 32 * 1024; // BPF_MAXINSNS
  private static final int PR_SET_NO_NEW_PRIVS = 38;
  private static final int PR_SET_DUMPABLE = 4;

  /** One instruction: BPF_RET | BPF_K, SECCOMP_RET_ALLOW. */
  private static final byte[] ALLOW_ALL = {0x06, 0, 0, 0, 0, 0, (byte) 0xff, 0x7f};

  private Confinement() {}

  /**
   * Whether this process is one that the front has started and that is to be confined: not a test's
   * own JVM, and not with {@code --no-confinement}.
   */
  public static boolean isWanted() {
    return System.getProperty("redoubt.trap") != null
        && !"off".equals(System.getProperty("redoubt.confinement"));
  }

  /** Whether this run makes a start-up cache, and opens a file for its record at the end. */
  public static boolean isTraining() {
    return System.getProperty("redoubt.train") != null;
  }

  /**
   * A filter that the build has compiled, or null where there is none: {@code aot/NAME.bpf} of the
   * installation.
   */
  public static byte[] builtFilter(String name) {
    String library = System.getProperty("redoubt.trap");
    int home = library == null ? -1 : library.lastIndexOf("/bin/");
    if (home < 0) {
      return null;
    }
    String path = library.substring(0, home).concat("/aot/").concat(name).concat(".bpf");
    int fd = Fcntl.open(path, Fcntl.O_RDONLY | Fcntl.O_CLOEXEC, 0);
    if (fd < 0) {
      return null;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(MAX_FILTER);
      long n = Unistd.read(fd, buffer, MAX_FILTER);
      return n <= 0 ? null : Memory.bytes(buffer, (int) n);
    } finally {
      Unistd.close(fd);
    }
  }

  /**
   * Puts this process under a filter, for good.
   *
   * @param directory a descriptor of what is to be the working directory, or -1: the root
   * @param loaded what may be needed for the first time later, when no jar can be opened any more:
   *     to name a class is to load it
   * @return 0 or -errno
   */
  public static int enter(byte[] filter, int directory, Class<?>... loaded) {
    // Only itself may look into its memory: no other sandbox's sentry, which is of the same user
    // and
    // has the same capabilities, and nobody leaves a core with the memory of guests (prctl(2)).
    Process.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    // No directory of the caller's is held; the front may change what the root is.
    int moved = directory < 0 ? Unistd.chdir("/") : Unistd.fchdir(directory);
    if (moved < 0) {
      return moved;
    }
    int r = Process.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return r < 0 ? r : Seccomp.confine(isTraining() ? ALLOW_ALL : filter);
  }
}
