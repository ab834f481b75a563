package io.redoubt.sentry.syscalls;

import static io.redoubt.host.Errno.EAGAIN;
import static io.redoubt.host.Errno.EBUSY;
import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.ENODEV;
import static io.redoubt.host.Errno.ENOENT;
import static io.redoubt.host.Errno.EPERM;
import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;
import static io.redoubt.sentry.kernel.SyscallTable.Support.NONE;
import static io.redoubt.sentry.kernel.SyscallTable.Support.PARTIAL;

import io.redoubt.host.Mman;
import io.redoubt.sentry.fs.AnonInode;
import io.redoubt.sentry.fs.Dentry;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.Mount;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.SuperBlock;
import io.redoubt.sentry.fs.Vfs;
import io.redoubt.sentry.fs.Walk;
import io.redoubt.sentry.fs.mem.Memfd;
import io.redoubt.sentry.fs.mem.TmpfsOptions;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.Kernel;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;

/** mount(2) for tmpfs and bind mounts, umount2(2), memfd_create(2). */
final class MountCalls {
  private static final int MS_REMOUNT = 32;
  private static final int MS_BIND = 4096;
  private static final int MS_MOVE = 8192;
  private static final int MS_REC = 16384;
  private static final int MS_SILENT = 32768;
  private static final long MS_NOUSER = 1L << 31;

  /** MS_STRICTATIME and the flags of {@link Mount}. */
  private static final long MS_ATIMES = 1 << 24 | Mount.NOATIME | Mount.NODIRATIME | Mount.RELATIME;

  private static final int MS_PROPAGATION = (1 << 17) | (1 << 18) | (1 << 19) | (1 << 20);
  private static final int MS_MAGIC = 0xc0ed0000;
  private static final int MNT_FORCE = 1;
  private static final int MNT_DETACH = 2;
  private static final int MNT_EXPIRE = 4;
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
      if ((flags & MS_NOUSER) != 0) {
        return -EINVAL;
      }
      if (!isAdmin(c)) {
        return -EPERM;
      }
      // The order of path_mount() in fs/namespace.c.
      if ((flags & MS_REMOUNT) != 0) {
        return remount(c, w, flags);
      }
      if ((flags & MS_BIND) != 0) {
        return bind(c, w, source, (flags & MS_REC) != 0);
      }
      if ((flags & MS_PROPAGATION) != 0) {
        return changePropagation(c.task.kernel.vfs, w, flags & ~(MS_REC | MS_SILENT));
      }
      if ((flags & MS_MOVE) != 0 || c.arg2 == 0) {
        return -EINVAL;
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
      return c.task.kernel.vfs.attach(m, w.path());
    } finally {
      w.end();
    }
  }

  /** With MS_BIND the mount's own flags, else those of the file system as well. */
  private static long remount(Syscall c, Walk w, long flags) {
    Kernel kernel = c.task.kernel;
    Mount m = w.mount();
    if (w.dentry() != m.root || !kernel.vfs.isAttached(m)) {
      return -EINVAL;
    }
    int kept = (int) flags & KEPT;
    if ((flags & MS_ATIMES) == 0) {
      kept |= m.flags() & (int) MS_ATIMES;
    }
    boolean isReadOnly = (kept & Mount.READ_ONLY) != 0;
    if ((flags & MS_BIND) == 0) {
      int r = reconfigure(c, m.superBlock(), isReadOnly);
      if (r < 0) {
        return r;
      }
    } else if (isReadOnly && (m.flags() & Mount.READ_ONLY) == 0 && MountUse.isWritten(kernel, m)) {
      return -EBUSY;
    }
    return kernel.vfs.remount(m, kept);
  }

  /** reconfigure_super() in fs/super.c. */
  private static int reconfigure(Syscall c, SuperBlock superBlock, boolean isReadOnly) {
    if (isReadOnly && !superBlock.isReadOnly() && MountUse.isWritten(c, superBlock)) {
      return -EBUSY;
    }
    c.task.kernel.vfs.setReadOnly(superBlock, isReadOnly);
    return 0;
  }

  /** There is one mount namespace, and nobody to propagate to; only errors are as on Linux. */
  private static long changePropagation(Vfs vfs, Walk w, long type) {
    boolean isOne = (type & ~(long) MS_PROPAGATION) == 0 && Long.bitCount(type) == 1;
    return isOne && w.dentry() == w.mount().root && vfs.isAttached(w.mount()) ? 0 : -EINVAL;
  }

  private static long bind(Syscall c, Walk to, String source, boolean recursive) {
    if (source.isEmpty()) {
      return -EINVAL; // do_loopback() in fs/namespace.c
    }
    Vfs vfs = c.task.kernel.vfs;
    Walk from = c.scratch().secondWalk;
    try {
      int r = from.from(c, Walk.AT_FDCWD, source, Walk.FOLLOW);
      if (r < 0) {
        return r;
      }
      Mount of = from.mount();
      if (!vfs.isAttached(of) && !isNamespace(from.path())) {
        return vfs.canBeCovered(to.path()) ? -EINVAL : -ENOENT;
      }
      // Mounts below are not copied, not even with MS_REC.
      return vfs.attach(of.bind(from.dentry(), of.flags()), to.path());
    } finally {
      from.end();
    }
  }

  /** Files of /proc/PID/ns can be bound, though they are in no tree: may_copy_tree(). */
  private static boolean isNamespace(Path p) {
    return p.inode().getClass() == AnonInode.class && p.inode().type() == Stat.S_IFREG;
  }

  private static long umount(Syscall c) {
    int flags = (int) c.arg1;
    if ((flags & ~15) != 0) {
      return -EINVAL;
    }
    Kernel kernel = c.task.kernel;
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
      if (!isAdmin(c)) {
        return -EPERM;
      }
      m = w.mount();
      if (w.dentry() != m.root || !kernel.vfs.isAttached(m)) {
        return -EINVAL;
      }
      // "." and "/" are not walked through what covers them, and it is that which goes:
      // LOOKUP_MOUNTPOINT.
      for (Mount on; (on = kernel.vfs.mountedOn(m, m.root)) != null; ) {
        m = on;
      }
    } finally {
      w.endUnused();
    }
    boolean isRoot = m == c.task.fs.root().mount();
    if ((flags & MNT_EXPIRE) != 0) {
      if (isRoot || (flags & (MNT_FORCE | MNT_DETACH)) != 0) {
        return -EINVAL;
      }
      if (kernel.vfs.hasMounts(m) || MountUse.isBusy(kernel, m)) {
        return -EBUSY;
      }
      if (!m.isExpiring()) {
        m.expire();
        return -EAGAIN;
      }
    }
    if ((flags & MNT_DETACH) != 0) {
      return kernel.vfs.detachAll(m);
    }
    if (isRoot) {
      return reconfigure(c, m.superBlock(), true); // do_umount_root()
    }
    return MountUse.isBusy(kernel, m) ? -EBUSY : kernel.vfs.detach(m);
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
