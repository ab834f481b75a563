package io.redoubt.sentry.fs.gofer;

import io.redoubt.gofer.GoferClient;
import io.redoubt.gofer.ImpatientCaller;
import io.redoubt.gofer.Opened;
import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Memory;
import io.redoubt.host.Uio;
import io.redoubt.host.Unistd;
import io.redoubt.sentry.kernel.KernelThread;
import java.lang.foreign.MemorySegment;

/**
 * An open regular file of the host: a donated descriptor, or a fid where the gofer donates none.
 * Not guarded: close it last.
 */
public final class HostFile {
  private final GoferClient client;
  private final int fd;
  private final int open; // fid, 0 with a descriptor

  /**
   * {@link io.redoubt.gofer.NodeWatch#stamp} of the file from before it was opened; 0: it is not
   * worth keeping after the guest has closed it.
   */
  long stamp;

  /** Its file system cannot say that a read would wait. */
  private boolean waitsAlways;

  /** Takes over what an open brought. */
  public HostFile(GoferClient client, Opened opened) {
    this.client = client;
    this.fd = opened.fd;
    this.open = opened.open;
  }

  /** Takes over a donated descriptor. */
  public HostFile(GoferClient client, int fd) {
    this.client = client;
    this.fd = fd;
    this.open = 0;
  }

  /**
   * Opens a node.
   *
   * @param flags access mode, O_SYNC, O_DSYNC
   * @return the file, or null with the negative errno in {@code error[0]}
   */
  public static HostFile open(GoferClient client, int node, int flags, Opened holder, int[] error) {
    int r = client.files.open(node, flags, holder);
    if (r == -Errno.EMFILE) {
      client.flushCloses();
      r = client.files.open(node, flags, holder);
    }
    error[0] = r;
    return r < 0 ? null : new HostFile(client, holder);
  }

  /** The descriptor, or -1. */
  public int fd() {
    return fd;
  }

  /** Reads to the start of {@code to}. @return bytes, 0 at the end, or a negative errno */
  public long read(MemorySegment to, long length, long offset) {
    if (fd < 0) {
      return client.files.read(open, offset, to, 0, length);
    }
    if (!waitsAlways
        && Thread.currentThread() instanceof ImpatientCaller caller
        && caller.isNotForDisks()) {
      return readCached(caller, to, length, offset);
    }
    return Unistd.pread(fd, to, length, offset);
  }

  /** A read of what the host has in memory, whole or up to the end of the file; or -EAGAIN. */
  private long readCached(ImpatientCaller caller, MemorySegment to, long length, long offset) {
    MemorySegment iovec = KernelThread.scratch().small;
    long done = 0;
    while (done < length) {
      Memory.setLong(iovec, Uio.Iovec.IOV_BASE, to.address() + done);
      Memory.setLong(iovec, Uio.Iovec.IOV_LEN, length - done);
      long n = Unistd.preadv2(fd, iovec.address(), 1, offset + done, Unistd.RWF_NOWAIT);
      if (n == -Errno.EAGAIN) {
        caller.hasNotWaitedForDisk();
        return n;
      }
      if (n == -Errno.EOPNOTSUPP) {
        waitsAlways = true;
        return Unistd.pread(fd, to, length, offset);
      }
      if (n <= 0) {
        return done > 0 ? done : n;
      }
      done += n;
    }
    return done;
  }

  /** Writes. @param append at the end whatever the offset */
  public long write(MemorySegment from, long length, long offset, boolean append) {
    if (fd < 0) {
      long at = append ? size() : offset;
      return at < 0 ? at : client.files.write(open, at, from, 0, length);
    }
    if (!append) {
      return Unistd.pwrite(fd, from, length, offset);
    }
    // Atomic against other writers on the host too.
    MemorySegment iovec = KernelThread.scratch().small;
    Memory.setLong(iovec, Uio.Iovec.IOV_BASE, from.address());
    Memory.setLong(iovec, Uio.Iovec.IOV_LEN, length);
    return Unistd.pwritev2(fd, iovec.address(), 1, 0, Unistd.RWF_APPEND);
  }

  /** Bytes, or a negative errno. */
  public long size() {
    if (fd >= 0) {
      return io.redoubt.host.Stat.size(fd);
    }
    var attr = new io.redoubt.gofer.NodeAttr();
    int r = client.attributes.getattr(open, attr);
    return r < 0 ? r : attr.size;
  }

  public int truncate(long size) {
    return fd >= 0 ? Unistd.ftruncate(fd, size) : client.files.truncate(open, size);
  }

  public int allocate(int mode, long offset, long length) {
    return fd >= 0
        ? Fcntl.fallocate(fd, mode, offset, length)
        : client.files.fallocate(open, mode, offset, length);
  }

  public int sync(boolean dataOnly) {
    return fd < 0
        ? client.files.fsync(open, dataOnly)
        : dataOnly ? Unistd.fdatasync(fd) : Unistd.fsync(fd);
  }

  /** SEEK_DATA and SEEK_HOLE; without a descriptor all is data. */
  public long seek(long offset, boolean hole) {
    if (fd >= 0) {
      return Unistd.lseek(fd, offset, hole ? Fcntl.SEEK_HOLE : Fcntl.SEEK_DATA);
    }
    return hole ? size() : offset;
  }

  public int advise(long offset, long length, int advice) {
    return fd >= 0 ? Fcntl.fadvise(fd, offset, length, advice) : 0;
  }

  public void close() {
    if (fd >= 0) {
      Unistd.close(fd);
    } else {
      client.closeLater(open);
    }
  }
}
