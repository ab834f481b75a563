package io.redoubt.sentry.ipc.sysv;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.sentry.kernel.Credentials;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What all three kinds have: a key, an id, an owner and permissions ({@code struct ipc64_perm}).
 * Guarded by its own monitor.
 */
abstract class IpcObject {
  // struct ipc64_perm of x86-64, linux/ipcbuf.h
  static final int PERM_KEY = 0; // __kernel_key_t (int)
  static final int PERM_UID = 4; // __kernel_uid32_t
  static final int PERM_GID = 8; // __kernel_gid32_t
  static final int PERM_CUID = 12; // __kernel_uid32_t
  static final int PERM_CGID = 16; // __kernel_gid32_t
  static final int PERM_MODE = 20; // __kernel_mode_t (unsigned int)
  static final int PERM_SEQ = 24; // unsigned short
  static final int PERM_SIZEOF = 48;

  static final int READ = 4;
  static final int WRITE = 2;

  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;

  final int key;
  int id; // set by the table
  int uid;
  int gid;
  final int cuid;
  final int cgid;
  int mode;
  long changeSeconds = now();

  /** Removed by IPC_RMID: nobody finds it any more, who waits for it gets EIDRM. */
  volatile boolean removed;

  IpcObject(int key, Credentials maker, int mode) {
    this.key = key;
    this.uid = maker.euid();
    this.gid = maker.egid();
    this.cuid = maker.euid();
    this.cgid = maker.egid();
    this.mode = mode & 0777;
  }

  /** Seconds since 1970. */
  static long now() {
    return System.currentTimeMillis() / 1000;
  }

  /**
   * ipcperms() of ipc/util.c.
   *
   * @param want READ, WRITE, 1 for executing, or more of them
   * @return 0 or -EACCES
   */
  final synchronized int access(Credentials c, int want) {
    int granted = mode;
    if (c.euid() == cuid || c.euid() == uid) {
      granted >>= 6;
    } else if (isInGroup(c, cgid) || isInGroup(c, gid)) {
      granted >>= 3;
    }
    return (want & ~granted & 7) == 0 || c.has(Credentials.CAP_IPC_OWNER) ? 0 : -Errno.EACCES;
  }

  /**
   * As {@link #access}, for the mode bits given to a ...get() call, whichever of the three places
   * they are in.
   */
  final int accessForFlags(Credentials c, int flags) {
    return access(c, (flags >> 6 | flags >> 3 | flags) & 7);
  }

  private static boolean isInGroup(Credentials c, int group) {
    if (c.egid() == group) {
      return true;
    }
    for (int g : c.groups()) {
      if (g == group) {
        return true;
      }
    }
    return false;
  }

  /** Whether {@code c} may remove and change it. @return 0 or -EPERM */
  final synchronized int ownership(Credentials c) {
    boolean owns = c.euid() == cuid || c.euid() == uid || c.has(Credentials.CAP_SYS_ADMIN);
    return owns ? 0 : -Errno.EPERM;
  }

  /** Writes the {@code struct ipc64_perm}. */
  final void putPerm(MemorySegment s, int extraMode) {
    s.asSlice(0, PERM_SIZEOF).fill((byte) 0);
    Memory.setInt(s, PERM_KEY, key);
    Memory.setInt(s, PERM_UID, uid);
    Memory.setInt(s, PERM_GID, gid);
    Memory.setInt(s, PERM_CUID, cuid);
    Memory.setInt(s, PERM_CGID, cgid);
    Memory.setInt(s, PERM_MODE, mode | extraMode);
    Memory.setShort(s, PERM_SEQ, (short) (id >>> IpcTable.INDEX_BITS));
  }

  /** IPC_SET of owner and mode. @return 0, or -EINVAL for an id that is none */
  final int setPerm(int newUid, int newGid, int newMode) {
    if (newUid == -1 || newGid == -1) {
      return -Errno.EINVAL;
    }
    uid = newUid;
    gid = newGid;
    mode = mode & ~0777 | newMode & 0777;
    changeSeconds = now();
    return 0;
  }
}
