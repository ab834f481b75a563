package io.redoubt.gofer;

import io.redoubt.host.Dir;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Memory;
import io.redoubt.host.Mman;
import io.redoubt.host.Stat;
import io.redoubt.host.Unistd;
import java.lang.foreign.MemorySegment;

/**
 * Op.SCAN: what somebody who goes through a tree will ask for next, in one answer. A part of {@link
 * FileOps}; {@link ScanReply} says what the answer looks like.
 *
 * <p>It goes down by itself, but no further than a walk by the sentry could: each directory is
 * opened by its name in the one before, no symlink is followed and no mount is crossed. Whatever
 * cannot be had is left out: the sentry asks for it in the usual way and hears why.
 */
final class ScanOps {
  private static final int DIRECTORY = FileOps.OPEN_ALWAYS | Fcntl.O_DIRECTORY | Fcntl.O_NOFOLLOW;

  private static final int MAX_DEPTH = 16;

  /** A scan ends early on a slow file system: others wait for the gofer meanwhile. */
  private static final long MAX_NANOS = 4_000_000;

  private static final int DT_DIR = Stat.S_IFDIR >> 12;
  private static final int DT_REG = Stat.S_IFREG >> 12;

  private final FileOps ops;

  /** The answer in the making, private; made by the first scan, most connections never see one. */
  private MemorySegment reply;

  private int limit;
  private int used;
  private int blocks;
  private int listingsLeft;
  private boolean isFull;
  private long end;
  private ServedRoot root;

  ScanOps(FileOps ops) {
    this.ops = ops;
  }

  int scan() {
    limit = ops.request.boundedLength(RegionLayout.PAYLOAD_SIZE);
    int dir = ops.directory(ops.request.fid);
    if (dir < 0) {
      return dir;
    }
    int flags = ops.request.flags;
    if ((flags & ~(Protocol.SCAN_ATTRIBUTES | Protocol.SCAN_CONTENTS)) != 0
        || ops.request.mode < 0
        || ops.request.mode > Protocol.SCAN_MAX_LISTINGS) {
      throw new MalformedException("bad scan: flags=" + flags + ", mode=" + ops.request.mode);
    }
    if (reply == null) {
      reply = Mman.anonymous(RegionLayout.PAYLOAD_SIZE);
    }
    used = 0;
    blocks = 0;
    isFull = false;
    listingsLeft = ops.request.mode;
    end = System.nanoTime() + MAX_NANOS;
    root = ops.rootOf(dir);
    int fd = ops.fids.fd(dir);
    int names = ops.request.payload;
    Memory.copy(ops.region, ops.payload, ops.privatePayload, 0, names);
    if (names == 0) {
      listItself(fd, flags);
    }
    int entry = 0;
    for (int at = 0; at < names && !isOver(); entry++) {
      int length = Memory.getByte(ops.privatePayload, at++) & 0xff;
      if (length > names - at) {
        throw new MalformedException("names end early: payload=" + names + ", at=" + at);
      }
      long name = ops.names.component(ops.privatePayload, at, length);
      if (name > 0) {
        one(fd, name, ScanReply.REQUEST, entry, flags, 0);
      }
      at += length;
    }
    Memory.copy(reply, 0, ops.region, ops.payload, used);
    ops.replyPayload = used;
    return used;
  }

  private boolean isOver() {
    return isFull || System.nanoTime() > end;
  }

  private void listItself(int pathFd, int flags) {
    int fd = Fcntl.openat(ops.procFd, ops.names.number(pathFd), DIRECTORY & ~Fcntl.O_NOFOLLOW, 0);
    if (fd >= 0) {
      list(fd, ScanReply.REQUEST, ScanReply.ITSELF, flags, 0);
      Unistd.close(fd);
    }
  }

  /** Attributes of a name, and what is in it. */
  private void one(int dirFd, long name, int parent, int entry, int flags, int depth) {
    if (!attributes(dirFd, name, parent, entry)) {
      return;
    }
    int type = ops.statMode() & Stat.S_IFMT;
    if (type == Stat.S_IFDIR) {
      descend(dirFd, name, parent, entry, flags, depth);
    } else if (type == Stat.S_IFREG && (flags & Protocol.SCAN_CONTENTS) != 0) {
      content(dirFd, name, parent, entry);
    }
  }

  /**
   * Puts a block of attributes. @return whether they could be had; {@link FileOps#stat} has them
   */
  private boolean attributes(int dirFd, long name, int parent, int entry) {
    if (ops.statAt(dirFd, name, root) < 0) {
      return false;
    }
    int at = begin(ScanReply.ATTRIBUTES, parent, entry, NodeAttr.SIZE);
    if (at < 0) {
      return false;
    }
    ops.ids.toGuest(ops.stat);
    NodeAttr.store(ops.stat, reply, at);
    finish(at, at + NodeAttr.SIZE);
    return true;
  }

  private void descend(int dirFd, long name, int parent, int entry, int flags, int depth) {
    if (listingsLeft <= 0 || depth >= MAX_DEPTH || isOver()) {
      return;
    }
    int fd = ops.openBelow(dirFd, name, DIRECTORY, Fcntl.RESOLVE_NO_XDEV);
    if (fd >= 0) {
      list(fd, parent, entry, flags, depth);
      Unistd.close(fd);
    }
  }

  /** Puts a listing, as the kernel gives it, and then what belongs to its entries. */
  private void list(int fd, int parent, int entry, int flags, int depth) {
    int block = blocks;
    int at = begin(ScanReply.LISTING, parent, entry, ScanReply.COUNT);
    if (at < 0) {
      return;
    }
    listingsLeft--;
    int from = at + ScanReply.COUNT;
    int last = from;
    int n;
    do {
      n = (int) Dir.getdents64(fd, reply.asSlice(last), limit - last);
      last += Math.max(n, 0);
    } while (n > 0);
    if (n < 0) { // not all of it would be in the answer: then nothing
      blocks = block;
      used = at - ScanReply.HEADER;
      isFull = true;
      return;
    }
    int count = 0;
    for (int e = next(from, last); e < last; e = next(e + size(e), last)) {
      count++;
    }
    Memory.setInt(reply, at, count);
    finish(at, last);
    boolean isAll = (flags & Protocol.SCAN_ATTRIBUTES) != 0;
    int i = 0;
    for (int e = next(from, last); e < last && !isOver(); e = next(e + size(e), last), i++) {
      if (isAll || type(e) == DT_DIR) {
        attributes(fd, name(e), block, i);
      }
    }
    if ((flags & Protocol.SCAN_CONTENTS) != 0) {
      i = 0;
      for (int e = next(from, last); e < last && !isOver(); e = next(e + size(e), last), i++) {
        if (type(e) == DT_REG) {
          content(fd, name(e), block, i);
        }
      }
    }
    i = 0;
    for (int e = next(from, last);
        e < last && listingsLeft > 0 && !isOver();
        e = next(e + size(e), last), i++) {
      if (type(e) == DT_DIR) {
        descend(fd, name(e), block, i, flags, depth + 1);
      }
    }
  }

  /** The first entry from {@code at} on that is not "." or "..". */
  private int next(int at, int end) {
    int e = at;
    while (e < end && DirEntries.isDots(reply, e)) {
      e += size(e);
    }
    return e;
  }

  private int size(int entry) {
    return Memory.getShort(reply, entry + Dir.LinuxDirent64.D_RECLEN) & 0xffff;
  }

  private int type(int entry) {
    return Memory.getByte(reply, entry + Dir.LinuxDirent64.D_TYPE);
  }

  /** Address of the name, which the kernel has ended with a NUL. */
  private long name(int entry) {
    return reply.address() + entry + Dir.LinuxDirent64.D_NAME;
  }

  /** Puts all of a small regular file. */
  private void content(int dirFd, long name, int parent, int entry) {
    int pathFd = ops.openNode(dirFd, name, root);
    if (pathFd < 0) {
      return;
    }
    int r = Stat.fstat(pathFd, ops.stat);
    long size = Memory.getLong(ops.stat, Stat.StatBuf.ST_SIZE);
    boolean isSmall =
        r == 0
            && (ops.statMode() & Stat.S_IFMT) == Stat.S_IFREG
            && size >= 0
            && size <= ScanReply.MAX_CONTENT;
    int at = isSmall ? begin(ScanReply.CONTENT, parent, entry, (int) size + 1) : -1;
    if (at >= 0) {
      // Through /proc as every open: what was looked at is what is opened.
      int fd = Fcntl.openat(ops.procFd, ops.names.number(pathFd), FileOps.OPEN_ALWAYS, 0);
      // A byte more than there should be, so that a file that has grown is told.
      long n = fd < 0 ? fd : Unistd.pread(fd, reply.asSlice(at), size + 1, 0);
      if (fd >= 0) {
        Unistd.close(fd);
      }
      if (n == size) {
        finish(at, at + (int) n);
      } else {
        blocks--;
        used = at - ScanReply.HEADER;
      }
    }
    Unistd.close(pathFd);
  }

  /**
   * Begins a block. @return where its body is, or -1 when there is no room for {@code bytes} of it
   */
  private int begin(int kind, int parent, int entry, int bytes) {
    int at = used;
    if (at + ScanReply.HEADER + bytes > limit) {
      isFull |= kind != ScanReply.CONTENT; // a smaller file may still fit
      return -1;
    }
    Memory.setInt(reply, at, kind);
    Memory.setInt(reply, at + 4, parent);
    Memory.setInt(reply, at + 8, entry);
    blocks++;
    return at + ScanReply.HEADER;
  }

  private void finish(int body, int end) {
    Memory.setInt(reply, body - 4, end - body);
    used = end;
  }
}
