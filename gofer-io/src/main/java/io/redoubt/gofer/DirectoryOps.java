package io.redoubt.gofer;

import io.redoubt.host.Dir;
import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Memory;
import io.redoubt.host.Stat;
import io.redoubt.host.Unistd;

/** Names in directories, and of symlinks. A part of {@link FileOps}. */
final class DirectoryOps {
  private final FileOps ops;

  DirectoryOps(FileOps ops) {
    this.ops = ops;
  }

  int readdir() {
    int length = ops.request.boundedLength(RegionLayout.PAYLOAD_SIZE);
    int i = ops.fids.open(ops.request.fid);
    if (i < 0) {
      return i;
    }
    int fd = ops.fids.fd(i);
    if (ops.request.offset != ops.fids.position(i)) {
      long r = Unistd.lseek(fd, ops.request.offset, Fcntl.SEEK_SET);
      if (r < 0) {
        return (int) r;
      }
    }
    int n = (int) Dir.getdents64(fd, ops.privatePayload, length);
    if (n > 0) {
      ops.fids.setPosition(i, lastCursor(n));
      Memory.copy(ops.privatePayload, 0, ops.region, ops.payload, n);
      ops.replyPayload = n;
    } else {
      ops.fids.setPosition(i, ops.request.offset);
    }
    return n;
  }

  /** Opens and lists at once: most directories fit, and cost one request in place of four. */
  int list() {
    int length = ops.request.boundedLength(RegionLayout.PAYLOAD_SIZE);
    int i = ops.directory(ops.request.fid);
    if (i < 0) {
      return i;
    }
    int fd =
        Fcntl.openat(
            ops.procFd,
            ops.names.number(ops.fids.fd(i)),
            FileOps.OPEN_ALWAYS | Fcntl.O_DIRECTORY,
            0);
    if (fd < 0) {
      return fd;
    }
    int n = 0;
    int r;
    do {
      r = (int) Dir.getdents64(fd, ops.privatePayload.asSlice(n), length - n);
      n += Math.max(r, 0);
    } while (r > 0);
    boolean isMore = r == -Errno.EINVAL && n > 0; // the next entry does not fit
    if (isMore) {
      int fid = ops.fids.add(true, fd, 0, ops.fids.root(i));
      ops.open = Math.max(fid, 0);
      r = Math.min(fid, 0);
      if (fid > 0) {
        ops.fids.setPosition(ops.fids.index(fid), lastCursor(n));
      }
    }
    if (!isMore || r < 0) {
      Unistd.close(fd);
    }
    if (r < 0) {
      return r;
    }
    Memory.copy(ops.privatePayload, 0, ops.region, ops.payload, n);
    ops.replyPayload = n;
    return n;
  }

  /** d_off of the last of the entries that the kernel has just filled in. */
  private long lastCursor(int bytes) {
    long last = 0;
    for (int at = 0; at < bytes; ) {
      last = Memory.getLong(ops.privatePayload, at + Dir.LinuxDirent64.D_OFF);
      at += Memory.getShort(ops.privatePayload, at + Dir.LinuxDirent64.D_RECLEN) & 0xffff;
    }
    return last;
  }

  int readlink() {
    int i = ops.fids.node(ops.request.fid);
    if (i < 0) {
      return i;
    }
    if ((ops.fids.mode(i) & Stat.S_IFMT) != Stat.S_IFLNK) {
      return -Errno.EINVAL;
    }
    int n = Dir.readlinkat(ops.fids.fd(i), "", ops.region.asSlice(ops.payload, 4096), 4096);
    ops.replyPayload = Math.max(n, 0);
    return n;
  }

  /**
   * Makes a directory, symlink, FIFO, socket or empty file, and gives it to whom it shall belong.
   */
  int make(int type) {
    int dir = ops.writableDirectory(ops.request.fid);
    if (dir < 0) {
      return dir;
    }
    boolean isSymlink = type == Stat.S_IFLNK && ops.request.op == Op.SYMLINK;
    int nameLength = isSymlink ? ops.request.name1 : ops.request.payload;
    long name = ops.names.component(ops.region, ops.payload, nameLength);
    if (name < 0) {
      return (int) name;
    }
    int dirFd = ops.fids.fd(dir);
    int permissions = ops.request.mode & 07777;
    int r;
    if (isSymlink) {
      long target =
          ops.names.target(ops.region, ops.payload + nameLength, ops.request.payload - nameLength);
      r = target < 0 ? (int) target : Dir.symlinkat(target, dirFd, name);
    } else if (type == Stat.S_IFDIR && ops.request.op == Op.MKDIR) {
      r = Dir.mkdirat(dirFd, name, permissions);
    } else if (type == Stat.S_IFIFO || type == Stat.S_IFSOCK || type == Stat.S_IFREG) {
      r = Dir.mknodat(dirFd, name, type | permissions, 0);
    } else {
      r = -Errno.EPERM; // devices
    }
    if (r < 0) {
      return r;
    }
    int fd = ops.openNode(dirFd, name, ops.rootOf(dir));
    if (fd < 0) {
      return fd;
    }
    ops.attributes.ownNew(fd, type, ops.request.uid, ops.request.gid, ops.euid, ops.stat);
    return ops.replyNode(fd, ops.fids.root(dir));
  }

  int link() {
    int i = ops.fids.node(ops.request.fid);
    if (i < 0) {
      return i;
    }
    int dir = ops.writableDirectory(ops.request.fid2);
    if (dir < 0) {
      return dir;
    }
    // Across roots a link could make a file of a read-only root writable.
    if (ops.fids.root(i) != ops.fids.root(dir)) {
      return -Errno.EXDEV;
    }
    if (FileOps.isDirectory(ops.fids.mode(i))) {
      return -Errno.EPERM;
    }
    long name = ops.names.component(ops.region, ops.payload, ops.request.payload);
    if (name < 0) {
      return (int) name;
    }
    // Through /proc, since AT_EMPTY_PATH needs CAP_DAC_READ_SEARCH; linkat(2) recommends it.
    long old = ops.names.number(ops.fids.fd(i));
    int r = Dir.linkat(ops.procFd, old, ops.fids.fd(dir), name, Fcntl.AT_SYMLINK_FOLLOW);
    return r < 0 ? r : ops.replyAttributes(ops.fids.fd(i));
  }

  int unlink() {
    int r = remove();
    if (ops.request.fid2 != 0) {
      ops.close(ops.request.fid2); // the last that knows the inode: its space is free now
    }
    return r;
  }

  private int remove() {
    int dir = ops.writableDirectory(ops.request.fid);
    if (dir < 0) {
      return dir;
    }
    boolean isStat = ops.request.flags == Protocol.UNLINK_STAT;
    if (!isStat && (ops.request.flags & ~Fcntl.AT_REMOVEDIR) != 0) {
      return -Errno.EINVAL;
    }
    long name = ops.names.component(ops.region, ops.payload, ops.request.payload);
    if (name < 0) {
      return (int) name;
    }
    if (!isStat) {
      return Dir.unlinkat(ops.fids.fd(dir), name, ops.request.flags);
    }
    int r = ops.statAt(ops.fids.fd(dir), name, ops.rootOf(dir));
    r = r < 0 ? r : Dir.unlinkat(ops.fids.fd(dir), name, 0);
    ops.hasAttributes = r == 0;
    return r;
  }

  int rename() {
    int from = ops.writableDirectory(ops.request.fid);
    int to = ops.writableDirectory(ops.request.fid2);
    if (from < 0 || to < 0) {
      return from < 0 ? from : to;
    }
    if (ops.fids.root(from) != ops.fids.root(to)) {
      return -Errno.EXDEV;
    }
    if ((ops.request.flags & ~(Dir.RENAME_NOREPLACE | Dir.RENAME_EXCHANGE)) != 0) {
      return -Errno.EINVAL;
    }
    int length = ops.request.name1;
    long old = ops.names.component(ops.region, ops.payload, length);
    long fresh =
        ops.names.secondComponent(ops.region, ops.payload + length, ops.request.payload - length);
    if (old < 0 || fresh < 0) {
      return (int) Math.min(old, fresh);
    }
    return Dir.renameat2(ops.fids.fd(from), old, ops.fids.fd(to), fresh, ops.request.flags);
  }
}
