package io.redoubt.sentry;

import io.redoubt.sentry.ipc.mq.QueueCalls;
import io.redoubt.sentry.ipc.sysv.MessageCalls;
import io.redoubt.sentry.ipc.sysv.SemaphoreCalls;
import io.redoubt.sentry.ipc.sysv.SharedMemoryCalls;
import io.redoubt.sentry.kernel.ExecCalls;
import io.redoubt.sentry.kernel.MapCalls;
import io.redoubt.sentry.kernel.PidfdCalls;
import io.redoubt.sentry.kernel.ProcessCalls;
import io.redoubt.sentry.kernel.SyscallTable;
import io.redoubt.sentry.kernel.TimerCalls;
import io.redoubt.sentry.syscalls.AbsentCalls;
import io.redoubt.sentry.syscalls.CapabilityCalls;
import io.redoubt.sentry.syscalls.FileCalls;
import io.redoubt.sentry.syscalls.IdentityCalls;
import io.redoubt.sentry.syscalls.LimitCalls;
import io.redoubt.sentry.syscalls.MemoryCalls;
import io.redoubt.sentry.syscalls.PathCalls;
import io.redoubt.sentry.syscalls.PrctlCalls;
import io.redoubt.sentry.syscalls.SchedulingCalls;
import io.redoubt.sentry.syscalls.SystemCalls;

/** The whole system call table: every family of calls in one place. */
public final class CallTable {
  private CallTable() {}

  /** A new table with every call that the sentry serves. */
  public static SyscallTable create() {
    SyscallTable t = new SyscallTable();
    ProcessCalls.register(t);
    PidfdCalls.register(t);
    ExecCalls.register(t);
    MapCalls.register(t);
    TimerCalls.register(t);
    FileCalls.register(t);
    PathCalls.register(t);
    AbsentCalls.register(t);
    CapabilityCalls.register(t);
    IdentityCalls.register(t);
    LimitCalls.register(t);
    MemoryCalls.register(t);
    PrctlCalls.register(t);
    SchedulingCalls.register(t);
    SystemCalls.register(t);
    MessageCalls.register(t);
    QueueCalls.register(t);
    SemaphoreCalls.register(t);
    SharedMemoryCalls.register(t);
    return t;
  }
}
