package io.redoubt.sentry.dev;

import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.SetAttr;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.mem.MemFs;
import io.redoubt.sentry.kernel.Syscall;

/**
 * What is in /dev at the start: a tmpfs, as container runtimes make it, so that the guest's root
 * can add to it. The directories are places for mounts: devpts at {@code pts}, tmpfs at {@code
 * shm}, mqueue.
 */
public final class DevFs {
  /** Group of terminals by convention (Debian, Fedora: 5). */
  public static final int GROUP_TTY = 5;

  private static final long LIMIT_BYTES = 64 << 10; // as runc: names only, no data to speak of

  private DevFs() {}

  /**
   * Makes a new instance.
   *
   * @param c a call with the credentials of the guest's root
   * @return its root directory
   */
  public static Inode create(Syscall c) {
    Inode root = MemFs.tmpfs(LIMIT_BYTES, 0755);
    node(c, root, "null", 0666, Devices.NULL);
    node(c, root, "zero", 0666, Devices.ZERO);
    node(c, root, "full", 0666, Devices.FULL);
    node(c, root, "random", 0666, Devices.RANDOM);
    node(c, root, "urandom", 0666, Devices.URANDOM);
    terminal(c, node(c, root, "tty", 0666, Devices.TTY));
    terminal(c, node(c, root, "console", 0620, Devices.CONSOLE));
    root.symlink(c, "ptmx", "pts/ptmx");
    root.symlink(c, "fd", "/proc/self/fd");
    root.symlink(c, "stdin", "/proc/self/fd/0");
    root.symlink(c, "stdout", "/proc/self/fd/1");
    root.symlink(c, "stderr", "/proc/self/fd/2");
    root.mkdir(c, "pts", 0755);
    root.mkdir(c, "shm", 01777);
    root.mkdir(c, "mqueue", 01777);
    return root;
  }

  private static Inode node(Syscall c, Inode root, String name, int permissions, long rdev) {
    return root.mknod(c, name, Stat.S_IFCHR | permissions, rdev);
  }

  private static void terminal(Syscall c, Inode node) {
    SetAttr group = new SetAttr();
    group.mask = SetAttr.GID;
    group.gid = GROUP_TTY;
    node.setattr(c, group);
  }
}
