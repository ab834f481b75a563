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

  private volatile int flags;
  private volatile Mount parent;
  private volatile Dentry mountPoint;

  public Mount(String type, String source, Dentry root) {
    this(type, source, root, 0);
  }

  /**
   * @param flags of {@link #READ_ONLY} and the like
   */
  public Mount(String type, String source, Dentry root, int flags) {
    this.type = type;
    this.source = source;
    this.root = root;
    this.flags = flags;
  }

  /** What it is mounted on; null for the root and for what is not mounted. */
  public Mount parent() {
    return parent;
  }

  /** The dentry of {@link #parent()} that it covers. */
  public Dentry mountPoint() {
    return mountPoint;
  }

  public int flags() {
    return flags;
  }

  public boolean isReadOnly() {
    return (flags & READ_ONLY) != 0;
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

  void attachTo(Mount parent, Dentry mountPoint) {
    this.parent = parent;
    this.mountPoint = mountPoint;
  }
}
