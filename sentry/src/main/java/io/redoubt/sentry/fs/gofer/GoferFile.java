package io.redoubt.sentry.fs.gofer;

import io.redoubt.host.Errno;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.RegularFile;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.Timers;
import java.lang.foreign.MemorySegment;

/**
 * An open regular file of the host. Errors of the host (ENOSPC, EDQUOT, EFBIG, EIO) are the
 * guest's.
 */
final class GoferFile extends RegularFile {
  private final GoferInode inode;
  private final HostFile file;
  private final Timers timers;

  GoferFile(GoferInode inode, HostFile file, Path path, int flags, Timers timers) {
    super(path, flags);
    this.inode = inode;
    this.file = file;
    this.timers = timers;
  }

  /**
   * The donated descriptor knows as well as the gofer, and is a call and not two hand-overs away.
   */
  @Override
  public int getattr(Syscall c, Stat out) {
    return file.fd() >= 0 ? inode.attributes().getattr(c, file.fd(), out) : inode.getattr(c, out);
  }

  @Override
  protected long size(Syscall c) {
    return file.size();
  }

  @Override
  protected long load(Syscall c, MemorySegment to, long length, long offset) {
    long n = file.read(to, length, offset);
    inode.attributes().wasRead();
    return n;
  }

  @Override
  protected long store(Syscall c, MemorySegment from, long length, long offset, boolean append) {
    long n = file.write(from, length, offset, append);
    if (n > 0) {
      inode.attributes().stale();
      inode.attributes().dropPrivileges(c);
    }
    return n;
  }

  @Override
  protected long seekData(Syscall c, long offset, boolean hole) {
    return file.seek(offset, hole);
  }

  @Override
  public long truncate(Syscall c, long size) {
    int r = file.truncate(size);
    inode.attributes().stale();
    if (r == 0) {
      inode.attributes().dropPrivileges(c);
    }
    return r;
  }

  @Override
  public long allocate(Syscall c, int mode, long offset, long length) {
    int r = file.allocate(mode, offset, length);
    inode.attributes().stale();
    if (r == 0) {
      inode.attributes().dropPrivileges(c);
    }
    return r;
  }

  @Override
  public long sync(Syscall c, boolean dataOnly) {
    return file.sync(dataOnly);
  }

  @Override
  public int advise(Syscall c, long offset, long length, int advice) {
    file.stamp = 0; // what is advised holds for the descriptor
    return file.advise(offset, length, advice);
  }

  @Override
  public int mapFd(Syscall c, boolean sharedWritable) {
    if (sharedWritable && !isWritable()) {
      return -Errno.EACCES;
    }
    if (sharedWritable) {
      inode.attributes().wasMapped();
    }
    return file.fd() >= 0 ? file.fd() : -Errno.ENODEV;
  }

  @Override
  protected int contentFd(Syscall c) {
    return file.fd();
  }

  @Override
  protected void noteRead() {
    inode.attributes().wasRead();
  }

  @Override
  protected void closeContent() {
    inode.closed(file, timers);
  }
}
