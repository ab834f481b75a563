package io.redoubt.sentry.fs;

/**
 * A change of attributes; only the fields whose bit is in {@link #mask} count. Permission has been
 * checked by the caller.
 */
public final class SetAttr {
  public static final int MODE = 1;
  public static final int UID = 2;
  public static final int GID = 4;
  public static final int SIZE = 8;
  public static final int ATIME = 16;
  public static final int MTIME = 32;

  public int mask;
  public int mode; // permission bits only (07777)
  public int uid;
  public int gid;
  public long size;
  public long atimeSec;
  public int atimeNsec;
  public long mtimeSec;
  public int mtimeNsec;
}
