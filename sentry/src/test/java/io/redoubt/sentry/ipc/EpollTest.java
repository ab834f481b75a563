package io.redoubt.sentry.ipc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.sentry.kernel.Guest;
import org.junit.jupiter.api.Test;

class EpollTest {
  private static final int IN = 1;
  private static final int OUT = 4;
  private static final int HUP = 0x10;
  private static final int ONESHOT = 1 << 30;
  private static final int ET = 1 << 31;
  private static final int ADD = 1;
  private static final int DEL = 2;
  private static final int MOD = 3;
  private static final int O_NONBLOCK = 04000;

  private final Guest a = Guest.first();
  private final long out = a.room(12 * 64);

  private int create() {
    return (int) a.call(291, 0);
  }

  private long ctl(int ep, int op, int fd, int events) {
    long event = a.ints(events, fd, 0);
    return a.call(233, ep, op, fd, event);
  }

  /** Events that are ready now, as "fd:events". */
  private String ready(int ep) {
    return list(a.call(232, ep, out, 64, 0));
  }

  private String list(long n) {
    StringBuilder b = new StringBuilder();
    for (int i = 0; i < n; i++) {
      b.append(a.intAt(out + 12L * i + 4)).append(':').append(a.intAt(out + 12L * i)).append(' ');
    }
    return b.toString().trim();
  }

  @Test
  void levelTriggeredIsToldUntilItIsRead() {
    int[] p = a.pipe(0);
    int ep = create();
    assertEquals(0, ctl(ep, ADD, p[0], IN));
    assertEquals("", ready(ep));
    a.write(p[1], "x");
    assertEquals(p[0] + ":" + IN, ready(ep));
    assertEquals(p[0] + ":" + IN, ready(ep));
    a.read(p[0], 1);
    assertEquals("", ready(ep));
    a.close(p[1]);
    assertEquals(p[0] + ":" + HUP, ready(ep));
  }

  @Test
  void edgeTriggeredIsToldOncePerEvent() {
    int[] p = a.pipe(0);
    int ep = create();
    ctl(ep, ADD, p[0], IN | ET);
    a.write(p[1], "x");
    assertEquals(p[0] + ":" + IN, ready(ep));
    assertEquals("", ready(ep));
    a.write(p[1], "y");
    assertEquals(p[0] + ":" + IN, ready(ep));
  }

  @Test
  void oneshotIsDisabledUntilItIsArmedAgain() {
    int[] p = a.pipe(0);
    int ep = create();
    ctl(ep, ADD, p[0], IN | ONESHOT);
    a.write(p[1], "x");
    assertEquals(p[0] + ":" + IN, ready(ep));
    a.write(p[1], "x");
    assertEquals("", ready(ep));
    assertEquals(0, ctl(ep, MOD, p[0], IN | ONESHOT));
    assertEquals(p[0] + ":" + IN, ready(ep));
  }

  @Test
  void aWaiterIsWokenAndTimesOut() throws InterruptedException {
    int[] p = a.pipe(0);
    int ep = create();
    ctl(ep, ADD, p[0], IN);
    Guest b = a.fork();
    assertEquals(Guest.PARKED, a.call(232, ep, out, 64, -1));
    b.write(p[1], "x");
    assertEquals(p[0] + ":" + IN, list(a.result()));
    a.read(p[0], 1);
    assertEquals(Guest.PARKED, a.call(232, ep, out, 64, 50));
    Thread.sleep(60);
    a.runTimers();
    assertEquals(0, a.result());
    assertEquals(Guest.PARKED, a.call(232, ep, out, 64, -1));
    assertEquals(-4, a.interrupt());
  }

  @Test
  void aClosedFileLeavesTheSetWithItsLastReference() {
    int[] p = a.pipe(0);
    int ep = create();
    ctl(ep, ADD, p[1], OUT);
    int copy = (int) a.call(32, p[1]);
    a.close(p[1]);
    assertEquals(p[1] + ":" + OUT, ready(ep));
    a.close(copy);
    assertEquals("", ready(ep));
  }

  @Test
  void nestingWorksUpToALimitAndNotInCircles() {
    int[] p = a.pipe(0);
    int[] chain = new int[6];
    for (int i = 0; i < 6; i++) {
      chain[i] = create();
    }
    assertEquals(0, ctl(chain[0], ADD, p[0], IN));
    for (int i = 1; i < 5; i++) {
      assertEquals(0, ctl(chain[i], ADD, chain[i - 1], IN));
    }
    assertEquals(-40, ctl(chain[5], ADD, chain[4], IN));
    assertEquals(-40, ctl(chain[0], ADD, chain[3], IN));
    assertEquals(-22, ctl(chain[0], ADD, chain[0], IN));
    assertEquals("", ready(chain[4]));
    a.write(p[1], "x");
    assertEquals(chain[3] + ":" + IN, ready(chain[4]));
    a.read(p[0], 1);
    assertEquals("", ready(chain[4]));
  }

  @Test
  void errors() {
    int[] p = a.pipe(0);
    int ep = create();
    assertEquals(-2, ctl(ep, DEL, p[0], 0));
    assertEquals(-2, ctl(ep, MOD, p[0], IN));
    assertEquals(0, ctl(ep, ADD, p[0], IN));
    assertEquals(-17, ctl(ep, ADD, p[0], IN));
    assertEquals(-9, ctl(ep, ADD, 77, IN));
    assertEquals(-22, ctl(p[0], ADD, p[1], IN));
    assertEquals(-22, a.call(232, ep, out, 0, 0));
    assertEquals(-14, a.call(232, ep, -1, 1, 0));
    assertEquals(0, ctl(ep, DEL, p[0], 0));
  }

  @Test
  void aThousandFilesCostWhatIsReady() {
    a.task.process.limits.set(7, 4096, 4096);
    int ep = create();
    int[] first = null;
    for (int i = 0; i < 1000; i++) {
      int[] p = a.pipe(O_NONBLOCK);
      first = first == null ? p : first;
      assertEquals(0, ctl(ep, ADD, p[0], IN));
    }
    a.write(first[1], "x");
    long start = System.nanoTime();
    for (int i = 0; i < 10_000; i++) {
      assertEquals(1, a.call(232, ep, out, 64, 0));
    }
    long each = (System.nanoTime() - start) / 10_000;
    assertTrue(each < 50_000, "nanoseconds a wait: " + each);
  }
}
