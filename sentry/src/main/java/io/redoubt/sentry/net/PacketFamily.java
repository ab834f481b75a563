package io.redoubt.sentry.net;

import static io.redoubt.host.Errno.EOPNOTSUPP;
import static io.redoubt.host.Errno.EPERM;
import static io.redoubt.host.Errno.ESOCKTNOSUPPORT;

import io.redoubt.host.Socket;
import io.redoubt.sentry.kernel.Syscall;

/**
 * AF_PACKET (packet(7)): frames as they are on an interface of the sandbox's network namespace. As
 * for raw sockets it takes {@code --net-raw} and CAP_NET_RAW; without, EPERM as packet_create()
 * says.
 */
final class PacketFamily implements SocketFamily {
  private final Network network;

  PacketFamily(Network network) {
    this.network = network;
  }

  /** packet_create(), in its order. @return 0 or -errno */
  private static int check(Syscall c, int type) {
    if (!c.task.kernel.mayUseRawSockets(c.task.credentials)) {
      return -EPERM;
    }
    // SOCK_PACKET is of Linux 2.0, and nobody has a use for it.
    return type == SocketFile.SOCK_RAW || type == SocketFile.SOCK_DGRAM ? 0 : -ESOCKTNOSUPPORT;
  }

  @Override
  public SocketFile create(Syscall c, int type, int protocol, int flags) {
    int r = check(c, type);
    if (r < 0) {
      return c.fail(r);
    }
    int fd = network.socket(Socket.AF_PACKET, type, protocol);
    return fd < 0 ? c.fail(fd) : new PacketSocket(network, fd, type, protocol, flags);
  }

  @Override
  public SocketFile[] pair(Syscall c, int type, int protocol, int flags) {
    int r = check(c, type);
    return c.fail(r < 0 ? r : -EOPNOTSUPP);
  }
}
