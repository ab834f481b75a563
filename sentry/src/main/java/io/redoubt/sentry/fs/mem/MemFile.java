package io.redoubt.sentry.fs.mem;

import io.redoubt.gofer.NodeAttr;
import io.redoubt.host.Errno;
import io.redoubt.host.Unistd;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.RegularFile;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.WindowedFile;
import java.util.function.IntToLongFunction;

/** A regular file. */
final class MemFile extends MemInode implements WindowedFile {
  final MemContent content;

  /** Made by O_TMPFILE without O_EXCL: may get a first name. */
  boolean isLinkable;

  MemFile(MemFs fs, int mode, int uid, int gid) {
    super(fs, mode, uid, gid);
    content = new MemContent(fs, null, 0, 0);
  }

  MemFile(MemFs fs, MemDir parent, String name, int fid, NodeAttr attr) {
    super(fs, parent, name, 0, attr);
    content = new MemContent(fs, new LowerFile(fs.lowerFiles, this, fid), attr.size, attr.blocks);
  }

  @Override
  public synchronized long windowBytes(boolean isForWriting) {
    return content.windowBytes(isForWriting);
  }

  @Override
  public long lend(Syscall c, boolean isForWriting, IntToLongFunction giver) {
    int fd;
    synchronized (this) {
      fd = content.windowFd(c, isForWriting);
    }
    if (fd < 0) {
      return fd;
    }
    long r = giver.applyAsLong(fd); // without the monitor: it waits for the guest's thread
    Unistd.close(fd);
    return r;
  }

  @Override
  public void addViewer(Viewer viewer) {
    content.addViewer(viewer);
  }

  @Override
  public void removeViewer(Viewer viewer) {
    content.removeViewer(viewer);
  }

  @Override
  long size() {
    return content.size();
  }

  @Override
  long blocks() {
    return content.blocks();
  }

  @Override
  int walkToLower(Syscall c) {
    LowerFile lower = content.lower();
    return lower == null ? 0 : lower.walkTo(c);
  }

  @Override
  void adopt(NodeAttr now) {
    super.adopt(now);
    if (content != null) { // not while it is made
      content.adopt(now.size);
    }
  }

  /** All bytes of it, if it is small and they have come along with something else; or null. */
  byte[] ahead(Syscall c) {
    MemDir dir = lowerParent();
    LowerDir in = dir.known();
    int at = in == null ? LowerDir.UNKNOWN : in.find(lowerName());
    byte[] bytes = at < 0 ? null : fs.ahead.content(c, dir, in, at);
    return bytes != null && bytes.length == content.size() ? bytes : null;
  }

  @Override
  int resize(Syscall c, long size) {
    int r = RegularFile.checkSize(c, size);
    if (r < 0) {
      return r;
    }
    synchronized (this) {
      r = content.resize(c, size);
      if (r == 0) {
        dropPrivileges(c);
      }
      return r;
    }
  }

  @Override
  public OpenFile open(Syscall c, Path path, int flags) {
    LowerFile lower = content.lower();
    if (lower != null && !lower.acquire(c)) {
      return null;
    }
    return new MemOpenFile(this, lower, path, flags);
  }

  @Override
  void free() {
    synchronized (this) {
      content.free();
    }
  }

  /** Failure to get memory of the host is a full disk to the guest. */
  static int asNoSpace(long error) {
    return error == -Errno.EMFILE || error == -Errno.ENFILE || error == -Errno.ENOMEM
        ? -Errno.ENOSPC
        : (int) error;
  }
}
