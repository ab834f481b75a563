package io.redoubt.sentry.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.sentry.kernel.Guest;
import org.junit.jupiter.api.Test;

class UnixSocketTest {
  private static final int STREAM = 1;
  private static final int DGRAM = 2;
  private static final int SEQPACKET = 5;
  private static final int NONBLOCK = 04000;
  private static final int MSG_PEEK = 2;
  private static final int MSG_TRUNC = 0x20;
  private static final int MSG_WAITALL = 0x100;
  private static final int SO_PASSCRED = 16;

  private final Guest a = Guest.first();

  private long socket(int type) {
    return a.call(41, 1, type, 0);
  }

  /** An abstract address. @return address and length */
  private long[] name(Guest g, String s) {
    return new long[] {g.text("\1\0\0" + s), 3 + s.length()};
  }

  private long bind(long fd, String s) {
    long[] n = name(a, s);
    return a.call(49, fd, n[0], n[1]);
  }

  private long connect(Guest g, long fd, String s) {
    long[] n = name(g, s);
    return g.call(42, fd, n[0], n[1]);
  }

  private String recv(long fd, int length, int flags) {
    long at = a.room(length);
    long n = a.call(45, fd, at, length, flags, 0, 0);
    return n < 0 ? Long.toString(n) : n + " " + a.text(at, Math.min(n, length));
  }

  @Test
  void aStreamIsBytes() {
    int[] s = a.pair(STREAM);
    a.write(s[0], "abc");
    a.write(s[0], "def");
    assertEquals("abcd", a.read(s[1], 4));
    assertEquals("ef", a.read(s[1], 10));
    a.close(s[0]);
    assertEquals("", a.read(s[1], 10));
    assertEquals(-32, a.write(s[1], "x"));
  }

  @Test
  void datagramsAndPacketsKeepTheirBounds() {
    for (int type : new int[] {DGRAM, SEQPACKET}) {
      int[] s = a.pair(type);
      a.write(s[0], "one");
      a.write(s[0], "second");
      a.write(s[0], "");
      assertEquals("2 on", recv(s[1], 2, MSG_PEEK));
      assertEquals("one", a.read(s[1], 10));
      assertEquals("6 se", recv(s[1], 2, MSG_TRUNC));
      assertEquals("0 ", recv(s[1], 10, 0));
      assertEquals(-90, a.call(1, s[0], a.room(400_000), 400_000));
    }
  }

  @Test
  void unreadDataResetsThePeer() {
    int[] s = a.pair(STREAM);
    a.write(s[1], "unread");
    a.close(s[0]);
    assertEquals("-104", a.read(s[1], 8));
    assertEquals("", a.read(s[1], 8));
  }

  @Test
  void waitallWaitsForAll() {
    int[] s = a.pair(STREAM);
    Guest b = a.fork();
    long at = a.room(8);
    assertEquals(Guest.PARKED, a.call(45, s[1], at, 8, MSG_WAITALL, 0, 0));
    b.write(s[0], "abc");
    assertEquals(Guest.PARKED, a.result());
    b.write(s[0], "defghij");
    assertEquals(8, a.result());
    assertEquals("abcdefgh", a.text(at, 8));
    assertEquals(Guest.PARKED, a.call(45, s[1], at, 8, MSG_WAITALL, 0, 0));
    assertEquals(2, a.interrupt());
  }

  @Test
  void aSenderBlocksWhenItsBufferIsFullAndGoesOn() {
    int[] s = a.pair(STREAM);
    Guest b = a.fork();
    long size = 1_000_000;
    assertEquals(Guest.PARKED, a.call(1, s[0], a.room(size), size));
    long total = 0;
    while (a.result() == Guest.PARKED) {
      total += b.call(0, s[1], b.room(0), 65536);
    }
    assertEquals(size, a.result());
    for (long n = b.call(0, s[1], b.room(0), 65536); n != Guest.PARKED; ) {
      total += n;
      n = b.call(0, s[1], b.room(0), 65536);
    }
    assertEquals(size, total);
  }

  @Test
  void listenConnectAccept() {
    long l = socket(STREAM);
    assertEquals(-22, a.call(50, l, 1));
    assertEquals(0, bind(l, "server"));
    assertEquals(0, a.call(50, l, 1));
    assertEquals(-98, bind(socket(STREAM), "server"));
    Guest b = a.fork();
    assertEquals(Guest.PARKED, a.call(43, l, 0, 0));
    long c = b.call(41, 1, STREAM, 0);
    assertEquals(-111, connect(b, c, "nobody"));
    assertEquals(0, connect(b, c, "server"));
    long s = a.result();
    assertTrue(s > l);
    b.write(c, "hello");
    assertEquals("hello", a.read(s, 10));
    assertEquals(-106, connect(b, c, "server"));
    // Two more may wait; then it is full.
    long n = b.call(41, 1, STREAM | NONBLOCK, 0);
    assertEquals(0, connect(b, n, "server"));
    assertEquals(0, connect(b, b.call(41, 1, STREAM | NONBLOCK, 0), "server"));
    assertEquals(-11, connect(b, b.call(41, 1, STREAM | NONBLOCK, 0), "server"));
    assertEquals(Guest.PARKED, connect(b, b.call(41, 1, STREAM, 0), "server"));
    assertTrue(a.call(43, l, 0, 0) > 0);
    assertEquals(0, b.result());
    // Those that were never accepted see a reset.
    b.close(l);
    a.close(l);
    assertEquals("-104", b.read(b.call(32, n + 1), 1));
  }

  @Test
  void descriptorsTravel() {
    int[] s = a.pair(STREAM);
    int[] p = a.pipe(NONBLOCK);
    assertEquals(1, send(s[0], "x", p[1]));
    a.close(p[1]);
    assertEquals("-11", a.read(p[0], 1)); // the write end lives, in flight
    long control = a.room(64);
    long header = header(a, a.room(8), 8, control, 64);
    assertEquals(1, a.call(47, s[1], header, 0));
    assertEquals(24, a.longAt(header + 40));
    assertEquals(20, a.longAt(control));
    int fd = a.intAt(control + 16);
    assertEquals(3, a.write(fd, "abc"));
    assertEquals("abc", a.read(p[0], 10));
    a.close(fd);
    assertEquals("", a.read(p[0], 1));
  }

  @Test
  void descriptorsThatNobodyReceivesAreClosed() {
    int before = InFlight.count();
    int[] s = a.pair(STREAM);
    int[] p = a.pipe(NONBLOCK);
    send(s[0], "x", p[1]);
    send(s[0], "y", p[1]);
    a.close(p[1]);
    assertEquals("x", a.read(s[1], 10)); // a plain read drops them, and stops behind them
    a.close(s[0]);
    a.close(s[1]);
    assertEquals("", a.read(p[0], 1));
    assertEquals(before, InFlight.count());
  }

  @Test
  void aDeepChainOfSocketsInFlightIsClosedInALoop() {
    int before = InFlight.count();
    int[] s = a.pair(STREAM);
    for (int i = 0; i < 10_000; i++) {
      int[] next = a.pair(STREAM);
      assertEquals(1, send(next[0], "x", s[1]));
      a.close(s[0]);
      a.close(s[1]);
      s = next;
    }
    a.close(s[0]);
    a.close(s[1]);
    assertEquals(before, InFlight.count());
  }

  @Test
  void credentialsComeWhenAskedFor() {
    int[] s = a.pair(STREAM);
    assertEquals(0, a.call(54, s[1], 1, SO_PASSCRED, a.ints(1), 4));
    a.write(s[0], "hello");
    long control = a.room(64);
    long header = header(a, a.room(8), 8, control, 64);
    assertEquals(5, a.call(47, s[1], header, 0));
    assertEquals(28, a.longAt(control));
    assertEquals(2, a.intAt(control + 12));
    assertEquals(a.task.process.pid, a.intAt(control + 16));
  }

  @Test
  void datagramsHaveSenders() {
    long server = socket(DGRAM);
    long client = socket(DGRAM);
    assertEquals(0, bind(server, "server"));
    assertEquals(0, bind(client, "client"));
    long[] to = name(a, "server");
    assertEquals(5, a.call(44, client, a.text("hello"), 5, 0, to[0], to[1]));
    long from = a.room(110);
    long length = a.ints(110);
    assertEquals(5, a.call(45, server, a.room(8), 8, 0, from, length));
    assertEquals(9, a.intAt(length));
    assertEquals("client", a.text(from + 3, 6));
    assertEquals(-107, a.write(client, "x"));
    assertEquals(0, connect(a, client, "server"));
    assertEquals(1, a.write(client, "x"));
    a.close(server);
    assertEquals(-111, a.write(client, "x"));
    assertEquals(-107, a.write(client, "x"));
  }

  @Test
  void aFullReceiverMakesStrangersWait() {
    long server = socket(DGRAM);
    bind(server, "server");
    Guest b = a.fork();
    long c = b.call(41, 1, DGRAM, 0);
    connect(b, c, "server");
    for (int i = 0; i < 11; i++) {
      assertEquals(1, b.write(c, "x"));
    }
    assertEquals(Guest.PARKED, b.write(c, "y"));
    assertEquals("x", a.read(server, 8));
    assertEquals(1, b.result());
  }

  @Test
  void pathsLeadToSockets() {
    long l = socket(STREAM);
    long at = a.text("\1\0dir/sock\0");
    assertEquals(-2, a.call(49, l, at, 11));
    assertEquals(0, a.call(83, a.text("dir\0"), 0755));
    assertEquals(0, a.call(49, l, at, 11));
    assertEquals(-98, a.call(49, socket(STREAM), at, 11));
    assertEquals(-111, a.call(42, socket(STREAM), at, 11));
    a.call(50, l, 1);
    assertEquals(0, a.call(42, socket(STREAM), at, 11));
    assertEquals(-91, a.call(42, socket(DGRAM), at, 11));
    assertEquals(0, a.call(82, a.text("dir/sock\0"), a.text("moved\0")));
    assertEquals(-2, a.call(42, socket(STREAM), at, 11));
    long moved = a.text("\1\0moved\0");
    assertEquals(0, a.call(42, socket(STREAM), moved, 8));
    long name = a.room(110);
    long length = a.ints(110);
    assertEquals(0, a.call(51, l, name, length));
    assertEquals(11, a.intAt(length));
    a.close(l);
    assertEquals(-111, a.call(42, socket(STREAM), moved, 8));
  }

  @Test
  void whatIsNotHere() {
    assertEquals(-97, a.call(41, 2, STREAM, 0));
    assertEquals(-97, a.call(41, 99, STREAM, 0));
    assertEquals(-94, a.call(41, 1, 4, 0));
    assertEquals(-93, a.call(41, 1, STREAM, 77));
    assertEquals(-22, a.call(41, 1, STREAM | 0x100, 0));
    int[] p = a.pipe(0);
    assertEquals(-88, a.call(50, p[0], 1));
    assertEquals(-9, a.call(50, 77, 1));
  }

  private static long header(Guest g, long data, long length, long control, long controlLength) {
    long iov = g.longs(data, length);
    return g.longs(0, 0, iov, 1, control, controlLength, 0);
  }

  private long send(long socket, String data, int fd) {
    long control = a.longs(20, 1L | 1L << 32, fd);
    return a.call(46, socket, header(a, a.text(data), data.length(), control, 24), 0);
  }
}
