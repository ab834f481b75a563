package io.redoubt.sentry.fs.mem;

import io.redoubt.host.Errno;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.RegularFile;
import io.redoubt.sentry.kernel.Syscall;
import java.lang.foreign.MemorySegment;

/** An open regular file of an in-memory file system. */
class MemOpenFile extends RegularFile {
  private final MemFile node;
  private final MemContent content;

  MemOpenFile(MemFile node, Path path, int flags) {
    super(path, flags);
    this.node = node;
    this.content = node.content;
  }

  @Override
  protected long size(Syscall c) {
    return content.size();
  }

  @Override
  protected long load(Syscall c, MemorySegment to, long length, long offset) {
    if (content.hasMemfd()) {
      return content.read(to, length, offset);
    }
    synchronized (node) {
      return content.read(to, length, offset);
    }
  }

  @Override
  protected long store(Syscall c, MemorySegment from, long length, long offset, boolean append) {
    int r = node.anchor(c);
    if (r < 0) {
      return r;
    }
    synchronized (node) {
      long n = content.write(from, length, append ? content.size() : offset);
      if (n > 0) {
        node.touch(System.currentTimeMillis(), true);
        node.dropPrivileges(c);
      }
      return n;
    }
  }

  @Override
  protected long seekData(Syscall c, long offset, boolean hole) {
    synchronized (node) {
      return content.seek(offset, hole);
    }
  }

  @Override
  public long truncate(Syscall c, long size) {
    int r = node.anchor(c);
    r = r < 0 ? r : node.resize(c, size);
    if (r == 0) {
      synchronized (node) {
        node.touch(System.currentTimeMillis(), true);
      }
    }
    return r;
  }

  @Override
  public long allocate(Syscall c, int mode, long offset, long length) {
    int r = node.anchor(c);
    if (r < 0) {
      return r;
    }
    synchronized (node) {
      long done = content.allocate(mode, offset, length);
      if (done == 0) {
        node.touch(System.currentTimeMillis(), true);
        node.dropPrivileges(c);
      }
      return done;
    }
  }

  @Override
  public long sync(Syscall c, boolean dataOnly) {
    return 0;
  }

  @Override
  public int mapFd(Syscall c, boolean sharedWritable) {
    if (sharedWritable && !isWritable()) {
      return -Errno.EACCES;
    }
    synchronized (node) {
      return content.mapFd(sharedWritable);
    }
  }
}
