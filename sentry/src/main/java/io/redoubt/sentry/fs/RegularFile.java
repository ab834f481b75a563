package io.redoubt.sentry.fs;

import io.redoubt.host.Errno;
import io.redoubt.sentry.kernel.ResourceLimits;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.UserBuffer;
import java.lang.foreign.MemorySegment;

/**
 * What open regular files have in common: a position, transfers through native memory,
 * RLIMIT_FSIZE.
 */
public abstract class RegularFile extends OpenFile {
  /**
   * Bytes that one round of a transfer moves: they stay in the second level cache between the two
   * copies.
   */
  public static final int CHUNK = 256 * 1024;

  private static final int SIGXFSZ = 25;
  private static final int SEEK_CUR = 1;

  private LentFile lent; // guarded by positionLock

  protected RegularFile(Path path, int flags) {
    super(path, flags);
  }

  /**
   * A descriptor of the sentry that has what the file has now, or a negative number. It is the same
   * one for as long as the content is that of the same host file.
   */
  protected abstract int contentFd(Syscall c);

  /** Something reads, of which {@link #load} does not know. */
  protected abstract void noteRead();

  /** The file is closed: gives back what it has of the host. */
  protected abstract void closeContent();

  @Override
  protected final void release() {
    synchronized (positionLock) {
      if (lent != null) {
        lent.forget();
      }
    }
    closeContent();
  }

  /**
   * Has the host kernel make a read, if it is of many bytes ({@link LentFile}).
   *
   * @param position where, or negative: read(2)
   * @return {@link Syscall#CONTINUE}, or 0: it is to be made here
   */
  public final long readInGuest(Syscall c, long length, long position) {
    boolean isByPosition = position < 0;
    if (!LentFile.isWorthWhile(c, length) || (isByPosition && isWritable())) {
      return 0;
    }
    if (c.listener() < 0 && canBeShown()) {
      return 0; // the guest has it mapped, or soon will
    }
    synchronized (positionLock) {
      int from = contentFd(c);
      if (from < 0) {
        return 0;
      }
      settle(from);
      boolean isLent = lent != null && lent.hasPosition();
      long at = !isByPosition ? position : isLent ? lent.seek(0, SEEK_CUR) : this.position;
      if (size(c) - at < LentFile.MIN_BYTES / 2) {
        return 0;
      }
      if (c.listener() < 0) {
        return Syscall.CONTINUE; // it comes again, by a trap
      }
      if (lent == null) {
        lent = new LentFile();
      }
      if (!lent.lend(c, from, at, isByPosition)) {
        return 0;
      }
      noteRead();
      return Syscall.CONTINUE;
    }
  }

  /** Whether {@link #show} is ever of use. */
  protected boolean canBeShown() {
    return false;
  }

  /**
   * Has the guest copy from its own mapping what a read finds.
   *
   * @return bytes, or 0 when it has none, or there are none
   */
  protected long show(Syscall c, UserBuffer dst, long offset) {
    return 0;
  }

  /**
   * Has the guest copy what it writes to its own mapping.
   *
   * @return {@code length}, or 0 when it has none
   */
  protected long showForWriting(Syscall c, UserBuffer src, long length, long offset) {
    return 0;
  }

  /** The content may be another host file's now (copied up): then the position is here again. */
  private void settle(int from) {
    if (lent != null && lent.hasPosition() && !lent.isOf(from)) {
      position = lent.takePosition();
      lent.forget();
    }
  }

  private boolean isPositionLent(Syscall c) {
    if (lent == null || !lent.hasPosition()) {
      return false;
    }
    settle(contentFd(c));
    return lent.hasPosition();
  }

  @Override
  public final long read(Syscall c, UserBuffer dst) {
    synchronized (positionLock) {
      if (!isPositionLent(c)) {
        return super.read(c, dst);
      }
      noteRead();
      return read(c, dst, 0, lent);
    }
  }

  /** Size of the file in bytes, or a negative errno. */
  protected abstract long size(Syscall c);

  /**
   * Reads at most {@code length} bytes to the start of {@code to}. @return bytes, 0 at the end, or
   * a negative errno
   */
  protected abstract long load(Syscall c, MemorySegment to, long length, long offset);

  /**
   * Writes {@code length} bytes.
   *
   * @param append write at the end whatever the offset
   * @return bytes written, or a negative errno
   */
  protected abstract long store(
      Syscall c, MemorySegment from, long length, long offset, boolean append);

  /** SEEK_DATA or SEEK_HOLE from {@code offset}, which is within the file. */
  protected abstract long seekData(Syscall c, long offset, boolean hole);

  @Override
  public final boolean isSeekable() {
    return true;
  }

  @Override
  public final boolean isPollable() {
    return false;
  }

  @Override
  public final long readAt(Syscall c, UserBuffer dst, long offset) {
    return read(c, dst, offset, null);
  }

  /**
   * @param by null: from the offset; else at its position
   */
  private long read(Syscall c, UserBuffer dst, long offset, LentFile by) {
    long shown = by == null ? show(c, dst, offset) : showNext(c, dst, by);
    if (shown > 0) {
      return shown;
    }
    MemorySegment bulk = c.scratch().bulk;
    long done = 0;
    while (dst.remaining() > 0) {
      long want = Math.min(dst.remaining(), CHUNK);
      long n = by == null ? load(c, bulk, want, offset + done) : by.read(bulk, want);
      if (n <= 0) {
        return done > 0 ? done : n;
      }
      long copied = dst.copyOut(bulk, 0, n);
      if (copied < n && by != null) {
        by.seek(Math.max(copied, 0) - n, SEEK_CUR); // what the guest did not get
      }
      if (copied < 0) {
        return done > 0 ? done : copied;
      }
      done += copied;
      if (copied < n || n < want) {
        break;
      }
    }
    return done;
  }

  private long showNext(Syscall c, UserBuffer dst, LentFile by) {
    if (c.listener() >= 0 || !canBeShown()) {
      return 0;
    }
    long shown = show(c, dst, by.seek(0, SEEK_CUR));
    if (shown > 0) {
      by.seek(shown, SEEK_CUR);
    }
    return shown;
  }

  @Override
  public final long writeAt(Syscall c, UserBuffer src, long offset) {
    boolean append = (flags() & O_APPEND) != 0;
    long allowed = src.remaining();
    if (allowed == 0) {
      return 0;
    }
    long limit = c.task.process.limits.soft(ResourceLimits.FSIZE);
    if (limit >= 0) { // negative: none
      long at = append ? size(c) : offset;
      if (at >= limit) {
        c.task.sendSignal(SIGXFSZ);
        return -Errno.EFBIG;
      }
      allowed = Math.min(allowed, limit - at);
    }
    if (!append && showForWriting(c, src, allowed, offset) > 0) {
      return allowed;
    }
    MemorySegment bulk = c.scratch().bulk;
    long done = 0;
    while (done < allowed) {
      long n = src.copyIn(bulk, 0, Math.min(allowed - done, CHUNK));
      if (n <= 0) {
        return done > 0 ? done : n;
      }
      long stored = store(c, bulk, n, offset + done, append);
      if (stored < 0) {
        return done > 0 ? done : stored;
      }
      done += stored;
      if (stored < n) {
        break;
      }
    }
    return done;
  }

  @Override
  public final long readInto(Syscall c, MemorySegment to, long length, long offset) {
    long done = 0;
    while (done < length) {
      long n = load(c, done == 0 ? to : to.asSlice(done), length - done, offset + done);
      if (n <= 0) {
        return done > 0 ? done : n;
      }
      done += n;
    }
    return done;
  }

  @Override
  protected final long sizeForAppend(Syscall c, long otherwise) {
    long n = size(c);
    return n < 0 ? otherwise : n;
  }

  @Override
  public final long seek(Syscall c, long offset, int whence) {
    synchronized (positionLock) {
      if (isPositionLent(c)) {
        return lent.seek(offset, whence);
      }
      long to;
      switch (whence) {
        case 0 -> to = offset;
        case 1 -> to = position + offset;
        case 2 -> to = size(c) + offset;
        case 3, 4 -> {
          long size = size(c);
          if (offset < 0 || offset >= size) {
            return -Errno.ENXIO;
          }
          to = seekData(c, offset, whence == 4);
          if (to < 0) {
            return to;
          }
        }
        default -> {
          return -Errno.EINVAL;
        }
      }
      if (to < 0) {
        return -Errno.EINVAL; // overflow of the sum too
      }
      position = to;
      return to;
    }
  }

  /** RLIMIT_FSIZE for a new size. @return 0 or -EFBIG, with SIGXFSZ sent */
  public static int checkSize(Syscall c, long size) {
    long limit = c.task.process.limits.soft(ResourceLimits.FSIZE);
    if (limit >= 0 && size > limit) {
      c.task.sendSignal(SIGXFSZ);
      return -Errno.EFBIG;
    }
    return 0;
  }
}
