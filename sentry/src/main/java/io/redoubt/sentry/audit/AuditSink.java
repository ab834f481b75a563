package io.redoubt.sentry.audit;

import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Memory;
import io.redoubt.host.Mman;
import io.redoubt.host.Socket;
import io.redoubt.host.Unistd;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * Where lines go: a file that is appended to, or a datagram socket (unix(7)) that gets one line a
 * datagram. Opened before the sentry is confined. A line that cannot be written now is lost: nobody
 * waits for a full disk or a reader that sleeps. For one thread.
 */
final class AuditSink {
  private static final String SOCKET = "unix:";
  private static final int MAX_LINE = 16 * 1024;
  private static final int PATH_MAX_UN = 107;
  private static final int FLAGS =
      Fcntl.O_WRONLY | Fcntl.O_CREAT | Fcntl.O_APPEND | Fcntl.O_CLOEXEC | Fcntl.O_NOCTTY;

  private final int fd;
  private final boolean isSocket;
  private final MemorySegment buffer = Mman.anonymous(MAX_LINE);

  /**
   * Whether there is a part of a line at the end: a full disk, a fifo. The next begins a new one.
   */
  private boolean isTorn;

  private AuditSink(int fd, boolean isSocket) {
    this.fd = fd;
    this.isSocket = isSocket;
  }

  /**
   * Opens a destination.
   *
   * @param destination a path, or "unix:" and the path of a socket
   * @param error its only element is set to -errno where there is no result
   */
  static AuditSink open(String destination, int[] error) {
    boolean isSocket = destination.startsWith(SOCKET);
    int fd =
        isSocket
            ? connect(destination.substring(SOCKET.length()))
            : Fcntl.open(destination, FLAGS | 04000, 0600); // O_NONBLOCK: it may be a fifo
    error[0] = Math.min(fd, 0);
    return fd < 0 ? null : new AuditSink(fd, isSocket);
  }

  private static int connect(String path) {
    byte[] name = path.getBytes(StandardCharsets.ISO_8859_1);
    if (name.length == 0 || name.length > PATH_MAX_UN) {
      return -Errno.ENAMETOOLONG;
    }
    int fd = Socket.socket(Socket.AF_UNIX, Socket.SOCK_DGRAM | Socket.SOCK_CLOEXEC, 0);
    if (fd < 0) {
      return fd;
    }
    MemorySegment address = Mman.anonymous(4096); // struct sockaddr_un: u16 family, char path[108]
    Memory.setShort(address, 0, (short) Socket.AF_UNIX);
    Memory.copy(name, 0, address, 2, name.length);
    int r = Socket.connect(fd, address, 2 + name.length + 1);
    Mman.munmap(address.address(), 4096);
    if (r < 0) {
      Unistd.close(fd);
      return r;
    }
    return fd;
  }

  /** Writes a line. @return whether all of it went out */
  boolean write(CharSequence line) {
    int n = 0;
    if (isTorn) {
      Memory.setByte(buffer, n++, (byte) '\n');
    }
    for (int i = 0; i < line.length() && n < MAX_LINE; i++) {
      Memory.setByte(buffer, n++, (byte) line.charAt(i));
    }
    long r;
    do {
      r =
          isSocket
              ? Socket.send(fd, buffer, n, Socket.MSG_DONTWAIT | Socket.MSG_NOSIGNAL)
              : Unistd.write(fd, buffer, n);
    } while (r == -Errno.EINTR);
    isTorn = r == n ? false : isTorn || r > 0;
    return r == n;
  }
}
