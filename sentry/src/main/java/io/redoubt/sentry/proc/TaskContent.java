package io.redoubt.sentry.proc;

import io.redoubt.sentry.kernel.Syscall;

/** Makes the content of a file about a task. */
@FunctionalInterface
interface TaskContent {
  /**
   * Appends the content, one char a byte. @return 0 or a negative errno; -ESRCH when the task is
   * gone
   */
  int write(Syscall c, Target target, StringBuilder out);
}
