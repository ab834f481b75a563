package io.redoubt.sentry.fs;

import io.redoubt.sentry.kernel.Syscall;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The inode of what has no name: pipes, sockets, epoll and event fds. Each gets a number of its
 * own, as in Linux's pipefs and sockfs.
 */
public class AnonInode extends Inode {
  private static final AtomicLong NUMBERS = new AtomicLong(1000);
  private static final Mount MOUNT =
      new Mount(
          "anon_inodefs",
          "anon_inodefs",
          new Dentry(null, "/", new AnonInode(Stat.S_IFDIR | 0500)));

  public final long ino;
  private final int mode;
  private volatile int uid;
  private volatile int gid;
  private final long timeSec = System.currentTimeMillis() / 1000;

  /**
   * @param mode type and permission bits; type 0 is that of anon_inode files
   */
  public AnonInode(int mode) {
    this(mode, NUMBERS.incrementAndGet());
  }

  /** An inode with the number of an object of the host that it stands for. */
  public AnonInode(int mode, long ino) {
    this.mode = mode;
    this.ino = ino;
  }

  /**
   * A path for an anonymous file of {@code mode}. @param name shown in /proc, such as
   * "anon_inode:[eventfd]"
   */
  public static Path path(String name, int mode) {
    return path(name, new AnonInode(mode));
  }

  /** A path for an anonymous file with this inode. */
  public static Path path(String name, AnonInode inode) {
    return new Path(MOUNT, new Dentry(null, name, inode));
  }

  @Override
  public int type() {
    return mode & Stat.S_IFMT;
  }

  @Override
  public int getattr(Syscall c, Stat out) {
    out.dev = Stat.makedev(0, 15);
    out.ino = ino;
    out.mode = mode;
    out.nlink = 1;
    out.uid = uid;
    out.gid = gid;
    out.rdev = 0;
    out.size = 0;
    out.blksize = 4096;
    out.blocks = 0;
    out.atimeSec = out.mtimeSec = out.ctimeSec = timeSec;
    out.atimeNsec = out.mtimeNsec = out.ctimeNsec = 0;
    return 0;
  }

  @Override
  public int setattr(Syscall c, SetAttr change) {
    if ((change.mask & SetAttr.UID) != 0) {
      uid = change.uid;
    }
    if ((change.mask & SetAttr.GID) != 0) {
      gid = change.gid;
    }
    return 0;
  }
}
