package io.redoubt.sentry.syscalls;

import io.redoubt.sentry.fs.FsContext;
import io.redoubt.sentry.fs.Mount;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.kernel.Kernel;
import io.redoubt.sentry.kernel.Process;
import io.redoubt.sentry.kernel.Task;

/**
 * Whether somebody stands on a mount: what umount2(2) answers EBUSY to. Found by looking, since a
 * mount that is taken away lives on for who uses it, and only this one call asks. Not seen are
 * mappings of files that are closed, and descriptors in messages.
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
        var files = t.files;
        for (int fd : files == null ? new int[0] : files.numbers()) {
          OpenFile f = files.get(fd);
          if (f != null && isOn(f.path(), m)) {
            return true;
          }
        }
      }
    }
    return false;
  }

  private static boolean isOn(Path p, Mount m) {
    return p != null && p.mount() == m;
  }
}
