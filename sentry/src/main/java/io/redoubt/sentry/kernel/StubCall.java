package io.redoubt.sentry.kernel;

import io.redoubt.host.Errno;

/**
 * The stub's one reserved call number: honoured only for a task whose exec is on its way, ENOSYS
 * for everybody else.
 */
final class StubCall {
  /** Far past the end of Linux's table. */
  static final int NUMBER = io.redoubt.seccomp.GuestProfile.STUB_CALL;

  private StubCall() {}

  /**
   * A stub call of a task that has no exec of its own: exec by a thread that is not the leader,
   * whose new image runs under the leader's id.
   */
  static long call(Syscall c) {
    Exec e = c.arg0 == Exec.LOAD ? Exec.thatHappened(c) : null;
    return e == null ? -Errno.ENOSYS : e.load(c);
  }
}
