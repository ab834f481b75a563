package io.redoubt.sentry.dev;

import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Memory;
import io.redoubt.host.Stat.StatBuf;
import io.redoubt.host.Unistd;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.SetAttr;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.kernel.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What one of the sandbox's own stdin, stdout and stderr is on the host. The guest sees it as
 * root's, with the host's type, mode and size.
 *
 * <p>It can be opened again through {@code /dev/stdout} or {@code /proc/self/fd/1}, but never for
 * more than it was given for. Lock: its own monitor, for the fd and its count of users, because a
 * path may outlive the last open file.
 */
final class HostInode extends Inode {
  private final int type;
  private final int access; // O_RDONLY, O_WRONLY or O_RDWR: how the fd was given
  private int fd; // guarded by this; -1 when nobody uses it any more
  private int users = 1;

  HostInode(int fd, int type, int access) {
    this.fd = fd;
    this.type = type;
    this.access = access;
  }

  synchronized boolean acquire() {
    if (users == 0) {
      return false;
    }
    users++;
    return true;
  }

  /** The last user closes the fd that was given. */
  synchronized void drop() {
    if (--users == 0) {
      Unistd.close(fd);
      fd = -1;
    }
  }

  @Override
  public int type() {
    return type;
  }

  @Override
  public synchronized int getattr(Syscall c, Stat out) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment s = arena.allocate(StatBuf.SIZEOF, 8);
      int r = fd < 0 ? -Errno.ENXIO : io.redoubt.host.Stat.fstat(fd, s);
      if (r < 0) {
        return r;
      }
      out.dev = Memory.getLong(s, StatBuf.ST_DEV);
      out.ino = Memory.getLong(s, StatBuf.ST_INO);
      out.mode = Memory.getInt(s, StatBuf.ST_MODE);
      out.nlink = Memory.getLong(s, StatBuf.ST_NLINK);
      out.uid = 0;
      out.gid = 0;
      out.rdev = Memory.getLong(s, StatBuf.ST_RDEV);
      out.size = Memory.getLong(s, StatBuf.ST_SIZE);
      out.blksize = (int) Memory.getLong(s, StatBuf.ST_BLKSIZE);
      out.blocks = Memory.getLong(s, StatBuf.ST_BLOCKS);
      out.atimeSec = Memory.getLong(s, StatBuf.ST_ATIM__TV_SEC);
      out.atimeNsec = (int) Memory.getLong(s, StatBuf.ST_ATIM__TV_NSEC);
      out.mtimeSec = Memory.getLong(s, StatBuf.ST_MTIM__TV_SEC);
      out.mtimeNsec = (int) Memory.getLong(s, StatBuf.ST_MTIM__TV_NSEC);
      out.ctimeSec = Memory.getLong(s, StatBuf.ST_CTIM__TV_SEC);
      out.ctimeNsec = (int) Memory.getLong(s, StatBuf.ST_CTIM__TV_NSEC);
      return 0;
    }
  }

  /**
   * Only the size of a file that was given for writing; owner, mode and times of the host's file
   * are not the guest's to change.
   */
  @Override
  public synchronized int setattr(Syscall c, SetAttr change) {
    if ((change.mask & SetAttr.SIZE) == 0) {
      return -Errno.EPERM;
    }
    if (fd < 0 || type != Stat.S_IFREG || access == Fcntl.O_RDONLY) {
      return -Errno.EINVAL;
    }
    return Unistd.ftruncate(fd, change.size);
  }

  @Override
  public synchronized OpenFile open(Syscall c, Path path, int flags) {
    if (fd < 0 || type == Stat.S_IFSOCK) {
      return c.fail(-Errno.ENXIO);
    }
    int want = flags & OpenFile.O_ACCMODE;
    if (want != access && access != Fcntl.O_RDWR) {
      return c.fail(-Errno.EACCES);
    }
    boolean mayBlock = type != Stat.S_IFREG;
    int keep = want | (flags & OpenFile.O_APPEND) | (mayBlock ? Fcntl.O_NONBLOCK : 0);
    int own = c.task.kernel.hostProc.reopen(fd, keep);
    boolean nonblocking = own >= 0;
    if (own < 0) {
      // Not permitted, or a kind that cannot be opened: share the description, as a dup would.
      own = Fcntl.fcntl(fd, Fcntl.F_DUPFD_CLOEXEC, 3);
      if (own < 0) {
        return c.fail(own);
      }
    }
    users++;
    return new HostFile(c.task.kernel, path, flags, this, own, true, nonblocking);
  }
}
