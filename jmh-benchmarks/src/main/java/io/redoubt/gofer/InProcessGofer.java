package io.redoubt.gofer;

import io.redoubt.host.Socket;
import io.redoubt.host.Unistd;
import java.io.IOException;
import java.util.List;

/**
 * A client and a server of one connection in this process, each on a thread of its own, over a real
 * region and socket pair.
 */
public final class InProcessGofer implements AutoCloseable {
  public final GoferClient client;
  private final Thread server;

  public InProcessGofer(Root... roots) throws IOException {
    long sockets = Socket.socketpair(Socket.SOCK_SEQPACKET | Socket.SOCK_CLOEXEC);
    int control = Unistd.second(sockets);
    server = new Thread(() -> serve(control), "gofer");
    server.setDaemon(true);
    server.start();
    client = GoferClient.connect(Unistd.first(sockets), List.of(roots), true, () -> {});
  }

  private static void serve(int control) {
    try {
      GoferServer server = Handshake.accept(control);
      try {
        server.serve();
      } finally {
        server.close();
      }
    } catch (IOException e) {
      throw new IllegalStateException(e);
    } finally {
      Unistd.close(control);
    }
  }

  @Override
  public void close() throws InterruptedException {
    client.close();
    server.join(5000);
  }
}
