package io.redoubt.sentry.fs.mem;

import io.redoubt.gofer.NodeAttr;
import io.redoubt.gofer.Walk;
import io.redoubt.host.Errno;
import io.redoubt.sentry.fs.Access;
import io.redoubt.sentry.fs.DirSink;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.Rename;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.gofer.DirSnapshot;
import io.redoubt.sentry.fs.gofer.HostFile;
import io.redoubt.sentry.kernel.Syscall;

/**
 * A directory. Its entries are guarded by its monitor; changes come one at a time, under {@code
 * Vfs.tree}.
 */
final class MemDir extends MemInode {
  private static final int MAX_AHEAD = 16;

  /** After so many names it pays to ask for all of them. */
  private static final int LOOKUPS = 8;

  private MemEntries entries; // made when the first comes

  /** How the lower directory was listed last, or null. */
  private volatile LowerDir known;

  /** It is too large to be scanned. */
  private volatile boolean isHuge;

  /**
   * Names that the gofer was asked for one by one. Several threads may write it: a lost one does no
   * harm.
   */
  private int lookups;

  /** The size that the lower directory has. */
  private final long lowerSize;

  MemDir(MemFs fs, int mode, int uid, int gid) {
    super(fs, mode, uid, gid);
    nlink = 2;
    lowerSize = 0;
  }

  MemDir(MemFs fs, MemDir parent, String name, int fid, NodeAttr attr) {
    super(fs, parent, name, fid, attr);
    lowerSize = attr.size;
  }

  private boolean hasLower() {
    return lowerFid != 0;
  }

  @Override
  synchronized long size() {
    if (hasLower()) {
      return lowerSize;
    }
    return entries == null ? 0 : entries.live() * 20L; // as tmpfs has it
  }

  @Override
  public synchronized boolean isRemoved() {
    return nlink == 0;
  }

  @Override
  public boolean isCacheable() {
    return true;
  }

  @Override
  public boolean cachesMissing() {
    return hasLower(); // otherwise a name that is not here costs one look into a table
  }

  /** The listing of the lower directory if one has come lately, or null. */
  LowerDir known() {
    LowerDir k = known;
    if (k != null && k.isFresh()) {
      return k;
    }
    MemDir parent = lowerParent();
    LowerDir in = parent == null ? null : parent.known;
    if (in == null || !in.isFresh()) {
      return null;
    }
    int at = in.find(lowerName());
    if (at < 0 || !(in.below(at) instanceof LowerDir d) || d.names() == null) {
      return null;
    }
    known = d;
    return d;
  }

  /**
   * A lower name by what is known of the directory.
   *
   * @return the node; null with 0 when nothing is known of the name, and with -ENOENT when it is
   *     missing
   */
  private MemInode fromListing(Syscall c, String name) {
    c.fail(0);
    LowerDir in = known();
    if (in == null && !isHuge && ++lookups >= LOOKUPS) {
      in = list(c);
    }
    int at = in == null ? LowerDir.UNKNOWN : in.find(name);
    if (at < 0) {
      return c.fail(at == LowerDir.ABSENT ? -Errno.ENOENT : 0);
    }
    NodeAttr attr = in.attributes(at);
    if (attr == null && fs.ahead.stat(c, this, in, at)) {
      attr = in.attributes(at);
    }
    if (attr == null) {
      return null;
    }
    fs.ahead.used(in, at);
    return fs.lowerNode(this, name, LAZY, attr);
  }

  /** Its listing does not fit an answer that has other things, too. */
  void tooLarge() {
    isHuge = true;
  }

  private LowerDir list(Syscall c) {
    lookups = 0;
    LowerDir listed = fs.ahead.list(c, this);
    if (listed != null) {
      known = listed;
    }
    return listed;
  }

  @Override
  public Inode lookup(Syscall c, String name) {
    MemEntries.Entry e = entry(name);
    if (e != null || !hasLower()) {
      return e == null || e.node == null ? c.fail(-Errno.ENOENT) : e.node;
    }
    MemInode listed = fromListing(c, name);
    if (listed != null || c.error() != 0) {
      return listed;
    }
    int dir = lower(c);
    if (dir < 0) {
      return c.fail(dir);
    }
    NodeAttr attr = c.scratch().attr;
    int fid = fs.client.nodes.lookup(dir, name, attr);
    if (fid == -Errno.EMFILE) {
      c.task.kernel.vfs.shrinkCache();
      fs.client.flushCloses();
      fid = fs.client.nodes.lookup(dir, name, attr);
    }
    return fid < 0 ? c.fail(fid) : fs.lowerNode(this, name, fid, attr);
  }

  private synchronized MemEntries.Entry entry(String name) {
    return entries == null ? null : entries.get(name);
  }

  @Override
  public int maxAhead() {
    return hasLower() ? MAX_AHEAD : 1;
  }

  @Override
  public int lookupAhead(
      Syscall c, String[] names, int from, int count, Inode[] found, boolean opens) {
    if ((count == 1 && !opens) || !hasLower() || entry(names[from]) != null) {
      return super.lookupAhead(c, names, from, count, found, false);
    }
    MemInode listed = fromListing(c, names[from]);
    if (listed != null || c.error() != 0) {
      found[from] = listed;
      return listed == null ? (int) c.error() : 1;
    }
    int fid = lower(c);
    if (fid < 0) {
      return fid;
    }
    Walk w = c.scratch().goferWalk;
    int n =
        opens
            ? fs.client.nodes.walkToOpen(fid, names, from, count, w)
            : fs.client.nodes.walk(fid, names, from, count, false, w);
    if (n < 0 || (n == 0 && w.error == Errno.EMFILE)) {
      return super.lookupAhead(c, names, from, count, found, false); // makes room
    }
    if (n == 0) {
      return -w.error;
    }
    MemDir parent = this;
    for (int i = 0; i < n; i++) {
      MemInode node = fs.lowerNode(parent, names[from + i], w.fids[i], w.attrs[i]);
      found[from + i] = node;
      if (node instanceof MemDir dir) {
        parent = dir;
      }
    }
    if (w.fd >= 0) {
      HostFile opened = new HostFile(fs.client, w.fd);
      w.fd = -1;
      if (found[from + n - 1] instanceof MemFile f) {
        f.content.lower().offer(opened);
      } else {
        opened.close();
      }
    }
    c.fail(w.error == Errno.ENOENT ? -Errno.ENOENT : 0);
    return n;
  }

  @Override
  public OpenFile open(Syscall c, Path path, int flags) {
    return new MemDirectoryFile(this, path, flags);
  }

  @Override
  public int readdir(Syscall c, long position, DirSink sink) {
    try (MemListing listing = new MemListing(this)) {
      return listing.list(c, position, sink);
    }
  }

  /**
   * The names of the lower directory; null with the errno in {@code error[0]}, or 0 there if there
   * is none.
   */
  DirSnapshot listLower(Syscall c, int[] error) {
    if (!hasLower()) {
      return null;
    }
    LowerDir in = known();
    if (in == null && !isHuge) {
      in = list(c);
    }
    DirSnapshot names = in == null ? null : in.names();
    if (names != null) {
      fs.ahead.listed(in);
      DirSnapshot own = names.forReader();
      error[0] = own == null ? -Errno.ENOMEM : 0;
      return own;
    }
    int fid = lower(c);
    if (fid < 0) {
      error[0] = fid;
      return null;
    }
    return DirSnapshot.read(fs.client, fid, error);
  }

  /** Whether the entry of the lower listing is seen. */
  synchronized boolean showsLower(String name) {
    MemEntries.Entry e = entries == null ? null : entries.get(name);
    return e == null || e.isInPlace();
  }

  /** The cookie of the youngest entry. */
  synchronized long lastCookie() {
    return entries == null ? 0 : entries.lastCookie();
  }

  /**
   * Lists the entries with cookies {@code from} to {@code last}. @return false when the sink is
   * full
   */
  synchronized boolean list(long from, long last, DirSink sink) {
    return entries == null || entries.list(from, last, sink);
  }

  // ---- new names ----

  @Override
  public Inode create(Syscall c, String name, int mode) {
    return add(
        c,
        name,
        new MemFile(fs, fileMode(c, Stat.S_IFREG | mode), c.task.credentials.fsuid(), group(c)));
  }

  @Override
  public Inode mkdir(Syscall c, String name, int mode) {
    int inherited = permissions & Access.S_ISGID;
    return add(
        c,
        name,
        new MemDir(fs, Stat.S_IFDIR | mode | inherited, c.task.credentials.fsuid(), group(c)));
  }

  @Override
  public Inode symlink(Syscall c, String name, String target) {
    return add(
        c,
        name,
        new MemSymlink(fs, Stat.S_IFLNK | 0777, c.task.credentials.fsuid(), group(c), target));
  }

  @Override
  public Inode mknod(Syscall c, String name, int mode, long rdev) {
    if ((mode & Stat.S_IFMT) == Stat.S_IFREG) {
      return create(c, name, mode & 07777);
    }
    return add(
        c, name, new MemSpecial(fs, fileMode(c, mode), c.task.credentials.fsuid(), group(c), rdev));
  }

  @Override
  public Inode createUnnamed(Syscall c, int mode, boolean linkable) {
    if (!fs.chargeNode()) {
      return c.fail(-Errno.ENOSPC);
    }
    MemFile f =
        new MemFile(fs, fileMode(c, Stat.S_IFREG | mode), c.task.credentials.fsuid(), group(c));
    f.charged = true;
    f.unnamed();
    f.isLinkable = linkable;
    return f;
  }

  /** New files in a set-group-ID directory get its group (inode_init_owner). */
  private int group(Syscall c) {
    return (permissions & Access.S_ISGID) != 0 ? gid : c.task.credentials.fsgid();
  }

  private int fileMode(Syscall c, int mode) {
    return Access.newFileMode(c.task.credentials, mode, permissions, gid);
  }

  private Inode add(Syscall c, String name, MemInode node) {
    int r = anchor(c);
    if (r < 0) {
      return c.fail(r);
    }
    if (!fs.chargeNode()) {
      return c.fail(-Errno.ENOSPC);
    }
    node.charged = true;
    r = enter(name, node);
    if (r < 0) {
      fs.releaseNode();
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
    if (entries == null) {
      entries = new MemEntries();
    }
    entries.remove(name);
    node.anchored = true;
    if (node.type() == Stat.S_IFDIR) {
      nlink--;
    }
    touch(System.currentTimeMillis(), true);
  }

  /**
   * Enters a lower node under the name that it has, because it was changed.
   *
   * @return false when that is done already, or it has no name any more
   */
  synchronized boolean keep(String name, MemInode node) {
    if (node.anchored) {
      return false;
    }
    if (entries == null) {
      entries = new MemEntries();
    }
    entries.putInPlace(name, node);
    node.charged = true;
    node.anchored = true;
    return true;
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
      if (!node.linked()) {
        return -Errno.ENOSPC;
      }
    }
    r = enter(name, node);
    if (r < 0) {
      node.unlinked(1);
    } else if (node instanceof MemFile f) {
      f.isLinkable = false; // from now on it is as any other file
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

  private int checkEmpty(Syscall c) {
    synchronized (this) {
      if (entries != null && entries.live() > 0) {
        return -Errno.ENOTEMPTY;
      }
    }
    int[] error = new int[1];
    DirSnapshot lower = listLower(c, error);
    if (lower == null) {
      return error[0];
    }
    try (lower) {
      for (int i = 0; i < lower.count(); i++) {
        if (showsLower(lower.name(i))) {
          return -Errno.ENOTEMPTY;
        }
      }
      return 0;
    }
  }

  @Override
  public int rename(
      Syscall c, String name, Inode child, Inode newDir, String newName, Inode target, int flags) {
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
