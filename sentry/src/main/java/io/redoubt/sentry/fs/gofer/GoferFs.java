package io.redoubt.sentry.fs.gofer;

import io.redoubt.gofer.GoferClient;
import io.redoubt.gofer.NodeAttr;
import io.redoubt.host.Memory;
import io.redoubt.host.Stat.StatfsBuf;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.StatFs;
import io.redoubt.sentry.kernel.Syscall;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;

/**
 * A tree of the host passed through: bind mounts, and the root with {@code --writable}. Others may
 * change it at any time, so a walk asks the gofer again, for all its names at once, unless it hears
 * that nothing has happened to any of them ({@link io.redoubt.gofer.WatchClient}).
 */
public final class GoferFs {
  /** An inode of the host. */
  private record Key(long dev, long ino) {
    @Override
    public boolean equals(Object other) {
      return other instanceof Key k && k.dev == dev && k.ino == ino;
    }

    @Override
    public int hashCode() {
      return Long.hashCode(dev * 31 + ino);
    }
  }

  final GoferClient client;
  final boolean isReadOnly;
  final Devices devices = new Devices();
  final KeptFiles keptFiles = new KeptFiles();

  /**
   * The inodes in use. The gofer holds a descriptor for each, so a number is not used again by the
   * host while it is here. Guarded by its monitor, which is taken before an inode's.
   */
  private final HashMap<Key, GoferInode> inodes = new HashMap<>();

  private GoferFs(GoferClient client, boolean isReadOnly) {
    this.client = client;
    this.isReadOnly = isReadOnly;
  }

  /**
   * The tree below a node.
   *
   * @param fid node of its root, from now on the file system's
   * @param attr of the root
   * @return the root
   */
  public static Inode create(GoferClient client, int fid, NodeAttr attr, boolean readOnly) {
    GoferFs fs = new GoferFs(client, readOnly);
    return fs.inode(fid, attr);
  }

  /** The inode that a walk has found, with a floating reference; takes over the fid. */
  GoferInode inode(int fid, NodeAttr attr) {
    Key key = new Key(attr.dev, attr.ino);
    GoferInode known;
    synchronized (inodes) {
      known = inodes.get(key);
      if (known == null || !known.found()) {
        known = new GoferInode(this, fid, attr);
        inodes.put(key, known);
        return known;
      }
    }
    known.attributes().refresh(attr, 0);
    client.closeLater(fid);
    return known;
  }

  /** A name of an inode, which may be in use, is gone. @param before attributes from before that */
  void unlinked(NodeAttr before) {
    GoferInode known;
    synchronized (inodes) {
      known = inodes.get(new Key(before.dev, before.ino));
    }
    if (known != null) {
      known.attributes().unlinked(before);
    }
  }

  /** Takes an inode out that is no longer used. @return false when it is used again */
  boolean forget(GoferInode inode, long dev, long ino) {
    synchronized (inodes) {
      if (!inode.die()) {
        return false;
      }
      inodes.remove(new Key(dev, ino), inode);
      return true;
    }
  }

  int statfs(Syscall c, int fid, StatFs out) {
    MemorySegment s = c.scratch().small;
    int r = client.attributes.statfs(fid, s);
    if (r < 0) {
      return r;
    }
    out.type = Memory.getLong(s, StatfsBuf.F_TYPE);
    out.blockSize = Memory.getLong(s, StatfsBuf.F_BSIZE);
    out.blocks = Memory.getLong(s, StatfsBuf.F_BLOCKS);
    out.blocksFree = Memory.getLong(s, StatfsBuf.F_BFREE);
    out.blocksAvailable = Memory.getLong(s, StatfsBuf.F_BAVAIL);
    out.files = Memory.getLong(s, StatfsBuf.F_FILES);
    out.filesFree = Memory.getLong(s, StatfsBuf.F_FFREE);
    out.nameLength = Memory.getLong(s, StatfsBuf.F_NAMELEN);
    out.fragmentSize = Memory.getLong(s, StatfsBuf.F_FRSIZE);
    return 0;
  }
}
