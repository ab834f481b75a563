package io.redoubt.sentry.proc;

import io.redoubt.host.Errno;
import io.redoubt.sentry.fs.Mount;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.Task;

/**
 * {@code mounts}, {@code mountinfo} and {@code mountstats}: the mounts that a task can see below
 * its root (proc_pid_mountinfo(5)).
 */
final class MountFiles {
  private MountFiles() {}

  static int mounts(Syscall c, Target target, StringBuilder out) {
    Path root = root(target);
    if (root == null) {
      return -Errno.EINVAL;
    }
    for (Mount m : c.task.kernel.vfs.mounts()) {
      String at = GuestPaths.mountPoint(root, m);
      if (at == null) {
        continue;
      }
      escaped(out, m.source).append(' ');
      escaped(out, at).append(' ').append(m.type).append(' ');
      flags(out, m.isReadOnly() ? m.flags() | Mount.READ_ONLY : m.flags());
      options(out, m).append(" 0 0\n");
    }
    return 0;
  }

  static int mountinfo(Syscall c, Target target, StringBuilder out) {
    Path root = root(target);
    if (root == null) {
      return -Errno.EINVAL;
    }
    Stat st = new Stat();
    for (Mount m : c.task.kernel.vfs.mounts()) {
      String at = GuestPaths.mountPoint(root, m);
      if (at == null) {
        continue;
      }
      st.dev = 0;
      m.root.inode().getattr(c, st);
      out.append(m.id).append(' ').append(m.parent() == null ? 1 : m.parent().id).append(' ');
      out.append(io.redoubt.host.Stat.major(st.dev))
          .append(':')
          .append(io.redoubt.host.Stat.minor(st.dev))
          .append(' ');
      escaped(out, GuestPaths.within(m.root)).append(' ');
      escaped(out, at).append(' ');
      flags(out, m.flags());
      out.append(" - ").append(m.type).append(' ');
      escaped(out, m.source).append(' ').append(m.superBlock().isReadOnly() ? "ro" : "rw");
      options(out, m).append('\n');
    }
    return 0;
  }

  static int mountstats(Syscall c, Target target, StringBuilder out) {
    Path root = root(target);
    if (root == null) {
      return -Errno.EINVAL;
    }
    for (Mount m : c.task.kernel.vfs.mounts()) {
      String at = GuestPaths.mountPoint(root, m);
      if (at != null) {
        out.append("device ");
        escaped(out, m.source).append(" mounted on ");
        escaped(out, at).append(" with fstype ").append(m.type).append('\n');
      }
    }
    return 0;
  }

  private static Path root(Target target) {
    Task t = target.thread();
    return t == null ? null : t.fs.root();
  }

  private static void flags(StringBuilder out, int flags) {
    out.append((flags & Mount.READ_ONLY) != 0 ? "ro" : "rw");
    flag(out, flags, Mount.NOSUID, ",nosuid");
    flag(out, flags, Mount.NODEV, ",nodev");
    flag(out, flags, Mount.NOEXEC, ",noexec");
    flag(out, flags, Mount.NOATIME, ",noatime");
    flag(out, flags, Mount.NODIRATIME, ",nodiratime");
    flag(out, flags, Mount.RELATIME, ",relatime");
  }

  private static void flag(StringBuilder out, int flags, int bit, String name) {
    if ((flags & bit) != 0) {
      out.append(name);
    }
  }

  private static StringBuilder options(StringBuilder out, Mount m) {
    if (!m.options.isEmpty()) {
      out.append(',').append(m.options);
    }
    return out;
  }

  /** As mangle() of Linux: what would break a line into fields is written in octal. */
  private static StringBuilder escaped(StringBuilder out, String s) {
    for (int i = 0; i < s.length(); i++) {
      char ch = s.charAt(i);
      switch (ch) {
        case ' ' -> out.append("\\040");
        case '\t' -> out.append("\\011");
        case '\n' -> out.append("\\012");
        case '\\' -> out.append("\\134");
        case '#' -> out.append("\\043");
        default -> out.append(ch);
      }
    }
    return out;
  }
}
