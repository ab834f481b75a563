package io.redoubt.sentry.kernel;

/**
 * The guest's own identity: the sentry's books, the host knows nothing of it. Immutable; a change makes a new one, so that a reader
 * sees one consistent set (credentials(7)).
 */
public record Credentials(
    int uid, int euid, int suid, int fsuid, int gid, int egid, int sgid, int fsgid, int[] groups,
    long permitted, long effective, long inheritable, long bounding, long ambient, boolean noNewPrivs) {
  public static final int CAP_CHOWN = 0;
  public static final int CAP_DAC_OVERRIDE = 1;
  public static final int CAP_DAC_READ_SEARCH = 2;
  public static final int CAP_FOWNER = 3;
  public static final int CAP_FSETID = 4;
  public static final int CAP_KILL = 5;
  public static final int CAP_SETGID = 6;
  public static final int CAP_SETUID = 7;
  public static final int CAP_SETPCAP = 8;
  public static final int CAP_NET_RAW = 13;
  public static final int CAP_IPC_OWNER = 15;
  public static final int CAP_SYS_CHROOT = 18;
  public static final int CAP_SYS_PTRACE = 19;
  public static final int CAP_SYS_ADMIN = 21;
  public static final int CAP_SYS_NICE = 23;
  public static final int CAP_SYS_RESOURCE = 24;
  public static final int CAP_SYS_TTY_CONFIG = 26;
  public static final int CAP_MKNOD = 27;
  public static final int CAP_LAST = 40;
  public static final long ALL_CAPS = (1L << (CAP_LAST + 1)) - 1;

  /** A fresh identity: all ids the same; root gets every capability. */
  public static Credentials of(int uid, int gid, int... groups) {
    long caps = uid == 0 ? ALL_CAPS : 0;
    return new Credentials(uid, uid, uid, uid, gid, gid, gid, gid, groups, caps, caps, 0, ALL_CAPS, 0, false);
  }

  /** Whether the effective set holds {@code cap}. */
  public boolean has(int cap) {
    return (effective & (1L << cap)) != 0;
  }

  /** Whether {@code group} is the file-system group or a supplementary one. */
  public boolean inGroup(int group) {
    if (group == fsgid) {
      return true;
    }
    for (int g : groups) {
      if (g == group) {
        return true;
      }
    }
    return false;
  }

  /**
   * Access to an object with {@code mode}, {@code owner} and {@code group}, as in path_resolution(7).
   *
   * @param want MAY bits: 4 read, 2 write, 1 execute or search
   * @return 0 or -EACCES
   */
  public int access(int mode, int owner, int group, int want) {
    int bits = fsuid == owner ? mode >> 6 : inGroup(group) ? mode >> 3 : mode;
    if ((want & ~bits & 7) == 0) {
      return 0;
    }
    boolean directory = (mode & 0170000) == 0040000;
    if (has(CAP_DAC_OVERRIDE) && (directory || (want & 1) == 0 || (mode & 0111) != 0)) {
      return 0;
    }
    if (has(CAP_DAC_READ_SEARCH) && (want & 2) == 0 && (directory || (want & 1) == 0)) {
      return 0;
    }
    return -13;
  }

  /** The identity after exec of a file (credentials(7), capabilities(7)): set-id bits, saved ids, capabilities. */
  public Credentials afterExec(io.redoubt.sentry.fs.Stat file, boolean nosuid) {
    int newEuid = euid;
    int newEgid = egid;
    if (!nosuid && !noNewPrivs) {
      if ((file.mode & 04000) != 0) {
        newEuid = file.uid;
      }
      if ((file.mode & 02010) == 02010) {
        newEgid = file.gid;
      }
    }
    boolean root = newEuid == 0 || uid == 0;
    long newPermitted = root ? (inheritable | bounding) : ambient;
    long newEffective = newEuid == 0 ? newPermitted : ambient;
    long newAmbient = newEuid != euid || newEgid != egid ? 0 : ambient;
    return new Credentials(
        uid, newEuid, newEuid, newEuid, gid, newEgid, newEgid, newEgid, groups, newPermitted, newEffective, inheritable, bounding,
        newAmbient, noNewPrivs);
  }
}
