package io.redoubt.sentry.fs.mem;

import io.redoubt.host.Errno;
import io.redoubt.sentry.fs.Access;
import io.redoubt.sentry.fs.DirSink;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.Rename;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.Syscall;

/** A directory. Its entries are guarded by its monitor; changes come one at a time, under {@code Vfs.tree}. */
final class MemDir extends MemInode {
  private MemEntries entries; // made when the first comes

  MemDir(MemFs fs, MemDir lowerParent, int mode, int uid, int gid) {
    super(fs, mode, uid, gid);
    nlink = 2;
  }

  @Override
  synchronized long size() {
    return entries == null ? 0 : entries.live() * 20L; // as tmpfs has it
  }

  @Override
  public boolean isCacheable() {
    return true;
  }

  @Override
  public boolean cachesMissing() {
    return false; // a name that is not here costs one look into a table
  }

  @Override
  public Inode lookup(Syscall c, String name) {
    MemInode node;
    synchronized (this) {
      MemEntries.Entry e = entries == null ? null : entries.get(name);
      node = e == null ? null : e.node;
    }
    return node == null ? c.fail(-Errno.ENOENT) : node;
  }

  @Override
  public OpenFile open(Syscall c, Path path, int flags) {
    return new MemDirectoryFile(this, path, flags);
  }

  @Override
  public int readdir(Syscall c, long position, DirSink sink) {
    list(position, Long.MAX_VALUE, sink);
    return 0;
  }

  /** The cookie of the youngest entry. */
  synchronized long lastCookie() {
    return entries == null ? 0 : entries.lastCookie();
  }

  /** Lists the entries with cookies {@code from} to {@code last}. @return false when the sink is full */
  synchronized boolean list(long from, long last, DirSink sink) {
    return entries == null || entries.list(from, last, sink);
  }

  // ---- new names ----

  @Override
  public Inode create(Syscall c, String name, int mode) {
    return add(c, name, new MemFile(fs, fileMode(c, Stat.S_IFREG | mode), c.task.credentials.fsuid(), group(c)));
  }

  @Override
  public Inode mkdir(Syscall c, String name, int mode) {
    int inherited = permissions & Access.S_ISGID;
    return add(c, name, new MemDir(fs, null, Stat.S_IFDIR | mode | inherited, c.task.credentials.fsuid(), group(c)));
  }

  @Override
  public Inode symlink(Syscall c, String name, String target) {
    return add(c, name, new MemSymlink(fs, Stat.S_IFLNK | 0777, c.task.credentials.fsuid(), group(c), target));
  }

  @Override
  public Inode mknod(Syscall c, String name, int mode, long rdev) {
    return add(c, name, new MemSpecial(fs, fileMode(c, mode), c.task.credentials.fsuid(), group(c), rdev));
  }

  @Override
  public Inode createUnnamed(Syscall c, int mode, boolean linkable) {
    if (!fs.budget.charge(MemFs.NODE_BYTES)) {
      return c.fail(-Errno.ENOSPC);
    }
    MemFile f = new MemFile(fs, fileMode(c, Stat.S_IFREG | mode), c.task.credentials.fsuid(), group(c));
    f.charged = true;
    f.nlink = 0;
    f.isLinkable = linkable;
    return f;
  }

  /** New files in a set-group-ID directory get its group (inode_init_owner). */
  private int group(Syscall c) {
    return (permissions & Access.S_ISGID) != 0 ? gid : c.task.credentials.fsgid();
  }

  /** A set-group-ID executable for a group that its maker is not in does not come into being (mode_strip_sgid). */
  private int fileMode(Syscall c, int mode) {
    Credentials me = c.task.credentials;
    boolean strip =
        (mode & 02010) == 02010
            && (permissions & Access.S_ISGID) != 0
            && !me.inGroup(gid)
            && !me.has(Credentials.CAP_FSETID);
    return strip ? mode & ~Access.S_ISGID : mode;
  }

  private Inode add(Syscall c, String name, MemInode node) {
    int r = anchor(c);
    if (r < 0) {
      return c.fail(r);
    }
    if (!fs.budget.charge(MemFs.NODE_BYTES)) {
      return c.fail(-Errno.ENOSPC);
    }
    node.charged = true;
    r = enter(name, node);
    if (r < 0) {
      fs.budget.release(MemFs.NODE_BYTES);
      return c.fail(r);
    }
    return node;
  }

  /** Enters a name. @return 0, or -ENOENT when this directory has been removed */
  private synchronized int enter(String name, MemInode node) {
    if (nlink == 0) {
      return -Errno.ENOENT;
    }
    if (entries == null) {
      entries = new MemEntries();
    }
    entries.put(name, node);
    if (node.type() == Stat.S_IFDIR) {
      nlink++;
    }
    touch(System.currentTimeMillis(), true);
    return 0;
  }

  private synchronized void leave(String name, MemInode node) {
    entries.remove(name);
    if (node.type() == Stat.S_IFDIR) {
      nlink--;
    }
    touch(System.currentTimeMillis(), true);
  }

  @Override
  public int link(Syscall c, String name, Inode target) {
    MemInode node = (MemInode) target;
    int r = anchor(c);
    if (r == 0) {
      r = node.anchor(c);
    }
    if (r < 0) {
      return r;
    }
    synchronized (node) {
      if (node.nlink == 0 && !(node instanceof MemFile f && f.isLinkable)) {
        return -Errno.ENOENT;
      }
      node.nlink++;
      node.touch(System.currentTimeMillis(), false);
    }
    r = enter(name, node);
    if (r < 0) {
      node.unlinked(1);
    }
    return r;
  }

  // ---- names that go ----

  @Override
  public int unlink(Syscall c, String name, Inode child) {
    int r = anchor(c);
    if (r < 0) {
      return r;
    }
    MemInode node = (MemInode) child;
    leave(name, node);
    node.unlinked(1);
    return 0;
  }

  @Override
  public int rmdir(Syscall c, String name, Inode child) {
    MemDir dir = (MemDir) child;
    int r = anchor(c);
    if (r == 0) {
      r = dir.checkEmpty(c);
    }
    if (r < 0) {
      return r;
    }
    leave(name, dir);
    dir.unlinked(2);
    return 0;
  }

  private synchronized int checkEmpty(Syscall c) {
    return entries == null || entries.live() == 0 ? 0 : -Errno.ENOTEMPTY;
  }

  @Override
  public int rename(Syscall c, String name, Inode child, Inode newDir, String newName, Inode target, int flags) {
    MemDir to = (MemDir) newDir;
    MemInode node = (MemInode) child;
    MemInode there = (MemInode) target;
    int r = anchor(c);
    r = r < 0 ? r : to.anchor(c);
    r = r < 0 ? r : node.anchor(c);
    if (r < 0) {
      return r;
    }
    if ((flags & Rename.EXCHANGE) != 0) {
      r = there.anchor(c);
      if (r < 0) {
        return r;
      }
      leave(name, node);
      to.leave(newName, there);
      enter(name, there);
      to.enter(newName, node);
      there.renamed();
    } else {
      if (there instanceof MemDir dir) {
        r = dir.checkEmpty(c);
        if (r < 0) {
          return r;
        }
      }
      if (to.nlink == 0) {
        return -Errno.ENOENT;
      }
      if (there != null) {
        to.leave(newName, there);
        there.unlinked(there.type() == Stat.S_IFDIR ? 2 : 1);
      }
      leave(name, node);
      to.enter(newName, node);
    }
    node.renamed();
    return 0;
  }
}
