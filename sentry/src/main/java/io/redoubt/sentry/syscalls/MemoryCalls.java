package io.redoubt.sentry.syscalls;

import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;
import static io.redoubt.sentry.kernel.SyscallTable.Support.PARTIAL;

import io.redoubt.host.Errno;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import java.lang.foreign.MemorySegment;

/**
 * What the filter leaves of calls on the caller's own memory: unusual flags, residency, NUMA
 * policy. All of their arguments that a decision is made on are in registers, so the host kernel
 * may run them.
 */
public final class MemoryCalls {
  private static final long PAGE = 4096;
  private static final int MADV_REMOVE = 9;
  private static final int MADV_HWPOISON = 100;
  private static final int MADV_SOFT_OFFLINE = 101;
  private static final long MPOL_MF_MOVE_ALL = 4;

  private MemoryCalls() {}

  public static void register(SyscallTable t) {
    ProcessMemoryCalls.register(t);
    t.on(10, "mprotect", 3, c -> Syscall.CONTINUE, FULL);
    t.on(25, "mremap", 5, c -> -Errno.EINVAL, PARTIAL, "no MREMAP_DONTUNMAP");
    t.on(
        27,
        "mincore",
        3,
        MemoryCalls::mincore,
        PARTIAL,
        "every mapped page is resident: what others have in the page cache is theirs");
    t.on(
        28,
        "madvise",
        3,
        MemoryCalls::madvise,
        PARTIAL,
        "no MADV_MERGEABLE, MADV_HWPOISON, MADV_SOFT_OFFLINE, MADV_COLD, MADV_PAGEOUT, MADV_COLLAPSE, MADV_GUARD_INSTALL:"
            + " as a kernel without them");
    t.on(
        237,
        "mbind",
        6,
        c -> (c.arg5 & MPOL_MF_MOVE_ALL) != 0 ? -Errno.EPERM : Syscall.CONTINUE,
        PARTIAL,
        "no MPOL_MF_MOVE_ALL");
    t.on(238, "set_mempolicy", 3, c -> Syscall.CONTINUE, FULL);
    t.on(239, "get_mempolicy", 5, c -> Syscall.CONTINUE, FULL);
    t.on(
        256,
        "migrate_pages",
        4,
        c -> isSelf(c, c.arg0) ? Syscall.CONTINUE : -Errno.EPERM,
        PARTIAL,
        "of the caller");
    t.on(
        279,
        "move_pages",
        6,
        c ->
            isSelf(c, c.arg0) && (c.arg5 & MPOL_MF_MOVE_ALL) == 0 ? Syscall.CONTINUE : -Errno.EPERM,
        PARTIAL,
        "of the caller");
    t.on(450, "set_mempolicy_home_node", 4, c -> Syscall.CONTINUE, FULL);
    t.on(
        274,
        "get_robust_list",
        3,
        c -> isSelf(c, c.arg0) ? Syscall.CONTINUE : -Errno.EPERM,
        PARTIAL,
        "of the caller");
    t.on(324, "membarrier", 3, c -> -Errno.EINVAL, PARTIAL, "no GLOBAL_EXPEDITED");
  }

  private static boolean isSelf(Syscall c, long pid) {
    return (int) pid == 0 || (int) pid == c.task.tid || (int) pid == c.task.process.pid;
  }

  private static long madvise(Syscall c) {
    return switch ((int) c.arg2) {
      case MADV_REMOVE -> Syscall.CONTINUE;
      case MADV_HWPOISON, MADV_SOFT_OFFLINE -> -Errno.EPERM;
      default -> -Errno.EINVAL;
    };
  }

  private static long mincore(Syscall c) {
    long start = c.arg0;
    if ((start & PAGE - 1) != 0) {
      return -Errno.EINVAL;
    }
    long end = start + c.arg1 + PAGE - 1 & -PAGE;
    if (start < 0 || c.arg1 < 0 || end < start) {
      return -Errno.ENOMEM;
    }
    if (end > start && !isMapped(c, start, end)) {
      return -Errno.ENOMEM;
    }
    MemorySegment s = c.scratch().bulk;
    long pages = (end - start) / PAGE;
    s.asSlice(0, Math.min(pages, s.byteSize())).fill((byte) 1);
    for (long done = 0; done < pages; ) {
      long n = Math.min(pages - done, s.byteSize());
      if (c.memory().write(c.arg2 + done, s, n) < 0) {
        return -Errno.EFAULT;
      }
      done += n;
    }
    return 0;
  }

  /** Whether the host's list of mappings (rising addresses) covers all of [start, end). */
  private static boolean isMapped(Syscall c, long start, long end) {
    String maps = c.task.kernel.hostProc.read(c.task.process.hostPid, "maps");
    long covered = start;
    int at = 0;
    while (maps != null && at < maps.length()) {
      int dash = maps.indexOf('-', at);
      int space = maps.indexOf(' ', dash);
      int line = maps.indexOf('\n', at);
      if (dash < 0 || space < 0 || line < 0) {
        return false;
      }
      long from = Long.parseUnsignedLong(maps, at, dash, 16);
      long to = Long.parseUnsignedLong(maps, dash + 1, space, 16);
      if (Long.compareUnsigned(from, covered) <= 0 && Long.compareUnsigned(to, covered) > 0) {
        covered = to;
        if (covered < 0 || covered >= end) {
          return true;
        }
      }
      at = line + 1;
    }
    return false;
  }
}
