package io.redoubt.sentry.proc;

import io.redoubt.host.Dir;
import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/**
 * The host's /proc as the sentry reads it.
 *
 * <p>Opened once, at start: the sentry will not be able to open anything by an absolute path later. Files of a process are opened
 * below the directory fd, and their names are made of numbers and constants only, never of guest input.
 */
public final class HostProc {
  /** No file that is read here is larger; what is behind is cut off. */
  private static final int MAX_BYTES = 16 * 1024 * 1024;

  private static final int FIRST_BYTES = 64 * 1024;

  private final int dir;

  private HostProc(int dir) {
    this.dir = dir;
  }

  /** Opens /proc of the host. Where that fails every read answers an error. */
  public static HostProc open() {
    return new HostProc(Fcntl.open("/proc", Fcntl.O_PATH | Fcntl.O_DIRECTORY | Fcntl.O_CLOEXEC, 0));
  }

  /**
   * The whole of a file, such as "meminfo" or "1234/status".
   *
   * @param path relative to /proc; not from a guest
   * @return its bytes as Latin-1, or null if it cannot be read (the process is gone)
   */
  public String read(String path) {
    int fd = dir < 0 ? dir : Fcntl.openat(dir, path, Fcntl.O_RDONLY | Fcntl.O_CLOEXEC | Fcntl.O_NOCTTY, 0);
    if (fd < 0) {
      return null;
    }
    try {
      return readAll(fd);
    } finally {
      Unistd.close(fd);
    }
  }

  /** A file of a process. @return null if it cannot be read */
  public String read(int hostPid, String name) {
    return read(hostPid + "/" + name);
  }

  /** A file of a thread. @return null if it cannot be read */
  public String read(int hostPid, int hostTid, String name) {
    return read(hostPid + "/task/" + hostTid + "/" + name);
  }

  /** The target of a link of the sentry's own, such as its {@code self/fd/3}. @return null on an error */
  public String ownLink(int fd) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment to = arena.allocate(4096);
      int n = dir < 0 ? dir : Dir.readlinkat(dir, "self/fd/" + fd, to, 4096);
      return n < 0 ? null : string(to, n);
    }
  }

  /** Opens what a fd of the sentry refers to once more, as a description of its own. @return an fd, or -errno */
  public int reopen(int fd, int flags) {
    return dir < 0 ? -Errno.ENOENT : Fcntl.openat(dir, "self/fd/" + fd, flags | Fcntl.O_CLOEXEC | Fcntl.O_NOCTTY, 0);
  }

  private static String readAll(int fd) {
    long size = FIRST_BYTES;
    for (; ; ) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment to = arena.allocate(size);
        long have = 0;
        // seq_file gives a page at a time: go on until it says that this is the end.
        while (have < size) {
          long n = Unistd.read(fd, to.address() + have, size - have);
          if (n < 0) {
            return null;
          }
          if (n == 0) {
            return string(to, (int) have);
          }
          have += n;
        }
        if (size >= MAX_BYTES) {
          return string(to, (int) have);
        }
      }
      Unistd.lseek(fd, 0, 0);
      size *= 8;
    }
  }

  private static String string(MemorySegment from, int length) {
    byte[] b = new byte[length];
    MemorySegment.copy(from, ValueLayout.JAVA_BYTE, 0, b, 0, length);
    return new String(b, StandardCharsets.ISO_8859_1);
  }
}
