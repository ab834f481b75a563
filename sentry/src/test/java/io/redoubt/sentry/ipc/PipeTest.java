package io.redoubt.sentry.ipc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.redoubt.sentry.kernel.Guest;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

class PipeTest {
  private static final int O_NONBLOCK = 04000;
  private static final int O_DIRECT = 040000;
  private static final int EAGAIN = -11;
  private static final int F_SETPIPE_SZ = 1031;

  private final Guest a = Guest.first();

  private static long fill(Guest g, int fd) {
    long page = g.room(4096);
    long total = 0;
    for (long n = g.call(1, fd, page, 4096); n > 0; n = g.call(1, fd, page, 4096)) {
      total += n;
    }
    return total;
  }

  @Test
  void bytesComeOutInOrderAndTheEndAfterThem() {
    int[] p = a.pipe(0);
    assertEquals(5, a.write(p[1], "hello"));
    assertEquals(3, a.write(p[1], "you"));
    assertEquals("hel", a.read(p[0], 3));
    assertEquals(0, a.close(p[1]));
    assertEquals("loyou", a.read(p[0], 100));
    assertEquals("", a.read(p[0], 100));
  }

  @Test
  void aReaderWaitsForAWriter() {
    int[] p = a.pipe(0);
    Guest b = a.fork();
    long at = a.room(10);
    assertEquals(Guest.PARKED, a.call(0, p[0], at, 10));
    assertEquals(2, b.write(p[1], "hi"));
    assertEquals(2, a.result());
    assertEquals("hi", a.text(at, 2));
  }

  @Test
  void aReaderKeepsItsPipeWhenAnotherThreadClosesTheFd() {
    int[] p = a.pipe(0);
    Guest t = a.thread();
    long at = a.room(10);
    assertEquals(Guest.PARKED, a.call(0, p[0], at, 10));
    assertEquals(0, t.close(p[0]));
    assertEquals(1, t.write(p[1], "x"));
    assertEquals(1, a.result());
    // Now the last reader is gone.
    assertEquals(-32, t.write(p[1], "x"));
  }

  @Test
  void roomComesBackByPages() {
    int[] p = a.pipe(O_NONBLOCK);
    assertEquals(65536, fill(a, p[1]));
    assertEquals(EAGAIN, a.write(p[1], "x"));
    a.read(p[0], 1);
    assertEquals(EAGAIN, a.write(p[1], "x"));
    a.read(p[0], 4095);
    assertEquals(1, a.write(p[1], "x"));
    assertEquals(1, a.write(p[1], "y"));
  }

  @Test
  void aLongWriteBlocksUntilAllIsTaken() {
    int[] p = a.pipe(0);
    Guest b = a.fork();
    long big = a.room(200_000);
    assertEquals(Guest.PARKED, a.call(1, p[1], big, 200_000));
    long total = 0;
    while (a.result() == Guest.PARKED) {
      total += b.call(0, p[0], b.room(0), 50_000);
    }
    assertEquals(200_000, a.result());
    total += b.call(0, p[0], b.room(0), 100_000);
    assertEquals(200_000, total);
  }

  @Test
  void anInterruptedWriteTellsWhatItDid() {
    int[] p = a.pipe(0);
    assertEquals(Guest.PARKED, a.call(1, p[1], a.room(200_000), 200_000));
    assertEquals(65536, a.interrupt());
    assertEquals(Guest.PARKED, a.call(1, p[1], a.room(1), 1));
    assertEquals(-512, a.interrupt());
  }

  @Test
  void packetsKeepTheirBounds() {
    int[] p = a.pipe(O_DIRECT | O_NONBLOCK);
    a.write(p[1], "one");
    a.write(p[1], "two");
    assertEquals("one", a.read(p[0], 10));
    assertEquals("tw", a.read(p[0], 2));
    assertEquals("-11", a.read(p[0], 10));
  }

  @Test
  void capacityCanBeChangedButNotBelowTheContent() {
    int[] p = a.pipe(O_NONBLOCK);
    assertEquals(8192, a.call(1, p[1], a.room(8192), 8192));
    assertEquals(-16, a.call(72, p[0], F_SETPIPE_SZ, 4096));
    assertEquals(8192, a.call(72, p[0], F_SETPIPE_SZ, 5000));
    assertEquals(EAGAIN, a.write(p[1], "x"));
    assertEquals(1 << 20, a.call(72, p[0], F_SETPIPE_SZ, 1 << 20));
    assertEquals((1 << 20) - 8192, fill(a, p[1]));
    assertEquals(-22, a.call(72, p[0], F_SETPIPE_SZ, -1));
  }

  @Test
  void contentSurvivesWrappingAndResizing() {
    int[] p = a.pipe(O_NONBLOCK);
    StringBuilder sent = new StringBuilder();
    StringBuilder got = new StringBuilder();
    for (int i = 0; i < 400; i++) {
      String s = "<" + "x".repeat(i * 37 % 3000) + i + ">";
      if (a.write(p[1], s) == s.length()) {
        sent.append(s);
      }
      if (i % 3 != 0) {
        got.append(a.read(p[0], i * 53 % 5000 + 1).replace("-11", ""));
      }
      if (i % 50 == 49) {
        a.call(72, p[0], F_SETPIPE_SZ, i % 100 == 49 ? 131072 : 65536);
      }
    }
    for (String s = a.read(p[0], 4096); !s.equals("-11"); s = a.read(p[0], 4096)) {
      got.append(s);
    }
    assertEquals(sent.toString(), got.toString());
  }

  @Test
  void memoryGoesBack() {
    long before = BufferPool.outstanding();
    for (int i = 0; i < 100; i++) {
      int[] p = a.pipe(0);
      a.write(p[1], "x");
      a.close(p[0]);
      a.close(p[1]);
    }
    assertEquals(before, BufferPool.outstanding());
  }

  @Test
  void badBuffersFaultAndLeaveTheContent() {
    int[] p = a.pipe(O_NONBLOCK);
    assertEquals(-14, a.call(1, p[1], Guest.BAD_POINTER, 1));
    a.write(p[1], "abc");
    assertEquals(-14, a.call(0, p[0], Guest.BAD_POINTER, 3));
    assertEquals("abc", a.read(p[0], 3));
    assertEquals(-9, a.call(0, p[1], a.room(1), 1));
    assertEquals(-9, a.call(1, p[0], a.room(1), 1));
    assertEquals(-29, a.call(8, p[0], 0, 0));
    assertEquals(-14, a.call(293, Guest.BAD_POINTER, 0));
    assertEquals(2, a.call(32, p[0])); // nothing was left behind
  }

  @Test
  void spliceMovesAndTeeCopies() {
    int[] p = a.pipe(O_NONBLOCK);
    int[] q = a.pipe(O_NONBLOCK);
    a.write(p[1], "0123456789");
    assertEquals(5, a.call(276, p[0], q[1], 5, 0));
    assertEquals("01234", a.read(q[0], 10));
    assertEquals(4, a.call(275, p[0], 0, q[1], 0, 4, 0));
    assertEquals("0123", a.read(q[0], 10));
    assertEquals("456789", a.read(p[0], 10));
    assertEquals(-22, a.call(275, p[0], 0, p[1], 0, 4, 0));
    assertEquals(EAGAIN, a.call(275, p[0], 0, q[1], 0, 4, 0));
  }

  private static long open(Guest g, String path, int flags) {
    return g.call(2, g.text(path + "\0"), flags, 0644);
  }

  @Test
  void fifoOpensWaitForEachOther() {
    assertEquals(0, a.call(133, a.text("fifo\0"), 010644, 0));
    assertEquals(-6, open(a, "fifo", 1 | O_NONBLOCK));
    Guest b = a.fork();
    assertEquals(Guest.PARKED, open(a, "fifo", 0));
    long w = open(b, "fifo", 1);
    assertEquals(0, w);
    assertEquals(0, a.result());
    assertEquals(2, b.write(w, "hi"));
    b.close(w);
    assertEquals("hi", a.read(0, 10));
    assertEquals("", a.read(0, 10));
  }

  @Test
  void anInterruptedFifoOpenLeavesNoTrace() {
    a.call(133, a.text("fifo\0"), 010644, 0);
    assertEquals(Guest.PARKED, open(a, "fifo", 0));
    assertEquals(-512, a.interrupt());
    assertEquals(-6, open(a, "fifo", 1 | O_NONBLOCK));
    assertEquals(0, open(a, "fifo", 2));
    assertEquals(3, a.write(0, "abc"));
    assertEquals("abc", a.read(0, 10));
  }

  @Test
  void filesAreSplicedSentAndCopied() {
    long f = open(a, "f", 0102);
    a.write(f, "0123456789");
    int[] p = a.pipe(O_NONBLOCK);
    long offset = a.longs(2);
    assertEquals(4, a.call(275, f, offset, p[1], 0, 4, 0));
    assertEquals(6, a.longAt(offset));
    long g = open(a, "g", 0102);
    assertEquals(4, a.call(275, p[0], 0, g, 0, 100, 0));
    assertEquals(3, a.call(40, g, f, a.longs(7), 100));
    a.call(8, g, 0, 0);
    assertEquals("2345789", a.read(g, 100));
    assertEquals(5, a.call(40, p[1], f, a.longs(5), 100));
    assertEquals("56789", a.read(p[0], 100));
    assertEquals(-22, a.call(40, g, p[0], 0, 5));
    assertEquals(6, a.call(326, f, a.longs(4), g, a.longs(0), 100, 0));
    assertEquals(-22, a.call(326, f, a.longs(0), f, a.longs(2), 4, 0));
    a.call(8, g, 0, 0);
    assertEquals("4567899", a.read(g, 100));
  }

  @Test
  void theSizeLimitCutsWritesAndRefusesThem() {
    long f = open(a, "f", 0102);
    a.task.process.limits.set(1, 5, 5);
    assertEquals(5, a.write(f, "0123456789"));
    assertEquals(-27, a.write(f, "x"));
    assertEquals(-27, a.call(18, f, a.text("x"), 1, 5));
    assertEquals(2, a.call(18, f, a.text("xyz"), 3, 3));
  }

  @Test
  void pingPongAllocatesNothing() {
    int[] p = a.pipe(0);
    int[] q = a.pipe(0);
    Guest b = a.fork();
    long at = a.room(8);
    long to = b.room(8);
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long each = Long.MAX_VALUE;
    for (int round = 0; round < 5; round++) {
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < 2000; i++) {
        a.callOnly(0, q[0], at, 8);
        b.callOnly(1, q[1], to, 8);
        b.callOnly(0, p[0], to, 8);
        a.callOnly(1, p[1], at, 8);
      }
      each = Math.min(each, (threads.getCurrentThreadAllocatedBytes() - before) / 2000);
    }
    // What is left is the boxing of four answers by the test's own observer.
    assertTrue(each <= 4 * 24, "bytes a round trip: " + each);
  }
}
