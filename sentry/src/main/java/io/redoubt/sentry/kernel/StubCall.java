package io.redoubt.sentry.kernel;

import io.redoubt.host.Errno;
import io.redoubt.sentry.ring.ProcessRing;
import io.redoubt.sentry.ring.RingLayout;

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
    if (c.arg0 == Exec.ATTACH) {
      return attach(c);
    }
    if (c.arg0 == Exec.MAP) {
      ProcessRing ring = c.task.process.ring;
      return ring == null ? -Errno.EPERM : ring.lendWindow(c);
    }
    Exec e = c.arg0 == Exec.LOAD ? Exec.thatHappened(c) : null;
    return e == null ? -Errno.ENOSYS : e.load(c);
  }

  /**
   * A process that has the trampoline gets a region: an fd for the one mmap with which it maps
   * that.
   *
   * @return the fd; -EAGAIN when it may ask again, because now its memory is shared with another
   *     process
   */
  private static long attach(Syscall c) {
    ProcessRing ring = c.task.process.ring;
    if (ring == null) {
      return -Errno.EAGAIN; // a child of vfork asks, in the memory of its parent
    }
    return ring.attach(
        c.task,
        fd ->
            MapCalls.lend(
                c, fd, RingLayout.REGION_BYTES, RingLayout.REGION_PROT, RingLayout.REGION_FLAGS));
  }
}
