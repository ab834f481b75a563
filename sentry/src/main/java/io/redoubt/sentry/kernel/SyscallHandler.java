package io.redoubt.sentry.kernel;

/**
 * Serves one system call.
 *
 * <p>A handler takes raw arguments, turns them into types, looks up the fd, calls the object and
 * returns. It must not know which tier (notification, later ring) brought the call.
 */
@FunctionalInterface
public interface SyscallHandler {
  /**
   * Runs the call.
   *
   * @return the value for the guest, a negative errno, or one of {@link Syscall#BLOCKED}, {@link
   *     Syscall#CONTINUE}, {@link Syscall#NO_REPLY}
   */
  long call(Syscall c);
}
