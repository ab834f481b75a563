package io.redoubt.gofer;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import java.lang.foreign.MemorySegment;

/**
 * How a call is made: claim a slot, fill in what differs from 0, transact, read the reply, release.
 */
final class Calls {
  /** Most bytes that one message carries; longer reads and writes take several. */
  static final int CHUNK = RegionLayout.PAYLOAD_SIZE;

  static final int NAME_MAX = 255;

  private final Connection connection;
  final MemorySegment memory;

  Calls(Connection connection) {
    this.connection = connection;
    this.memory = connection.memory;
  }

  /** A slot for a call, or null where the connection has ended. */
  Connection.Slot begin(int op, int fid) {
    if (Op.isLookUp(op)
        && Thread.currentThread() instanceof ImpatientCaller caller
        && caller.refusesToWait()) {
      return null;
    }
    Connection.Slot slot = connection.claim();
    if (slot != null) {
      Memory.setInt(memory, slot.request + Protocol.OP, op);
      Memory.setInt(memory, slot.request + Protocol.FID, fid);
    }
    return slot;
  }

  void setInt(Connection.Slot slot, long field, int value) {
    Memory.setInt(memory, slot.request + field, value);
  }

  void setLong(Connection.Slot slot, long field, long value) {
    Memory.setLong(memory, slot.request + field, value);
  }

  /** Appends a string to the payload. Returns its bytes, or -ENAMETOOLONG. */
  int put(Connection.Slot slot, int at, String s, int max) {
    int n = s.length();
    if (n > max || at + n > CHUNK) {
      return -Errno.ENAMETOOLONG;
    }
    long to = slot.payload + at;
    for (int i = 0; i < n; i++) {
      Memory.setByte(memory, to + i, (byte) s.charAt(i));
    }
    return n;
  }

  /** Puts the only name of a request. Returns 0 or -ENAMETOOLONG. */
  int putName(Connection.Slot slot, String name) {
    int n = put(slot, 0, name, NAME_MAX);
    setInt(slot, Protocol.PAYLOAD, Math.max(n, 0));
    return Math.min(n, 0);
  }

  /** Puts two strings. Returns 0 or -ENAMETOOLONG. */
  int putTwo(Connection.Slot slot, String first, String second, int secondMax) {
    int n = put(slot, 0, first, NAME_MAX);
    int k = n < 0 ? n : put(slot, n, second, secondMax);
    if (k < 0) {
      return k;
    }
    setInt(slot, Protocol.NAME1, n);
    setInt(slot, Protocol.PAYLOAD, n + k);
    return 0;
  }

  /** Sends and waits. Returns the result, which is at most {@code max}, or -errno. */
  int finish(Connection.Slot slot, int max) {
    if (!connection.transact(slot)) {
      return -Errno.EIO;
    }
    int result = Memory.getInt(memory, slot.reply + Protocol.RESULT);
    if (result > max || result < -Errno.EHWPOISON) {
      return malformed("result=" + result + ", max=" + max);
    }
    return result;
  }

  int malformed(String what) {
    connection.die("gofer: malformed reply: " + what);
    return -Errno.EIO;
  }

  /** Finishes a call that answers with attributes. */
  int finish(Connection.Slot slot, NodeAttr attr) {
    int r = finish(slot, 0);
    if (r == 0 && !attr.load(memory, slot.reply + Protocol.ATTR)) {
      return malformed("mode=" + attr.mode + ", size=" + attr.size);
    }
    return r;
  }

  /** Finishes a call that answers with a node. Returns its fid or -errno. */
  int finishNode(Connection.Slot slot, NodeAttr attr) {
    int r = finish(slot, attr);
    if (r < 0) {
      return r;
    }
    int fid = Memory.getInt(memory, slot.reply + Protocol.NODE);
    return fid > 0 ? fid : malformed("node=" + fid);
  }

  void release(Connection.Slot slot) {
    connection.release(slot);
  }

  /** As MemorySegment.copy, which a JVM that starts has to link first. */
  static void setInts(int[] from, int index, MemorySegment to, long at, int count) {
    for (int i = 0; i < count; i++) {
      Memory.setInt(to, at + 4L * i, from[index + i]);
    }
  }
}
