package io.redoubt.sentry.proc;

import io.redoubt.host.Errno;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.pseudo.PseudoDir;
import io.redoubt.sentry.fs.pseudo.PseudoFile;
import io.redoubt.sentry.fs.pseudo.PseudoInode;
import io.redoubt.sentry.fs.pseudo.PseudoLink;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.Task;
import java.util.function.Function;

/**
 * {@code cwd}, {@code root} and {@code exe} of a task: links that lead to the object itself,
 * whatever its name has become.
 */
final class TaskLinks extends PseudoLink {
  private final Target target;
  private final Function<Target, Path> where;

  private TaskLinks(TaskDir dir, long ino, Function<Target, Path> where) {
    super(dir.fileSystem(), ino, 0777, null);
    this.target = dir.target;
    this.where = where;
  }

  static PseudoInode cwd(TaskDir dir, long ino) {
    return new TaskLinks(dir, ino, t -> ofThread(t, false));
  }

  static PseudoInode root(TaskDir dir, long ino) {
    return new TaskLinks(dir, ino, t -> ofThread(t, true));
  }

  static PseudoInode exe(TaskDir dir, long ino) {
    return new TaskLinks(dir, ino, t -> t.process().exe);
  }

  private static Path ofThread(Target t, boolean root) {
    Task thread = t.thread();
    return thread == null ? null : root ? thread.fs.root() : thread.fs.cwd();
  }

  /** {@code attr}: the files of a kernel without a security module. */
  static PseudoInode attr(TaskDir dir, long ino) {
    PseudoDir d = new PseudoDir(dir.fileSystem(), ino, 0555);
    for (String name :
        new String[] {"current", "exec", "fscreate", "keycreate", "prev", "sockcreate"}) {
      d.add(
          name,
          new PseudoFile(
              dir.fileSystem(),
              ProcIno.fixed(name.hashCode() & 0xfffff),
              0666,
              (c, out) -> -Errno.EINVAL,
              (c, v) -> -Errno.EINVAL));
    }
    return d;
  }

  private Path path(Syscall c) {
    int r = target.mayInspect(c);
    Path p = r < 0 ? null : where.apply(target);
    return p == null ? c.fail(r < 0 ? r : -Errno.ENOENT) : p;
  }

  @Override
  public String readlink(Syscall c) {
    Path p = path(c);
    return p == null ? null : GuestPaths.name(c, p);
  }

  @Override
  public Path followMagic(Syscall c) {
    return path(c);
  }
}
