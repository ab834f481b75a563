package io.redoubt.sentry.dev;

import io.redoubt.host.Errno;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.kernel.Syscall;

/**
 * From a device number to an open device, for nodes of any file system: those of /dev, made with
 * mknod(2), or of the lower tree.
 *
 * <p>A number means the sentry's own device and never one of the host; what is not here is ENXIO.
 * Numbers are those of Linux (Documentation/admin-guide/devices.txt).
 */
public final class Devices {
  public static final int MAJOR_MEMORY = 1;
  public static final int MAJOR_TTY = 5;
  public static final int MAJOR_PTS = 136; // the minor is the number of the pty

  public static final long NULL = Stat.makedev(MAJOR_MEMORY, 3);
  public static final long ZERO = Stat.makedev(MAJOR_MEMORY, 5);
  public static final long FULL = Stat.makedev(MAJOR_MEMORY, 7);
  public static final long RANDOM = Stat.makedev(MAJOR_MEMORY, 8);
  public static final long URANDOM = Stat.makedev(MAJOR_MEMORY, 9);
  public static final long TTY = Stat.makedev(MAJOR_TTY, 0);
  public static final long CONSOLE = Stat.makedev(MAJOR_TTY, 1);
  public static final long PTMX = Stat.makedev(MAJOR_TTY, 2);

  /** What opens the terminals. */
  public interface Opener {
    /** Opens device {@code minor}. @return an open file, or null with {@link Syscall#error()} */
    OpenFile open(Syscall c, Path path, int flags, int minor);
  }

  private static final MemoryFile.Kind[] MEMORY = MemoryFile.Kind.values();

  private final int hostZero = MemoryFile.openHostZero();
  private volatile Opener terminals;
  private volatile Opener ptys;

  /** Sets what opens major 5 (tty, console, ptmx) and 136 (the slaves of ptys). */
  public void setTerminals(Opener major5, Opener pts) {
    terminals = major5;
    ptys = pts;
  }

  /**
   * Opens a character or block device.
   *
   * @param type S_IFCHR or S_IFBLK
   * @param flags as given to {@link io.redoubt.sentry.fs.Inode#open}
   * @return an open file, or null with ENXIO or what the device says
   */
  public OpenFile open(Syscall c, Path path, int flags, int type, long rdev) {
    if (type != Stat.S_IFCHR) {
      return c.fail(-Errno.ENXIO);
    }
    int major = io.redoubt.host.Stat.major(rdev);
    int minor = io.redoubt.host.Stat.minor(rdev);
    if (major == MAJOR_MEMORY) {
      for (MemoryFile.Kind k : MEMORY) {
        if (k.minor == minor) {
          return new MemoryFile(path, flags, k, hostZero);
        }
      }
    } else if (major == MAJOR_TTY && terminals != null) {
      return terminals.open(c, path, flags, minor);
    } else if (major == MAJOR_PTS && ptys != null) {
      return ptys.open(c, path, flags, minor);
    }
    return c.fail(-Errno.ENXIO);
  }
}
