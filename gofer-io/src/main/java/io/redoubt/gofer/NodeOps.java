package io.redoubt.gofer;

import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Memory;
import io.redoubt.host.Stat;

/** What a request may want of nodes: walks and attributes. A part of {@link FileOps}. */
final class NodeOps {
  private final FileOps ops;

  NodeOps(FileOps ops) {
    this.ops = ops;
  }

  int attach() {
    if (ops.request.offset < 0 || ops.request.offset >= ops.roots.length) {
      return -Errno.ENOENT;
    }
    int root = (int) ops.request.offset;
    long number = ops.names.number(ops.roots[root].fd());
    int fd = Fcntl.openat(ops.procFd, number, Fcntl.O_PATH | Fcntl.O_CLOEXEC, 0);
    return fd < 0 ? fd : ops.replyNode(fd, root);
  }

  int walk() {
    int count = ops.request.boundedLength(Protocol.WALK_MAX);
    int dir = ops.directory(ops.request.fid);
    if (dir < 0) {
      return dir;
    }
    int root = ops.fids.root(dir);
    int dirFd = ops.fids.fd(dir);
    boolean statsLast = (ops.request.flags & Protocol.WALK_STAT_LAST) != 0;
    boolean isAgain = (ops.request.flags & Protocol.WALK_KNOWN) != 0;
    // The records of the reply overwrite the names, so those are copied out first.
    Memory.copy(ops.region, ops.payload, ops.privatePayload, 0, ops.request.payload);
    int at = isAgain ? 4 * count : 0;
    int found = 0;
    while (found < count && ops.walkError == 0) {
      int length = at < ops.request.payload ? Memory.getByte(ops.privatePayload, at++) & 0xff : -1;
      if (length < 0 || length > ops.request.payload - at) {
        throw new MalformedException("names end early: count=" + count + ", payload=" + at);
      }
      long name = ops.names.component(ops.privatePayload, at, length);
      at += length;
      int fid;
      if (name < 0) {
        fid = (int) name;
      } else if (statsLast && found == count - 1) {
        fid = ops.statAt(dirFd, name, ops.roots[root]);
      } else {
        fid = isAgain ? stillThere(dirFd, name, found, root) : 0;
        if (fid == 0) {
          int fd = ops.openNode(dirFd, name, ops.roots[root]);
          fid = fd < 0 ? fd : ops.enter(fd, root);
          dirFd = fd;
        } else {
          dirFd = ops.fids.fd(ops.fids.index(fid));
        }
      }
      if (fid < 0) {
        ops.walkError = -fid;
        break;
      }
      long record = ops.payload + (long) found * Protocol.WALK_ENTRY_SIZE;
      Memory.setInt(ops.region, record, fid);
      ops.ids.toGuest(ops.stat);
      NodeAttr.store(ops.stat, ops.region, record + 8);
      found++;
      if (!FileOps.isDirectory(ops.statMode())) {
        break;
      }
    }
    ops.replyPayload = found * Protocol.WALK_ENTRY_SIZE;
    boolean opensLast =
        (ops.request.flags & Protocol.WALK_OPEN_LAST) != 0 && ops.donates && !statsLast;
    if (opensLast
        && found == count
        && found > 0
        && (ops.statMode() & Stat.S_IFMT) == Stat.S_IFREG) {
      ops.donated =
          Math.max(Fcntl.openat(ops.procFd, ops.names.number(dirFd), FileOps.OPEN_ALWAYS, 0), -1);
    }
    return found;
  }

  /**
   * The fid that the sentry knows for the n-th name if the name still leads there, with its
   * attributes in {@link FileOps#stat}; else 0. Of the same root only: that of another may be
   * writable where this one is not.
   */
  private int stillThere(int dirFd, long name, int n, int root) {
    int fid = Memory.getInt(ops.privatePayload, 4L * n);
    int i = fid == 0 ? -1 : ops.fids.node(fid);
    boolean isSame =
        i >= 0
            && ops.fids.root(i) == root
            && ops.statAt(dirFd, name, ops.roots[root]) == 0
            && ops.fids.isInode(i, ops.statDev(), ops.statIno());
    return isSame ? fid : 0;
  }

  int getattr() {
    int i = ops.fids.index(ops.request.fid);
    return i < 0 ? i : ops.replyAttributes(ops.fids.fd(i));
  }

  int setattr() {
    int i = ops.fids.index(ops.request.fid);
    if (i < 0) {
      return i;
    }
    if (ops.rootOf(i).isReadOnly()) {
      return -Errno.EROFS;
    }
    if (ops.request.payload != 0 && ops.request.payload != Protocol.TIMES_SIZE) {
      throw new MalformedException("bad times: payload=" + ops.request.payload);
    }
    boolean isOpen = FidTable.isOpenForm(ops.request.fid);
    if (!isOpen) {
      int type = ops.fids.mode(i) & Stat.S_IFMT;
      // Opening anything else for writing would do more than truncate it.
      if ((ops.request.flags & Protocol.SET_SIZE) != 0 && type != Stat.S_IFREG) {
        return type == Stat.S_IFDIR ? -Errno.EISDIR : -Errno.EINVAL;
      }
      if ((ops.request.flags & Protocol.SET_MODE) != 0 && type == Stat.S_IFLNK) {
        return -Errno.EOPNOTSUPP;
      }
    }
    Memory.copy(ops.region, ops.payload, ops.privatePayload, 0, ops.request.payload);
    int fd = ops.fids.fd(i);
    int r = ops.attributes.set(fd, isOpen, ops.request, ops.privatePayload);
    return r < 0 ? r : ops.replyAttributes(fd);
  }

  int statfs() {
    int i = ops.fids.index(ops.request.fid);
    if (i < 0) {
      return i;
    }
    int r = Stat.fstatfs(ops.fids.fd(i), ops.privatePayload);
    if (r == 0) {
      ops.replyPayload = Stat.StatfsBuf.SIZEOF;
      Memory.copy(ops.privatePayload, 0, ops.region, ops.payload, ops.replyPayload);
    }
    return r;
  }

  int xattr() {
    int room = 0;
    if (ops.request.op == Op.GETXATTR || ops.request.op == Op.LISTXATTR) {
      room = ops.request.boundedLength(RegionLayout.PAYLOAD_SIZE);
    }
    int i = ops.fids.node(ops.request.fid);
    if (i < 0) {
      return i;
    }
    Memory.copy(ops.region, ops.payload, ops.privatePayload, 0, ops.request.payload);
    int n =
        ExtendedAttributes.handle(
            ops.request,
            ops.links,
            ops.fids.fd(i),
            ops.rootOf(i).isReadOnly(),
            ops.privatePayload,
            room);
    if (n > 0 && room > 0) {
      Memory.copy(ops.privatePayload, 0, ops.region, ops.payload, n);
      ops.replyPayload = n;
    }
    return n;
  }
}
