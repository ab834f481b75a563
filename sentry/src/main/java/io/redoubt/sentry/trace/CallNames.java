package io.redoubt.sentry.trace;

import io.redoubt.seccomp.GuestProfile;
import io.redoubt.seccomp.Syscalls;
import io.redoubt.sentry.kernel.SyscallTable;

/** What a system call is called in a report. */
public final class CallNames {
  private CallNames() {}

  /** The name of a number, whether it is served or not. */
  public static String of(SyscallTable table, int nr) {
    SyscallTable.Entry e = table.get(nr);
    String name =
        e != null
            ? e.name()
            : nr == GuestProfile.STUB_CALL ? "(program loader)" : Syscalls.name(nr);
    return name == null ? "syscall_" + nr : name;
  }
}
