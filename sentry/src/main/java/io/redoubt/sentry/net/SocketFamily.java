package io.redoubt.sentry.net;

import io.redoubt.sentry.kernel.Syscall;

/** An address family: what socket(2) and socketpair(2) make for one domain. */
public interface SocketFamily {
  /**
   * Makes a socket.
   *
   * @param type SOCK_* without flags
   * @param flags O_NONBLOCK or 0
   * @return a socket with one reference, or null with -EPROTONOSUPPORT, -ESOCKTNOSUPPORT ...
   */
  SocketFile create(Syscall c, int type, int protocol, int flags);

  /** Makes two connected sockets; null with an errno, -EOPNOTSUPP where the family has no pairs. */
  SocketFile[] pair(Syscall c, int type, int protocol, int flags);
}
