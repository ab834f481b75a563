package io.redoubt.gofer;

import static org.junit.jupiter.api.Assertions.assertFalse;

import io.redoubt.host.Process;
import io.redoubt.host.Socket;
import io.redoubt.host.Unistd;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** A client and a server of one connection in this process, over a real socket pair. */
final class Pair implements AutoCloseable {
  final GoferClient client;
  final AtomicInteger deaths = new AtomicInteger();

  /** Host thread id of the server's thread. */
  volatile int serverTid;

  /** Why the server ended, or null. */
  volatile Throwable serverError;

  final Thread server;
  final int serverControl;

  Pair(boolean donates, Root... roots) throws IOException {
    long sockets = Socket.socketpair(Socket.SOCK_SEQPACKET | Socket.SOCK_CLOEXEC);
    serverControl = Unistd.second(sockets);
    server = serve(serverControl);
    client =
        GoferClient.connect(
            Unistd.first(sockets), List.of(roots), donates, deaths::incrementAndGet);
  }

  static Pair over(Root... roots) throws IOException {
    return new Pair(true, roots);
  }

  private Thread serve(int control) {
    Thread thread =
        new Thread(
            () -> {
              serverTid = Process.gettid();
              try {
                GoferServer server = Handshake.accept(control);
                try {
                  server.serve();
                } finally {
                  server.close();
                }
              } catch (IOException | MalformedException e) {
                serverError = e;
              } finally {
                Unistd.close(control);
              }
            },
            "gofer");
    thread.start();
    return thread;
  }

  @Override
  public void close() throws InterruptedException {
    client.close();
    server.join(5000);
    assertFalse(server.isAlive(), "the server did not end");
  }
}
