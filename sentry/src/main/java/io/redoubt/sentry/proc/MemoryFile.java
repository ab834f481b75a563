package io.redoubt.sentry.proc;

import io.redoubt.host.Errno;
import io.redoubt.host.Unistd;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.pseudo.PseudoInode;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.UserBuffer;
import java.lang.foreign.MemorySegment;

/**
 * {@code /proc/PID/mem}: the memory of a process, offsets being addresses. It is the host's file of
 * the same process, because only that can write to pages that are not writable, which debuggers and
 * JIT compilers do.
 */
final class MemoryFile extends PseudoInode {
  private final Target target;

  MemoryFile(TaskDir dir, long ino) {
    super(dir.fileSystem(), ino, Stat.S_IFREG | 0600);
    target = dir.target;
  }

  @Override
  public OpenFile open(Syscall c, Path path, int flags) {
    int r = target.mayInspect(c);
    if (r < 0) {
      return c.fail(r);
    }
    int fd =
        target
            .process()
            .kernel
            .hostProc
            .openMemory(target.process().hostPid, flags & OpenFile.O_ACCMODE);
    return fd < 0 ? c.fail(fd) : new Open(path, flags, fd);
  }

  /** The file opened; like Linux's it stays with the memory of before when the process execs. */
  private static final class Open extends OpenFile {
    private final int fd;

    Open(Path path, int flags, int fd) {
      super(path, flags);
      this.fd = fd;
    }

    @Override
    protected void release() {
      Unistd.close(fd);
    }

    @Override
    public boolean isSeekable() {
      return true;
    }

    @Override
    public boolean isPollable() {
      return false;
    }

    @Override
    public long readAt(Syscall c, UserBuffer dst, long offset) {
      MemorySegment bulk = c.scratch().bulk;
      long done = 0;
      while (dst.remaining() > 0) {
        long want = Math.min(dst.remaining(), bulk.byteSize());
        long n = Unistd.pread(fd, bulk, want, offset + done);
        n = n > 0 ? dst.copyOut(bulk, 0, n) : n;
        if (n <= 0) {
          return done > 0 ? done : n;
        }
        done += n;
        if (n < want) {
          break;
        }
      }
      return done;
    }

    @Override
    public long writeAt(Syscall c, UserBuffer src, long offset) {
      MemorySegment bulk = c.scratch().bulk;
      long done = 0;
      while (src.remaining() > 0) {
        long want = Math.min(src.remaining(), bulk.byteSize());
        long n = src.copyIn(bulk, 0, want);
        n = n > 0 ? Unistd.pwrite(fd, bulk, n, offset + done) : n;
        if (n <= 0) {
          return done > 0 ? done : n;
        }
        done += n;
        if (n < want) {
          break;
        }
      }
      return done;
    }

    /** Any address is an offset, as far as it is not negative; there is no end. */
    @Override
    public long seek(Syscall c, long offset, int whence) {
      synchronized (positionLock) {
        if (whence != 0 && whence != 1) {
          return -Errno.EINVAL;
        }
        long to = whence == 0 ? offset : position + offset;
        if (to < 0) {
          return -Errno.EOVERFLOW;
        }
        position = to;
        return to;
      }
    }
  }
}
