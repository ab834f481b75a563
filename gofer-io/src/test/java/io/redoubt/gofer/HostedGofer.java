package io.redoubt.gofer;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.redoubt.host.Socket;
import io.redoubt.host.Unistd;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * A gofer in a thread of this process, and the sentry's end of its control socket: for a test that
 * says to it whatever it likes.
 */
final class HostedGofer implements AutoCloseable {
  final int control;
  final MemorySegment message = Arena.global().allocate(Protocol.MAX_MESSAGE, 8);
  private final int serverControl;
  private final Thread server;
  private boolean isClosed;

  /** Why the gofer gave up, or null; once {@link #join} has returned. */
  volatile Throwable end;

  HostedGofer() {
    long pair = Socket.socketpair(Socket.SOCK_SEQPACKET | Socket.SOCK_CLOEXEC);
    control = Unistd.first(pair);
    serverControl = Unistd.second(pair);
    server = new Thread(this::serve, "gofer");
    server.start();
  }

  private void serve() {
    try {
      GoferServer s = Handshake.accept(serverControl);
      try {
        s.serve();
      } finally {
        s.close();
      }
    } catch (Throwable e) {
      end = e;
    } finally {
      Unistd.close(serverControl);
    }
  }

  /**
   * Sends a message, whatever it means.
   *
   * @param flags besides MSG_NOSIGNAL
   */
  void send(int flags, int kind, int argument, byte... rest) {
    message.set(JAVA_INT, 0, kind);
    message.set(JAVA_INT, 4, argument);
    MemorySegment.copy(rest, 0, message, JAVA_BYTE, 8, rest.length);
    Socket.send(control, message, 8 + rest.length, Socket.MSG_NOSIGNAL | flags);
  }

  /** The first message: how many roots follow. */
  void config(int roots, int version, boolean donates) {
    byte[] rest = {(byte) version, 0, 0, 0, (byte) (donates ? 0 : 1), 0, 0, 0};
    send(0, Protocol.CONFIG, roots, rest);
  }

  /** Maps the region that comes when the gofer has taken all roots. */
  Region takeRegion() throws IOException {
    int[] fd = new int[1];
    Socket.recvFds(control, message, 8, 0, fd);
    Region region = Region.mapForeign(fd[0]);
    Unistd.close(fd[0]);
    return region;
  }

  boolean isAlive() {
    return server.isAlive();
  }

  /** Waits until it has ended, for 5 s. @return whether it has */
  boolean join() throws InterruptedException {
    server.join(5000);
    return !server.isAlive();
  }

  /** Where the gofer is, for a message. */
  String where() {
    return Arrays.toString(server.getStackTrace());
  }

  long threadId() {
    return server.threadId();
  }

  /** Ends the connection, and waits for the gofer. Once: the number may be another's soon. */
  @Override
  public void close() throws InterruptedException {
    if (isClosed) {
      return;
    }
    isClosed = true;
    Socket.shutdown(control, Socket.SHUT_RDWR);
    join();
    Unistd.close(control);
  }
}
