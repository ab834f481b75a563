package io.redoubt.gofer;

import io.redoubt.host.Dir;
import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Stat;
import io.redoubt.host.Unistd;

/** Opening files, and what is in them. A part of {@link FileOps}. */
final class ContentOps {
  private static final int OPEN_PASSED =
      Fcntl.O_ACCMODE
          | Fcntl.O_APPEND
          | Fcntl.O_TRUNC
          | Fcntl.O_NOATIME
          | Fcntl.O_DIRECT
          | Fcntl.O_SYNC;
  private static final int OPEN_IGNORED =
      Fcntl.O_CREAT
          | Fcntl.O_EXCL
          | Fcntl.O_NOFOLLOW
          | Fcntl.O_NONBLOCK
          | Fcntl.O_CLOEXEC
          | Fcntl.O_NOCTTY
          | Fcntl.KERNEL_O_LARGEFILE;

  private final FileOps ops;

  ContentOps(FileOps ops) {
    this.ops = ops;
  }

  private int checkOpenFlags(boolean isReadOnly) {
    int flags = ops.request.flags;
    if ((flags & ~(OPEN_PASSED | OPEN_IGNORED | Fcntl.O_DIRECTORY)) != 0
        || (flags & Fcntl.O_ACCMODE) == Fcntl.O_ACCMODE) {
      return -Errno.EINVAL;
    }
    return isReadOnly && changes(flags) ? -Errno.EROFS : 0;
  }

  private static boolean changes(int openFlags) {
    return (openFlags & (Fcntl.O_ACCMODE | Fcntl.O_TRUNC)) != 0;
  }

  int open() {
    int i = ops.fids.node(ops.request.fid);
    if (i < 0) {
      return i;
    }
    ServedRoot root = ops.rootOf(i);
    int r = checkOpenFlags(root.isReadOnly());
    if (r < 0) {
      return r;
    }
    int flags = ops.request.flags;
    int type = ops.fids.mode(i) & Stat.S_IFMT;
    boolean isDirectory = type == Stat.S_IFDIR;
    if (!isDirectory && (flags & Fcntl.O_DIRECTORY) != 0) {
      return -Errno.ENOTDIR;
    }
    switch (type) {
      case Stat.S_IFDIR:
        if (changes(flags)) {
          return -Errno.EISDIR;
        }
        break;
      case Stat.S_IFREG:
        break;
      case Stat.S_IFLNK:
        return -Errno.ELOOP;
      case Stat.S_IFCHR:
        if (!root.allowsDevices()) {
          return -Errno.EACCES;
        }
        break;
      case Stat.S_IFBLK:
        return -Errno.EACCES;
      default: // FIFOs and sockets are the sentry's own
        return -Errno.ENXIO;
    }
    int fd =
        Fcntl.openat(
            ops.procFd,
            ops.names.number(ops.fids.fd(i)),
            flags & OPEN_PASSED | FileOps.OPEN_ALWAYS | (isDirectory ? Fcntl.O_DIRECTORY : 0),
            0);
    return fd < 0 ? fd : replyOpen(fd, isDirectory, ops.fids.root(i));
  }

  private int replyOpen(int fd, boolean isDirectory, int root) {
    int r = ops.replyAttributes(fd);
    if (r == 0 && (isDirectory || !ops.donates)) {
      r = ops.fids.add(true, fd, ops.request.flags, root);
      ops.open = Math.max(r, 0);
    } else if (r == 0) {
      ops.donated = fd;
    }
    if (r < 0) {
      Unistd.close(fd);
      return r;
    }
    return 0;
  }

  int create() {
    int dir = ops.directory(ops.request.fid);
    if (dir < 0) {
      return dir;
    }
    boolean isUnnamed = (ops.request.flags & Fcntl.O_TMPFILE) == Fcntl.O_TMPFILE;
    long name = isUnnamed ? 0 : ops.names.component(ops.region, ops.payload, ops.request.payload);
    if (name < 0) {
      return (int) name;
    }
    int root = ops.fids.root(dir);
    if (ops.roots[root].isReadOnly()) {
      return -Errno.EROFS;
    }
    if (isUnnamed) {
      ops.request.flags &= ~Fcntl.O_TMPFILE;
    }
    int r = checkOpenFlags(false);
    if (r < 0) {
      return r;
    }
    int flags = ops.request.flags & OPEN_PASSED & ~Fcntl.O_TRUNC | FileOps.OPEN_ALWAYS;
    int fd =
        isUnnamed
            ? openUnnamed(ops.fids.fd(dir), flags)
            : Fcntl.openat(
                ops.fids.fd(dir),
                name,
                flags | Fcntl.O_CREAT | Fcntl.O_EXCL | Fcntl.O_NOFOLLOW,
                ops.request.mode & 07777);
    if (fd < 0) {
      return fd;
    }
    ops.attributes.own(fd, ops.request.uid, ops.request.gid, ops.euid);
    if ((ops.request.mode & (Stat.S_ISUID | Stat.S_ISGID)) != 0) {
      // chown has cleared them
      Dir.fchmodat(ops.procFd, ops.names.number(fd), ops.request.mode & 07777);
    }
    int pathFd = Fcntl.openat(ops.procFd, ops.names.number(fd), Fcntl.O_PATH | Fcntl.O_CLOEXEC, 0);
    r = pathFd < 0 ? pathFd : ops.replyNode(pathFd, root);
    if (r < 0) {
      Unistd.close(fd);
      return r;
    }
    r = replyOpen(fd, false, root);
    if (r < 0) {
      Unistd.close(ops.fids.remove(ops.node));
    }
    return r;
  }

  /** O_TMPFILE; with O_EXCL the host lets nobody link it. */
  private int openUnnamed(int dirFd, int flags) {
    int fd =
        Fcntl.openat(
            ops.procFd,
            ops.names.number(dirFd),
            flags | Fcntl.O_TMPFILE | (ops.request.flags & Fcntl.O_EXCL),
            ops.request.mode & 07777);
    return fd == -Errno.EISDIR ? -Errno.EOPNOTSUPP : fd; // a file system that does not know it
  }

  int read() {
    int length = ops.request.boundedLength(RegionLayout.PAYLOAD_SIZE);
    int i = ops.fids.open(ops.request.fid);
    if (i < 0) {
      return i;
    }
    int n =
        (int)
            Unistd.pread(
                ops.fids.fd(i), ops.region.address() + ops.payload, length, ops.request.offset);
    ops.replyPayload = Math.max(n, 0);
    return n;
  }

  int write() {
    int i = ops.fids.open(ops.request.fid);
    return i < 0
        ? i
        : (int)
            Unistd.pwrite(
                ops.fids.fd(i),
                ops.region.address() + ops.payload,
                ops.request.payload,
                ops.request.offset);
  }

  int fsync() {
    int i = ops.fids.open(ops.request.fid);
    if (i >= 0) {
      return sync(ops.fids.fd(i));
    }
    int dir = ops.directory(ops.request.fid);
    if (dir < 0) {
      return i;
    }
    int fd =
        Fcntl.openat(
            ops.procFd,
            ops.names.number(ops.fids.fd(dir)),
            FileOps.OPEN_ALWAYS | Fcntl.O_RDONLY | Fcntl.O_DIRECTORY,
            0);
    if (fd < 0) {
      return fd;
    }
    int r = sync(fd);
    Unistd.close(fd);
    return r;
  }

  private int sync(int fd) {
    return ops.request.flags == 1 ? Unistd.fdatasync(fd) : Unistd.fsync(fd);
  }

  int truncate() {
    int i = ops.fids.open(ops.request.fid);
    return i < 0 ? i : Unistd.ftruncate(ops.fids.fd(i), ops.request.length);
  }

  int fallocate() {
    int i = ops.fids.open(ops.request.fid);
    return i < 0
        ? i
        : Fcntl.fallocate(
            ops.fids.fd(i), ops.request.flags, ops.request.offset, ops.request.length);
  }
}
