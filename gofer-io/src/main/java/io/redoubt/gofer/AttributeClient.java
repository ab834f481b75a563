package io.redoubt.gofer;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.host.Stat;
import java.lang.foreign.MemorySegment;

/** Attributes of nodes and open files. A part of {@link GoferClient}. */
public final class AttributeClient {
  private final Calls calls;
  private final MemorySegment memory;

  AttributeClient(Calls calls) {
    this.calls = calls;
    this.memory = calls.memory;
  }

  /** Attributes of a node or open file. Returns 0 or -errno. */
  public int getattr(int fid, NodeAttr attr) {
    Connection.Slot slot = calls.begin(Op.GETATTR, fid);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      return calls.finish(slot, attr);
    } finally {
      calls.release(slot);
    }
  }

  /** Changes attributes of a node or open file; {@code attr} gets what they are then. */
  public int setattr(int fid, SetAttr change, NodeAttr attr) {
    Connection.Slot slot = calls.begin(Op.SETATTR, fid);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      calls.setInt(slot, Protocol.FLAGS, change.mask);
      calls.setInt(slot, Protocol.MODE, change.mode);
      calls.setInt(slot, Protocol.UID, change.uid);
      calls.setInt(slot, Protocol.GID, change.gid);
      calls.setLong(slot, Protocol.LENGTH, change.size);
      if ((change.mask & Protocol.SET_TIMES) != 0) {
        Memory.setLong(memory, slot.payload, change.atimeSeconds);
        Memory.setLong(memory, slot.payload + 8, change.atimeNanos);
        Memory.setLong(memory, slot.payload + 16, change.mtimeSeconds);
        Memory.setLong(memory, slot.payload + 24, change.mtimeNanos);
        calls.setInt(slot, Protocol.PAYLOAD, Protocol.TIMES_SIZE);
      }
      return calls.finish(slot, attr);
    } finally {
      calls.release(slot);
    }
  }

  /** Target of a symlink node, at most 4096 bytes. Returns its length or -errno. */
  public int readlink(int node, byte[] to) {
    Connection.Slot slot = calls.begin(Op.READLINK, node);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      int n = calls.finish(slot, 4096);
      if (n > to.length) {
        return -Errno.ERANGE;
      }
      if (n > 0) {
        Memory.copy(memory, slot.payload, to, 0, n);
      }
      return n;
    } finally {
      calls.release(slot);
    }
  }

  /** Fills a {@link Stat.StatfsBuf} for the file system of a fid. Returns 0 or -errno. */
  public int statfs(int fid, MemorySegment to) {
    Connection.Slot slot = calls.begin(Op.STATFS, fid);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      int r = calls.finish(slot, 0);
      if (r == 0) {
        MemorySegment.copy(memory, slot.payload, to, 0, Stat.StatfsBuf.SIZEOF);
      }
      return r;
    } finally {
      calls.release(slot);
    }
  }

  /**
   * getxattr(2) of a node, {@code user.} names only; an empty array asks for the size.
   *
   * @return bytes or -errno
   */
  public int getxattr(int node, String name, byte[] to) {
    return readXattr(Op.GETXATTR, node, name, to);
  }

  /** listxattr(2) of a node: names, each with its NUL. Returns bytes or -errno. */
  public int listxattr(int node, byte[] to) {
    return readXattr(Op.LISTXATTR, node, "", to);
  }

  private int readXattr(int op, int node, String name, byte[] to) {
    Connection.Slot slot = calls.begin(op, node);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      int room = Math.min(to.length, Calls.CHUNK);
      calls.setLong(slot, Protocol.LENGTH, room);
      int r = calls.putName(slot, name);
      int n = r < 0 ? r : calls.finish(slot, room == 0 ? Calls.CHUNK : room);
      if (n > 0 && room > 0) {
        Memory.copy(memory, slot.payload, to, 0, n);
      }
      return n;
    } finally {
      calls.release(slot);
    }
  }

  /** setxattr(2) of a node. Returns 0 or -errno. */
  public int setxattr(int node, String name, byte[] value, int flags) {
    Connection.Slot slot = calls.begin(Op.SETXATTR, node);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      int n = calls.put(slot, 0, name, Calls.NAME_MAX);
      if (n < 0 || n + value.length > Calls.CHUNK) {
        return n < 0 ? -Errno.ERANGE : -Errno.E2BIG;
      }
      Memory.copy(value, 0, memory, slot.payload + n, value.length);
      calls.setInt(slot, Protocol.NAME1, n);
      calls.setInt(slot, Protocol.PAYLOAD, n + value.length);
      calls.setInt(slot, Protocol.FLAGS, flags);
      return calls.finish(slot, 0);
    } finally {
      calls.release(slot);
    }
  }

  /** removexattr(2) of a node. Returns 0 or -errno. */
  public int removexattr(int node, String name) {
    Connection.Slot slot = calls.begin(Op.REMOVEXATTR, node);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      int r = calls.putName(slot, name);
      return r < 0 ? r : calls.finish(slot, 0);
    } finally {
      calls.release(slot);
    }
  }
}
