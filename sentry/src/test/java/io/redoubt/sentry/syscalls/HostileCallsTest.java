package io.redoubt.sentry.syscalls;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.redoubt.sentry.kernel.Guest;
import io.redoubt.sentry.kernel.Syscall;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/**
 * Calls with arguments that no sane program makes: each must end with an answer or wait, never with
 * an exception.
 */
class HostileCallsTest {
  private static final int[] CALLS = {
    0, 1, 3, 7, 8, 16, 17, 18, 19, 20, 22, 23, 32, 33, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50,
    51, 52, 53, 54, 55, 72, 73, 213, 232, 233, 253, 254, 255, 270, 271, 275, 276, 278, 281, 282,
    283, 284, 286, 287, 288, 289, 290, 291, 292, 293, 294, 295, 296, 299, 307, 312, 326, 327, 328,
    436, 441, 2, 133, 83, 87, 82, 5
  };

  private static final long[] ODD = {
    -1,
    0,
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    16,
    64,
    100,
    4096,
    65536,
    0x80000,
    04000,
    02000000,
    02004000,
    1 << 20,
    Integer.MAX_VALUE,
    Integer.MIN_VALUE,
    0xffffffffL,
    Long.MAX_VALUE,
    Long.MIN_VALUE,
    Long.MAX_VALUE - 4095,
    0x7ffffffff000L,
    0x541b,
    0x5421,
    1031,
    1033,
    6,
    9,
    36,
    37,
    38,
    0x40,
    0x100
  };

  private Random random = new Random(42);
  private Guest[] guests;
  private long[] pointers;

  private long argument() {
    return switch (random.nextInt(8)) {
      case 0, 1 -> random.nextInt(40); // an fd, a small number
      case 2 -> ODD[random.nextInt(ODD.length)];
      case 3, 4 -> pointers[random.nextInt(pointers.length)];
      case 5 -> random.nextInt(300);
      case 6 -> 1L << random.nextInt(64);
      default -> random.nextInt(4) == 0 ? random.nextLong() : pointers[0] + random.nextInt(4096);
    };
  }

  private void scribble(Guest g) {
    for (long p : pointers) {
      for (int i = 0; i < 16; i++) {
        g.memory.putLong(p + 8L * i, argument());
      }
    }
    // Now and then something that makes sense: an address, a path, an iovec.
    g.memory.putLong(pointers[1], pointers[3]);
    g.memory.putLong(pointers[1] + 8, random.nextInt(5000));
    g.memory.putLong(pointers[2], 0x6100000001L | (long) random.nextInt(4) << 24);
    g.memory.putLong(pointers[4], 0x66L | (long) random.nextInt(3) << 8);
  }

  private void start(Guest... all) {
    guests = all;
    pointers = new long[8];
    for (int i = 0; i < pointers.length; i++) {
      for (Guest g : all) {
        pointers[i] = g.room(8192);
      }
    }
  }

  private void step(int i) {
    Guest g = guests[random.nextInt(guests.length)];
    if (g.isInFlight()) {
      if (random.nextInt(3) == 0) {
        g.settle();
      }
      return;
    }
    if (i % 16 == 0) {
      scribble(g);
    }
    int nr = CALLS[random.nextInt(CALLS.length)];
    long[] a = new long[6];
    for (int k = 0; k < 6; k++) {
      a[k] = argument();
    }
    switch (nr) {
      // No signal masks: a signal ends such a call by way of the host thread, which there is none
      // of here.
      case 270 -> a[5] = 0;
      case 271 -> a[3] = 0;
      case 281, 441 -> a[4] = 0;
      default -> {}
    }
    try {
      long r = g.call(nr, a);
      if (r != Guest.PARKED && r != Syscall.CONTINUE) {
        assertTrue(r >= -4095, "nr=" + nr + ", result=" + r);
      }
    } catch (RuntimeException | Error e) {
      fail("nr=" + nr + ", args=" + Arrays.toString(a) + ", step=" + i, e);
    }
  }

  @Test
  void nothingThrows() {
    Guest first = Guest.first();
    start(first, first.thread(), first.fork(), first.fork());
    for (int i = 0; i < 20_000; i++) {
      step(i);
      guests[0].runTimers();
    }
  }

  @Test
  void nothingThrowsOrHangsWhenAllRunAtOnce() throws InterruptedException {
    Guest first = Guest.first();
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread[] threads = new Thread[4];
    for (int t = 0; t < threads.length; t++) {
      HostileCallsTest mine = new HostileCallsTest();
      mine.random = new Random(1000 + t);
      mine.start(first.thread(), first.thread(), first.thread());
      threads[t] =
          new Thread(() -> {
            try {
              for (int i = 0; i < 5_000; i++) {
                mine.step(i);
              }
            } catch (Throwable e) {
              failure.set(e);
            }
          });
      threads[t].setDaemon(true);
      threads[t].start();
    }
    for (Thread t : threads) {
      t.join(60_000);
      assertTrue(!t.isAlive(), () -> "hangs: " + Arrays.toString(t.getStackTrace()));
    }
    if (failure.get() != null) {
      fail(failure.get());
    }
  }
}
