package io.redoubt.gofer;

import io.redoubt.host.Dir;

/** Which attributes to change and to what. What is not set stays. */
public final class SetAttr {
  int mask;
  int mode;
  int uid = -1;
  int gid = -1;
  long size;
  long atimeSeconds;
  long atimeNanos = Dir.UTIME_OMIT;
  long mtimeSeconds;
  long mtimeNanos = Dir.UTIME_OMIT;

  /** Permission bits, 07777. */
  public SetAttr mode(int mode) {
    mask |= Protocol.SET_MODE;
    this.mode = mode;
    return this;
  }

  /** Owner; -1 keeps it. */
  public SetAttr uid(int uid) {
    mask |= Protocol.SET_UID;
    this.uid = uid;
    return this;
  }

  /** Group; -1 keeps it. */
  public SetAttr gid(int gid) {
    mask |= Protocol.SET_GID;
    this.gid = gid;
    return this;
  }

  /** Bytes of a regular file. */
  public SetAttr size(long size) {
    mask |= Protocol.SET_SIZE;
    this.size = size;
    return this;
  }

  /** Time of access; nanoseconds may be UTIME_NOW or UTIME_OMIT. */
  public SetAttr atime(long seconds, long nanos) {
    mask |= Protocol.SET_TIMES;
    atimeSeconds = seconds;
    atimeNanos = nanos;
    return this;
  }

  /** Time of change of the content; nanoseconds may be UTIME_NOW or UTIME_OMIT. */
  public SetAttr mtime(long seconds, long nanos) {
    mask |= Protocol.SET_TIMES;
    mtimeSeconds = seconds;
    mtimeNanos = nanos;
    return this;
  }
}
