package io.redoubt.host;

import java.lang.foreign.MemorySegment;

/**
 * linux/landlock.h: which files a process may open, by the trees that they lie in. What the kernel
 * does not look at is opening with O_PATH, stat(2), chmod(2), chown(2), utimensat(2) and extended
 * attributes; see landlock(7).
 */
public final class Landlock {
  public static final long ACCESS_FS_EXECUTE = 1L << 0;
  public static final long ACCESS_FS_WRITE_FILE = 1L << 1;
  public static final long ACCESS_FS_READ_FILE = 1L << 2;
  public static final long ACCESS_FS_READ_DIR = 1L << 3;
  public static final long ACCESS_FS_REFER = 1L << 13;
  public static final long ACCESS_FS_TRUNCATE = 1L << 14;

  /** Everything up to ACCESS_FS_MAKE_SYM: ABI 1. */
  private static final long FS_FIRST = (1L << 13) - 1;

  private static final long ACCESS_NET_BIND_TCP = 1L << 0;
  private static final long ACCESS_NET_CONNECT_TCP = 1L << 1;
  private static final long SCOPE_ABSTRACT_UNIX_SOCKET = 1L << 0;
  private static final long SCOPE_SIGNAL = 1L << 1;

  private static final int CREATE_RULESET_VERSION = 1;
  private static final int RULE_PATH_BENEATH = 1;

  /** {@code struct landlock_ruleset_attr}: handled_access_fs, _net (ABI 4), scoped (ABI 6). */
  private static final int[] ATTR_SIZES = {8, 8, 8, 16, 16, 24};

  private Landlock() {}

  /**
   * landlock_create_ruleset(2) LANDLOCK_CREATE_RULESET_VERSION.
   *
   * @return the version of the interface, 1 or more; -ENOSYS: this kernel was built without it;
   *     -EOPNOTSUPP: it was not switched on at boot
   */
  public static int version() {
    return (int) Syscall.call(Nr.LANDLOCK_CREATE_RULESET, 0, 0, CREATE_RULESET_VERSION);
  }

  /** What can be forbidden of files in a version, but for ioctl(2) on devices. */
  public static long fileRights(int version) {
    return FS_FIRST
        | (version >= 2 ? ACCESS_FS_REFER : 0)
        | (version >= 3 ? ACCESS_FS_TRUNCATE : 0);
  }

  /** The rights that a rule for what is not a directory may give. */
  public static long rightsOfFile(long rights) {
    return rights
        & (ACCESS_FS_EXECUTE | ACCESS_FS_WRITE_FILE | ACCESS_FS_READ_FILE | ACCESS_FS_TRUNCATE);
  }

  /**
   * landlock_create_ruleset(2) of a set that forbids all {@link #fileRights} and, where the version
   * has that, to bind and connect TCP sockets, to connect to abstract sockets and to signal
   * processes outside.
   *
   * @return a descriptor or -errno
   */
  public static int create(int version) {
    MemorySegment s = CallState.get().scratch;
    Memory.setLong(s, 0, fileRights(version));
    Memory.setLong(s, 8, version >= 4 ? ACCESS_NET_BIND_TCP | ACCESS_NET_CONNECT_TCP : 0);
    Memory.setLong(s, 16, version >= 6 ? SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL : 0);
    int size = ATTR_SIZES[Math.min(version, ATTR_SIZES.length) - 1];
    return (int) Syscall.call(Nr.LANDLOCK_CREATE_RULESET, s.address(), size, 0);
  }

  /**
   * landlock_add_rule(2): allows {@code rights} in the tree that {@code fd} is the top of. Returns
   * 0 or -errno.
   */
  public static int allow(int ruleset, int fd, long rights) {
    MemorySegment s = CallState.get().scratch; // struct landlock_path_beneath_attr, packed
    Memory.setLong(s, 0, rights);
    Memory.setInt(s, 8, fd);
    return (int) Syscall.call(Nr.LANDLOCK_ADD_RULE, ruleset, RULE_PATH_BENEATH, s.address(), 0);
  }

  /**
   * landlock_restrict_self(2) in every thread of this process, for good. Returns 0 or -errno of the
   * first that failed.
   */
  public static int restrictAll(int ruleset) {
    return Syscall.inEveryThread(Nr.LANDLOCK_RESTRICT_SELF, ruleset, 0);
  }
}
