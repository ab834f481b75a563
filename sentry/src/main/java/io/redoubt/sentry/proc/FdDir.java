package io.redoubt.sentry.proc;

import io.redoubt.host.Errno;
import io.redoubt.sentry.fs.DirSink;
import io.redoubt.sentry.fs.DirectoryFile;
import io.redoubt.sentry.fs.FdTable;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.pseudo.PseudoFile;
import io.redoubt.sentry.fs.pseudo.PseudoInode;
import io.redoubt.sentry.fs.pseudo.PseudoLink;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.Task;

/**
 * {@code /proc/PID/fd}, magic links to open files, and {@code /proc/PID/fdinfo}, what is known of
 * each.
 */
final class FdDir extends PseudoInode {
  private static final int O_CLOEXEC = 02000000;
  private static final int O_LARGEFILE =
      0100000; // what the kernel keeps for every file of a 64-bit program

  private final Target target;
  private final boolean infos;

  private FdDir(TaskDir dir, long ino, boolean infos) {
    super(dir.fileSystem(), ino, Stat.S_IFDIR | (infos ? 0555 : 0500));
    this.target = dir.target;
    this.infos = infos;
  }

  static FdDir files(TaskDir dir, long ino) {
    return new FdDir(dir, ino, false);
  }

  static FdDir infos(TaskDir dir, long ino) {
    return new FdDir(dir, ino, true);
  }

  /** The owner may always, whatever the bits: proc_fd_permission() of Linux. */
  @Override
  public int access(Syscall c, int want) {
    if (infos) {
      int r = target.mayInspect(c);
      return r < 0 ? r : super.access(c, want);
    }
    return c.task.process == target.process() && (want & 2) == 0 ? 0 : super.access(c, want);
  }

  private FdTable table() {
    Task t = target.thread();
    return t == null ? null : t.files;
  }

  @Override
  public Inode lookup(Syscall c, String name) {
    int r = target.mayInspect(c);
    if (r < 0) {
      return c.fail(r);
    }
    int fd = Numbers.parse(name);
    FdTable t = table();
    OpenFile f = t == null || fd < 0 ? null : t.get(fd);
    if (f == null) {
      return c.fail(-Errno.ENOENT);
    }
    PseudoInode i;
    if (infos) {
      i =
          new PseudoFile(
              fs,
              ProcIno.fdinfo(target.id(), fd),
              0444,
              (reader, out) -> info(reader, fd, out),
              null);
    } else {
      int mode = 0100 | (f.isReadable() ? 0400 : 0) | (f.isWritable() ? 0200 : 0);
      i = new FdLink(fd, mode);
    }
    TaskDir.ownBy(i, target);
    return i;
  }

  private int info(Syscall c, int fd, StringBuilder out) {
    FdTable t = table();
    OpenFile f = t == null ? null : t.get(fd);
    if (f == null) {
      return -Errno.ENOENT;
    }
    Stat st = new Stat();
    f.inode().getattr(c, st);
    long position = f.isSeekable() ? Math.max(0, f.seek(c, 0, 1)) : 0;
    int flags = f.flags() | O_LARGEFILE | (t.isCloseOnExec(fd) ? O_CLOEXEC : 0);
    out.append("pos:\t").append(position);
    out.append("\nflags:\t0").append(Integer.toOctalString(flags));
    out.append("\nmnt_id:\t").append(f.path().mount().id);
    out.append("\nino:\t").append(st.ino).append('\n');
    out.append(f.fdinfo());
    return 0;
  }

  @Override
  public int readdir(Syscall c, long position, DirSink sink) {
    int r = target.mayInspect(c);
    FdTable t = table();
    if (r < 0 || t == null) {
      return r < 0 ? r : -Errno.ENOENT;
    }
    int type = (infos ? Stat.S_IFREG : Stat.S_IFLNK) >> 12;
    for (int fd : t.numbers()) {
      long ino = infos ? ProcIno.fdinfo(target.id(), fd) : ProcIno.fd(target.id(), fd);
      if (fd >= position && !sink.add(Integer.toString(fd), ino, type, fd + 1L)) {
        return 0;
      }
    }
    return 0;
  }

  @Override
  public OpenFile open(Syscall c, Path path, int flags) {
    return new DirectoryFile(path, flags);
  }

  /** One magic link. */
  private final class FdLink extends PseudoLink {
    private final int fd;

    FdLink(int fd, int permissions) {
      super(FdDir.this.fs, ProcIno.fd(target.id(), fd), permissions, null);
      this.fd = fd;
    }

    private OpenFile file(Syscall c) {
      int r = target.mayInspect(c);
      FdTable t = table();
      OpenFile f = r < 0 || t == null ? null : t.get(fd);
      return f == null ? c.fail(r < 0 ? r : -Errno.ENOENT) : f;
    }

    @Override
    protected long size() {
      return 64; // what Linux says, whatever the target
    }

    @Override
    public String readlink(Syscall c) {
      OpenFile f = file(c);
      return f == null ? null : GuestPaths.fileName(c, f);
    }

    @Override
    public Path followMagic(Syscall c) {
      OpenFile f = file(c);
      return f == null ? null : f.path();
    }
  }
}
