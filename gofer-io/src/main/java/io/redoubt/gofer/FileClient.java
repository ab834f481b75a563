package io.redoubt.gofer;

import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Memory;
import java.lang.foreign.MemorySegment;

/** Open files. A part of {@link GoferClient}, which says what they are. */
public final class FileClient {
  private final Calls calls;
  private final MemorySegment memory;
  private final Closes closes;

  FileClient(Calls calls, Closes closes) {
    this.calls = calls;
    this.memory = calls.memory;
    this.closes = closes;
  }

  /**
   * Opens a node.
   *
   * @param flags O_* as the guest gave them; O_CREAT and O_EXCL are ignored
   * @return 0 or -errno: -EROFS, -ELOOP for a symlink, -ENXIO for FIFOs and sockets, -EACCES for
   *     devices
   */
  public int open(int node, int flags, Opened to) {
    Connection.Slot slot = calls.begin(Op.OPEN, node);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      calls.setInt(slot, Protocol.FLAGS, flags);
      return finishOpen(slot, false, to);
    } finally {
      calls.release(slot);
    }
  }

  /**
   * Makes and opens a regular file.
   *
   * @param mode permissions, with the guest's umask applied
   * @param uid owner, or -1; an ordinary user's gofer ignores it
   * @return 0 or -errno; -EEXIST whether or not O_EXCL was asked for: without it, walk and open
   */
  public int create(int dir, String name, int flags, int mode, int uid, int gid, Opened to) {
    Connection.Slot slot = calls.begin(Op.CREATE, dir);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      calls.setInt(slot, Protocol.FLAGS, flags);
      calls.setInt(slot, Protocol.MODE, mode);
      calls.setInt(slot, Protocol.UID, uid);
      calls.setInt(slot, Protocol.GID, gid);
      int r = calls.putName(slot, name);
      return r < 0 ? r : finishOpen(slot, true, to);
    } finally {
      calls.release(slot);
    }
  }

  /**
   * Makes and opens a regular file without a name (O_TMPFILE).
   *
   * @param isLinkable whether {@link DirectoryClient#link} may give it a name
   * @return 0 or -errno; -EOPNOTSUPP where the file system has no such files
   */
  public int createUnnamed(int dir, int mode, int uid, int gid, boolean isLinkable, Opened to) {
    Connection.Slot slot = calls.begin(Op.CREATE, dir);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      int flags = Fcntl.O_TMPFILE | Fcntl.O_RDWR | (isLinkable ? 0 : Fcntl.O_EXCL);
      calls.setInt(slot, Protocol.FLAGS, flags);
      calls.setInt(slot, Protocol.MODE, mode);
      calls.setInt(slot, Protocol.UID, uid);
      calls.setInt(slot, Protocol.GID, gid);
      return finishOpen(slot, true, to);
    } finally {
      calls.release(slot);
    }
  }

  private int finishOpen(Connection.Slot slot, boolean isCreate, Opened to) {
    to.fd = -1;
    to.open = 0;
    to.node = 0;
    int r = calls.finish(slot, to.attr);
    if (r < 0) {
      return r;
    }
    int node = Memory.getInt(memory, slot.reply + Protocol.NODE);
    int open = Memory.getInt(memory, slot.reply + Protocol.OPEN);
    boolean hasOne = slot.fd != -1 ? open == 0 : open > 0;
    if (!hasOne || (isCreate ? node <= 0 : node != 0)) {
      return calls.malformed("opened fid=" + open + ", node=" + node);
    }
    if (slot.fd == -Errno.EMFILE) {
      if (node != 0) {
        closes.later(node);
      }
      return -Errno.ENFILE;
    }
    to.fd = slot.fd;
    slot.fd = -1;
    to.open = open;
    to.node = node;
    return 0;
  }

  /**
   * Reads from an open file through the region.
   *
   * @return bytes, fewer than asked only at the end of the file, or -errno
   */
  public long read(int open, long offset, MemorySegment to, long at, long length) {
    long done = 0;
    while (done < length) {
      int chunk = (int) Math.min(length - done, Calls.CHUNK);
      int n = readChunk(open, offset + done, to, at + done, chunk);
      if (n < 0) {
        return done > 0 ? done : n;
      }
      done += n;
      if (n < chunk) {
        break;
      }
    }
    return done;
  }

  private int readChunk(int open, long offset, MemorySegment to, long at, int length) {
    Connection.Slot slot = calls.begin(Op.READ, open);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      calls.setLong(slot, Protocol.OFFSET, offset);
      calls.setLong(slot, Protocol.LENGTH, length);
      int n = calls.finish(slot, length);
      if (n > 0) {
        MemorySegment.copy(memory, slot.payload, to, at, n);
      }
      return n;
    } finally {
      calls.release(slot);
    }
  }

  /** Writes to an open file through the region. Returns bytes or -errno. */
  public long write(int open, long offset, MemorySegment from, long at, long length) {
    long done = 0;
    while (done < length) {
      int chunk = (int) Math.min(length - done, Calls.CHUNK);
      int n = writeChunk(open, offset + done, from, at + done, chunk);
      if (n < 0) {
        return done > 0 ? done : n;
      }
      done += n;
      if (n < chunk) {
        break;
      }
    }
    return done;
  }

  private int writeChunk(int open, long offset, MemorySegment from, long at, int length) {
    Connection.Slot slot = calls.begin(Op.WRITE, open);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      MemorySegment.copy(from, at, memory, slot.payload, length);
      calls.setLong(slot, Protocol.OFFSET, offset);
      calls.setInt(slot, Protocol.PAYLOAD, length);
      return calls.finish(slot, length);
    } finally {
      calls.release(slot);
    }
  }

  /**
   * Flushes an open file, or the node of a directory; fdatasync(2) if {@code isDataOnly}. Returns 0
   * or -errno.
   */
  public int fsync(int fid, boolean isDataOnly) {
    return simple(Op.FSYNC, fid, isDataOnly ? 1 : 0, 0, 0);
  }

  /** ftruncate(2) of an open file. Returns 0 or -errno. */
  public int truncate(int open, long size) {
    return simple(Op.TRUNCATE, open, 0, 0, size);
  }

  /** fallocate(2) of an open file. Returns 0 or -errno. */
  public int fallocate(int open, int mode, long offset, long length) {
    return simple(Op.FALLOCATE, open, mode, offset, length);
  }

  private int simple(int op, int fid, int flags, long offset, long length) {
    Connection.Slot slot = calls.begin(op, fid);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      calls.setInt(slot, Protocol.FLAGS, flags);
      calls.setLong(slot, Protocol.OFFSET, offset);
      calls.setLong(slot, Protocol.LENGTH, length);
      return calls.finish(slot, 0);
    } finally {
      calls.release(slot);
    }
  }
}
