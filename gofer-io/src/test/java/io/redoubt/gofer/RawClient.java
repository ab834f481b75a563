package io.redoubt.gofer;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.lang.foreign.MemorySegment;

/** A sentry that was taken over: it says to the gofer whatever it likes. */
final class RawClient implements AutoCloseable {
  private final HostedGofer gofer = new HostedGofer();
  final int control = gofer.control;
  final MemorySegment message = gofer.message;
  Region region;

  void send(int kind, int argument, byte... rest) {
    gofer.send(0, kind, argument, rest);
  }

  void config(int roots, int version) {
    gofer.config(roots, version, true);
  }

  /** Does the handshake as it should be, with one root. */
  RawClient connect(String root) throws Exception {
    config(1, RegionLayout.VERSION);
    send(Protocol.ROOT, 0, root.getBytes(ISO_8859_1));
    region = gofer.takeRegion();
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
    while (region.getAcquire(reply + Protocol.SEQ) != seq && gofer.isAlive()) {
      Thread.onSpinWait();
    }
    return region.memory.get(JAVA_INT, reply + Protocol.RESULT);
  }

  /** The message of the exception that ended the gofer. */
  String join() throws InterruptedException {
    return !gofer.join()
        ? "still alive"
        : gofer.end == null ? "orderly end" : gofer.end.getMessage();
  }

  @Override
  public void close() throws InterruptedException {
    gofer.close();
  }
}
