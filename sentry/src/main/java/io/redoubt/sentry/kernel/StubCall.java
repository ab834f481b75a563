package io.redoubt.sentry.kernel;

import io.redoubt.host.Errno;

/**
 * The stub's one reserved call number: honoured only for a task whose exec is on its way, ENOSYS
 * for everybody else.
 */
final class StubCall {
  /** Far past the end of Linux's table. */
  static final int NUMBER = 0x7265;

  private StubCall() {}

  /**
   * A stub call of a task that has no exec of its own: exec by a thread that is not the leader,
   * whose new image runs under the leader's id.
   */
  static long call(Syscall c) {
    if (c.arg0 == Exec.LOAD) {
      for (Task t : c.task.process.tasks()) {
        Exec e = t.exec;
        if (e != null && e.isExecing()) {
          return e.load(c);
        }
      }
    }
    return -Errno.ENOSYS;
  }
}
