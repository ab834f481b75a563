package io.redoubt.sentry.fs;

import io.redoubt.host.Errno;
import io.redoubt.sentry.ipc.Fifo;
import io.redoubt.sentry.kernel.Syscall;

/**
 * Opens what a file system only has a name for: FIFOs and devices are the sentry's own, whatever
 * layer the name is in.
 */
public final class SpecialNode {
  private SpecialNode() {}

  /**
   * Opens a node as {@link Inode#open} does.
   *
   * @param type S_IFIFO, S_IFCHR, S_IFBLK or S_IFSOCK
   * @param attachment of the inode, where a FIFO keeps its pipe
   */
  public static OpenFile open(
      Syscall c, Path path, int flags, int type, long rdev, Object[] attachment) {
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
