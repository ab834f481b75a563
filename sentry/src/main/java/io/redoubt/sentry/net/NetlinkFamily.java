package io.redoubt.sentry.net;

import static io.redoubt.host.Errno.EOPNOTSUPP;
import static io.redoubt.host.Errno.EPROTONOSUPPORT;
import static io.redoubt.host.Errno.ESOCKTNOSUPPORT;

import io.redoubt.sentry.kernel.Syscall;

/** AF_NETLINK (netlink(7)): NETLINK_ROUTE, to look only. */
final class NetlinkFamily implements SocketFamily {
  private static final int AF_NETLINK = 16;
  private static final int NETLINK_ROUTE = 0;

  private final Network network;

  NetlinkFamily(Network network) {
    this.network = network;
  }

  @Override
  public SocketFile create(Syscall c, int type, int protocol, int flags) {
    if (type != SocketFile.SOCK_RAW && type != SocketFile.SOCK_DGRAM) {
      return c.fail(-ESOCKTNOSUPPORT);
    }
    if (protocol != NETLINK_ROUTE) {
      return c.fail(-EPROTONOSUPPORT);
    }
    int fd = network.socket(AF_NETLINK, type, protocol);
    return fd < 0 ? c.fail(fd) : new NetlinkSocket(network, fd, type, flags);
  }

  @Override
  public SocketFile[] pair(Syscall c, int type, int protocol, int flags) {
    return c.fail(-EOPNOTSUPP);
  }
}
