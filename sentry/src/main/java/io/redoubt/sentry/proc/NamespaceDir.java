package io.redoubt.sentry.proc;

import io.redoubt.sentry.fs.AnonInode;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.pseudo.PseudoDir;
import io.redoubt.sentry.fs.pseudo.PseudoFs;
import io.redoubt.sentry.fs.pseudo.PseudoLink;
import io.redoubt.sentry.kernel.Syscall;

/**
 * {@code /proc/PID/ns}: every task of a sandbox is in the same namespaces, whose numbers tell only
 * that.
 */
final class NamespaceDir extends PseudoDir {
  private static final long FIRST = 4026531834L; // PROC_DYNAMIC_FIRST of Linux and some

  private static final String[] NAMES = {
    "cgroup",
    "cgroup",
    "ipc",
    "ipc",
    "mnt",
    "mnt",
    "net",
    "net",
    "pid",
    "pid",
    "pid_for_children",
    "pid",
    "time",
    "time",
    "time_for_children",
    "time",
    "user",
    "user",
    "uts",
    "uts"
  };

  NamespaceDir(TaskDir dir, long ino) {
    super(dir.fileSystem(), ino, 0511);
    for (int i = 0; i < NAMES.length; i += 2) {
      String kind = NAMES[i + 1];
      add(
          NAMES[i],
          new NamespaceLink(
              dir.fileSystem(),
              dir.target,
              ino + (i + 1L << 12),
              kind + ":[" + number(kind) + "]"));
    }
  }

  private static long number(String kind) {
    for (int i = 1; ; i += 2) {
      if (NAMES[i].equals(kind)) {
        return FIRST + i;
      }
    }
  }

  /** One link; what it leads to can be looked at, not joined. */
  private static final class NamespaceLink extends PseudoLink {
    private final Target target;

    NamespaceLink(PseudoFs fs, Target target, long ino, String text) {
      super(fs, ino, 0777, text);
      this.target = target;
      TaskDir.ownBy(this, target);
    }

    @Override
    public String readlink(Syscall c) {
      int r = target.mayInspect(c);
      return r < 0 ? c.fail(r) : super.readlink(c);
    }

    @Override
    public Path followMagic(Syscall c) {
      int r = target.mayInspect(c);
      return r < 0 ? c.fail(r) : AnonInode.path(super.readlink(c), Stat.S_IFREG | 0444);
    }
  }
}
