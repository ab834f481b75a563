package io.redoubt.sentry.syscalls;

import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import io.redoubt.sentry.kernel.Task;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * capget(2) and capset(2): what the guest may do inside its sandbox. Its host process has none of
 * them.
 */
public final class CapabilityCalls {
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;

  // linux/capability.h; versions 2 and 3 have two words of each set
  private static final int VERSION_1 = 0x19980330;
  private static final int VERSION_2 = 0x20071026;
  private static final int VERSION_3 = 0x20080522;

  // struct __user_cap_header_struct
  private static final int HEADER_VERSION = 0; // __u32
  private static final int HEADER_PID = 4; // int

  // struct __user_cap_data_struct, one for each word
  private static final int DATA_EFFECTIVE = 0; // __u32
  private static final int DATA_PERMITTED = 4; // __u32
  private static final int DATA_INHERITABLE = 8; // __u32
  private static final int DATA_SIZEOF = 12;

  private CapabilityCalls() {}

  public static void register(SyscallTable t) {
    t.on(125, "capget", 2, CapabilityCalls::capget, FULL);
    t.on(126, "capset", 2, CapabilityCalls::capset, FULL);
  }

  /**
   * Reads the version alone: one that is unknown is answered before anything else is looked at.
   *
   * @return words of a set, or a negative errno
   */
  private static int words(Syscall c) {
    MemorySegment s = c.scratch().small;
    if (c.memory().read(c.arg0, s, 4) < 0) {
      return -Errno.EFAULT;
    }
    switch (Memory.getInt(s, HEADER_VERSION)) {
      case VERSION_1:
        return 1;
      case VERSION_2, VERSION_3:
        return 2;
      default:
        return c.memory().writeInt(c.arg0 + HEADER_VERSION, VERSION_3) < 0
            ? -Errno.EFAULT
            : -Errno.EINVAL;
    }
  }

  private static long capget(Syscall c) {
    int words = words(c);
    if (words < 0 || c.arg1 == 0) {
      return words == -Errno.EINVAL && c.arg1 == 0 ? 0 : Math.min(words, 0);
    }
    MemorySegment s = c.scratch().small;
    if (c.memory().read(c.arg0 + HEADER_PID, s, 4) < 0) {
      return -Errno.EFAULT;
    }
    int pid = Memory.getInt(s, 0);
    if (pid < 0) {
      return -Errno.EINVAL;
    }
    Task task = pid == 0 ? c.task : c.task.kernel.tasks.task(pid);
    if (task == null) {
      return -Errno.ESRCH;
    }
    Credentials o = task.credentials;
    for (int i = 0; i < words; i++) {
      Memory.setInt(s, i * DATA_SIZEOF + DATA_EFFECTIVE, (int) (o.effective() >>> 32 * i));
      Memory.setInt(s, i * DATA_SIZEOF + DATA_PERMITTED, (int) (o.permitted() >>> 32 * i));
      Memory.setInt(s, i * DATA_SIZEOF + DATA_INHERITABLE, (int) (o.inheritable() >>> 32 * i));
    }
    return c.memory().write(c.arg1, s, (long) words * DATA_SIZEOF);
  }

  /** cap_capset() of security/commoncap.c. */
  private static long capset(Syscall c) {
    int words = words(c);
    if (words < 0) {
      return words;
    }
    MemorySegment s = c.scratch().small;
    if (c.memory().read(c.arg0 + HEADER_PID, s, 4) < 0) {
      return -Errno.EFAULT;
    }
    int pid = Memory.getInt(s, 0);
    if (pid != 0 && pid != c.task.tid) {
      return -Errno.EPERM;
    }
    if (c.memory().read(c.arg1, s, (long) words * DATA_SIZEOF) < 0) {
      return -Errno.EFAULT;
    }
    long effective = 0;
    long permitted = 0;
    long inheritable = 0;
    for (int i = 0; i < words; i++) {
      effective |= (Memory.getInt(s, i * DATA_SIZEOF + DATA_EFFECTIVE) & 0xffffffffL) << 32 * i;
      permitted |= (Memory.getInt(s, i * DATA_SIZEOF + DATA_PERMITTED) & 0xffffffffL) << 32 * i;
      inheritable |= (Memory.getInt(s, i * DATA_SIZEOF + DATA_INHERITABLE) & 0xffffffffL) << 32 * i;
    }
    effective &= Credentials.ALL_CAPS;
    permitted &= Credentials.ALL_CAPS;
    inheritable &= Credentials.ALL_CAPS;
    Credentials o = c.task.credentials;
    boolean refused =
        !o.has(Credentials.CAP_SETPCAP) && (inheritable & ~(o.inheritable() | o.permitted())) != 0
            || (inheritable & ~(o.inheritable() | o.bounding())) != 0
            || (permitted & ~o.permitted()) != 0
            || (effective & ~permitted) != 0;
    if (refused) {
      return -Errno.EPERM;
    }
    return IdentityCalls.commit(
        c,
        o.withCapabilities(
            permitted,
            effective,
            inheritable,
            o.bounding(),
            o.ambient() & permitted & inheritable));
  }
}
