package io.redoubt.sentry.syscalls;

import static io.redoubt.sentry.kernel.SyscallTable.Support.NONE;

import io.redoubt.host.Errno;
import io.redoubt.sentry.kernel.SyscallTable;

/**
 * Calls that reach the sentry and are not there, with the error that lets programs go on: ENOSYS
 * where Linux may lack the call too, so that libraries have a way around it, EPERM where only
 * privileged programs ask.
 */
public final class AbsentCalls {
  private AbsentCalls() {}

  public static void register(SyscallTable t) {
    absent(t, Errno.ENOSYS, "kernel asynchronous I/O; libraries use threads", 206, "io_setup", 2);
    absent(t, Errno.ENOSYS, "see io_setup", 207, "io_destroy", 1);
    absent(t, Errno.ENOSYS, "see io_setup", 208, "io_getevents", 5);
    absent(t, Errno.ENOSYS, "see io_setup", 209, "io_submit", 3);
    absent(t, Errno.ENOSYS, "see io_setup", 210, "io_cancel", 3);
    absent(t, Errno.ENOSYS, "see io_setup", 333, "io_pgetevents", 6);
    absent(t, Errno.ENOSYS, "libc has statvfs on statfs", 136, "ustat", 2);
    absent(t, Errno.EPERM, "no quotas", 179, "quotactl", 4);
    absent(t, Errno.EPERM, "no quotas", 443, "quotactl_fd", 4);
    absent(t, Errno.ENOSYS, "memory of other processes", 440, "process_madvise", 5);
    absent(t, Errno.ENOSYS, "memory of other processes", 448, "process_mrelease", 2);
    absent(t, Errno.ENOSYS, "mount(8) falls back to mount(2)", 428, "open_tree", 3);
    absent(t, Errno.ENOSYS, "see open_tree", 429, "move_mount", 5);
    absent(t, Errno.ENOSYS, "see open_tree", 430, "fsopen", 2);
    absent(t, Errno.ENOSYS, "see open_tree", 431, "fsconfig", 5);
    absent(t, Errno.ENOSYS, "see open_tree", 432, "fsmount", 3);
    absent(t, Errno.ENOSYS, "see open_tree", 433, "fspick", 3);
    absent(t, Errno.ENOSYS, "see open_tree", 442, "mount_setattr", 5);
    absent(t, Errno.ENOSYS, "libraries read /proc/self/mountinfo", 457, "statmount", 4);
    absent(t, Errno.ENOSYS, "libraries read /proc/self/mountinfo", 458, "listmount", 4);
    absent(t, Errno.ENOSYS, "page cache of the host", 451, "cachestat", 4);
  }

  private static void absent(
      SyscallTable t, int errno, String note, int nr, String name, int arity) {
    t.on(nr, name, arity, c -> -errno, NONE, note);
  }
}
