package io.redoubt.sentry.dev;

import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.pseudo.PseudoFs;
import io.redoubt.sentry.fs.pseudo.PseudoInode;
import io.redoubt.sentry.kernel.Syscall;

/** The node of a character device in a pseudo file system. */
public class DeviceNode extends PseudoInode {
  private final long rdev;

  public DeviceNode(PseudoFs fs, long ino, int permissions, long rdev) {
    super(fs, ino, Stat.S_IFCHR | permissions);
    this.rdev = rdev;
  }

  @Override
  protected final long rdev() {
    return rdev;
  }

  @Override
  public OpenFile open(Syscall c, Path path, int flags) {
    return c.task.kernel.devices.open(c, path, flags, Stat.S_IFCHR, rdev);
  }
}
