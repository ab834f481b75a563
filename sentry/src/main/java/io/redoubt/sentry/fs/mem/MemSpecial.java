package io.redoubt.sentry.fs.mem;

import io.redoubt.host.Errno;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.ipc.Fifo;
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
    return open(c, path, flags, type(), rdev, attachment);
  }

  /** Opens what a name of this kind stands for. */
  static OpenFile open(Syscall c, Path path, int flags, int type, long rdev, Object[] attachment) {
    return switch (type) {
      case Stat.S_IFIFO -> fifo(attachment).open(c, path, flags);
      case Stat.S_IFCHR, Stat.S_IFBLK -> c.task.kernel.devices.open(c, path, flags, type, rdev);
      default -> c.fail(-Errno.ENXIO); // a socket is not opened but connected to
    };
  }

  private static Fifo fifo(Object[] attachment) {
    synchronized (attachment) {
      if (attachment[0] == null) {
        attachment[0] = new Fifo();
      }
      return (Fifo) attachment[0];
    }
  }
}
