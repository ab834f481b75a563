package io.redoubt.gofer;

import io.redoubt.host.Socket;
import io.redoubt.host.Unistd;
import java.io.IOException;
import java.util.List;

/** A gofer in a thread of the test, over a real socket pair. */
public final class TestGofer implements AutoCloseable {
  public final GoferClient client;
  private final Thread server;

  public TestGofer(boolean donates, Root... roots) throws IOException {
    long sockets = Socket.socketpair(Socket.SOCK_SEQPACKET | Socket.SOCK_CLOEXEC);
    int control = Unistd.second(sockets);
    server = new Thread(() -> serve(control), "gofer");
    server.setDaemon(true);
    server.start();
    client = GoferClient.connect(Unistd.first(sockets), List.of(roots), donates, () -> {});
  }

  private static void serve(int control) {
    try {
      GoferServer s = Handshake.accept(control);
      try {
        s.serve();
      } finally {
        s.close();
      }
    } catch (IOException | MalformedException e) {
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
