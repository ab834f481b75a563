package io.redoubt.launcher;

import io.redoubt.host.Dir;
import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Memory;
import io.redoubt.host.Mman;
import io.redoubt.host.Process;
import io.redoubt.host.Stat;
import io.redoubt.host.Stat.StatBuf;
import io.redoubt.host.Unistd;
import io.redoubt.sentry.StartFailure;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * Files that the launcher looks at before there is a sandbox. Paths and contents are raw bytes as
 * Latin-1.
 */
final class HostFiles {
  private static final int CLOEXEC = Fcntl.O_CLOEXEC;
  private static final MemorySegment BUFFER = Mman.anonymous(64 * 1024);

  private HostFiles() {}

  /** The caller's working directory. */
  static String workingDirectory() {
    int n = Dir.readlinkat(Fcntl.AT_FDCWD, "/proc/self/cwd", BUFFER, BUFFER.byteSize());
    return n <= 0 ? "/" : latin1(n);
  }

  /** {@code path} seen from {@code base}. */
  static String absolute(String base, String path) {
    return path.startsWith("/") ? path : base.equals("/") ? "/" + path : base + "/" + path;
  }

  /** S_IFMT bits of what is at {@code path}, symlinks followed, or -errno. */
  static int type(String path) {
    int r = Stat.newfstatat(Fcntl.AT_FDCWD, path, BUFFER, 0);
    return r < 0 ? r : Memory.getInt(BUFFER, StatBuf.ST_MODE) & Stat.S_IFMT;
  }

  /** Permission bits of what is at {@code path}, or 0. */
  static int permissions(String path) {
    int r = Stat.newfstatat(Fcntl.AT_FDCWD, path, BUFFER, 0);
    return r < 0 ? 0 : Memory.getInt(BUFFER, StatBuf.ST_MODE) & 07777;
  }

  /** The path of what is at {@code path}, without symlinks; null if there is nothing. */
  static String canonical(String path) {
    int fd = Fcntl.open(path, Fcntl.O_PATH | CLOEXEC, 0);
    if (fd < 0) {
      return null;
    }
    int n = Dir.readlinkat(Fcntl.AT_FDCWD, "/proc/self/fd/" + fd, BUFFER, BUFFER.byteSize());
    Unistd.close(fd);
    return n <= 0 ? null : latin1(n);
  }

  /** Whether the name, which no symlink may be part of, is that of a mount and not hidden. */
  static boolean isMountRoot(String path) {
    int fd =
        Fcntl.openat2(Fcntl.AT_FDCWD, path, Fcntl.O_PATH | CLOEXEC, 0, Fcntl.RESOLVE_NO_SYMLINKS);
    if (fd < 0) {
      return false;
    }
    int r = Stat.statx(fd, "", Fcntl.AT_EMPTY_PATH, 0, BUFFER);
    Unistd.close(fd);
    return r == 0
        && (Memory.getLong(BUFFER, Stat.Statx.STX_ATTRIBUTES) & Stat.STATX_ATTR_MOUNT_ROOT) != 0;
  }

  /** Why {@code path} is not a directory, or null if it is one. */
  static String notDirectory(String path) {
    int t = type(path);
    return t == Stat.S_IFDIR
        ? null
        : t >= 0 ? "not a directory" : t == -Errno.ENOENT ? "no such directory" : problem(t);
  }

  /** An errno in words. */
  static String problem(int errno) {
    return errno == -Errno.ENOENT ? "no such file or directory" : Errno.message(-errno);
  }

  /**
   * Reads a file below a root that may be hostile: no symlink leads out of it, and only a regular
   * file is read.
   *
   * @return null when there is no such file
   */
  static String readInRoot(String root, String path, int limit) {
    int rootFd = Fcntl.open(root, Fcntl.O_PATH | Fcntl.O_DIRECTORY | CLOEXEC, 0);
    if (rootFd < 0) {
      return null;
    }
    long flags = Fcntl.O_RDONLY | Fcntl.O_NONBLOCK | Fcntl.O_NOCTTY | CLOEXEC;
    int fd =
        Fcntl.openat2(rootFd, path, flags, 0, Fcntl.RESOLVE_IN_ROOT | Fcntl.RESOLVE_NO_MAGICLINKS);
    Unistd.close(rootFd);
    return readAndClose(fd, limit);
  }

  /**
   * Reads a regular file of the operator's. @return null when there is none, or it may not be read
   */
  static String read(String path, int limit) {
    return readAndClose(
        Fcntl.open(path, Fcntl.O_RDONLY | Fcntl.O_NONBLOCK | Fcntl.O_NOCTTY | CLOEXEC, 0), limit);
  }

  private static String readAndClose(int fd, int limit) {
    if (fd < 0) {
      return null;
    }
    boolean regular =
        Stat.fstat(fd, BUFFER) == 0
            && (Memory.getInt(BUFFER, StatBuf.ST_MODE) & Stat.S_IFMT) == Stat.S_IFREG;
    String text = regular ? readAll(fd, limit) : null;
    Unistd.close(fd);
    return text;
  }

  /** Puts a file there as a whole: whoever sees it sees all of it. */
  static void replace(String path, String content) {
    String temporary = path + ".redoubt-" + Process.getpid();
    byte[] bytes = content.getBytes(StandardCharsets.ISO_8859_1);
    int fd = Fcntl.open(temporary, Fcntl.O_WRONLY | Fcntl.O_CREAT | Fcntl.O_EXCL | CLOEXEC, 0644);
    long r = fd;
    if (fd >= 0) {
      Memory.copy(bytes, 0, BUFFER, 0, bytes.length);
      r = Unistd.write(fd, BUFFER, bytes.length);
      Unistd.close(fd);
      r =
          r == bytes.length
              ? Dir.renameat2(Fcntl.AT_FDCWD, temporary, Fcntl.AT_FDCWD, path, 0)
              : Math.min(r, -Errno.EIO);
      if (r < 0) {
        Dir.unlinkat(Fcntl.AT_FDCWD, temporary, 0);
      }
    }
    if (r < 0) {
      throw new StartFailure(Caller.FAILED, "cannot write " + path + ": " + Errno.message(r));
    }
  }

  private static String readAll(int fd, int limit) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    long n;
    while (out.size() < limit && (n = Unistd.read(fd, BUFFER, BUFFER.byteSize())) > 0) {
      out.writeBytes(Memory.bytes(BUFFER, (int) n));
    }
    return out.toString(StandardCharsets.ISO_8859_1);
  }

  private static String latin1(int length) {
    return new String(Memory.bytes(BUFFER, length), StandardCharsets.ISO_8859_1);
  }
}
