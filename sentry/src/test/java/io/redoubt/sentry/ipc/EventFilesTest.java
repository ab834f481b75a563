package io.redoubt.sentry.ipc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.sentry.kernel.Guest;
import org.junit.jupiter.api.Test;

class EventFilesTest {
  private static final int O_NONBLOCK = 04000;
  private static final long MILLIS = 1_000_000;

  private final Guest a = Guest.first();
  private final long value = a.room(8);

  private long read(long fd) {
    long n = a.call(0, fd, value, 8);
    return n == 8 ? a.longAt(value) : n;
  }

  private long add(long fd, long n) {
    return a.call(1, fd, a.longs(n), 8);
  }

  @Test
  void eventfdCountsAndIsTakenWhole() {
    long fd = a.call(290, 3, O_NONBLOCK);
    assertEquals(8, add(fd, 4));
    assertEquals(7, read(fd));
    assertEquals(-11, read(fd));
    assertEquals(8, add(fd, -2));
    assertEquals(-11, add(fd, 1));
    assertEquals(-22, add(fd, -1));
    assertEquals(-22, a.call(0, fd, value, 7));
  }

  @Test
  void semaphoreGivesOneAtATime() {
    long fd = a.call(290, 2, O_NONBLOCK | 1);
    assertEquals(1, read(fd));
    assertEquals(1, read(fd));
    assertEquals(-11, read(fd));
  }

  @Test
  void timerCountsExpirations() throws InterruptedException {
    long fd = a.call(283, 1, O_NONBLOCK);
    assertEquals(-11, read(fd));
    assertEquals(0, a.call(286, fd, 0, a.longs(0, 2 * MILLIS, 0, 2 * MILLIS), 0));
    Thread.sleep(21);
    long n = read(fd);
    assertTrue(n >= 9 && n < 100, "expirations: " + n);
    assertEquals(0, a.call(286, fd, 0, a.longs(0, 0, 0, 0), a.room(32)));
    Thread.sleep(5);
    assertEquals(-11, read(fd));
  }

  @Test
  void timerWakesAReader() throws InterruptedException {
    long fd = a.call(283, 1, 0);
    assertEquals(0, a.call(286, fd, 0, a.longs(0, 0, 0, 50 * MILLIS), 0));
    assertEquals(Guest.PARKED, a.call(0, fd, value, 8));
    Thread.sleep(60);
    a.runTimers();
    assertEquals(8, a.result());
    assertEquals(1, a.longAt(value));
  }

  @Test
  void absoluteTimeThatIsPastFiresAtOnce() {
    long fd = a.call(283, 0, 0);
    assertEquals(0, a.call(286, fd, 1, a.longs(0, 0, 1, 0), 0));
    assertEquals(1, read(fd));
    assertEquals(-22, a.call(286, fd, 0, a.longs(0, 0, 0, 1_000_000_000), 0));
    assertEquals(-22, a.call(283, 99, 0));
  }

  @Test
  void pollTellsEachFileAndKeepsNegativeOnesQuiet() {
    int[] p = a.pipe(0);
    long fds = a.room(32);
    int[] words = {p[0], 1, p[1], 4, -1, 5, 77, 1};
    for (int i = 0; i < 8; i++) {
      a.memory.putInt(fds + 4L * i, words[i]);
    }
    assertEquals(2, a.call(7, fds, 4, 0));
    assertEquals(0, a.shortAt(fds + 6));
    assertEquals(4, a.shortAt(fds + 14));
    assertEquals(0, a.shortAt(fds + 22));
    assertEquals(0x20, a.shortAt(fds + 30));
  }

  @Test
  void pollWaitsForWhicheverComesFirst() throws InterruptedException {
    int[] p = a.pipe(0);
    int[] q = a.pipe(0);
    Guest b = a.fork();
    long fds = a.ints(p[0], 1, q[0], 1);
    assertEquals(Guest.PARKED, a.call(7, fds, 2, -1));
    b.write(q[1], "x");
    assertEquals(1, a.result());
    assertEquals(1, a.shortAt(fds + 14));
    a.read(q[0], 1);
    assertEquals(Guest.PARKED, a.call(7, fds, 2, 500));
    Thread.sleep(520);
    a.runTimers();
    assertEquals(0, a.result());
    assertEquals(Guest.PARKED, a.call(7, fds, 2, -1));
    assertEquals(-514, a.interrupt());
  }

  @Test
  void selectKeepsOnlyWhatIsReady() {
    int[] p = a.pipe(0);
    long read = a.longs(1L << p[0]);
    long write = a.longs(1L << p[1]);
    long zero = a.longs(0, 0);
    assertEquals(1, a.call(23, 10, read, write, 0, zero));
    assertEquals(0, a.longAt(read));
    assertEquals(1L << p[1], a.longAt(write));
    assertEquals(-9, a.call(23, 60, a.longs(1L << 50), 0, 0, zero));
    assertEquals(-22, a.call(23, -1, 0, 0, 0, zero));
  }
}
