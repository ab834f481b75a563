package io.redoubt.sentry.syscalls;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.redoubt.sentry.kernel.Guest;
import org.junit.jupiter.api.Test;

class FdCallsTest {
  private static final int CLOEXEC = 02000000;
  private static final int F_DUPFD = 0;
  private static final int F_GETFD = 1;
  private static final int F_GETFL = 3;
  private static final int F_SETFL = 4;
  private static final int F_GETLK = 5;
  private static final int F_SETLK = 6;
  private static final int F_SETLKW = 7;
  private static final int F_OFD_SETLK = 37;
  private static final int RD = 0;
  private static final int WR = 1;
  private static final int UN = 2;
  private static final int EX_NB = 6;

  private final Guest a = Guest.first();

  private static long lock(Guest g, long fd, int command, int type, long start, long length) {
    return g.call(72, fd, command, flock(g, type, start, length));
  }

  private static long flock(Guest g, int type, long start, long length) {
    long at = g.longs(0, start, length, 0);
    g.memory.putInt(at, type);
    return at;
  }

  @Test
  void dupGivesTheLowestNumberAndSharesFlags() {
    int[] p = a.pipe(CLOEXEC);
    assertEquals(2, a.call(32, p[0]));
    assertEquals(0, a.call(72, 2, F_GETFD));
    assertEquals(1, a.call(72, p[0], F_GETFD));
    a.call(72, p[0], F_SETFL, 04000);
    assertEquals(04000, a.call(72, 2, F_GETFL));
    assertEquals(20, a.call(72, p[0], F_DUPFD, 20));
    assertEquals(-22, a.call(72, p[0], F_DUPFD, 1 << 30));
    assertEquals(7, a.call(33, p[0], 7));
    assertEquals(-22, a.call(292, 7, 7, 0));
    assertEquals(7, a.call(33, 7, 7));
    assertEquals(-9, a.call(33, 77, 77));
    assertEquals(0, a.call(436, 2, 100, 0));
    assertEquals(-9, a.call(3, 7));
    assertEquals(-22, a.call(436, 5, 2, 0));
  }

  @Test
  void dup2ClosesItsTarget() {
    int[] p = a.pipe(0);
    int[] q = a.pipe(0);
    a.call(33, q[0], p[1]);
    assertEquals("", a.read(p[0], 1));
  }

  @Test
  void recordLocksSplitMergeAndConflict() {
    int rw = fileForLocks();
    Guest b = a.fork();
    assertEquals(0, lock(a, rw, F_SETLK, WR, 0, 10));
    assertEquals(0, lock(a, rw, F_SETLK, UN, 4, 2));
    long probe = flock(b, RD, 0, 10);
    assertEquals(0, b.call(72, rw, F_GETLK, probe));
    assertEquals(WR, b.shortAt(probe));
    assertEquals(0, b.longAt(probe + 8));
    assertEquals(4, b.longAt(probe + 16));
    assertEquals(a.task.process.pid, b.intAt(probe + 24));
    assertEquals(-11, lock(b, rw, F_SETLK, RD, 3, 1));
    assertEquals(0, lock(b, rw, F_SETLK, WR, 4, 2));
    assertEquals(0, lock(a, rw, F_SETLK, UN, 0, 0));
    assertEquals(0, lock(b, rw, F_SETLK, WR, 0, 0));
    assertEquals(-22, lock(a, rw, F_SETLK, WR, -1, 1));
    assertEquals(-75, lock(a, rw, F_SETLK, WR, Long.MAX_VALUE, 2));
    assertEquals(-14, a.call(72, rw, F_SETLK, Guest.BAD_POINTER));
  }

  @Test
  void recordLocksGoWithAnyCloseAndWakeWaiters() {
    int rw = fileForLocks();
    long copy = a.call(32, rw);
    Guest b = a.fork();
    lock(a, rw, F_SETLK, WR, 0, 1);
    assertEquals(Guest.PARKED, lock(b, rw, F_SETLKW, WR, 0, 1));
    a.close(copy);
    assertEquals(0, b.result());
  }

  @Test
  void deadlockIsRefused() {
    int rw = fileForLocks();
    Guest b = a.fork();
    lock(a, rw, F_SETLK, WR, 0, 1);
    lock(b, rw, F_SETLK, WR, 1, 1);
    assertEquals(Guest.PARKED, lock(b, rw, F_SETLKW, WR, 0, 1));
    assertEquals(-35, lock(a, rw, F_SETLKW, WR, 1, 1));
    assertEquals(-512, b.interrupt());
    assertEquals(Guest.PARKED, lock(a, rw, F_SETLKW, WR, 1, 1));
    b.close(rw);
    assertEquals(0, a.result());
  }

  @Test
  void openFileLocksBelongToTheFile() {
    int rw = fileForLocks();
    Guest b = a.fork();
    assertEquals(0, lock(a, rw, F_OFD_SETLK, WR, 0, 1));
    assertEquals(0, lock(b, rw, F_OFD_SETLK, WR, 0, 1)); // the same open file
    assertEquals(-11, lock(b, rw, F_SETLK, WR, 0, 1));
    assertEquals(0, a.call(73, rw, EX_NB));
    assertEquals(0, b.call(73, rw, EX_NB));
    assertEquals(-22, a.call(73, rw, 0));
    assertEquals(-9, a.call(73, 77, EX_NB));
  }

  // An eventfd is readable and writable and has an inode: all that locks want.
  private int fileForLocks() {
    return (int) a.call(290, 0, 0);
  }

  @Test
  void vectorsAreCheckedBeforeAnythingMoves() {
    int[] p = a.pipe(04000);
    long x = a.text("abc");
    long iov = a.longs(x, 2, x + 2, 1);
    assertEquals(3, a.call(20, p[1], iov, 2));
    assertEquals("abc", a.read(p[0], 9));
    assertEquals(-22, a.call(20, p[1], iov, 1025));
    assertEquals(-22, a.call(20, p[1], a.longs(x, -1), 1));
    assertEquals(-14, a.call(20, p[1], a.longs(-1, 1), 1));
    assertEquals(-14, a.call(20, p[1], Guest.BAD_POINTER, 1));
    assertEquals(0, a.call(20, p[1], iov, 0));
    assertEquals(-9, a.call(20, p[0], iov, 2));
    assertEquals(-29, a.call(18, p[1], x, 1, 0));
    assertEquals(-22, a.call(18, p[1], x, 1, -1));
    assertEquals(-14, a.call(1, p[1], x, -1));
  }
}
