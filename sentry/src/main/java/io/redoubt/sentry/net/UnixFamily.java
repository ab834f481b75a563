package io.redoubt.sentry.net;

import static io.redoubt.host.Errno.ENFILE;
import static io.redoubt.host.Errno.EPROTONOSUPPORT;
import static io.redoubt.host.Errno.ESOCKTNOSUPPORT;

import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.limits.Limit;

/** AF_UNIX (unix(7)). */
public final class UnixFamily implements SocketFamily {
  private final UnixNames names = new UnixNames();

  private static int check(int type, int protocol) {
    if (protocol != 0 && protocol != UnixAddress.AF_UNIX) {
      return -EPROTONOSUPPORT;
    }
    return switch (type) {
      // SOCK_RAW is taken for SOCK_DGRAM, for the sake of old BSD programs.
      case SocketFile.SOCK_STREAM,
          SocketFile.SOCK_DGRAM,
          SocketFile.SOCK_RAW,
          SocketFile.SOCK_SEQPACKET ->
          0;
      default -> -ESOCKTNOSUPPORT;
    };
  }

  private static boolean isConnection(int type) {
    return type == SocketFile.SOCK_STREAM || type == SocketFile.SOCK_SEQPACKET;
  }

  @Override
  public SocketFile create(Syscall c, int type, int protocol, int flags) {
    int r = check(type, protocol);
    if (r != 0) {
      return c.fail(r);
    }
    if (!Limit.UNIX_SOCKETS.charge(1)) {
      return c.fail(-ENFILE);
    }
    return isConnection(type)
        ? new UnixConnection(names, type, flags)
        : new UnixDatagram(names, flags);
  }

  @Override
  public SocketFile[] pair(Syscall c, int type, int protocol, int flags) {
    int r = check(type, protocol);
    if (r != 0) {
      return c.fail(r);
    }
    if (!Limit.UNIX_SOCKETS.charge(2)) {
      return c.fail(-ENFILE);
    }
    return isConnection(type)
        ? UnixConnection.pair(c, names, type, flags)
        : UnixDatagram.pair(c, names, flags);
  }
}
