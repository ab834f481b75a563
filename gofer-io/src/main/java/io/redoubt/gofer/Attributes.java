package io.redoubt.gofer;

import io.redoubt.host.Dir;
import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Memory;
import io.redoubt.host.Stat;
import io.redoubt.host.Unistd;
import java.lang.foreign.MemorySegment;

/** Changes of attributes on descriptors that may be O_PATH, which fchmod(2) and its kin refuse. */
final class Attributes {
  private final Names names;
  private final int procFd;

  Attributes(Names names, int procFd) {
    this.names = names;
    this.procFd = procFd;
  }

  /**
   * SETATTR: size, owner, mode, times, in this order, so that a chown does not undo the mode.
   *
   * @param times private copy of {@link Protocol#TIMES_SIZE} bytes
   * @return 0 or -errno of the first that failed
   */
  int set(int fd, boolean isOpen, Request request, MemorySegment times) {
    int mask = request.flags;
    if ((mask & ~Protocol.SET_ALL) != 0) {
      return -Errno.EINVAL;
    }
    int r = 0;
    if ((mask & Protocol.SET_SIZE) != 0) {
      r = isOpen ? Unistd.ftruncate(fd, request.length) : truncate(fd, request.length);
    }
    if (r == 0 && (mask & (Protocol.SET_UID | Protocol.SET_GID)) != 0) {
      int uid = (mask & Protocol.SET_UID) != 0 ? request.uid : -1;
      int gid = (mask & Protocol.SET_GID) != 0 ? request.gid : -1;
      r = Dir.fchownat(fd, "", uid, gid, Fcntl.AT_EMPTY_PATH);
    }
    if (r == 0 && (mask & Protocol.SET_MODE) != 0) {
      r = Dir.fchmodat(procFd, names.number(fd), request.mode & 07777);
    }
    if (r == 0 && (mask & Protocol.SET_TIMES) != 0) {
      r =
          Dir.utimensat(
              fd,
              "",
              Memory.getLong(times, 0),
              Memory.getLong(times, 8),
              Memory.getLong(times, 16),
              Memory.getLong(times, 24),
              Fcntl.AT_EMPTY_PATH);
    }
    return r;
  }

  private int truncate(int pathFd, long size) {
    int flags = Fcntl.O_WRONLY | Fcntl.O_CLOEXEC | Fcntl.O_NONBLOCK | Fcntl.O_NOCTTY;
    int fd = Fcntl.openat(procFd, names.number(pathFd), flags, 0);
    if (fd < 0) {
      return fd;
    }
    int r = Unistd.ftruncate(fd, size);
    Unistd.close(fd);
    return r;
  }

  /**
   * Gives a file just made to its owner, where the gofer has the right to; as an ordinary user it
   * just acts as itself, and so does a root that may not chown here.
   */
  void own(int fd, int uid, int gid, int euid) {
    if (euid == 0 && (uid > 0 || gid > 0)) {
      Dir.fchownat(fd, "", uid, gid, Fcntl.AT_EMPTY_PATH);
    }
  }

  /**
   * As {@link #own} for a node that was made by name and then opened by name: only if it is what
   * was made. Somebody on the host could have put another file there meanwhile.
   */
  void ownNew(int fd, int type, int uid, int gid, int euid, MemorySegment stat) {
    if (euid == 0
        && (uid > 0 || gid > 0)
        && Stat.fstat(fd, stat) == 0
        && (Memory.getInt(stat, Stat.StatBuf.ST_MODE) & Stat.S_IFMT) == type
        && Memory.getInt(stat, Stat.StatBuf.ST_UID) == euid
        && Memory.getLong(stat, Stat.StatBuf.ST_NLINK) <= (type == Stat.S_IFDIR ? 2 : 1)) {
      own(fd, uid, gid, euid);
    }
  }
}
