package io.redoubt.sentry.proc;

import io.redoubt.host.Fcntl;
import io.redoubt.host.Memory;
import io.redoubt.host.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * A directory of the host whose small text files the sentry reads: opened once, at start, because
 * nothing can be opened by an absolute path later. Names are made of constants and numbers only,
 * never of guest input.
 */
final class HostTree {
  /** No file that is read here is larger; what is behind is cut off. */
  private static final int MAX_BYTES = 16 * 1024 * 1024;

  private static final int FIRST_BYTES = 16 * 1024;

  /** An O_PATH descriptor, or -errno. */
  final int dir;

  /** Opens the directory. Where that fails every read answers null. */
  HostTree(String path) {
    dir = Fcntl.open(path, Fcntl.O_PATH | Fcntl.O_DIRECTORY | Fcntl.O_CLOEXEC, 0);
  }

  /**
   * The whole of a file.
   *
   * @return its bytes as Latin-1, or null if it cannot be read
   */
  String read(String path) {
    int fd =
        dir < 0
            ? dir
            : Fcntl.openat(dir, path, Fcntl.O_RDONLY | Fcntl.O_CLOEXEC | Fcntl.O_NOCTTY, 0);
    if (fd < 0) {
      return null;
    }
    try {
      return readAll(fd);
    } finally {
      Unistd.close(fd);
    }
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

  static String string(MemorySegment from, int length) {
    byte[] b = new byte[length];
    Memory.copy(from, 0, b, 0, length);
    return new String(b, StandardCharsets.ISO_8859_1);
  }
}
