package io.redoubt.sentry.syscalls;

import io.redoubt.sentry.kernel.SyscallTable;

/** The calls that take paths, and those on what paths lead to. */
public final class PathCalls {
  private PathCalls() {}

  /** Adds the rows of all of them. */
  public static void register(SyscallTable t) {
    OpenCalls.register(t);
    StatCalls.register(t);
    NameCalls.register(t);
    DirCalls.register(t);
    AttrCalls.register(t);
    TimeCalls.register(t);
    SizeCalls.register(t);
    XattrCalls.register(t);
    MountCalls.register(t);
  }
}
