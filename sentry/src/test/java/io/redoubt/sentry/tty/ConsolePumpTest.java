package io.redoubt.sentry.tty;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.host.Ioctl;
import io.redoubt.host.Poll;
import io.redoubt.host.Socket;
import io.redoubt.host.Unistd;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.kernel.FakeGuest;
import io.redoubt.sentry.kernel.Kernel;
import io.redoubt.sentry.kernel.SyscallTable;
import io.redoubt.sentry.syscalls.FileCalls;
import io.redoubt.sentry.syscalls.PathCalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The sandbox's terminal, with a socket in place of the front. */
class ConsolePumpTest {
  private static final int READ = 0;
  private static final int WRITE = 1;
  private static final int OPEN = 2;
  private static final int IOCTL = 16;

  private final MemorySegment s = Arena.ofAuto().allocate(1 << 17, 8);
  private FakeGuest g;
  private ConsolePump pump;
  private int front;
  private int tty;

  @BeforeEach
  void attach() {
    SyscallTable t = new SyscallTable();
    FileCalls.register(t);
    PathCalls.register(t);
    Kernel kernel = new Kernel();
    kernel.reactor.start();
    g = new FakeGuest(kernel, DevPts.create(kernel.terminals), t);
    long pair = Socket.socketpair(Socket.SOCK_STREAM);
    front = Unistd.first(pair);
    pump = ConsolePump.attach(kernel, Unistd.second(pair), 0, true);
    tty =
        (int)
            g.call(OPEN, g.str("/0"), OpenFile.O_RDWR | OpenFile.O_NOCTTY | OpenFile.O_NONBLOCK, 0);
    assertEquals(0, tty);
  }

  @AfterEach
  void close() {
    pump.close();
    Unistd.close(front);
  }

  private void type(String text) {
    MemorySegment.copy(text.getBytes(ISO_8859_1), 0, s, ValueLayout.JAVA_BYTE, 0, text.length());
    assertEquals(text.length(), Unistd.write(front, s, text.length()));
  }

  private String screen(int length) {
    StringBuilder out = new StringBuilder();
    while (out.length() < length && Poll.poll(front, 1, 2000) > 0) {
      int n = (int) Unistd.read(front, s, s.byteSize());
      if (n <= 0) {
        break;
      }
      byte[] b = new byte[n];
      MemorySegment.copy(s, ValueLayout.JAVA_BYTE, 0, b, 0, n);
      out.append(new String(b, ISO_8859_1));
    }
    return out.toString();
  }

  private String read() throws InterruptedException {
    long at = g.memory.allocate(8192);
    long n = -11;
    for (int i = 0; n == -11 && i < 2000; i++) {
      n = g.call(READ, tty, at, 8192);
      if (n == -11) {
        Thread.sleep(1);
      }
    }
    return new String(g.memory.read(at, (int) n), ISO_8859_1);
  }

  @Test
  void typingIsEchoedAndRead() throws InterruptedException {
    type("ls\r");
    assertEquals("ls\r\n", screen(4));
    assertEquals("ls\n", read());
  }

  @Test
  void outputArrivesAtOnce() {
    g.call(WRITE, tty, g.str("hello\n"), 6);
    assertEquals("hello\r\n", screen(7));
    assertTrue(pump.isDrained());
  }

  @Test
  void outputThatTheFrontDoesNotReadIsKept() throws InterruptedException {
    long line = g.str("x".repeat(99) + "\n");
    int written = 0;
    long n;
    while ((n = g.call(WRITE, tty, line, 100)) > 0) {
      written += (int) n;
      assertTrue(written < 2 << 20, "no end");
    }
    assertEquals(-11, n);
    assertFalse(pump.isDrained());
    CountDownLatch drained = new CountDownLatch(1);
    pump.whenDrained(drained::countDown);
    int lines = written / 100;
    assertTrue(screen(written + lines).length() >= written + lines);
    assertTrue(drained.await(2, TimeUnit.SECONDS));
    assertEquals(100, g.call(WRITE, tty, line, 100));
  }

  @Test
  void moreTypingThanThereIsRoomForWaits() throws InterruptedException {
    String line = "y".repeat(99) + "\n";
    type(line.repeat(200));
    StringBuilder got = new StringBuilder();
    while (got.length() < 20_000) {
      got.append(read());
      screen(0);
      if (Poll.poll(front, 1, 0) > 0) {
        Unistd.read(front, s, s.byteSize());
      }
    }
    assertEquals(line.repeat(200), got.toString());
  }

  @Test
  void theWindowCanChange() {
    pump.resize(50, 132, 0, 0);
    long at = g.memory.allocate(8);
    assertEquals(0, g.call(IOCTL, tty, Ioctl.TIOCGWINSZ, at));
    assertEquals(50L | 132L << 16, g.memory.longAt(at));
  }

  @Test
  void theEndOfTheFrontHangsUp() throws InterruptedException {
    Unistd.close(front);
    front = -1;
    assertEquals("", read());
    assertEquals(-5, g.call(WRITE, tty, g.str("x"), 1));
  }
}
