package io.redoubt.sentry.fs.mem;

import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Mman;
import io.redoubt.sentry.fs.Dentry;
import io.redoubt.sentry.fs.Mount;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.kernel.Syscall;

/**
 * memfd_create(2): a file without a name on a file system that is not mounted, backed by a memfd of
 * the host with the same seals.
 */
public final class Memfd {
  private static final MemFs FS = MemFs.hidden();
  private static final Mount MOUNT =
      new Mount("tmpfs", "memfd", new Dentry(null, "/", FS.root()), Mount.INTERNAL);

  private Memfd() {}

  /**
   * Makes and opens one.
   *
   * @param flags MFD_*, checked
   * @return null with an errno
   */
  public static OpenFile create(Syscall c, String name, int flags) {
    boolean noexec = (flags & Mman.MFD_NOEXEC_SEAL) != 0;
    var me = c.task.credentials;
    if (!FS.chargeNode()) {
      return c.fail(-Errno.ENOSPC);
    }
    MemFile f = new MemFile(FS, Stat.S_IFREG | (noexec ? 0666 : 0777), me.fsuid(), me.fsgid());
    f.charged = true;
    f.unnamed();
    boolean sealable = (flags & (Mman.MFD_ALLOW_SEALING | Mman.MFD_NOEXEC_SEAL)) != 0;
    int kind = noexec ? Mman.MFD_NOEXEC_SEAL : Mman.MFD_EXEC;
    int r =
        f.content.toMemfd(
            Mman.MFD_CLOEXEC | kind | (sealable ? Mman.MFD_ALLOW_SEALING : 0), "redoubt");
    Dentry d = new Dentry(MOUNT.root, "memfd:" + name, f);
    d.pin();
    try {
      return r < 0 ? c.fail(r) : new SealableFile(f, new Path(MOUNT, d), name);
    } finally {
      d.unpin();
    }
  }

  private static final class SealableFile extends MemOpenFile {
    private final MemFile node;
    private final String name;

    SealableFile(MemFile node, Path path, String name) {
      super(node, null, path, O_RDWR | 0100000);
      this.node = node;
      this.name = name;
    }

    @Override
    public String linkText() {
      return "/memfd:" + name + " (deleted)";
    }

    @Override
    public long fcntl(Syscall c, int command, long arg) {
      return switch (command) {
        case Fcntl.F_ADD_SEALS ->
            isWritable() ? Fcntl.fcntl(node.content.memfd(), command, arg) : -Errno.EPERM;
        case Fcntl.F_GET_SEALS -> Fcntl.fcntl(node.content.memfd(), command, 0);
        default -> super.fcntl(c, command, arg);
      };
    }
  }
}
