package io.redoubt.gofer;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import java.lang.foreign.MemorySegment;

/** Nodes, which are walked to. A part of {@link GoferClient}, which says what they are. */
public final class NodeClient {
  private final Calls calls;
  private final MemorySegment memory;

  NodeClient(Calls calls) {
    this.calls = calls;
    this.memory = calls.memory;
  }

  /** The node of a root. Returns a fid or -errno (-ENOENT: no such root). */
  public int attach(int root, NodeAttr attr) {
    Connection.Slot slot = calls.begin(Op.ATTACH, 0);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      calls.setLong(slot, Protocol.OFFSET, root);
      return calls.finishNode(slot, attr);
    } finally {
      calls.release(slot);
    }
  }

  /**
   * Walks down from a directory node, one component after the other, at most 256. Symlinks are not
   * followed: the walk ends with the node of one, as with any that is no directory.
   *
   * @param statsLast only look at the last of the names: it gets attributes but no fid
   * @param to what was found; each fid in it is the caller's to close, whatever the result
   * @return how many nodes were found, or -errno if {@code dir} cannot be walked at all
   */
  public int walk(int dir, String[] names, int from, int count, boolean statsLast, Walk to) {
    int flags = statsLast ? Protocol.WALK_STAT_LAST : 0;
    return walk(dir, names, from, count, flags, to);
  }

  /**
   * As {@link #walk}, in order to open the last of the names: if it is a regular file that can be
   * opened for reading, {@link Walk#fd} is its descriptor.
   */
  public int walkToOpen(int dir, String[] names, int from, int count, Walk to) {
    return walk(dir, names, from, count, Protocol.WALK_OPEN_LAST, to);
  }

  /**
   * As {@link #walk} or {@link #walkToOpen}, of names that have been walked before. Those whose
   * {@link Walk#known} fid is still theirs are answered with it: nothing new to close.
   */
  public int walkAgain(int dir, String[] names, int from, int count, boolean opens, Walk to) {
    int flags = Protocol.WALK_KNOWN | (opens ? Protocol.WALK_OPEN_LAST : 0);
    return walk(dir, names, from, count, flags, to);
  }

  private int walk(int dir, String[] names, int from, int count, int flags, Walk to) {
    to.found = 0;
    to.error = 0;
    to.fd = -1;
    int n = Math.min(count, Protocol.WALK_MAX);
    Connection.Slot slot = calls.begin(Op.WALK, dir);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      boolean isAgain = (flags & Protocol.WALK_KNOWN) != 0;
      int at = isAgain ? 4 * n : 0;
      for (int i = 0; i < n; i++) {
        int length = calls.put(slot, at + 1, names[from + i], Calls.NAME_MAX);
        if (length < 0) {
          if (i == 0) {
            to.error = -length;
            return 0;
          }
          return walk(
              dir, names, from, i, 0, to); // the caller meets the long name in its next walk
        }
        Memory.setByte(memory, slot.payload + at, (byte) length);
        at += 1 + length;
      }
      if (isAgain) {
        Calls.setInts(to.known, 0, memory, slot.payload, n);
      }
      int last = n == count ? flags : flags & Protocol.WALK_KNOWN;
      calls.setInt(slot, Protocol.FLAGS, last);
      calls.setLong(slot, Protocol.LENGTH, n);
      calls.setInt(slot, Protocol.PAYLOAD, at);
      int found = calls.finish(slot, n);
      boolean statsLast = last == Protocol.WALK_STAT_LAST;
      int r = found < 0 ? found : readWalk(slot, found, n, statsLast, to);
      if (r == n && (last & Protocol.WALK_OPEN_LAST) != 0) {
        to.fd = Math.max(slot.fd, -1);
        slot.fd = -1;
      }
      return r;
    } finally {
      calls.release(slot);
    }
  }

  private int readWalk(Connection.Slot slot, int found, int n, boolean statsLast, Walk to) {
    int error = Memory.getInt(memory, slot.reply + Protocol.ERROR);
    if (error < 0 || error > Errno.EHWPOISON || (error != 0 && found == n)) {
      return calls.malformed("walk error=" + error + ", found=" + found);
    }
    for (int i = 0; i < found; i++) {
      long record = slot.payload + (long) i * Protocol.WALK_ENTRY_SIZE;
      int fid = Memory.getInt(memory, record);
      if (to.attrs[i] == null) {
        to.attrs[i] = new NodeAttr();
      }
      boolean isOnlyLookedAt = statsLast && i == n - 1;
      if (!to.attrs[i].load(memory, record + 8) || (isOnlyLookedAt ? fid != 0 : fid <= 0)) {
        return calls.malformed("walked fid=" + fid + ", mode=" + to.attrs[i].mode);
      }
      to.fids[i] = fid;
    }
    to.found = found;
    to.error = error;
    return found;
  }

  /** Walks one component. Returns the node's fid or -errno. */
  public int lookup(int dir, String name, NodeAttr attr) {
    return walkOne(dir, name, 0, attr);
  }

  /** Attributes of what a directory has under a name, without a fid. Returns 0 or -errno. */
  public int lstat(int dir, String name, NodeAttr attr) {
    return walkOne(dir, name, Protocol.WALK_STAT_LAST, attr);
  }

  private int walkOne(int dir, String name, int flags, NodeAttr attr) {
    Connection.Slot slot = calls.begin(Op.WALK, dir);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      int length = calls.put(slot, 1, name, Calls.NAME_MAX);
      if (length < 0) {
        return length;
      }
      Memory.setByte(memory, slot.payload, (byte) length);
      calls.setInt(slot, Protocol.FLAGS, flags);
      calls.setLong(slot, Protocol.LENGTH, 1);
      calls.setInt(slot, Protocol.PAYLOAD, 1 + length);
      int found = calls.finish(slot, 1);
      if (found < 0) {
        return found;
      }
      if (found == 0) {
        int error = Memory.getInt(memory, slot.reply + Protocol.ERROR);
        boolean isErrno = error > 0 && error <= Errno.EHWPOISON;
        return isErrno ? -error : calls.malformed("walk error=" + error);
      }
      int fid = Memory.getInt(memory, slot.payload);
      if (!attr.load(memory, slot.payload + 8) || (flags == 0 ? fid <= 0 : fid != 0)) {
        return calls.malformed("walked fid=" + fid + ", mode=" + attr.mode);
      }
      return fid;
    } finally {
      calls.release(slot);
    }
  }
}
