package io.redoubt.sentry.net;

import static io.redoubt.host.Errno.EOPNOTSUPP;
import static io.redoubt.host.Errno.EPERM;
import static io.redoubt.host.Errno.EPROTONOSUPPORT;
import static io.redoubt.host.Errno.ESOCKTNOSUPPORT;

import io.redoubt.sentry.kernel.Syscall;

/**
 * AF_INET and AF_INET6: TCP, UDP, and echo requests by SOCK_DGRAM (ip(7), icmp(7)). Raw sockets
 * (raw(7)) see and forge what is not theirs: without {@code --net-raw} they are EPERM, whatever
 * capabilities the guest has in here.
 */
final class InetFamily implements SocketFamily {
  private static final int IPPROTO_ICMP = 1;
  private static final int IPPROTO_TCP = 6;
  private static final int IPPROTO_UDP = 17;
  private static final int IPPROTO_ICMPV6 = 58;
  private static final int IPPROTO_MAX = 263; // IPPROTO_MPTCP + 1
  private static final int AF_INET6 = 10;

  private final Network network;
  private final int domain;

  InetFamily(Network network, int domain) {
    this.network = network;
    this.domain = domain;
  }

  /** inet_create(), in its order. @return the protocol, or -errno */
  private int protocol(Syscall c, int type, int asked) {
    if (asked < 0 || asked >= IPPROTO_MAX) {
      return -io.redoubt.host.Errno.EINVAL;
    }
    switch (type) {
      case SocketFile.SOCK_STREAM:
        return asked == 0 || asked == IPPROTO_TCP ? IPPROTO_TCP : -EPROTONOSUPPORT;
      case SocketFile.SOCK_DGRAM:
        int ping = domain == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
        return asked == 0 || asked == IPPROTO_UDP
            ? IPPROTO_UDP
            : asked == ping ? ping : -EPROTONOSUPPORT;
      case SocketFile.SOCK_RAW:
        return asked == 0
            ? -EPROTONOSUPPORT
            : c.task.kernel.mayUseRawSockets(c.task.credentials) ? asked : -EPERM;
      default:
        return -ESOCKTNOSUPPORT;
    }
  }

  @Override
  public SocketFile create(Syscall c, int type, int protocol, int flags) {
    int p = protocol(c, type, protocol);
    if (p < 0) {
      return c.fail(p);
    }
    int fd = network.socket(domain, type, p);
    return fd < 0 ? c.fail(fd) : new HostSocket(network, fd, domain, type, p, flags);
  }

  @Override
  public SocketFile[] pair(Syscall c, int type, int protocol, int flags) {
    int p = protocol(c, type, protocol);
    return c.fail(p < 0 ? p : -EOPNOTSUPP);
  }
}
