package io.redoubt.sentry.syscalls;

import static io.redoubt.host.Errno.EBADF;
import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.EOPNOTSUPP;
import static io.redoubt.host.Errno.EPERM;
import static io.redoubt.host.Errno.EROFS;
import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;

import io.redoubt.sentry.fs.Access;
import io.redoubt.sentry.fs.FsNotify;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.Mount;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.SetAttr;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.Walk;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;

/** Modes, owners and access checks: chmod(2), chown(2), access(2). */
final class AttrCalls {
  private static final long CWD = Walk.AT_FDCWD;

  private AttrCalls() {}

  static void register(SyscallTable t) {
    t.on(21, "access", 2, c -> access(c, CWD, c.arg0, (int) c.arg1, 0), FULL);
    t.on(90, "chmod", 2, c -> chmod(c, CWD, c.arg0, (int) c.arg1, 0), FULL);
    t.on(91, "fchmod", 2, AttrCalls::fchmod, FULL);
    t.on(92, "chown", 3, c -> chown(c, CWD, c.arg0, (int) c.arg1, (int) c.arg2, 0), FULL);
    t.on(93, "fchown", 3, AttrCalls::fchown, FULL);
    t.on(
        94,
        "lchown",
        3,
        c -> chown(c, CWD, c.arg0, (int) c.arg1, (int) c.arg2, FsArgs.AT_SYMLINK_NOFOLLOW),
        FULL);
    t.on(
        260,
        "fchownat",
        5,
        c -> chown(c, c.arg0, c.arg1, (int) c.arg2, (int) c.arg3, (int) c.arg4),
        FULL);
    t.on(268, "fchmodat", 3, c -> chmod(c, c.arg0, c.arg1, (int) c.arg2, 0), FULL);
    t.on(269, "faccessat", 3, c -> access(c, c.arg0, c.arg1, (int) c.arg2, 0), FULL);
    t.on(439, "faccessat2", 4, c -> access(c, c.arg0, c.arg1, (int) c.arg2, (int) c.arg3), FULL);
    t.on(452, "fchmodat2", 4, c -> chmod(c, c.arg0, c.arg1, (int) c.arg2, (int) c.arg3), FULL);
  }

  private static long access(Syscall c, long dirFd, long path, int mode, int flags) {
    if ((mode & ~7) != 0
        || (flags & ~(FsArgs.AT_EACCESS | FsArgs.AT_SYMLINK_NOFOLLOW | FsArgs.AT_EMPTY_PATH))
            != 0) {
      return -EINVAL;
    }
    Credentials own = c.task.credentials;
    Walk w = c.scratch().walk;
    Credentials used = (flags & FsArgs.AT_EACCESS) == 0 ? own.forAccess() : own;
    if (used != own) {
      // The answer is for the real ids. The walk and the check read the task's credentials; nobody
      // else does meanwhile
      // for this thread, which is in this call.
      c.task.credentials = used;
    }
    try {
      int r = FsArgs.walk(c, w, dirFd, path, flags, 0);
      if (r < 0) {
        return r;
      }
      Inode i = w.inode();
      if ((mode & Access.EXECUTE) != 0 && i.type() == Stat.S_IFREG && w.mount().isNoexec()) {
        return -io.redoubt.host.Errno.EACCES;
      }
      r = i.access(c, mode);
      if (r == 0 && (mode & Access.WRITE) != 0 && w.mount().isReadOnly()) {
        int type = i.type();
        return type == Stat.S_IFREG || type == Stat.S_IFDIR || type == Stat.S_IFLNK ? -EROFS : 0;
      }
      return r;
    } finally {
      w.end();
      if (used != own) {
        c.task.credentials = own;
      }
    }
  }

  private static long chmod(Syscall c, long dirFd, long path, int mode, int flags) {
    if ((flags & ~(FsArgs.AT_SYMLINK_NOFOLLOW | FsArgs.AT_EMPTY_PATH)) != 0) {
      return -EINVAL;
    }
    Walk w = c.scratch().walk;
    try {
      int r = FsArgs.walk(c, w, dirFd, path, flags, 0);
      return r < 0 ? r : chmod(c, w.path(), mode);
    } finally {
      w.end();
    }
  }

  private static long fchmod(Syscall c) {
    OpenFile f = c.hold(c.arg0);
    return f == null ? -EBADF : chmod(c, f.path(), (int) c.arg1);
  }

  private static int chmod(Syscall c, Path path, int mode) {
    int r = chmod(c, path.mount(), path.inode(), mode);
    if (r == 0) {
      FsNotify.changed(path, FsNotify.ATTRIB);
    }
    return r;
  }

  private static int chmod(Syscall c, Mount mount, Inode i, int mode) {
    if (mount.isReadOnly()) {
      return -EROFS;
    }
    if (i.type() == Stat.S_IFLNK) {
      return -EOPNOTSUPP;
    }
    Stat st = c.scratch().stat;
    int r = i.permissions(c, st);
    if (r < 0) {
      return r;
    }
    if (!Access.ownerOrCapable(c, st)) {
      return -EPERM;
    }
    Credentials me = c.task.credentials;
    SetAttr change = new SetAttr();
    change.mask = SetAttr.MODE;
    change.mode = mode & 07777;
    if (!me.inGroup(st.gid) && !me.has(Credentials.CAP_FSETID)) {
      change.mode &= ~Access.S_ISGID;
    }
    return i.setattr(c, change);
  }

  private static long chown(Syscall c, long dirFd, long path, int uid, int gid, int flags) {
    if ((flags & ~(FsArgs.AT_SYMLINK_NOFOLLOW | FsArgs.AT_EMPTY_PATH)) != 0) {
      return -EINVAL;
    }
    Walk w = c.scratch().walk;
    try {
      int r = FsArgs.walk(c, w, dirFd, path, flags, 0);
      return r < 0 ? r : chown(c, w.path(), uid, gid);
    } finally {
      w.end();
    }
  }

  private static long fchown(Syscall c) {
    OpenFile f = c.hold(c.arg0);
    return f == null ? -EBADF : chown(c, f.path(), (int) c.arg1, (int) c.arg2);
  }

  private static int chown(Syscall c, Path path, int uid, int gid) {
    int r = chown(c, path.mount(), path.inode(), uid, gid);
    if (r == 0) {
      FsNotify.changed(path, FsNotify.ATTRIB);
    }
    return r;
  }

  /** chown_common() and the checks of setattr_prepare(). @param uid -1: unchanged */
  private static int chown(Syscall c, Mount mount, Inode i, int uid, int gid) {
    if (mount.isReadOnly()) {
      return -EROFS;
    }
    Stat st = c.scratch().stat;
    int r = i.getattr(c, st);
    if (r < 0) {
      return r;
    }
    Credentials me = c.task.credentials;
    boolean owner = me.fsuid() == st.uid;
    boolean capable = me.has(Credentials.CAP_CHOWN);
    if (uid != -1 && !capable && !(owner && uid == st.uid)) {
      return -EPERM;
    }
    if (gid != -1 && !capable && !(owner && (gid == st.gid || me.inGroup(gid)))) {
      return -EPERM;
    }
    SetAttr change = new SetAttr();
    change.mask = (uid != -1 ? SetAttr.UID : 0) | (gid != -1 ? SetAttr.GID : 0);
    change.uid = uid;
    change.gid = gid;
    if (i.type() != Stat.S_IFDIR && (st.mode & (Access.S_ISUID | Access.S_ISGID)) != 0) {
      // Also for root: a file that changes hands is no longer trusted to run as its owner.
      int mode = st.mode & 07777 & ~Access.S_ISUID;
      if ((mode & 010) != 0 || (!me.inGroup(st.gid) && !me.has(Credentials.CAP_FSETID))) {
        mode &= ~Access.S_ISGID;
      }
      change.mask |= SetAttr.MODE;
      change.mode = mode;
    }
    return i.setattr(c, change);
  }
}
