package io.redoubt.sentry.net;

import static io.redoubt.host.Errno.ECONNREFUSED;
import static io.redoubt.host.Errno.EOPNOTSUPP;

import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.kernel.Syscall;

/** Sockets with a name in the file system. */
final class UnixPaths {
  private UnixPaths() {}

  /** Makes the node of a path. */
  static Path bind(Syscall c, UnixSocket socket, String path) {
    return c.fail(-EOPNOTSUPP);
  }

  /** Lets go of a path's node, whose name may stay. */
  static void unbind(UnixSocket socket, Path path) {}

  /** The socket of {@code type} at a path. */
  static UnixSocket find(Syscall c, String path, int type) {
    return c.fail(-ECONNREFUSED);
  }
}
