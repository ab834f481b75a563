package io.redoubt.sentry.syscalls;

import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.ENOENT;
import static io.redoubt.host.Errno.ENOSYS;
import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;

import io.redoubt.host.Memory;
import io.redoubt.host.Stat.StatBuf;
import io.redoubt.host.Stat.StatfsBuf;
import io.redoubt.host.Stat.Statx;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.Mount;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.StatFs;
import io.redoubt.sentry.fs.Walk;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import java.lang.foreign.MemorySegment;

/** stat(2), statx(2), statfs(2): fs/stat.c, fs/statfs.c. */
final class StatCalls {
  private static final int STATX_TYPES = 0x6000; // AT_STATX_SYNC_TYPE
  private static final int STATX_RESERVED = 0x80000000;
  private static final int STATX_GIVEN = 0x7ff | 0x1000; // STATX_BASIC_STATS, STATX_MNT_ID
  private static final long STATX_ATTR_MOUNT_ROOT = 0x2000;
  private static final long ST_VALID = 0x20; // in statfs flags: they are meant

  private StatCalls() {}

  static void register(SyscallTable t) {
    t.on(4, "stat", 2, c -> stat(c, Walk.AT_FDCWD, c.arg0, c.arg1, 0), FULL);
    t.on(5, "fstat", 2, c -> fstat(c, c.arg0, c.arg1), FULL);
    t.on(
        6,
        "lstat",
        2,
        c -> stat(c, Walk.AT_FDCWD, c.arg0, c.arg1, FsArgs.AT_SYMLINK_NOFOLLOW),
        FULL);
    t.on(137, "statfs", 2, StatCalls::statfs, FULL);
    t.on(138, "fstatfs", 2, StatCalls::fstatfs, FULL);
    t.on(262, "newfstatat", 4, StatCalls::newfstatat, FULL);
    t.on(332, "statx", 5, StatCalls::statx, FULL);
  }

  private static long fstat(Syscall c, long fd, long to) {
    OpenFile f = FsArgs.any(c, fd);
    if (f == null) {
      return c.error();
    }
    Stat st = c.scratch().stat;
    int r = f.getattr(c, st);
    return r < 0 ? r : write(c, to, st);
  }

  private static long newfstatat(Syscall c) {
    int flags = (int) c.arg3;
    int known = FsArgs.AT_SYMLINK_NOFOLLOW | FsArgs.AT_NO_AUTOMOUNT | FsArgs.AT_EMPTY_PATH;
    return (flags & ~known) != 0 ? -EINVAL : stat(c, c.arg0, c.arg1, c.arg2, flags);
  }

  private static long stat(Syscall c, long dirFd, long path, long to, int flags) {
    String name = FsArgs.path(c, path, flags);
    if (name == null) {
      return c.error();
    }
    if (name.isEmpty() && (flags & FsArgs.AT_EMPTY_PATH) != 0 && (int) dirFd != Walk.AT_FDCWD) {
      return fstat(c, dirFd, to); // what a C library's fstat makes
    }
    Walk w = c.scratch().walk;
    Stat st = c.scratch().stat;
    try {
      int r = FsArgs.walk(c, w, dirFd, name, flags, 0);
      if (r == 0) {
        r = w.inode().getattr(c, st);
      }
      if (r < 0) {
        return r;
      }
    } finally {
      w.end();
    }
    return write(c, to, st);
  }

  /** Writes {@code struct stat}. @return 0 or -EFAULT */
  private static int write(Syscall c, long to, Stat st) {
    MemorySegment s = c.scratch().small;
    Memory.zero(s, 0, StatBuf.SIZEOF);
    Memory.setLong(s, StatBuf.ST_DEV, st.dev);
    Memory.setLong(s, StatBuf.ST_INO, st.ino);
    Memory.setLong(s, StatBuf.ST_NLINK, st.nlink);
    Memory.setInt(s, StatBuf.ST_MODE, st.mode);
    Memory.setInt(s, StatBuf.ST_UID, st.uid);
    Memory.setInt(s, StatBuf.ST_GID, st.gid);
    Memory.setLong(s, StatBuf.ST_RDEV, st.rdev);
    Memory.setLong(s, StatBuf.ST_SIZE, st.size);
    Memory.setLong(s, StatBuf.ST_BLKSIZE, st.blksize);
    Memory.setLong(s, StatBuf.ST_BLOCKS, st.blocks);
    Memory.setLong(s, StatBuf.ST_ATIM__TV_SEC, st.atimeSec);
    Memory.setLong(s, StatBuf.ST_ATIM__TV_NSEC, st.atimeNsec);
    Memory.setLong(s, StatBuf.ST_MTIM__TV_SEC, st.mtimeSec);
    Memory.setLong(s, StatBuf.ST_MTIM__TV_NSEC, st.mtimeNsec);
    Memory.setLong(s, StatBuf.ST_CTIM__TV_SEC, st.ctimeSec);
    Memory.setLong(s, StatBuf.ST_CTIM__TV_NSEC, st.ctimeNsec);
    return c.memory().write(to, s, StatBuf.SIZEOF);
  }

  private static long statx(Syscall c) {
    int flags = (int) c.arg2;
    int known =
        FsArgs.AT_SYMLINK_NOFOLLOW | FsArgs.AT_NO_AUTOMOUNT | FsArgs.AT_EMPTY_PATH | STATX_TYPES;
    if (((int) c.arg3 & STATX_RESERVED) != 0
        || (flags & ~known) != 0
        || (flags & STATX_TYPES) == STATX_TYPES) {
      return -EINVAL;
    }
    Walk w = c.scratch().walk;
    Stat st = c.scratch().stat;
    Mount mount;
    boolean isRoot;
    try {
      int r = FsArgs.walk(c, w, c.arg0, c.arg1, flags, 0);
      if (r == 0) {
        r = w.inode().getattr(c, st);
      }
      if (r < 0) {
        return r;
      }
      mount = w.mount();
      isRoot = w.dentry() == mount.root;
    } finally {
      w.end();
    }
    MemorySegment s = c.scratch().small;
    Memory.zero(s, 0, Statx.SIZEOF);
    Memory.setInt(s, Statx.STX_MASK, STATX_GIVEN);
    Memory.setInt(s, Statx.STX_BLKSIZE, st.blksize);
    Memory.setLong(s, Statx.STX_ATTRIBUTES, isRoot ? STATX_ATTR_MOUNT_ROOT : 0);
    Memory.setLong(s, Statx.STX_ATTRIBUTES_MASK, STATX_ATTR_MOUNT_ROOT);
    Memory.setInt(s, Statx.STX_NLINK, (int) st.nlink);
    Memory.setInt(s, Statx.STX_UID, st.uid);
    Memory.setInt(s, Statx.STX_GID, st.gid);
    Memory.setShort(s, Statx.STX_MODE, (short) st.mode);
    Memory.setLong(s, Statx.STX_INO, st.ino);
    Memory.setLong(s, Statx.STX_SIZE, st.size);
    Memory.setLong(s, Statx.STX_BLOCKS, st.blocks);
    Memory.setLong(s, Statx.STX_ATIME__TV_SEC, st.atimeSec);
    Memory.setInt(s, Statx.STX_ATIME__TV_NSEC, st.atimeNsec);
    Memory.setLong(s, Statx.STX_MTIME__TV_SEC, st.mtimeSec);
    Memory.setInt(s, Statx.STX_MTIME__TV_NSEC, st.mtimeNsec);
    Memory.setLong(s, Statx.STX_CTIME__TV_SEC, st.ctimeSec);
    Memory.setInt(s, Statx.STX_CTIME__TV_NSEC, st.ctimeNsec);
    Memory.setInt(s, Statx.STX_RDEV_MAJOR, io.redoubt.host.Stat.major(st.rdev));
    Memory.setInt(s, Statx.STX_RDEV_MINOR, io.redoubt.host.Stat.minor(st.rdev));
    Memory.setInt(s, Statx.STX_DEV_MAJOR, io.redoubt.host.Stat.major(st.dev));
    Memory.setInt(s, Statx.STX_DEV_MINOR, io.redoubt.host.Stat.minor(st.dev));
    Memory.setLong(s, Statx.STX_MNT_ID, mount.id);
    return c.memory().write(c.arg4, s, Statx.SIZEOF);
  }

  private static long statfs(Syscall c) {
    Walk w = c.scratch().walk;
    StatFs st = new StatFs();
    Mount mount;
    try {
      int r = FsArgs.walk(c, w, Walk.AT_FDCWD, c.arg0, 0, 0);
      r = r < 0 ? r : fill(c, w.mount(), w.inode(), st);
      if (r < 0) {
        return r;
      }
      mount = w.mount();
    } finally {
      w.end();
    }
    return write(c, c.arg1, st, mount);
  }

  private static long fstatfs(Syscall c) {
    OpenFile f = FsArgs.any(c, c.arg0);
    if (f == null) {
      return c.error();
    }
    StatFs st = new StatFs();
    int r = fill(c, f.path().mount(), f.inode(), st);
    return r < 0 ? r : write(c, c.arg1, st, f.path().mount());
  }

  private static int fill(Syscall c, Mount m, Inode inode, StatFs st) {
    if (m.root.inode() == null) {
      return -ENOENT;
    }
    int r = m.root.inode().statfs(c, st);
    if (r != -ENOSYS) {
      return r;
    }
    st.type =
        switch (m.type.equals("anon_inodefs") ? inode.type() : 0) {
          case Stat.S_IFIFO -> 0x50495045;
          case Stat.S_IFSOCK -> 0x534f434b;
          default -> magic(m.type);
        };
    return 0;
  }

  /** Magic numbers of the file systems that have no space to tell of, statfs(2). */
  private static long magic(String type) {
    return switch (type) {
      case "proc" -> 0x9fa0;
      case "sysfs" -> 0x62656572;
      case "devpts" -> 0x1cd1;
      case "devtmpfs", "tmpfs" -> 0x01021994;
      case "mqueue" -> 0x19800202;
      case "cgroup2" -> 0x63677270;
      default -> 0x09041934; // ANON_INODE_FS_MAGIC
    };
  }

  private static int write(Syscall c, long to, StatFs st, Mount mount) {
    MemorySegment s = c.scratch().small;
    Memory.zero(s, 0, StatfsBuf.SIZEOF);
    Memory.setLong(s, StatfsBuf.F_TYPE, st.type);
    Memory.setLong(s, StatfsBuf.F_BSIZE, st.blockSize);
    Memory.setLong(s, StatfsBuf.F_BLOCKS, st.blocks);
    Memory.setLong(s, StatfsBuf.F_BFREE, st.blocksFree);
    Memory.setLong(s, StatfsBuf.F_BAVAIL, st.blocksAvailable);
    Memory.setLong(s, StatfsBuf.F_FILES, st.files);
    Memory.setLong(s, StatfsBuf.F_FFREE, st.filesFree);
    Memory.setLong(s, StatfsBuf.F_FSID, st.fsid);
    Memory.setLong(s, StatfsBuf.F_NAMELEN, st.nameLength);
    Memory.setLong(s, StatfsBuf.F_FRSIZE, st.fragmentSize);
    Memory.setLong(
        s,
        StatfsBuf.F_FLAGS,
        ST_VALID | (mount.flags() & 0xfff) | (mount.isReadOnly() ? Mount.READ_ONLY : 0));
    return c.memory().write(to, s, StatfsBuf.SIZEOF);
  }
}
