package io.redoubt.sentry.syscalls;

import io.redoubt.sentry.fs.FsContext;
import io.redoubt.sentry.fs.Mount;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.SuperBlock;
import io.redoubt.sentry.kernel.Kernel;
import io.redoubt.sentry.kernel.Process;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.Task;
import java.util.function.Predicate;

/**
 * Whether somebody stands on a mount, or writes: what umount2(2) and mount(2) answer EBUSY to.
 * Found by looking, since a mount that is taken away lives on for who uses it, and only these two
 * calls ask. Not seen are mappings of files that are closed, and descriptors in messages.
 */
final class MountUse {
  private MountUse() {}

  static boolean isBusy(Kernel kernel, Mount m) {
    for (Process p : kernel.tasks.processes()) {
      for (Task t : p.tasks()) {
        FsContext fs = t.fs;
        if (fs != null && (isOn(fs.cwd(), m) || isOn(fs.root(), m))) {
          return true;
        }
      }
    }
    return isAnyOpen(kernel, f -> isOn(f.path(), m));
  }

  /** Whether a file is open for writing by way of {@code m}: mnt_get_writers(). */
  static boolean isWritten(Kernel kernel, Mount m) {
    return isAnyOpen(kernel, f -> isWriter(f) && isOn(f.path(), m));
  }

  /**
   * Whether one is by way of any mount of a file system, or something that has no name any more is
   * in use there: sb_prepare_remount_readonly().
   */
  static boolean isWritten(Syscall c, SuperBlock superBlock) {
    Kernel kernel = c.task.kernel;
    for (Process p : kernel.tasks.processes()) {
      for (Task t : p.tasks()) {
        FsContext fs = t.fs;
        if (fs != null && isRemovedOn(c, fs.cwd(), superBlock)) {
          return true;
        }
      }
    }
    return isAnyOpen(
        kernel,
        f -> isOn(f.path(), superBlock) && isWriter(f) || isRemovedOn(c, f.path(), superBlock));
  }

  private static boolean isAnyOpen(Kernel kernel, Predicate<OpenFile> which) {
    for (Process p : kernel.tasks.processes()) {
      for (Task t : p.tasks()) {
        var files = t.files;
        for (int fd : files == null ? new int[0] : files.numbers()) {
          OpenFile f = files.get(fd);
          if (f != null && which.test(f)) {
            return true;
          }
        }
      }
    }
    return false;
  }

  /** Devices and FIFOs are not in the way: do_dentry_open(). */
  private static boolean isWriter(OpenFile f) {
    return f.isWritable() && f.inode().type() == Stat.S_IFREG;
  }

  private static boolean isOn(Path p, Mount m) {
    return p != null && p.mount() == m;
  }

  private static boolean isOn(Path p, SuperBlock superBlock) {
    return p != null && p.mount().superBlock() == superBlock;
  }

  private static boolean isRemovedOn(Syscall c, Path p, SuperBlock superBlock) {
    if (!isOn(p, superBlock)) {
      return false;
    }
    Stat st = new Stat();
    return p.inode().getattr(c, st) == 0 && st.nlink == 0;
  }
}
