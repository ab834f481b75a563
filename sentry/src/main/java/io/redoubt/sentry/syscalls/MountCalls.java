package io.redoubt.sentry.syscalls;

import static io.redoubt.host.Errno.EBUSY;
import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.ENODEV;
import static io.redoubt.host.Errno.EPERM;
import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;
import static io.redoubt.sentry.kernel.SyscallTable.Support.NONE;
import static io.redoubt.sentry.kernel.SyscallTable.Support.PARTIAL;

import io.redoubt.host.Mman;
import io.redoubt.sentry.fs.Dentry;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.Mount;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Vfs;
import io.redoubt.sentry.fs.Walk;
import io.redoubt.sentry.fs.mem.Memfd;
import io.redoubt.sentry.fs.mem.TmpfsOptions;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;

/** mount(2) for tmpfs and bind mounts, umount2(2), memfd_create(2). */
final class MountCalls {
  private static final int MS_REMOUNT = 32;
  private static final int MS_BIND = 4096;
  private static final int MS_MOVE = 8192;
  private static final int MS_REC = 16384;
  private static final int MS_PROPAGATION = (1 << 17) | (1 << 18) | (1 << 19) | (1 << 20);
  private static final int MS_MAGIC = 0xc0ed0000;
  private static final int MNT_DETACH = 2;
  private static final int UMOUNT_NOFOLLOW = 8;
  private static final int KEPT =
      Mount.READ_ONLY | Mount.NOSUID | Mount.NODEV | Mount.NOEXEC | Mount.NOATIME;

  private static final int MFD_NAME_MAX = 249;
  private static final int MFD_KNOWN =
      Mman.MFD_CLOEXEC | Mman.MFD_ALLOW_SEALING | Mman.MFD_NOEXEC_SEAL | Mman.MFD_EXEC;

  private MountCalls() {}

  static void register(SyscallTable t) {
    t.on(
        155,
        "pivot_root",
        2,
        c -> isAdmin(c) ? -EINVAL : -EPERM,
        NONE,
        "the root of a sandbox stays");
    t.on(165, "mount", 5, MountCalls::mount, PARTIAL, "tmpfs, bind and remount");
    t.on(166, "umount2", 2, MountCalls::umount, FULL);
    t.on(319, "memfd_create", 2, MountCalls::memfdCreate, PARTIAL, "no huge pages");
  }

  private static boolean isAdmin(Syscall c) {
    return c.task.credentials.has(Credentials.CAP_SYS_ADMIN);
  }

  private static long mount(Syscall c) {
    String type = c.arg2 == 0 ? "" : c.memory().readString(c, c.arg2, 4096, -EINVAL);
    String source =
        type == null ? null : c.arg0 == 0 ? "" : c.memory().readString(c, c.arg0, 4096, -EINVAL);
    String options =
        source == null || c.arg4 == 0 ? "" : c.memory().readString(c, c.arg4, 4096, -EINVAL);
    if (type == null || source == null || options == null) {
      return c.error();
    }
    long flags = (c.arg3 & 0xffff0000L) == (MS_MAGIC & 0xffff0000L) ? c.arg3 & 0xffff : c.arg3;
    Walk w = c.scratch().walk;
    try {
      int r = FsArgs.walk(c, w, Walk.AT_FDCWD, c.arg1, 0, 0);
      if (r < 0) {
        return r;
      }
      if (!isAdmin(c)) {
        return -EPERM;
      }
      Vfs vfs = c.task.kernel.vfs;
      if ((flags & MS_REMOUNT) != 0) {
        return w.dentry() == w.mount().root ? vfs.remount(w.mount(), (int) flags & KEPT) : -EINVAL;
      }
      if ((flags & MS_PROPAGATION) != 0) {
        return 0; // there is one mount namespace, and nobody to propagate to
      }
      if ((flags & MS_MOVE) != 0) {
        return -EINVAL;
      }
      if ((flags & MS_BIND) != 0) {
        return bind(c, w, source, (flags & MS_REC) != 0);
      }
      if (!type.equals("tmpfs")) {
        return -ENODEV;
      }
      Inode root =
          TmpfsOptions.create(options, c.task.credentials.fsuid(), c.task.credentials.fsgid());
      if (root == null) {
        return -EINVAL;
      }
      Mount m = new Mount("tmpfs", source, new Dentry(null, "/", root), (int) flags & KEPT);
      m.options = options;
      return vfs.attach(m, w.path());
    } finally {
      w.end();
    }
  }

  private static long bind(Syscall c, Walk to, String source, boolean recursive) {
    if (source.isEmpty()) {
      return -EINVAL; // do_loopback() in fs/namespace.c
    }
    Walk from = c.scratch().secondWalk;
    try {
      int r = from.from(c, Walk.AT_FDCWD, source, Walk.FOLLOW);
      if (r < 0) {
        return r;
      }
      Mount of = from.mount();
      Mount m = new Mount(of.type, of.source, from.dentry(), of.flags());
      m.options = of.options;
      return c.task.kernel.vfs.attach(
          m, to.path()); // mounts below are not copied, not even with MS_REC
    } finally {
      from.end();
    }
  }

  private static long umount(Syscall c) {
    int flags = (int) c.arg1;
    if ((flags & ~15) != 0) {
      return -EINVAL;
    }
    if (!isAdmin(c)) {
      return -EPERM;
    }
    Walk w = c.scratch().walk;
    Mount m;
    try {
      int r =
          FsArgs.walk(
              c,
              w,
              Walk.AT_FDCWD,
              c.arg0,
              (flags & UMOUNT_NOFOLLOW) != 0 ? FsArgs.AT_SYMLINK_NOFOLLOW : 0,
              0);
      if (r < 0) {
        return r;
      }
      m = w.mount();
      if (w.dentry() != m.root) {
        return -EINVAL;
      }
      // "." and "/" are not walked through what covers them, and it is that which goes:
      // LOOKUP_MOUNTPOINT.
      for (Mount on; (on = c.task.kernel.vfs.mountedOn(m, m.root)) != null; ) {
        m = on;
      }
    } finally {
      w.end();
    }
    // A mount by a path that is detached has no place: EINVAL, before it is asked who uses it.
    if ((flags & MNT_DETACH) == 0 && m.parent() != null && MountUse.isBusy(c.task.kernel, m)) {
      return -EBUSY;
    }
    int r = c.task.kernel.vfs.detach(m);
    return r == -EBUSY && (flags & MNT_DETACH) != 0 ? c.task.kernel.vfs.detachAll(m) : r;
  }

  private static long memfdCreate(Syscall c) {
    int flags = (int) c.arg1;
    if ((flags & ~MFD_KNOWN) != 0
        || (flags & (Mman.MFD_EXEC | Mman.MFD_NOEXEC_SEAL))
            == (Mman.MFD_EXEC | Mman.MFD_NOEXEC_SEAL)) {
      return -EINVAL;
    }
    String name = c.memory().readString(c, c.arg0, MFD_NAME_MAX + 1, -EINVAL);
    if (name == null) {
      return c.error();
    }
    OpenFile f = Memfd.create(c, name, flags);
    return f == null ? c.error() : FsArgs.install(c, f, (flags & Mman.MFD_CLOEXEC) != 0);
  }
}
