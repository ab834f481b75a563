package io.redoubt.sentry.fs.pseudo;

import io.redoubt.host.Memory;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.UserBuffer;
import io.redoubt.sentry.limits.Limit;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * An open pseudo file. A read at offset 0 makes the content anew, as seq_file of Linux does: {@code
 * top} keeps its files open and rewinds them. Reads further on go on in the same content, so that a
 * reader sees one consistent text.
 */
final class GeneratedFile extends OpenFile {
  /** The largest value that can be written at once, as in proc_sys and kernfs: a page. */
  private static final int MAX_WRITE = 4096;

  private final Content content;
  private final PseudoFile.Store store;
  private byte[] bytes; // guarded by positionLock; null before the first read

  GeneratedFile(Path path, int flags, Content content, PseudoFile.Store store) {
    super(path, flags);
    this.content = content;
    this.store = store;
  }

  @Override
  public boolean isSeekable() {
    return true;
  }

  @Override
  public boolean isPollable() {
    return true;
  }

  @Override
  public long readAt(Syscall c, UserBuffer dst, long offset) {
    byte[] b;
    synchronized (positionLock) {
      if (bytes == null || offset == 0) {
        StringBuilder out = new StringBuilder(512);
        int r = content.write(c, out);
        if (r < 0) {
          return r;
        }
        release();
        if (!Limit.LISTING_BYTES.charge(out.length())) {
          return -12;
        }
        bytes = out.toString().getBytes(StandardCharsets.ISO_8859_1);
      }
      b = bytes;
    }
    if (offset >= b.length) {
      return 0;
    }
    long total = Math.min(b.length - offset, dst.remaining());
    MemorySegment bulk = c.scratch().bulk;
    long done = 0;
    while (done < total) {
      int n = (int) Math.min(total - done, bulk.byteSize());
      Memory.copy(b, (int) (offset + done), bulk, 0, n);
      long copied = dst.copyOut(bulk, 0, n);
      if (copied <= 0) {
        return done > 0 ? done : copied;
      }
      done += copied;
      if (copied < n) {
        break;
      }
    }
    return done;
  }

  @Override
  protected void release() {
    synchronized (positionLock) {
      if (bytes != null) {
        Limit.LISTING_BYTES.release(bytes.length);
        bytes = null;
      }
    }
  }

  @Override
  public long writeAt(Syscall c, UserBuffer src, long offset) {
    if (store == null) {
      return -22;
    }
    int n = (int) Math.min(src.remaining(), MAX_WRITE);
    if (n == 0) {
      return 0;
    }
    MemorySegment bulk = c.scratch().bulk;
    long copied = src.copyIn(bulk, 0, n);
    if (copied < 0) {
      return copied;
    }
    byte[] b = new byte[(int) copied];
    Memory.copy(bulk, 0, b, 0, b.length);
    int r = store.write(c, new String(b, StandardCharsets.ISO_8859_1));
    return r < 0 ? r : copied;
  }

  @Override
  public long seek(Syscall c, long offset, int whence) {
    synchronized (positionLock) {
      long to;
      if (whence == 0) {
        to = offset;
      } else if (whence == 1) {
        to = position + offset;
      } else {
        return -22; // the size is not known before the content is made; procfs says the same
      }
      if (to < 0) {
        return -22;
      }
      position = to;
      return to;
    }
  }

  @Override
  protected long sizeForAppend(Syscall c, long otherwise) {
    return otherwise;
  }

  /** A truncation of a pseudo file is accepted and changes nothing. */
  @Override
  public long truncate(Syscall c, long size) {
    return size < 0 ? -22 : 0;
  }
}
