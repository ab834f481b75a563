package io.redoubt.sentry.fs;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * A file system, or a part of one (a bind mount), at a place in the tree. Parent and place change
 * under {@link Vfs#tree} only.
 */
public final class Mount {
  /** Mount flags, in the values of mount(2) and statfs(2). */
  public static final int READ_ONLY = 1;

  public static final int NOSUID = 2;
  public static final int NODEV = 4;
  public static final int NOEXEC = 8;

  /**
   * The kernel's own, nowhere in the tree: its files are named as if it were the root
   * (/memfd:NAME).
   */
  public static final int INTERNAL = 1 << 14;

  public static final int NOATIME = 1024;
  public static final int NODIRATIME = 2048;
  public static final int RELATIME = 1 << 21;

  private static final AtomicInteger IDS = new AtomicInteger(20);

  /** Mount id, as in mountinfo and statx. */
  public final int id = IDS.incrementAndGet();

  public final String type;
  public final String source;
  public final Dentry root;

  /** Super block options for /proc/mounts, such as "size=1024k"; "" for none. */
  public volatile String options = "";

  private final SuperBlock superBlock;
  private volatile int flags;
  private volatile boolean expires;
  private volatile Mount parent;
  private volatile Dentry mountPoint;

  public Mount(String type, String source, Dentry root) {
    this(type, source, root, 0);
  }

  /**
   * A new file system, read-only itself if the mount is.
   *
   * @param flags of {@link #READ_ONLY} and the like
   */
  public Mount(String type, String source, Dentry root, int flags) {
    this(type, source, root, flags, new SuperBlock((flags & READ_ONLY) != 0));
  }

  private Mount(String type, String source, Dentry root, int flags, SuperBlock superBlock) {
    this.type = type;
    this.source = source;
    this.root = root;
    this.flags = flags;
    this.superBlock = superBlock;
  }

  /** Another mount of the same file system, from {@code root} on, with flags of its own. */
  public Mount bind(Dentry root, int flags) {
    Mount m = new Mount(type, source, root, flags, superBlock);
    m.options = options;
    return m;
  }

  /** What it is mounted on; null for the root and for what is not mounted. */
  public Mount parent() {
    return parent;
  }

  /** The dentry of {@link #parent()} that it covers. */
  public Dentry mountPoint() {
    return mountPoint;
  }

  /** The mount's own: a file system that is read-only is not among them. */
  public int flags() {
    return flags;
  }

  public SuperBlock superBlock() {
    return superBlock;
  }

  /** Nothing is written here, since the mount or its file system is read-only. */
  public boolean isReadOnly() {
    return (flags & READ_ONLY) != 0 || superBlock.isReadOnly();
  }

  /** Set-user-ID bits and file capabilities have no effect here. */
  public boolean isNosuid() {
    return (flags & NOSUID) != 0;
  }

  /** Devices cannot be opened here. */
  public boolean isNodev() {
    return (flags & NODEV) != 0;
  }

  /** Nothing can be executed from here, nor mapped executable. */
  boolean isInternal() {
    return (flags & INTERNAL) != 0;
  }

  public boolean isNoexec() {
    return (flags & NOEXEC) != 0;
  }

  void setFlags(int flags) {
    this.flags = flags;
  }

  /** Whether nobody has used the mount since {@link #expire}: MNT_EXPIRE, mnt_expiry_mark. */
  public boolean isExpiring() {
    return expires;
  }

  /** The next use takes the mark away. */
  public void expire() {
    expires = true;
  }

  /** Somebody has used the mount: mntput(). */
  void used() {
    if (expires) {
      expires = false;
    }
  }

  void attachTo(Mount parent, Dentry mountPoint) {
    this.parent = parent;
    this.mountPoint = mountPoint;
  }
}
