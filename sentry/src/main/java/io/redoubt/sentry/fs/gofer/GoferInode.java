package io.redoubt.sentry.fs.gofer;

import io.redoubt.gofer.GoferClient;
import io.redoubt.gofer.NodeAttr;
import io.redoubt.gofer.Opened;
import io.redoubt.gofer.Walk;
import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.sentry.fs.Access;
import io.redoubt.sentry.fs.DirSink;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.SetAttr;
import io.redoubt.sentry.fs.SpecialNode;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.StatFs;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.Syscall;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A file of the host, of any type. Its monitor guards the attributes and the life; the fid stays
 * the same while it lives.
 */
final class GoferInode extends Inode {
  /** Attributes younger than this are those that the walk of the same call has brought. */
  private static final long FRESH_NANOS = 100_000;

  /** For permission checks on the way: a change of a mode by others is seen after this time. */
  private static final long ACCESS_NANOS = 1_000_000_000;

  private static final int MAX_AHEAD = 16;
  private static final int LINK_MAX = 4096;

  private final GoferFs fs;
  private final GoferClient client;
  private final int fid;
  private final NodeAttr attr = new NodeAttr();
  private final int type;
  private long fetchedNanos;

  /** When mode and owner were fetched: what happens inside a directory does not change those. */
  private long permissionNanos;

  /**
   * Dentries, and lookups whose result is not in a dentry yet; {@link #floating} of them are the
   * latter.
   */
  private int references = 1;

  private int floating = 1;
  private boolean dead;
  private volatile String target; // of a symlink: never changes
  private HostFile kept; // of a create, or a lookup in order to open, for the open that follows
  private int keptMode;

  /** The pipe of a FIFO, the socket bound here. */
  private final Object[] attachment;

  GoferInode(GoferFs fs, int fid, NodeAttr found) {
    this.fs = fs;
    this.client = fs.client;
    this.fid = fid;
    this.type = found.type();
    this.attachment = type == Stat.S_IFIFO || type == Stat.S_IFSOCK ? new Object[1] : null;
    refresh(found);
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
   * is alive. Of its attributes those that cannot change are not believed.
   */
  GoferInode foundAgain(NodeAttr now) {
    found();
    synchronized (this) {
      if (now.dev == attr.dev && now.ino == attr.ino && now.type() == type) {
        refresh(now);
      }
    }
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
    if (fs.forget(this, attr.dev, attr.ino)) {
      keep(null, 0);
      if (attr.nlink == 0) {
        client.close(fid); // its space shall be free now
      } else {
        client.closeLater(fid);
      }
    }
  }

  /**
   * @return whether it was unused, and is dead now
   */
  synchronized boolean die() {
    if (references > 0 || dead) {
      return false;
    }
    dead = true;
    return true;
  }

  // ---- attributes ----

  synchronized void refresh(NodeAttr found) {
    attr.set(found);
    fetchedNanos = System.nanoTime();
    permissionNanos = fetchedNanos;
  }

  /** What is known of size and times is no longer true. */
  synchronized void stale() {
    fetchedNanos = System.nanoTime() - ACCESS_NANOS;
  }

  private int update(Syscall c) {
    synchronized (this) {
      if (System.nanoTime() - fetchedNanos < FRESH_NANOS) {
        return 0;
      }
    }
    return fetch(c);
  }

  private int updatePermissions(Syscall c) {
    synchronized (this) {
      if (System.nanoTime() - permissionNanos < ACCESS_NANOS) {
        return 0;
      }
    }
    return fetch(c);
  }

  private int fetch(Syscall c) {
    NodeAttr a = c.scratch().attr;
    int r = client.attributes.getattr(fid, a);
    if (r == 0) {
      refresh(a);
    }
    return r;
  }

  @Override
  public int type() {
    return type;
  }

  /** Attributes by a descriptor of this file. */
  int getattr(Syscall c, int fd, Stat out) {
    MemorySegment stat = c.scratch().small;
    int r = io.redoubt.host.Stat.fstat(fd, stat);
    if (r < 0) {
      return r;
    }
    NodeAttr a = c.scratch().attr;
    a.loadStat(stat);
    a.uid = client.ids().user(a.uid);
    a.gid = client.ids().group(a.gid);
    refresh(a);
    copy(out);
    return 0;
  }

  @Override
  public int getattr(Syscall c, Stat out) {
    int r = update(c);
    if (r == 0) {
      copy(out);
    }
    return r;
  }

  @Override
  public int permissions(Syscall c, Stat out) {
    int r = updatePermissions(c);
    if (r == 0) {
      copy(out);
    }
    return r;
  }

  @Override
  public synchronized long number(Syscall c) {
    return attr.ino;
  }

  private void copy(Stat out) {
    synchronized (this) {
      out.dev = fs.devices.guest(attr.dev);
      out.ino = attr.ino;
      out.mode = attr.mode;
      out.nlink = attr.nlink;
      out.uid = attr.uid;
      out.gid = attr.gid;
      out.rdev = attr.rdev;
      out.size = attr.size;
      out.blksize = attr.blksize;
      out.blocks = attr.blocks;
      out.atimeSec = attr.atimeSeconds;
      out.atimeNsec = attr.atimeNanos;
      out.mtimeSec = attr.mtimeSeconds;
      out.mtimeNsec = attr.mtimeNanos;
      out.ctimeSec = attr.ctimeSeconds;
      out.ctimeNsec = attr.ctimeNanos;
    }
  }

  @Override
  public int access(Syscall c, int want) {
    int r = updatePermissions(c);
    if (r < 0) {
      return r;
    }
    int mode;
    int uid;
    int gid;
    synchronized (this) {
      mode = attr.mode;
      uid = attr.uid;
      gid = attr.gid;
    }
    return c.task.credentials.access(mode, uid, gid, want);
  }

  @Override
  public int setattr(Syscall c, SetAttr change) {
    var s = new io.redoubt.gofer.SetAttr();
    int mask = change.mask;
    if ((mask & SetAttr.MODE) != 0) {
      s.mode(change.mode);
    }
    if ((mask & SetAttr.UID) != 0) {
      s.uid(change.uid);
    }
    if ((mask & SetAttr.GID) != 0) {
      s.gid(change.gid);
    }
    if ((mask & SetAttr.SIZE) != 0) {
      s.size(change.size);
    }
    if ((mask & SetAttr.ATIME) != 0) {
      s.atime(change.atimeSec, change.atimeNsec);
    }
    if ((mask & SetAttr.MTIME) != 0) {
      s.mtime(change.mtimeSec, change.mtimeNsec);
    }
    NodeAttr a = c.scratch().attr;
    int r = client.attributes.setattr(fid, s, a);
    if (r == 0) {
      refresh(a);
    }
    if (r == 0 && (mask & SetAttr.SIZE) != 0) {
      dropPrivileges(c);
    }
    return r;
  }

  /** After a change of content: the host does not clear set-user-ID for a gofer that is root. */
  void dropPrivileges(Syscall c) {
    int mode;
    synchronized (this) {
      mode = attr.mode & 07777;
    }
    int without = Access.withoutPrivileges(c.task.credentials, mode);
    if (without != mode) {
      SetAttr change = new SetAttr();
      change.mask = SetAttr.MODE;
      change.mode = without;
      setattr(c, change);
    }
  }

  // ---- names ----

  @Override
  public synchronized boolean isRemoved() {
    return type == Stat.S_IFDIR && attr.nlink == 0;
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
    return r < 0 ? c.fail(r) : fs.inode(r, a);
  }

  @Override
  public int lookupAhead(
      Syscall c, String[] names, int from, int count, Inode[] found, boolean opens) {
    Walk w = c.scratch().goferWalk;
    for (int i = 0; i < count; i++) {
      boolean isOurs = found[from + i] instanceof GoferInode known && known.fs == fs;
      w.known[i] = isOurs ? ((GoferInode) found[from + i]).fid : 0;
    }
    int n = client.nodes.walkAgain(fid, names, from, count, opens, w);
    if (n < 0 || (n == 0 && w.error == Errno.EMFILE)) {
      c.task.kernel.vfs.shrinkCache();
      client.flushCloses();
      n = client.nodes.walkAgain(fid, names, from, count, false, w);
    }
    if (n <= 0) {
      return n < 0 ? n : -w.error;
    }
    for (int i = 0; i < n; i++) {
      boolean isStillThere = w.known[i] == w.fids[i];
      found[from + i] =
          isStillThere
              ? ((GoferInode) found[from + i]).foundAgain(w.attrs[i])
              : fs.inode(w.fids[i], w.attrs[i]);
    }
    if (w.fd >= 0) {
      ((GoferInode) found[from + n - 1]).keep(new HostFile(client, w.fd), Fcntl.O_RDONLY);
      w.fd = -1;
    }
    c.fail(w.error == Errno.ENOENT ? -Errno.ENOENT : 0);
    return n;
  }

  @Override
  public Inode create(Syscall c, String name, int mode) {
    Opened o = c.scratch().opened;
    var me = c.task.credentials;
    int m = fileMode(me, Stat.S_IFREG | mode) & 07777;
    int r = client.files.create(fid, name, Fcntl.O_RDWR, m, me.fsuid(), group(me.fsgid()), o);
    stale();
    return r < 0 ? c.fail(r) : made(o);
  }

  private GoferInode made(Opened o) {
    GoferInode made = fs.inode(o.node, o.attr);
    made.keep(new HostFile(client, o), Fcntl.O_RDWR);
    return made;
  }

  @Override
  public Inode createUnnamed(Syscall c, int mode, boolean linkable) {
    Opened o = c.scratch().opened;
    var me = c.task.credentials;
    int m = fileMode(me, Stat.S_IFREG | mode) & 07777;
    int r = client.files.createUnnamed(fid, m, me.fsuid(), group(me.fsgid()), linkable, o);
    return r < 0 ? c.fail(r) : made(o);
  }

  private synchronized int fileMode(Credentials me, int mode) {
    return Access.newFileMode(me, mode, attr.mode, attr.gid);
  }

  /** The group of a new file; -1 where the host gives it that of a set-group-ID directory. */
  private synchronized int group(int fsgid) {
    return (attr.mode & 02000) != 0 ? -1 : fsgid;
  }

  /** Keeps an open file for the open that is to follow. @param mode its access mode */
  private void keep(HostFile f, int mode) {
    HostFile old;
    synchronized (this) {
      old = kept;
      kept = f;
      keptMode = mode;
    }
    if (old != null) {
      old.close();
    }
  }

  /** The file that is kept, if it is good for an open with {@code flags}; else null. */
  private HostFile take(int flags) {
    HostFile f;
    boolean isGood;
    synchronized (this) {
      f = kept;
      kept = null;
      isGood =
          (keptMode == Fcntl.O_RDWR || (flags & Fcntl.O_ACCMODE) == Fcntl.O_RDONLY)
              && (flags & Fcntl.O_SYNC) == 0;
    }
    if (f != null && !isGood) {
      f.close();
      return null;
    }
    return f;
  }

  @Override
  public void notOpened() {
    keep(null, 0);
  }

  private Inode made(Syscall c, int node, NodeAttr a) {
    stale();
    return node < 0 ? c.fail(node) : fs.inode(node, a);
  }

  @Override
  public Inode mkdir(Syscall c, String name, int mode) {
    NodeAttr a = c.scratch().attr;
    var me = c.task.credentials;
    return made(c, client.directories.mkdir(fid, name, mode, me.fsuid(), group(me.fsgid()), a), a);
  }

  @Override
  public Inode symlink(Syscall c, String name, String to) {
    NodeAttr a = c.scratch().attr;
    var me = c.task.credentials;
    return made(c, client.directories.symlink(fid, name, to, me.fsuid(), group(me.fsgid()), a), a);
  }

  @Override
  public Inode mknod(Syscall c, String name, int mode, long rdev) {
    int kind = mode & Stat.S_IFMT;
    if (kind == Stat.S_IFCHR || kind == Stat.S_IFBLK) {
      return c.fail(-Errno.EPERM); // no devices of the host for a guest
    }
    NodeAttr a = c.scratch().attr;
    var me = c.task.credentials;
    int m = fileMode(me, mode);
    return made(c, client.directories.mknod(fid, name, m, me.fsuid(), group(me.fsgid()), a), a);
  }

  @Override
  public int link(Syscall c, String name, Inode other) {
    NodeAttr a = c.scratch().attr;
    GoferInode node = (GoferInode) other;
    int r = client.directories.link(node.fid, fid, name, a);
    stale();
    if (r == 0) {
      node.refresh(a);
    }
    return r;
  }

  @Override
  public int unlink(Syscall c, String name, Inode child) {
    int r = client.directories.unlink(fid, name);
    stale();
    ((GoferInode) child).unlinked(r);
    return r;
  }

  @Override
  public int unlinkUnseen(Syscall c, String name) {
    NodeAttr a = c.scratch().attr;
    int r = client.directories.unlink(fid, name, a);
    if (r == 0) {
      stale();
      fs.unlinked(a);
    }
    return r;
  }

  @Override
  public int rmdir(Syscall c, String name, Inode child) {
    int r = client.directories.rmdir(fid, name);
    stale();
    ((GoferInode) child).unlinked(r);
    return r;
  }

  /** A name is gone. @param before attributes from before that */
  synchronized void unlinked(NodeAttr before) {
    if (before.type() == type) { // what cannot change is not believed
      refresh(before);
      unlinked(0);
    }
  }

  private synchronized void unlinked(int result) {
    if (result == 0) {
      attr.nlink = type == Stat.S_IFDIR ? 0 : Math.max(0, attr.nlink - 1);
      stale();
    }
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
    stale();
    to.stale();
    ((GoferInode) child).stale();
    if (replaced != null && (flags & io.redoubt.sentry.fs.Rename.EXCHANGE) == 0) {
      ((GoferInode) replaced).unlinked(r);
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
      t = readlink(c, client, fid);
      target = t;
    }
    return t;
  }

  /** The target of a symlink node; null with an errno. */
  static String readlink(Syscall c, GoferClient client, int fid) {
    byte[] to = new byte[LINK_MAX];
    int n = client.attributes.readlink(fid, to);
    return n < 0 ? c.fail(n) : new String(to, 0, n, StandardCharsets.ISO_8859_1);
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
          int[] error = new int[1];
          f = HostFile.open(client, fid, asked, c.scratch().opened, error);
          if (f == null) {
            return c.fail(error[0]);
          }
        }
        return new GoferFile(this, f, path, flags);
      }
      default -> {
        return SpecialNode.open(c, path, flags, type, attr.rdev, attachment);
      }
    }
  }

  @Override
  public Object[] attachment() {
    return attachment;
  }

  DirSnapshot list(Syscall c, int[] error) {
    return DirSnapshot.read(client, fid, error);
  }

  /** fsync(2) of a directory. */
  int syncDirectory(Syscall c) {
    Opened o = c.scratch().opened;
    int r = client.files.open(fid, Fcntl.O_RDONLY | Fcntl.O_DIRECTORY, o);
    if (r == 0) {
      int open = o.open;
      r = client.files.fsync(open, false);
      client.closeLater(open);
    }
    return r;
  }

  @Override
  public int readdir(Syscall c, long position, DirSink sink) {
    int[] error = new int[1];
    DirSnapshot s = list(c, error);
    if (s == null) {
      return error[0];
    }
    for (long i = position; i < s.count(); i++) {
      if (!sink.add(s.name((int) i), s.ino((int) i), s.type((int) i), i + 1)) {
        break;
      }
    }
    return 0;
  }

  // ---- extended attributes ----

  private static final int XATTR_MAX = 65_536;

  /** Names that exist, and carry the host's own security: file capabilities, labels. */
  private static boolean isHosts(String name) {
    return name.startsWith("security.") || name.startsWith("trusted.");
  }

  @Override
  public byte[] getxattr(Syscall c, String name) {
    if (!name.startsWith("user.")) {
      return c.fail(isHosts(name) ? -Errno.ENODATA : -Errno.EOPNOTSUPP);
    }
    byte[] to = new byte[XATTR_MAX];
    int n = client.attributes.getxattr(fid, name, to);
    return n < 0 ? c.fail(n) : Arrays.copyOf(to, n);
  }

  @Override
  public int setxattr(Syscall c, String name, byte[] value, int flags) {
    if (!name.startsWith("user.")) {
      return isHosts(name) ? -Errno.EPERM : -Errno.EOPNOTSUPP;
    }
    stale();
    return client.attributes.setxattr(fid, name, value, flags);
  }

  @Override
  public byte[] listxattr(Syscall c) {
    byte[] to = new byte[XATTR_MAX];
    int n = client.attributes.listxattr(fid, to);
    return n < 0 ? c.fail(n) : Arrays.copyOf(to, n);
  }

  @Override
  public int removexattr(Syscall c, String name) {
    if (!name.startsWith("user.")) {
      return isHosts(name) ? -Errno.EPERM : -Errno.EOPNOTSUPP;
    }
    stale();
    return client.attributes.removexattr(fid, name);
  }

  @Override
  public int statfs(Syscall c, StatFs out) {
    return fs.statfs(c, fid, out);
  }

  @Override
  public int syncFileSystem(Syscall c) {
    return type == Stat.S_IFDIR ? syncDirectory(c) : 0;
  }
}
