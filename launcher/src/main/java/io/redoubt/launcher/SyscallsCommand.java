package io.redoubt.launcher;

import io.redoubt.seccomp.GuestProfile;
import io.redoubt.sentry.CallTable;
import io.redoubt.sentry.StartFailure;
import io.redoubt.sentry.trace.SyscallTablePrinter;
import java.util.List;

/** {@code redoubt syscalls}: the table of docs/syscalls.md. */
final class SyscallsCommand {
  private SyscallsCommand() {}

  static String text(List<String> words) {
    if (!words.isEmpty()) {
      throw new StartFailure(Caller.FAILED, "syscalls takes no argument, but got " + words.get(0));
    }
    return RawArguments.raw(SyscallTablePrinter.print(GuestProfile.filter(), CallTable.create()));
  }
}
