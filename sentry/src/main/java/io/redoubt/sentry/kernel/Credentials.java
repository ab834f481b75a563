package io.redoubt.sentry.kernel;

/**
 * The guest's own identity: the sentry's books, the host knows nothing of it. Immutable; a change
 * makes a new one, so that a reader sees one consistent set (credentials(7)).
 */
public record Credentials(
    int uid,
    int euid,
    int suid,
    int fsuid,
    int gid,
    int egid,
    int sgid,
    int fsgid,
    int[] groups,
    long permitted,
    long effective,
    long inheritable,
    long bounding,
    long ambient,
    boolean noNewPrivs,
    int securebits) {
  public static final int CAP_CHOWN = 0;
  public static final int CAP_DAC_OVERRIDE = 1;
  public static final int CAP_DAC_READ_SEARCH = 2;
  public static final int CAP_FOWNER = 3;
  public static final int CAP_FSETID = 4;
  public static final int CAP_KILL = 5;
  public static final int CAP_SETGID = 6;
  public static final int CAP_SETUID = 7;
  public static final int CAP_SETPCAP = 8;
  public static final int CAP_NET_BIND_SERVICE = 10;
  public static final int CAP_NET_ADMIN = 12;
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

  // securebits.h: each followed by its lock
  public static final int SECBIT_NOROOT = 1;
  public static final int SECBIT_NO_SETUID_FIXUP = 1 << 2;
  public static final int SECBIT_KEEP_CAPS = 1 << 4;
  public static final int SECBIT_KEEP_CAPS_LOCKED = 1 << 5;
  public static final int SECBIT_NO_CAP_AMBIENT_RAISE = 1 << 6;

  /**
   * What follows the file-system uid: CHOWN to FSETID, LINUX_IMMUTABLE, MKNOD, MAC_OVERRIDE
   * (capability.h, CAP_FS_SET).
   */
  private static final long FS_CAPS = 0x1f | 1L << 9 | 1L << CAP_MKNOD | 1L << 32;

  /** An identity without securebits. */
  public Credentials(
      int uid,
      int euid,
      int suid,
      int fsuid,
      int gid,
      int egid,
      int sgid,
      int fsgid,
      int[] groups,
      long permitted,
      long effective,
      long inheritable,
      long bounding,
      long ambient,
      boolean noNewPrivs) {
    this(
        uid,
        euid,
        suid,
        fsuid,
        gid,
        egid,
        sgid,
        fsgid,
        groups,
        permitted,
        effective,
        inheritable,
        bounding,
        ambient,
        noNewPrivs,
        0);
  }

  /** A fresh identity: all ids the same; root gets every capability. */
  public static Credentials of(int uid, int gid, int... groups) {
    long caps = uid == 0 ? ALL_CAPS : 0;
    return new Credentials(
        uid, uid, uid, uid, gid, gid, gid, gid, groups, caps, caps, 0, ALL_CAPS, 0, false);
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
   * The identity that access(2) asks for: the real ids, with the capabilities that they would have.
   * This, if that is the same.
   */
  public Credentials forAccess() {
    long caps = uid == 0 ? permitted : 0;
    if (fsuid == uid && fsgid == gid && effective == caps) {
      return this;
    }
    return new Credentials(
        uid,
        euid,
        suid,
        uid,
        gid,
        egid,
        sgid,
        gid,
        groups,
        permitted,
        caps,
        inheritable,
        bounding,
        ambient,
        noNewPrivs);
  }

  /**
   * Access to an object with {@code mode}, {@code owner} and {@code group}, as in
   * path_resolution(7).
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

  /**
   * The identity after exec of a file (credentials(7), capabilities(7)): set-id bits, saved ids,
   * capabilities.
   */
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
    boolean root = (securebits & SECBIT_NOROOT) == 0 && (newEuid == 0 || uid == 0);
    long newAmbient = newEuid != uid || newEgid != gid ? 0 : ambient;
    long newPermitted = (root ? inheritable | bounding : 0) | newAmbient;
    long newEffective = root && newEuid == 0 ? newPermitted : newAmbient;
    return new Credentials(
        uid,
        newEuid,
        newEuid,
        newEuid,
        gid,
        newEgid,
        newEgid,
        newEgid,
        groups,
        newPermitted,
        newEffective,
        inheritable,
        bounding,
        newAmbient,
        noNewPrivs,
        securebits & ~SECBIT_KEEP_CAPS);
  }

  /**
   * Other user ids, with what that does to the capabilities: who leaves uid 0 altogether loses them
   * unless it asked to keep them, and the effective set follows the effective uid (capabilities(7),
   * "Effect of user ID changes on capabilities").
   */
  public Credentials withUids(int newUid, int newEuid, int newSuid) {
    long p = permitted;
    long e = effective;
    long a = ambient;
    if ((securebits & SECBIT_NO_SETUID_FIXUP) == 0) {
      boolean wasRoot = uid == 0 || euid == 0 || suid == 0;
      if (wasRoot && newUid != 0 && newEuid != 0 && newSuid != 0) {
        if ((securebits & SECBIT_KEEP_CAPS) == 0) {
          p = 0;
          e = 0;
        }
        a = 0;
      }
      if (euid == 0 && newEuid != 0) {
        e = 0;
      } else if (euid != 0 && newEuid == 0) {
        e = p;
      }
    }
    return new Credentials(
        newUid,
        newEuid,
        newSuid,
        newEuid,
        gid,
        egid,
        sgid,
        fsgid,
        groups,
        p,
        e,
        inheritable,
        bounding,
        a,
        noNewPrivs,
        securebits);
  }

  /** Another file-system uid; the capabilities over files follow it. */
  public Credentials withFsuid(int newFsuid) {
    long e = effective;
    if ((securebits & SECBIT_NO_SETUID_FIXUP) == 0) {
      if (fsuid == 0 && newFsuid != 0) {
        e &= ~FS_CAPS;
      } else if (fsuid != 0 && newFsuid == 0) {
        e |= FS_CAPS & permitted;
      }
    }
    return new Credentials(
        uid,
        euid,
        suid,
        newFsuid,
        gid,
        egid,
        sgid,
        fsgid,
        groups,
        permitted,
        e,
        inheritable,
        bounding,
        ambient,
        noNewPrivs,
        securebits);
  }

  /** Other group ids; the file-system one may differ from the effective one. */
  public Credentials withGids(int newGid, int newEgid, int newSgid, int newFsgid) {
    return new Credentials(
        uid,
        euid,
        suid,
        fsuid,
        newGid,
        newEgid,
        newSgid,
        newFsgid,
        groups,
        permitted,
        effective,
        inheritable,
        bounding,
        ambient,
        noNewPrivs,
        securebits);
  }

  /** Other supplementary groups. */
  public Credentials withGroups(int[] newGroups) {
    return new Credentials(
        uid,
        euid,
        suid,
        fsuid,
        gid,
        egid,
        sgid,
        fsgid,
        newGroups,
        permitted,
        effective,
        inheritable,
        bounding,
        ambient,
        noNewPrivs,
        securebits);
  }

  /** Other capability sets; the caller has checked that they may be had. */
  public Credentials withCapabilities(
      long newPermitted,
      long newEffective,
      long newInheritable,
      long newBounding,
      long newAmbient) {
    return new Credentials(
        uid,
        euid,
        suid,
        fsuid,
        gid,
        egid,
        sgid,
        fsgid,
        groups,
        newPermitted,
        newEffective,
        newInheritable,
        newBounding,
        newAmbient,
        noNewPrivs,
        securebits);
  }

  /** Other securebits. */
  public Credentials withSecurebits(int bits) {
    return new Credentials(
        uid,
        euid,
        suid,
        fsuid,
        gid,
        egid,
        sgid,
        fsgid,
        groups,
        permitted,
        effective,
        inheritable,
        bounding,
        ambient,
        noNewPrivs,
        bits);
  }

  /** No exec gives privileges any more. */
  public Credentials withNoNewPrivs() {
    return new Credentials(
        uid,
        euid,
        suid,
        fsuid,
        gid,
        egid,
        sgid,
        fsgid,
        groups,
        permitted,
        effective,
        inheritable,
        bounding,
        ambient,
        true,
        securebits);
  }
}
