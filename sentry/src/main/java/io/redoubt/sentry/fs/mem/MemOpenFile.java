package io.redoubt.sentry.fs.mem;

import io.redoubt.host.Errno;
import io.redoubt.sentry.fs.FsNotify;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.RegularFile;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.UserBuffer;
import java.lang.foreign.MemorySegment;

/** An open regular file of an in-memory file system. */
class MemOpenFile extends RegularFile {
  private final MemFile node;
  private final MemContent content;

  /**
   * What the content was at the open, with a use of it that ends with this file; null when it was
   * not lower.
   */
  private final LowerFile lower;

  /** Takes over a use of {@code lower}. */
  MemOpenFile(MemFile node, LowerFile lower, Path path, int flags) {
    super(path, flags);
    this.node = node;
    this.lower = lower;
    this.content = node.content;
  }

  @Override
  protected long size(Syscall c) {
    return content.size();
  }

  @Override
  protected long load(Syscall c, MemorySegment to, long length, long offset) {
    if (content.lower()
        != null) { // then it is the one of this file: content does not become lower again
      return lower.read(to, length, offset);
    }
    long n;
    if (content.hasMemfd()) {
      n = content.read(to, length, offset);
    } else {
      synchronized (node) {
        n = content.read(to, length, offset);
      }
    }
    if (n > 0 && (flags() & O_NOATIME) == 0) {
      node.accessed();
    }
    return n;
  }

  @Override
  protected boolean canBeShown() {
    return content.hasMemfd();
  }

  @Override
  protected long show(Syscall c, UserBuffer dst, long offset) {
    if (!content.hasMemfd() || c.listener() >= 0) {
      return 0;
    }
    long n;
    synchronized (node) {
      n = content.show(node, dst, offset);
    }
    if (n > 0 && (flags() & O_NOATIME) == 0) {
      node.accessed();
    }
    return n;
  }

  @Override
  protected long showForWriting(Syscall c, UserBuffer src, long length, long offset) {
    // Who may only write is not to be able to read it in a mapping. Who watches files is told of a
    // write once it has been made.
    if (!content.hasMemfd()
        || c.listener() >= 0
        || !isReadable()
        || FsNotify.isActive()
        || node.anchor(c) < 0) {
      return 0;
    }
    synchronized (node) {
      if (!content.showForWriting(node, src, length, offset)) {
        return 0;
      }
      node.touch(System.currentTimeMillis(), true);
      node.dropPrivileges(c);
      return length;
    }
  }

  @Override
  protected long store(Syscall c, MemorySegment from, long length, long offset, boolean append) {
    int r = node.anchor(c);
    if (r < 0) {
      return r;
    }
    synchronized (node) {
      r = content.copyUp(c);
      if (r < 0) {
        return r;
      }
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
    if (content.lower() != null) {
      return lower.seek(offset, hole);
    }
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
      r = content.copyUp(c);
      if (r < 0) {
        return r;
      }
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
    if (sharedWritable) {
      int r = node.anchor(c);
      if (r < 0) {
        return r;
      }
    }
    synchronized (node) {
      if (content.lower() != null && !sharedWritable) {
        int fd = lower.fd(c);
        if (fd >= 0) {
          return fd;
        }
      }
      int r = content.copyUp(c); // also where the gofer donates no descriptors
      return r < 0 ? r : content.mapFd(c, sharedWritable);
    }
  }

  @Override
  public int advise(Syscall c, long offset, long length, int advice) {
    return content.lower() == null ? 0 : lower.advise(offset, length, advice);
  }

  @Override
  protected int contentFd(Syscall c) {
    synchronized (node) {
      if (content.lower() != null) {
        return lower.openFd();
      }
      return content.isExact() ? content.readOnlyFd(c) : -1;
    }
  }

  @Override
  protected void noteRead() {
    if (content.lower() == null && (flags() & O_NOATIME) == 0) {
      node.accessed();
    }
  }

  @Override
  protected void closeContent() {
    if (lower != null) {
      lower.release();
    }
  }
}
