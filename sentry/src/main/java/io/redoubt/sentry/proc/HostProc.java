package io.redoubt.sentry.proc;

import io.redoubt.host.Dir;
import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The host's /proc as the sentry reads it.
 *
 * <p>Opened once, at start: the sentry will not be able to open anything by an absolute path later.
 * Files of a process are opened below the directory fd, and their names are made of numbers and
 * constants only, never of guest input.
 */
public final class HostProc {
  private final HostTree tree = new HostTree("/proc");
  private final int dir = tree.dir;

  /** Of processes alone, but writable: root's sentry has all else of /proc read-only. */
  private final int writable = writable(tree.dir);

  private HostProc() {}

  /** A descriptor that the front has made ({@code seal.c}), or that of /proc. */
  private static int writable(int otherwise) {
    String fd = System.getenv("REDOUBT_PROC");
    return fd == null || fd.isEmpty() ? otherwise : Integer.parseInt(fd);
  }

  /** Opens /proc of the host. Where that fails every read answers an error. */
  public static HostProc open() {
    return new HostProc();
  }

  /** A descriptor of a /proc of guests' processes, in which their memory can be written. */
  public int ofGuests() {
    return writable;
  }

  /**
   * The whole of a file, such as "meminfo" or "1234/status".
   *
   * @param path relative to /proc; not from a guest
   * @return its bytes as Latin-1, or null if it cannot be read (the process is gone)
   */
  public String read(String path) {
    return tree.read(path);
  }

  /** A file of a process. @return null if it cannot be read */
  public String read(int hostPid, String name) {
    return read(hostPid + "/" + name);
  }

  /** A file of a thread. @return null if it cannot be read */
  public String read(int hostPid, int hostTid, String name) {
    return read(hostPid + "/task/" + hostTid + "/" + name);
  }

  /** Opens the memory of a process. @return an fd, or -errno */
  int openMemory(int hostPid, int access) {
    return writable < 0
        ? -Errno.ENOENT
        : Fcntl.openat(writable, hostPid + "/mem", access | Fcntl.O_CLOEXEC, 0);
  }

  /**
   * The target of a link of the sentry's own, such as its {@code self/fd/3}. @return null on an
   * error
   */
  public String ownLink(int fd) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment to = arena.allocate(4096);
      int n = dir < 0 ? dir : Dir.readlinkat(dir, "self/fd/" + fd, to, 4096);
      return n < 0 ? null : HostTree.string(to, n);
    }
  }

  /**
   * Opens what a fd of the sentry refers to once more, as a description of its own. @return an fd,
   * or -errno
   */
  public int reopen(int fd, int flags) {
    return dir < 0
        ? -Errno.ENOENT
        : Fcntl.openat(dir, "self/fd/" + fd, flags | Fcntl.O_CLOEXEC | Fcntl.O_NOCTTY, 0);
  }
}
