package io.redoubt.sentry.net;

import static io.redoubt.host.Errno.EADDRINUSE;
import static io.redoubt.host.Errno.ECONNREFUSED;
import static io.redoubt.host.Errno.ENOSPC;

import io.redoubt.sentry.kernel.Syscall;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;

/**
 * Where names lead: abstract names, one table per type of socket, and through {@link UnixPaths}
 * those of the file system. Lock: its own monitor.
 */
final class UnixNames {
  private static final int LAST_AUTOBIND = 0xfffff;

  private record Name(String bytes, int type) {}

  private final HashMap<Name, UnixSocket> table = new HashMap<>();
  private int nextAutobind = 1;

  private static Name key(byte[] address, int type) {
    return new Name(new String(address, StandardCharsets.ISO_8859_1), type);
  }

  /** Binds an abstract name. @return 0 or -EADDRINUSE */
  synchronized int bind(UnixSocket socket, byte[] address) {
    return table.putIfAbsent(key(address, socket.type()), socket) == null ? 0 : -EADDRINUSE;
  }

  /**
   * Binds a name that the kernel chooses: five hexadecimal digits. @return the address, or null:
   * -ENOSPC
   */
  synchronized byte[] autobind(Syscall c, UnixSocket socket) {
    for (int i = 0; i <= LAST_AUTOBIND; i++) {
      int n = nextAutobind++ & LAST_AUTOBIND;
      byte[] address = new byte[UnixAddress.PATH + 6];
      address[0] = UnixAddress.AF_UNIX;
      for (int k = 0; k < 5; k++) {
        address[UnixAddress.PATH + 5 - k] = (byte) Character.forDigit(n >>> 4 * k & 15, 16);
      }
      if (bind(socket, address) == 0) {
        return address;
      }
    }
    return c.fail(-ENOSPC);
  }

  /** Lets go of an abstract name. */
  synchronized void unbind(UnixSocket socket, byte[] address) {
    table.remove(key(address, socket.type()), socket);
  }

  /**
   * The socket of {@code type} that is bound to a checked address.
   *
   * @return it, or null with -ECONNREFUSED, -EPROTOTYPE, -EACCES, or what the walk says
   */
  UnixSocket find(Syscall c, byte[] address, int type) {
    if (UnixAddress.isAbstract(address)) {
      synchronized (this) {
        UnixSocket s = table.get(key(address, type));
        return s != null ? s : c.fail(-ECONNREFUSED);
      }
    }
    return UnixPaths.find(c, UnixAddress.path(address), type);
  }
}
