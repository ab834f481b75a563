package io.redoubt.gofer;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.redoubt.host.Socket;
import io.redoubt.host.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A sentry that was taken over: it says to the gofer whatever it likes. */
final class RawClient implements AutoCloseable {
  final int control;
  final MemorySegment message = Arena.global().allocate(Protocol.MAX_MESSAGE, 8);
  private final int serverControl;
  private final Thread server;
  Region region;

  /** Why the gofer gave up, once {@link #join} has returned. */
  volatile Throwable end;

  RawClient() {
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
    } catch (Exception e) {
      end = e;
    } finally {
      Unistd.close(serverControl);
    }
  }

  void send(int kind, int argument, byte... rest) {
    message.set(JAVA_INT, 0, kind);
    message.set(JAVA_INT, 4, argument);
    MemorySegment.copy(rest, 0, message, JAVA_BYTE, 8, rest.length);
    Socket.send(control, message, 8 + rest.length, Socket.MSG_NOSIGNAL);
  }

  void config(int roots, int version) {
    send(
        Protocol.CONFIG,
        roots,
        (byte) version,
        (byte) 0,
        (byte) 0,
        (byte) 0,
        (byte) 0,
        (byte) 0,
        (byte) 0,
        (byte) 0);
  }

  /** Does the handshake as it should be, with one root. */
  RawClient connect(String root) throws Exception {
    config(1, RegionLayout.VERSION);
    send(Protocol.ROOT, 0, root.getBytes(ISO_8859_1));
    int[] fds = new int[1];
    Socket.recvFds(control, message, 8, 0, fds);
    region = Region.mapForeign(fds[0]);
    Unistd.close(fds[0]);
    region.setRelease(RegionLayout.SLOTS_USED, 1);
    return this;
  }

  void set(long field, int value) {
    region.memory.set(JAVA_INT, RegionLayout.slot(0) + field, value);
  }

  void setLong(long field, long value) {
    region.memory.set(JAVA_LONG, RegionLayout.slot(0) + field, value);
  }

  void payload(byte... bytes) {
    MemorySegment.copy(bytes, 0, region.memory, JAVA_BYTE, RegionLayout.payload(0), bytes.length);
    set(Protocol.PAYLOAD, bytes.length);
  }

  /** Publishes slot 0 with a number of its own choice and wakes the gofer. */
  void publish(int seq) {
    region.setRelease(RegionLayout.slot(0) + Protocol.SEQ, seq);
    send(Protocol.DOORBELL, 0);
  }

  /** Publishes, and waits for the answer. */
  int call(int seq) {
    publish(seq);
    long reply = RegionLayout.slot(0) + RegionLayout.REPLY;
    while (region.getAcquire(reply + Protocol.SEQ) != seq && server.isAlive()) {
      Thread.onSpinWait();
    }
    return region.memory.get(JAVA_INT, reply + Protocol.RESULT);
  }

  /** The message of the exception that ended the gofer. */
  String join() throws InterruptedException {
    server.join(5000);
    return server.isAlive() ? "still alive" : end == null ? "orderly end" : end.getMessage();
  }

  @Override
  public void close() throws InterruptedException {
    Unistd.close(control);
    server.join(5000);
  }
}
