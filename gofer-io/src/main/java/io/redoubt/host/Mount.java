package io.redoubt.host;

/** sys/mount.h and the namespace half of sched.h. */
public final class Mount {
  public static final int MS_RDONLY = 0x1;
  public static final int MS_NOSUID = 0x2;
  public static final int MS_NODEV = 0x4;
  public static final int MS_NOEXEC = 0x8;
  public static final int MS_SYNCHRONOUS = 0x10;
  public static final int MS_REMOUNT = 0x20;
  public static final int MS_NOATIME = 0x400;
  public static final int MS_BIND = 0x1000;
  public static final int MS_MOVE = 0x2000;
  public static final int MS_REC = 0x4000;
  public static final int MS_SILENT = 0x8000;
  public static final int MS_PRIVATE = 0x40000;
  public static final int MS_SLAVE = 0x80000;
  public static final int MS_SHARED = 0x100000;
  public static final int MS_RELATIME = 0x200000;
  public static final int MNT_FORCE = 0x1;
  public static final int MNT_DETACH = 0x2;
  public static final int MNT_EXPIRE = 0x4;
  public static final int UMOUNT_NOFOLLOW = 0x8;
  public static final int CLONE_VM = 0x100;
  public static final int CLONE_FS = 0x200;
  public static final int CLONE_FILES = 0x400;
  public static final int CLONE_SIGHAND = 0x800;
  public static final int CLONE_PIDFD = 0x1000;
  public static final int CLONE_PTRACE = 0x2000;
  public static final int CLONE_VFORK = 0x4000;
  public static final int CLONE_PARENT = 0x8000;
  public static final int CLONE_THREAD = 0x10000;
  public static final int CLONE_NEWNS = 0x20000;
  public static final int CLONE_SYSVSEM = 0x40000;
  public static final int CLONE_SETTLS = 0x80000;
  public static final int CLONE_PARENT_SETTID = 0x100000;
  public static final int CLONE_CHILD_CLEARTID = 0x200000;
  public static final int CLONE_DETACHED = 0x400000;
  public static final int CLONE_UNTRACED = 0x800000;
  public static final int CLONE_CHILD_SETTID = 0x1000000;
  public static final int CLONE_NEWCGROUP = 0x2000000;
  public static final int CLONE_NEWUTS = 0x4000000;
  public static final int CLONE_NEWIPC = 0x8000000;
  public static final int CLONE_NEWUSER = 0x10000000;
  public static final int CLONE_NEWPID = 0x20000000;
  public static final int CLONE_NEWNET = 0x40000000;
  public static final long CLONE_IO = 0x80000000L;
  public static final int CLONE_NEWTIME = 0x80;

  private Mount() {}

  /** mount(2); null for what does not apply. Returns 0 or -errno. */
  public static int mount(String source, String target, String type, long flags) {
    long s = source == null ? 0 : CallState.cString(source);
    long t = CallState.secondCString(target);
    if (s < 0 || t < 0) {
      return (int) Math.min(s, t);
    }
    long y = 0;
    if (type != null) {
      java.lang.foreign.MemorySegment scratch = CallState.get().scratch;
      if (type.length() >= CallState.SCRATCH_SIZE) {
        return -Errno.EINVAL;
      }
      for (int i = 0; i <= type.length(); i++) {
        byte b = i == type.length() ? 0 : (byte) type.charAt(i);
        Memory.setByte(scratch, i, b);
      }
      y = scratch.address();
    }
    return (int) Syscall.call(Nr.MOUNT, s, t, y, flags, 0);
  }

  /** umount2(2). Returns 0 or -errno. */
  public static int umount2(String target, int flags) {
    long p = CallState.cString(target);
    return p < 0 ? (int) p : (int) Syscall.call(Nr.UMOUNT2, p, flags);
  }

  /** pivot_root(2). Returns 0 or -errno. */
  public static int pivotRoot(String newRoot, String putOld) {
    long n = CallState.cString(newRoot);
    long p = CallState.secondCString(putOld);
    if (n < 0 || p < 0) {
      return (int) Math.min(n, p);
    }
    return (int) Syscall.call(Nr.PIVOT_ROOT, n, p);
  }

  /** unshare(2): of the calling thread; CLONE_NEWUSER fails with -EINVAL where there are more. */
  public static int unshare(int flags) {
    return (int) Syscall.call(Nr.UNSHARE, flags);
  }

  /** setns(2), of the calling thread. Returns 0 or -errno. */
  public static int setns(int fd, int type) {
    return (int) Syscall.call(Nr.SETNS, fd, type);
  }
}
