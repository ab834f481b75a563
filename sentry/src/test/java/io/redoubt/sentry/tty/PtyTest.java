package io.redoubt.sentry.tty;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.host.Ioctl;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.kernel.FakeGuest;
import io.redoubt.sentry.kernel.Kernel;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import io.redoubt.sentry.syscalls.FileCalls;
import io.redoubt.sentry.syscalls.PathCalls;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Both ends of a pty through system calls, with devpts as the whole tree. */
class PtyTest {
  private static final int READ = 0;
  private static final int WRITE = 1;
  private static final int OPEN = 2;
  private static final int CLOSE = 3;
  private static final int IOCTL = 16;
  private static final int EIO = -5;
  private static final int EAGAIN = -11;

  private FakeGuest g;
  private int master;
  private int slave;

  @BeforeEach
  void open() {
    SyscallTable t = new SyscallTable();

    FileCalls.register(t);
    PathCalls.register(t);

    Kernel kernel = new Kernel();
    g = new FakeGuest(kernel, DevPts.create(kernel.terminals), t);
    master = open("/ptmx", OpenFile.O_RDWR | OpenFile.O_NONBLOCK);
    assertEquals(0, master);
    assertEquals(EIO, open("/0", OpenFile.O_RDWR));
    long unlock = g.memory.allocate(4);
    assertEquals(0, g.call(IOCTL, master, Ioctl.TIOCSPTLCK, unlock));
    slave = open("/0", OpenFile.O_RDWR | OpenFile.O_NOCTTY | OpenFile.O_NONBLOCK);
    assertEquals(1, slave);
  }

  private int open(String path, int flags) {
    return (int) g.call(OPEN, g.str(path), flags, 0);
  }

  private long write(int fd, String s) {
    return g.call(WRITE, fd, g.memory.bytes(s.getBytes(ISO_8859_1)), s.length());
  }

  private String read(int fd) {
    long at = g.memory.allocate(1000);
    long n = g.call(READ, fd, at, 1000);
    return n < 0 ? "errno " + -n : new String(g.memory.read(at, (int) n), ISO_8859_1);
  }

  @Test
  void whatIsTypedIsReadByTheLine() {
    assertEquals(3, write(master, "ls\r"));
    assertEquals("ls\n", read(slave));
    assertEquals("ls\r\n", read(master));
    assertEquals("errno 11", read(slave));
  }

  @Test
  void numbersAndWindow() {
    long at = g.memory.allocate(8);
    assertEquals(0, g.call(IOCTL, master, (int) Ioctl.TIOCGPTN, at));
    assertEquals(0, g.memory.intAt(at));
    g.memory.putLong(at, 24L | 80L << 16);
    assertEquals(0, g.call(IOCTL, slave, Ioctl.TIOCSWINSZ, at));
    g.memory.putLong(at, 0);
    assertEquals(0, g.call(IOCTL, master, Ioctl.TIOCGWINSZ, at));
    assertEquals(24L | 80L << 16, g.memory.longAt(at));
  }

  @Test
  void aMasterWithoutSlaveReadsAnError() {
    write(slave, "bye");
    assertEquals(0, g.call(CLOSE, slave));
    assertEquals("bye", read(master));
    assertEquals("errno 5", read(master));
  }

  @Test
  void aSlaveWhoseMasterIsGoneHasHungUp() {
    assertEquals(0, g.call(CLOSE, master));
    assertEquals("", read(slave));
    assertEquals(EIO, write(slave, "x"));
    assertEquals(EIO, g.call(IOCTL, slave, Ioctl.TCGETS, g.memory.allocate(64)));
    assertEquals(-2, open("/0", OpenFile.O_RDWR));
  }

  @Test
  void outputStopsWhenNobodyReadsIt() {
    String much = "x".repeat(10_000);
    long n = write(slave, much) + write(slave, much);
    assertTrue(n < 20_000, "took " + n);
    assertEquals(EAGAIN, write(slave, "y"));
    read(master);
    assertEquals(1, write(slave, "y"));
  }

  @Test
  void aBlockingReaderWaits() {
    int blocking = open("/0", OpenFile.O_RDWR | OpenFile.O_NOCTTY);
    assertEquals(Syscall.BLOCKED, g.call(READ, blocking, g.memory.allocate(10), 10));
  }

  @Test
  void rawReadsWithoutMinimumDoNotWait() {
    long at = g.memory.allocate(64);
    g.call(IOCTL, slave, Ioctl.TCGETS, at);
    byte[] t = g.memory.read(at, 36);
    t[12] &= ~2; // ICANON
    t[17 + Termios.VMIN] = 0;
    assertEquals(0, g.call(IOCTL, slave, Ioctl.TCSETS, g.memory.bytes(t)));
    assertEquals("", read(slave));
    write(master, "k");
    assertEquals("k", read(slave));
  }

  @Test
  void packetModeTellsOfFlushes() {
    long on = g.memory.allocate(4);
    g.memory.putInt(on, 1);
    assertEquals(0, g.call(IOCTL, master, Ioctl.TIOCPKT, on));
    write(slave, "a");
    assertEquals("\0a", read(master));
    assertEquals(0, g.call(IOCTL, slave, Ioctl.TCFLSH, 2));
    assertEquals("\3", read(master));
  }

  @Test
  void numbersAreUsedAgain() {
    g.call(CLOSE, slave);
    g.call(CLOSE, master);
    master = open("/ptmx", OpenFile.O_RDWR);
    long at = g.memory.allocate(8);
    g.call(IOCTL, master, (int) Ioctl.TIOCGPTN, at);
    assertEquals(0, g.memory.intAt(at));
  }

  @Test
  void nothingCanBeTypedForOthers() {
    assertEquals(EIO, g.call(IOCTL, slave, Ioctl.TIOCSTI, g.str("x")));
  }
}
