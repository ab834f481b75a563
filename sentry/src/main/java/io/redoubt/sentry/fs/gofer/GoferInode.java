package io.redoubt.sentry.fs.gofer;

import io.redoubt.gofer.GoferClient;
import io.redoubt.gofer.NodeAttr;
import io.redoubt.gofer.Opened;
import io.redoubt.gofer.Walk;
import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.sentry.fs.DirSink;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.SetAttr;
import io.redoubt.sentry.fs.SpecialNode;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.StatFs;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.Timers;
import java.nio.charset.StandardCharsets;

/**
 * A file of the host, of any type. Its monitor guards the life; the fid stays the same while it
 * lives.
 */
final class GoferInode extends Inode {
  private static final int MAX_AHEAD = 16;
  private static final int LINK_MAX = 4096;

  private final GoferFs fs;
  private final GoferClient client;
  private final int fid;
  private final HostAttributes attributes;
  private final int type;

  /**
   * Dentries, and lookups whose result is not in a dentry yet; {@link #floating} of them are the
   * latter.
   */
  private int references = 1;

  private int floating = 1;
  private boolean dead;

  /** {@link #unlinkUnseen} of a name is to follow: if this dies before, that closes the fid. */
  private boolean isLosingName;

  private boolean isFidLeft;
  private volatile String target; // of a symlink: never changes

  /** Of a create, a lookup in order to open, or one that was closed: for an open to come. */
  private HostFile kept;

  private int keptMode;
  private boolean isKeptClosed;

  /** One of those that the guest has open, or null. */
  private HostFile opened;

  /** The pipe of a FIFO, the socket bound here. */
  private final Object[] attachment;

  GoferInode(GoferFs fs, int fid, NodeAttr found) {
    this.fs = fs;
    this.client = fs.client;
    this.fid = fid;
    this.type = found.type();
    this.attachment = type == Stat.S_IFIFO || type == Stat.S_IFSOCK ? new Object[1] : null;
    this.attributes = new HostAttributes(fs, fid, found);
  }

  // ---- life ----

  /** A lookup has found it again. @return false when it is dead */
  synchronized boolean found() {
    if (dead) {
      return false;
    }
    references++;
    floating++;
    return true;
  }

  /**
   * The gofer says that a name still leads here. A cached dentry of it is pinned meanwhile, so it
   * is alive.
   */
  GoferInode foundAgain(NodeAttr now, long stamp) {
    found();
    attributes.refreshIfSame(now, stamp);
    attributes.wasAsked();
    return this;
  }

  @Override
  public synchronized void attach() {
    if (floating > 0) {
      floating--;
    } else {
      references++;
    }
  }

  @Override
  public void unused() {
    synchronized (this) {
      floating--;
    }
    detach();
  }

  @Override
  public void detach() {
    synchronized (this) {
      if (--references > 0) {
        return;
      }
    }
    if (fs.forget(this, attributes.dev(), attributes.ino())) {
      keep(null, 0, false);
      if (!isFidLeft && attributes.isUnlinked()) {
        client.close(fid); // its space shall be free now
      } else if (!isFidLeft) {
        client.closeLater(fid);
      }
    }
  }

  /** Returns whether it was unused, and is dead now. */
  synchronized boolean die() {
    if (references > 0 || dead) {
      return false;
    }
    dead = true;
    isFidLeft = isLosingName;
    return true;
  }

  @Override
  public synchronized void losesName() {
    isLosingName = true;
  }

  /** Ends {@link #losesName}. Returns the fid if it has died meanwhile, now the caller's; or 0. */
  private synchronized int takeFid() {
    isLosingName = false;
    return dead && isFidLeft ? fid : 0;
  }

  // ---- attributes ----

  @Override
  public int type() {
    return type;
  }

  HostAttributes attributes() {
    return attributes;
  }

  @Override
  public int getattr(Syscall c, Stat out) {
    if (attributes.areKnown()) {
      attributes.copy(out);
      return 0;
    }
    if (attributes.isWatched()) {
      // A descriptor knows as well as the gofer: of the time of access, which no event tells of.
      // Only local file systems are watched: it takes no time to ask.
      synchronized (this) {
        HostFile f = kept != null ? kept : opened;
        if (f != null && f.fd() >= 0) {
          return attributes.getattr(c, f.fd(), out);
        }
      }
    }
    return attributes.fetch(c, out);
  }

  @Override
  public int permissions(Syscall c, Stat out) {
    return attributes.permissions(c, out);
  }

  @Override
  public long number(Syscall c) {
    return attributes.ino();
  }

  @Override
  public int access(Syscall c, int want) {
    return attributes.access(c, want);
  }

  @Override
  public int setattr(Syscall c, SetAttr change) {
    return attributes.setattr(c, change);
  }

  @Override
  public byte[] getxattr(Syscall c, String name) {
    return attributes.getxattr(c, name);
  }

  @Override
  public int setxattr(Syscall c, String name, byte[] value, int flags) {
    return attributes.setxattr(c, name, value, flags);
  }

  @Override
  public byte[] listxattr(Syscall c) {
    return attributes.listxattr(c);
  }

  @Override
  public int removexattr(Syscall c, String name) {
    return attributes.removexattr(c, name);
  }

  // ---- names ----

  @Override
  public boolean isRemoved() {
    return type == Stat.S_IFDIR && attributes.isUnlinked();
  }

  @Override
  public boolean isCacheable() {
    return true;
  }

  @Override
  public boolean isRevalidated() {
    return true;
  }

  @Override
  public boolean cachesMissing() {
    return false;
  }

  @Override
  public boolean hear() {
    return client.watches.hear();
  }

  @Override
  public long stamp(String name) {
    return attributes.stamp(name);
  }

  @Override
  public long event(String name) {
    return attributes.event(name);
  }

  @Override
  public long stampAfter(String name, long before) {
    return attributes.stampAfter(name, before);
  }

  @Override
  public void foundUnchanged() {
    attributes.foundUnchanged();
  }

  @Override
  public int maxAhead() {
    return MAX_AHEAD;
  }

  @Override
  public Inode lookup(Syscall c, String name) {
    NodeAttr a = c.scratch().attr;
    int r = client.nodes.lookup(fid, name, a);
    if (r == -Errno.EMFILE) {
      c.task.kernel.vfs.shrinkCache();
      client.flushCloses();
      r = client.nodes.lookup(fid, name, a);
    }
    attributes.wasAsked();
    return r < 0 ? c.fail(r) : fs.inode(r, a);
  }

  @Override
  public int lookupAhead(
      Syscall c, String[] names, int from, int count, Inode[] found, boolean opens) {
    Walk w = c.scratch().goferWalk;
    for (int i = 0; i < count; i++) {
      boolean isOurs = found[from + i] instanceof GoferInode known && known.fs == fs;
      w.known[i] = isOurs ? ((GoferInode) found[from + i]).fid : 0;
      w.stamps[i] = isOurs ? ((GoferInode) found[from + i]).attributes.stamp() : 0;
    }
    int n = client.nodes.walkAgain(fid, names, from, count, opens, w);
    if (n == -Errno.EMFILE || (n == 0 && w.error == Errno.EMFILE)) {
      c.task.kernel.vfs.shrinkCache();
      client.flushCloses();
      n = client.nodes.walkAgain(fid, names, from, count, false, w);
    }
    if (n >= 0) {
      attributes.wasAsked();
    }
    if (n <= 0) {
      return n < 0 ? n : -w.error;
    }
    for (int i = 0; i < n; i++) {
      boolean isStillThere = w.known[i] == w.fids[i];
      found[from + i] =
          isStillThere
              ? ((GoferInode) found[from + i]).foundAgain(w.attrs[i], w.stamps[i])
              : fs.inode(w.fids[i], w.attrs[i]);
    }
    if (w.fd >= 0) {
      HostFile last = new HostFile(client, w.fd);
      last.stamp = w.known[n - 1] == w.fids[n - 1] ? w.stamps[n - 1] : 0;
      ((GoferInode) found[from + n - 1]).keep(last, Fcntl.O_RDONLY, false);
      w.fd = -1;
    }
    c.fail(w.error == Errno.ENOENT ? -Errno.ENOENT : 0);
    return n;
  }

  @Override
  public Inode create(Syscall c, String name, int mode) {
    Opened o = c.scratch().opened;
    var me = c.task.credentials;
    int m = attributes.fileMode(me, Stat.S_IFREG | mode) & 07777;
    int gid = attributes.group(me.fsgid());
    int r = client.files.create(fid, name, Fcntl.O_RDWR, m, me.fsuid(), gid, o);
    attributes.stale();
    return r < 0 ? c.fail(r) : made(o);
  }

  private GoferInode made(Opened o) {
    GoferInode made = fs.inode(o.node, o.attr);
    made.keep(new HostFile(client, o), Fcntl.O_RDWR, false);
    return made;
  }

  @Override
  public Inode createUnnamed(Syscall c, int mode, boolean linkable) {
    Opened o = c.scratch().opened;
    var me = c.task.credentials;
    int m = attributes.fileMode(me, Stat.S_IFREG | mode) & 07777;
    int gid = attributes.group(me.fsgid());
    int r = client.files.createUnnamed(fid, m, me.fsuid(), gid, linkable, o);
    return r < 0 ? c.fail(r) : made(o);
  }

  /**
   * Keeps an open file for an open to come.
   *
   * @param mode its access mode
   * @param isClosed whether it is one that the guest has closed: then it is good for as long as
   *     nothing happens to the file; else the open is to follow at once
   */
  private void keep(HostFile f, int mode, boolean isClosed) {
    HostFile old;
    synchronized (this) {
      old = kept;
      kept = f;
      keptMode = mode;
      isKeptClosed = isClosed;
    }
    if (old != null) {
      old.close();
    }
  }

  /** The file that is kept, if it is good for an open with {@code flags}; else null. */
  private HostFile take(int flags) {
    HostFile f;
    boolean isGood;
    boolean isClosed;
    synchronized (this) {
      f = kept;
      kept = null;
      isClosed = isKeptClosed;
      isGood =
          (keptMode == Fcntl.O_RDWR || (flags & Fcntl.O_ACCMODE) == Fcntl.O_RDONLY)
              && (flags & Fcntl.O_SYNC) == 0;
    }
    if (f == null) {
      return null;
    }
    if (isGood && isClosed) {
      isGood = client.watches.hear() && f.stamp == attributes.stamp();
    }
    if (!isGood) {
      f.close();
      return null;
    }
    return f;
  }

  /** The guest has closed {@code f}. */
  void closed(HostFile f, Timers timers) {
    synchronized (this) {
      opened = opened == f ? null : opened;
    }
    if (f.stamp == 0 || f.fd() < 0 || f.stamp != attributes.stamp()) {
      f.close();
      return;
    }
    keep(f, Fcntl.O_RDONLY, true);
    fs.keptFiles.add(this, timers);
  }

  @Override
  public void notOpened() {
    keep(null, 0, false);
  }

  private Inode made(Syscall c, int node, NodeAttr a) {
    attributes.stale();
    return node < 0 ? c.fail(node) : fs.inode(node, a);
  }

  @Override
  public Inode mkdir(Syscall c, String name, int mode) {
    NodeAttr a = c.scratch().attr;
    var me = c.task.credentials;
    int gid = attributes.group(me.fsgid());
    return made(c, client.directories.mkdir(fid, name, mode, me.fsuid(), gid, a), a);
  }

  @Override
  public Inode symlink(Syscall c, String name, String to) {
    NodeAttr a = c.scratch().attr;
    var me = c.task.credentials;
    int gid = attributes.group(me.fsgid());
    return made(c, client.directories.symlink(fid, name, to, me.fsuid(), gid, a), a);
  }

  @Override
  public Inode mknod(Syscall c, String name, int mode, long rdev) {
    int kind = mode & Stat.S_IFMT;
    if (kind == Stat.S_IFCHR || kind == Stat.S_IFBLK) {
      return c.fail(-Errno.EPERM); // no devices of the host for a guest
    }
    NodeAttr a = c.scratch().attr;
    var me = c.task.credentials;
    int m = attributes.fileMode(me, mode);
    int gid = attributes.group(me.fsgid());
    return made(c, client.directories.mknod(fid, name, m, me.fsuid(), gid, a), a);
  }

  @Override
  public int link(Syscall c, String name, Inode other) {
    NodeAttr a = c.scratch().attr;
    GoferInode node = (GoferInode) other;
    int r = client.directories.link(node.fid, fid, name, a);
    attributes.stale();
    if (r == 0) {
      node.attributes.refresh(a, 0);
    }
    return r;
  }

  @Override
  public int unlink(Syscall c, String name, Inode child) {
    int r = client.directories.unlink(fid, name);
    attributes.stale();
    ((GoferInode) child).attributes.unlinked(r);
    return r;
  }

  @Override
  public int unlinkUnseen(Syscall c, String name, Inode child) {
    int unused = child == null ? 0 : ((GoferInode) child).takeFid();
    NodeAttr before = c.scratch().attr;
    int r =
        unused != 0
            ? client.directories.unlinkAndClose(fid, name, unused)
            : client.directories.unlink(fid, name, before);
    if (r == 0) {
      attributes.stale();
    }
    if (r == 0 && unused == 0) {
      fs.unlinked(before);
    }
    return r;
  }

  @Override
  public int rmdir(Syscall c, String name, Inode child) {
    int r = client.directories.rmdir(fid, name);
    attributes.stale();
    ((GoferInode) child).attributes.unlinked(r);
    return r;
  }

  @Override
  public int rename(
      Syscall c,
      String name,
      Inode child,
      Inode newDir,
      String newName,
      Inode replaced,
      int flags) {
    GoferInode to = (GoferInode) newDir;
    int r = client.directories.rename(fid, name, to.fid, newName, flags);
    attributes.stale();
    to.attributes.stale();
    ((GoferInode) child).attributes.stale();
    if (replaced != null && (flags & io.redoubt.sentry.fs.Rename.EXCHANGE) == 0) {
      ((GoferInode) replaced).attributes.unlinked(r);
    }
    return r;
  }

  @Override
  public String readlink(Syscall c) {
    String t = target;
    if (t == null) {
      if (type != Stat.S_IFLNK) {
        return c.fail(-Errno.EINVAL);
      }
      byte[] to = new byte[LINK_MAX];
      int n = client.attributes.readlink(fid, to);
      t = n < 0 ? c.fail(n) : new String(to, 0, n, StandardCharsets.ISO_8859_1);
      target = t;
    }
    return t;
  }

  // ---- content ----

  @Override
  public OpenFile open(Syscall c, Path path, int flags) {
    switch (type) {
      case Stat.S_IFDIR -> {
        return new GoferDirectoryFile(this, path, flags);
      }
      case Stat.S_IFREG -> {
        int asked = flags & (OpenFile.O_ACCMODE | Fcntl.O_SYNC);
        if ((flags & OpenFile.O_ACCMODE) == OpenFile.O_ACCMODE) {
          asked &= ~OpenFile.O_ACCMODE; // for ioctl only: nothing is read or written
        }
        HostFile f = take(flags);
        if (f == null) {
          long stamp = asked == Fcntl.O_RDONLY ? attributes.stamp() : 0;
          int[] error = new int[1];
          f = HostFile.open(client, fid, asked, c.scratch().opened, error);
          if (f == null) {
            return c.fail(error[0]);
          }
          f.stamp = stamp;
          attributes.wasAsked();
        }
        synchronized (this) {
          opened = f;
        }
        return new GoferFile(this, f, path, flags, c.task.kernel.timers);
      }
      default -> {
        return SpecialNode.open(c, path, flags, type, attributes.rdev(), attachment);
      }
    }
  }

  @Override
  public Object[] attachment() {
    return attachment;
  }

  DirSnapshot list(Syscall c, int[] error) {
    DirSnapshot s = DirSnapshot.read(client, fid, error);
    attributes.wasRead();
    return s;
  }

  /** fsync(2) of a directory. */
  int syncDirectory() {
    return client.files.fsync(fid, false);
  }

  @Override
  public int readdir(Syscall c, long position, DirSink sink) {
    int[] error = new int[1];
    DirSnapshot s = list(c, error);
    if (s == null) {
      return error[0];
    }
    try (s) {
      s.list(position, sink);
      return 0;
    }
  }

  @Override
  public int statfs(Syscall c, StatFs out) {
    return fs.statfs(c, fid, out);
  }

  @Override
  public int syncFileSystem(Syscall c) {
    return type == Stat.S_IFDIR ? syncDirectory() : 0;
  }
}
