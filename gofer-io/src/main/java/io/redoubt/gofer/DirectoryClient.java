package io.redoubt.gofer;

import io.redoubt.host.Dir;
import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Memory;
import java.lang.foreign.MemorySegment;

/** Names in directories. A part of {@link GoferClient}. */
public final class DirectoryClient {
  /** Bytes of entries asked for at once: what C libraries ask for. */
  private static final int READDIR_BYTES = 32 * 1024;

  /** Names of one scan: more would not leave room in the answer. */
  private static final int SCAN_NAME_BYTES = 8 * 1024;

  private final Calls calls;
  private final MemorySegment memory;

  DirectoryClient(Calls calls) {
    this.calls = calls;
    this.memory = calls.memory;
  }

  /**
   * Entries of an open directory from a cursor on: some of them, as getdents64 does.
   *
   * @param cursor 0 for the start, or what an entry said is next
   * @return how many entries were taken, 0 at the end, or -errno
   */
  public int readdir(int open, long cursor, DirSink sink) {
    long from = cursor;
    for (int dots = 0; dots <= 2; dots++) { // an answer with nothing but dots has one at least
      byte[] entries;
      Connection.Slot slot = calls.begin(Op.READDIR, open);
      if (slot == null) {
        return -Errno.EIO;
      }
      try {
        calls.setLong(slot, Protocol.OFFSET, from);
        calls.setLong(slot, Protocol.LENGTH, READDIR_BYTES);
        int n = calls.finish(slot, READDIR_BYTES);
        if (n <= 0) {
          return n;
        }
        // Out of the slot, since the sink may call here again.
        entries = new byte[n];
        Memory.copy(memory, slot.payload, entries, 0, n);
      } finally {
        calls.release(slot);
      }
      int taken = DirEntries.parse(entries, sink);
      if (taken == DirEntries.MALFORMED) {
        return calls.malformed("directory entries");
      }
      if (taken != DirEntries.ONLY_DOTS) {
        return taken;
      }
      from = DirEntries.lastCursor(entries); // the end may be further on
    }
    return calls.malformed("directory entries: nothing but dots");
  }

  /**
   * All entries of a directory node, or as many as one message holds.
   *
   * @param more gets the cursor at which {@link #readdir} of the returned fid goes on
   * @return 0 when that was all; the fid of an open directory, to be closed, when it was not; or
   *     -errno
   */
  public int list(int node, DirSink sink, long[] more) {
    byte[] entries;
    int open;
    Connection.Slot slot = calls.begin(Op.LIST, node);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      calls.setLong(slot, Protocol.LENGTH, Calls.CHUNK);
      int n = calls.finish(slot, Calls.CHUNK);
      if (n < 0) {
        return n;
      }
      open = Memory.getInt(memory, slot.reply + Protocol.OPEN);
      if (open < 0) {
        return calls.malformed("listed fid=" + open);
      }
      entries = new byte[n];
      Memory.copy(memory, slot.payload, entries, 0, n);
    } finally {
      calls.release(slot);
    }
    if (DirEntries.parse(entries, sink) == DirEntries.MALFORMED) {
      return calls.malformed("directory entries");
    }
    more[0] = DirEntries.lastCursor(entries);
    return open;
  }

  /**
   * What somebody who goes through a tree will ask for next: attributes of names in a directory,
   * listings of those that are directories and of directories below, small files. What cannot be
   * had or has no room is left out.
   *
   * @param names in the directory, or none: then it is about the directory itself
   * @param count how many of them
   * @param listings most listings, up to 1,024
   * @param all attributes of all entries of listings, and not of directories alone
   * @param contents regular files of up to 16 KiB come whole
   * @return 0 or -errno; then what the sink has got is to be thrown away
   */
  public int scan(
      int dir,
      String[] names,
      int count,
      int listings,
      boolean all,
      boolean contents,
      ScanSink sink) {
    Connection.Slot slot = calls.begin(Op.SCAN, dir);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      int asked = 0;
      int at = 0;
      for (; asked < count && at < SCAN_NAME_BYTES; asked++) {
        int length = calls.put(slot, at + 1, names[asked], Calls.NAME_MAX);
        if (length < 0) {
          break;
        }
        Memory.setByte(memory, slot.payload + at, (byte) length);
        at += 1 + length;
      }
      if (asked == 0 && count > 0) {
        return -Errno.ENAMETOOLONG;
      }
      calls.setInt(slot, Protocol.PAYLOAD, at);
      calls.setInt(slot, Protocol.MODE, Math.min(listings, Protocol.SCAN_MAX_LISTINGS));
      calls.setInt(
          slot,
          Protocol.FLAGS,
          (all ? Protocol.SCAN_ATTRIBUTES : 0) | (contents ? Protocol.SCAN_CONTENTS : 0));
      calls.setLong(slot, Protocol.LENGTH, Calls.CHUNK);
      int n = calls.finish(slot, Calls.CHUNK);
      boolean isSane = n < 0 || ScanReply.parse(memory, slot.payload, n, asked, sink);
      return isSane ? Math.min(n, 0) : calls.malformed("scan");
    } finally {
      calls.release(slot);
    }
  }

  /** Makes a directory. Returns its node's fid or -errno. */
  public int mkdir(int dir, String name, int mode, int uid, int gid, NodeAttr attr) {
    return make(Op.MKDIR, dir, name, null, mode, uid, gid, attr);
  }

  /** Makes a FIFO, socket or regular file (S_IF* in {@code mode}). Returns a fid or -errno. */
  public int mknod(int dir, String name, int mode, int uid, int gid, NodeAttr attr) {
    return make(Op.MKNOD, dir, name, null, mode, uid, gid, attr);
  }

  /** Makes a symlink. Returns its node's fid or -errno. */
  public int symlink(int dir, String name, String target, int uid, int gid, NodeAttr attr) {
    return make(Op.SYMLINK, dir, name, target, 0, uid, gid, attr);
  }

  private int make(
      int op, int dir, String name, String target, int mode, int uid, int gid, NodeAttr attr) {
    Connection.Slot slot = calls.begin(op, dir);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      calls.setInt(slot, Protocol.MODE, mode);
      calls.setInt(slot, Protocol.UID, uid);
      calls.setInt(slot, Protocol.GID, gid);
      int r = target == null ? calls.putName(slot, name) : calls.putTwo(slot, name, target, 4095);
      return r < 0 ? r : calls.finishNode(slot, attr);
    } finally {
      calls.release(slot);
    }
  }

  /** Gives a node another name. Returns 0 or -errno; {@code attr} has the new link count. */
  public int link(int node, int dir, String name, NodeAttr attr) {
    Connection.Slot slot = calls.begin(Op.LINK, node);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      calls.setInt(slot, Protocol.FID2, dir);
      int r = calls.putName(slot, name);
      return r < 0 ? r : calls.finish(slot, attr);
    } finally {
      calls.release(slot);
    }
  }

  /** Removes a name that is no directory's. Returns 0 or -errno. */
  public int unlink(int dir, String name) {
    return remove(dir, name, 0, 0);
  }

  /**
   * As {@link #unlink} of a name that was not looked up.
   *
   * @param attr gets the attributes of what had the name, from before
   */
  public int unlink(int dir, String name, NodeAttr attr) {
    Connection.Slot slot = calls.begin(Op.UNLINK, dir);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      calls.setInt(slot, Protocol.FLAGS, Protocol.UNLINK_STAT);
      int r = calls.putName(slot, name);
      return r < 0 ? r : calls.finish(slot, attr);
    } finally {
      calls.release(slot);
    }
  }

  /**
   * As {@link #unlink} where nobody needs the node any more that had the name.
   *
   * @param node its fid, which is closed, whatever is returned
   */
  public int unlinkAndClose(int dir, String name, int node) {
    return remove(dir, name, 0, node);
  }

  /** Removes an empty directory. Returns 0 or -errno. */
  public int rmdir(int dir, String name) {
    return remove(dir, name, Fcntl.AT_REMOVEDIR, 0);
  }

  private int remove(int dir, String name, int flags, int closed) {
    Connection.Slot slot = calls.begin(Op.UNLINK, dir);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      calls.setInt(slot, Protocol.FID2, closed);
      calls.setInt(slot, Protocol.FLAGS, flags);
      int r = calls.putName(slot, name);
      return r < 0 ? r : calls.finish(slot, 0);
    } finally {
      calls.release(slot);
    }
  }

  /**
   * Renames within one root.
   *
   * @param flags {@link Dir#RENAME_NOREPLACE} or {@link Dir#RENAME_EXCHANGE}
   */
  public int rename(int oldDir, String oldName, int newDir, String newName, int flags) {
    Connection.Slot slot = calls.begin(Op.RENAME, oldDir);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      calls.setInt(slot, Protocol.FID2, newDir);
      calls.setInt(slot, Protocol.FLAGS, flags);
      int r = calls.putTwo(slot, oldName, newName, Calls.NAME_MAX);
      return r < 0 ? r : calls.finish(slot, 0);
    } finally {
      calls.release(slot);
    }
  }
}
