package io.redoubt.sentry.fs.mem;

import io.redoubt.gofer.NodeAttr;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.SpecialNode;
import io.redoubt.sentry.kernel.Syscall;

/** A FIFO, a socket or a device node: a name for something that the file system does not hold. */
final class MemSpecial extends MemInode {
  private final long rdev;

  /** The pipe of a FIFO, the socket bound here. */
  private final Object[] attachment = new Object[1];

  MemSpecial(MemFs fs, int mode, int uid, int gid, long rdev) {
    super(fs, mode, uid, gid);
    this.rdev = rdev;
  }

  MemSpecial(MemFs fs, MemDir parent, String name, int fid, NodeAttr attr) {
    super(fs, parent, name, fid, attr);
    this.rdev = attr.rdev;
  }

  @Override
  long size() {
    return 0;
  }

  @Override
  long rdev() {
    return rdev;
  }

  @Override
  public Object[] attachment() {
    return attachment;
  }

  @Override
  public OpenFile open(Syscall c, Path path, int flags) {
    return SpecialNode.open(c, path, flags, type(), rdev, attachment);
  }
}
