package io.redoubt.sentry;

import io.redoubt.sentry.kernel.ExecCalls;
import io.redoubt.sentry.kernel.MapCalls;
import io.redoubt.sentry.kernel.ProcessCalls;
import io.redoubt.sentry.kernel.SyscallTable;
import io.redoubt.sentry.kernel.TimerCalls;
import io.redoubt.sentry.syscalls.FileCalls;

/** The whole system call table: every family of calls in one place. */
public final class CallTable {
  private CallTable() {}

  /** A new table with every call that the sentry serves. */
  public static SyscallTable create() {
    SyscallTable t = new SyscallTable();
    ProcessCalls.register(t);
    ExecCalls.register(t);
    MapCalls.register(t);
    TimerCalls.register(t);
    FileCalls.register(t);
    return t;
  }
}
