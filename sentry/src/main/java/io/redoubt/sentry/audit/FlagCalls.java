package io.redoubt.sentry.audit;

/** Calls of which it is the arguments that are refused with EPERM, not the call. */
final class FlagCalls {
  private static final int[] NUMBERS = {
    16, // ioctl: requests that change something
    41, // socket: raw and packet
    54, // setsockopt
    56, // clone: namespaces
    157, // prctl
    165, // mount
    272, // unshare: namespaces
    286, // timerfd_settime
    283 // timerfd_create: alarm clocks
  };

  private FlagCalls() {}

  static boolean has(int nr) {
    for (int n : NUMBERS) {
      if (n == nr) {
        return true;
      }
    }
    return false;
  }
}
