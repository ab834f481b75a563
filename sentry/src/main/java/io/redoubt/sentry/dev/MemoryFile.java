package io.redoubt.sentry.dev;

import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Mman;
import io.redoubt.host.Process;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.UserBuffer;
import java.lang.foreign.MemorySegment;

/** The devices of mem(4), null(4), full(4) and random(4), which have no state. */
final class MemoryFile extends OpenFile {
  /** Which one; the values are the minor numbers of major 1. */
  enum Kind {
    NULL(3),
    ZERO(5),
    FULL(7),
    RANDOM(8),
    URANDOM(9);

    final int minor;

    Kind(int minor) {
      this.minor = minor;
    }
  }

  private static final int ZEROS_BYTES = 1024 * 1024;

  /** Pages that nobody ever writes are all the host's one zero page, which stays in the cache. */
  private static final MemorySegment ZEROS =
      Mman.segment(
          Mman.mmap(0, ZEROS_BYTES, Mman.PROT_READ, Mman.MAP_PRIVATE | Mman.MAP_ANONYMOUS, -1, 0),
          ZEROS_BYTES);

  private final Kind kind;
  private final int hostZero;

  /**
   * @param hostZero a host fd of /dev/zero for mappings, or negative
   */
  MemoryFile(Path path, int flags, Kind kind, int hostZero) {
    super(path, flags);
    this.kind = kind;
    this.hostZero = hostZero;
  }

  @Override
  public boolean isSeekable() {
    return true; // pread works; the position means nothing
  }

  /** As on Linux: only the random devices have a poll operation, the others are EPERM for epoll. */
  @Override
  public boolean isPollable() {
    return kind == Kind.RANDOM || kind == Kind.URANDOM;
  }

  @Override
  public long seek(Syscall c, long offset, int whence) {
    return whence < 0 || whence > 4 ? -Errno.EINVAL : 0;
  }

  @Override
  public long read(Syscall c, UserBuffer dst) {
    return readAt(c, dst, 0);
  }

  @Override
  public long readAt(Syscall c, UserBuffer dst, long offset) {
    return switch (kind) {
      case NULL -> 0;
      case ZERO, FULL -> zeros(dst);
      case RANDOM, URANDOM -> random(c, dst);
    };
  }

  @Override
  public long write(Syscall c, UserBuffer src) {
    return writeAt(c, src, 0);
  }

  @Override
  public long writeAt(Syscall c, UserBuffer src, long offset) {
    if (kind == Kind.FULL) {
      return -Errno.ENOSPC; // even a write of nothing
    }
    // What is written to the random devices would be mixed in; the guest's own word adds nothing to
    // the host's pool.
    long n = src.remaining();
    src.skip(n);
    return n;
  }

  private static long zeros(UserBuffer dst) {
    long done = 0;
    while (dst.remaining() > 0) {
      long want = Math.min(dst.remaining(), ZEROS_BYTES);
      long n = dst.copyOut(ZEROS, 0, want);
      if (n < 0) {
        return done > 0 ? done : n;
      }
      done += n;
      if (n < want) {
        break;
      }
    }
    return done;
  }

  private static long random(Syscall c, UserBuffer dst) {
    MemorySegment bulk = c.scratch().bulk;
    long done = 0;
    while (dst.remaining() > 0) {
      long got = Process.getrandom(bulk, Math.min(dst.remaining(), bulk.byteSize()), 0);
      if (got < 0) {
        return done > 0 ? done : got;
      }
      long n = dst.copyOut(bulk, 0, got);
      if (n < 0) {
        return done > 0 ? done : n;
      }
      done += n;
      if (n < got) {
        break;
      }
    }
    return done;
  }

  /**
   * A mapping of /dev/zero is anonymous memory, private or shared: the host's own device does just
   * that.
   */
  @Override
  public int mapFd(Syscall c, boolean sharedWritable) {
    return kind == Kind.ZERO && hostZero >= 0 ? hostZero : -Errno.ENODEV;
  }

  /** Opens the host's /dev/zero; at start, while that is possible. @return an fd or -errno */
  static int openHostZero() {
    return Fcntl.open("/dev/zero", Fcntl.O_RDWR | Fcntl.O_CLOEXEC, 0);
  }
}
