package io.redoubt.sentry.fs.gofer;

import io.redoubt.gofer.GoferClient;
import io.redoubt.gofer.NodeAttr;
import io.redoubt.gofer.NodeWatch;
import io.redoubt.host.Errno;
import io.redoubt.sentry.fs.Access;
import io.redoubt.sentry.fs.SetAttr;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.Syscall;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The attributes of a file of the host, as they were when the gofer was asked last. Its monitor
 * guards them, and is the innermost lock.
 *
 * <p>An inode that is asked for again and again is watched ({@link NodeWatch}); what was said of it
 * then holds until something happens to it.
 */
final class HostAttributes {
  /** Attributes younger than this are those that the walk of the same call has brought. */
  private static final long FRESH_NANOS = 100_000;

  /** For permission checks on the way: a change of a mode by others is seen after this time. */
  private static final long ACCESS_NANOS = 1_000_000_000;

  /** Answers of the gofer about it before it is worth a watch, which is one more message. */
  private static final int ASKS = 3;

  /** After so many more one that had none to get is tried again: a power of two. */
  private static final int ASKS_AGAIN = 64;

  private static final int XATTR_MAX = 65_536;

  private final GoferFs fs;
  private final GoferClient client;
  private final int fid;
  private final int type;
  private final long dev;
  private final long ino;
  private final NodeAttr attr = new NodeAttr();
  private long fetchedNanos;

  /** {@link NodeWatch#stamp} from before they were asked for; 0: they hold for the moment only. */
  private volatile long stamp;

  /** The guest may store into it at any time: that changes its times, and is no event. */
  private boolean isMapped;

  private volatile NodeWatch watch;
  private int asks; // about how often the gofer was asked

  /** When mode and owner were fetched: what happens inside a directory does not change those. */
  private long permissionNanos;

  HostAttributes(GoferFs fs, int fid, NodeAttr found) {
    this.fs = fs;
    this.client = fs.client;
    this.fid = fid;
    this.type = found.type();
    this.dev = found.dev;
    this.ino = found.ino;
    refresh(found, 0);
  }

  boolean isWatched() {
    return watch != null;
  }

  /** The stamp of what will be asked now; 0 where nothing tells of changes. */
  long stamp() {
    NodeWatch w = watch;
    return w == null ? 0 : w.stamp();
  }

  /** The same for a name in the directory. */
  long stamp(String name) {
    NodeWatch w = watch;
    return w == null ? 0 : w.stamp(name);
  }

  /** {@link NodeWatch#event} of a name in the directory. */
  long event(String name) {
    NodeWatch w = watch;
    return w == null ? 0 : w.event(name);
  }

  /** {@link NodeWatch#stampAfter}; 0 where nothing tells of changes. */
  long stampAfter(String name, long before) {
    NodeWatch w = watch;
    return w == null ? 0 : w.stampAfter(name, before);
  }

  /** The gofer had to be asked, about the file or a name in it. */
  void wasAsked() {
    NodeWatch w = watch;
    if (w != null) {
      if (w.isOver()) {
        watch = null;
        asks = 0;
      }
    } else if ((++asks & ASKS_AGAIN - 1) == ASKS
        && (type == Stat.S_IFDIR || type == Stat.S_IFREG)) {
      watch = client.watches.watch(fid, type == Stat.S_IFDIR);
    }
  }

  /**
   * A walk has heard of all changes, and come here without asking: attributes that are unchanged
   * are as good as those that it would have brought, and others are not to be taken for such.
   */
  synchronized void foundUnchanged() {
    long now = System.nanoTime();
    boolean isUnchanged = stamp != 0 && stamp == stamp();
    fetchedNanos = isUnchanged ? now : now - ACCESS_NANOS;
  }

  /** A read has changed the time of access, perhaps. */
  void wasRead() {
    if (stamp != 0) {
      synchronized (this) {
        stamp = 0;
      }
    }
  }

  /** The guest has it mapped and may store into it. */
  synchronized void wasMapped() {
    isMapped = true;
    stale();
  }

  /** What never changes while it is the same file. */
  long dev() {
    return dev;
  }

  /** The same. */
  long ino() {
    return ino;
  }

  synchronized long rdev() {
    return attr.rdev;
  }

  /**
   * As {@link #refresh}, if it is the same file: of the attributes those that cannot change are not
   * believed.
   */
  synchronized void refreshIfSame(NodeAttr now, long stamp) {
    if (now.dev == dev && now.ino == ino && now.type() == type) {
      refresh(now, stamp);
    }
  }

  synchronized boolean isUnlinked() {
    return attr.nlink == 0;
  }

  /**
   * @param stamp of before they were asked for. Of two answers that come in the wrong order the
   *     older has an older one, and is not believed
   */
  synchronized void refresh(NodeAttr found, long stamp) {
    attr.set(found);
    this.stamp = isMapped ? 0 : stamp;
    fetchedNanos = System.nanoTime();
    permissionNanos = fetchedNanos;
  }

  /** What is known of size and times is no longer true. */
  synchronized void stale() {
    stamp = 0;
    fetchedNanos = System.nanoTime() - ACCESS_NANOS;
  }

  /** Whether what is known is what the host would say now. */
  boolean areKnown() {
    long known;
    synchronized (this) {
      if (System.nanoTime() - fetchedNanos < FRESH_NANOS) {
        return true;
      }
      known = stamp;
    }
    return known != 0 && client.watches.hear() && known == stamp();
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
    long before = stamp();
    int r = client.attributes.getattr(fid, a);
    if (r == 0) {
      refresh(a, before);
      wasAsked();
    }
    return r;
  }

  /** Attributes by a descriptor of this file. */
  int getattr(Syscall c, int fd, Stat out) {
    MemorySegment stat = c.scratch().small;
    long before = stamp();
    int r = io.redoubt.host.Stat.fstat(fd, stat);
    if (r < 0) {
      return r;
    }
    NodeAttr a = c.scratch().attr;
    a.loadStat(stat);
    a.uid = client.ids().user(a.uid);
    a.gid = client.ids().group(a.gid);
    refresh(a, before);
    copy(out);
    return 0;
  }

  /** Attributes by the gofer. */
  int fetch(Syscall c, Stat out) {
    int r = fetch(c);
    if (r == 0) {
      copy(out);
    }
    return r;
  }

  int permissions(Syscall c, Stat out) {
    int r = updatePermissions(c);
    if (r == 0) {
      copy(out);
    }
    return r;
  }

  /** What is known. */
  void copy(Stat out) {
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

  int access(Syscall c, int want) {
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

  int setattr(Syscall c, SetAttr change) {
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
      refresh(a, 0);
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

  synchronized int fileMode(Credentials me, int mode) {
    return Access.newFileMode(me, mode, attr.mode, attr.gid);
  }

  /** The group of a new file; -1 where the host gives it that of a set-group-ID directory. */
  synchronized int group(int fsgid) {
    return (attr.mode & 02000) != 0 ? -1 : fsgid;
  }

  /** A name is gone. @param before attributes from before that */
  synchronized void unlinked(NodeAttr before) {
    if (before.type() == type) { // what cannot change is not believed
      refresh(before, 0);
      unlinked(0);
    }
  }

  synchronized void unlinked(int result) {
    if (result == 0) {
      attr.nlink = type == Stat.S_IFDIR ? 0 : Math.max(0, attr.nlink - 1);
      stale();
    }
  }

  /** Names that exist, and carry the host's own security: file capabilities, labels. */
  private static boolean isHosts(String name) {
    return name.startsWith("security.") || name.startsWith("trusted.");
  }

  byte[] getxattr(Syscall c, String name) {
    if (!name.startsWith("user.")) {
      return c.fail(isHosts(name) ? -Errno.ENODATA : -Errno.EOPNOTSUPP);
    }
    byte[] to = new byte[XATTR_MAX];
    int n = client.attributes.getxattr(fid, name, to);
    return n < 0 ? c.fail(n) : Arrays.copyOf(to, n);
  }

  int setxattr(Syscall c, String name, byte[] value, int flags) {
    if (!name.startsWith("user.")) {
      return isHosts(name) ? -Errno.EPERM : -Errno.EOPNOTSUPP;
    }
    stale();
    return client.attributes.setxattr(fid, name, value, flags);
  }

  byte[] listxattr(Syscall c) {
    byte[] to = new byte[XATTR_MAX];
    int n = client.attributes.listxattr(fid, to);
    return n < 0 ? c.fail(n) : Arrays.copyOf(to, n);
  }

  int removexattr(Syscall c, String name) {
    if (!name.startsWith("user.")) {
      return isHosts(name) ? -Errno.EPERM : -Errno.EOPNOTSUPP;
    }
    stale();
    return client.attributes.removexattr(fid, name);
  }
}
