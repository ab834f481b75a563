package io.redoubt.sentry.trace;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.sentry.CallTable;
import io.redoubt.sentry.fs.mem.MemFs;
import io.redoubt.sentry.kernel.ArrayMemory;
import io.redoubt.sentry.kernel.CallObserver;
import io.redoubt.sentry.kernel.FakeGuest;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class TraceTest {
  private final SyscallTable table = CallTable.create();
  private final FakeGuest guest = new FakeGuest(MemFs.tmpfs(1 << 20, 0755), table);
  private final ArrayMemory memory = guest.memory;

  private Syscall call(int nr, long... args) {
    Syscall c = guest.task.call;
    c.nr = nr;
    long[] a = java.util.Arrays.copyOf(args, 6);
    c.arg0 = a[0];
    c.arg1 = a[1];
    c.arg2 = a[2];
    c.arg3 = a[3];
    c.arg4 = a[4];
    c.arg5 = a[5];
    return c;
  }

  /** The line of one answered call, without its pid and end of line. */
  private String line(long result, int nr, long... args) {
    CallEvent e = new CallEvent();
    Signatures signatures = new Signatures(table);
    new Capture(signatures).fill(e, call(nr, args), CallEvent.ANSWERED, result);
    StringBuilder b = new StringBuilder();
    new CallFormatter(table, signatures).append(b, e);
    assertTrue(b.indexOf("[1] ") == 0 && b.charAt(b.length() - 1) == '\n', b.toString());
    return b.substring(4, b.length() - 1);
  }

  @Test
  void argumentsReadAsInTheSource() {
    long path = guest.str("/a\"b\n\u00ff7");
    assertEquals(
        "openat(AT_FDCWD, \"/a\\\"b\\n\\3777\", O_RDONLY|O_CLOEXEC) = 3",
        line(3, 257, -100, path, 02000000));
    assertEquals(
        "open(\"/a\\\"b\\n\\3777\", O_RDWR|O_CREAT|O_TRUNC, 0644) = 4",
        line(4, 2, path, 01102, 0644));
    assertEquals("openat(3, NULL, O_RDONLY) = -1 EFAULT (Bad address)", line(-14, 257, 3, 0, 0));
    assertEquals("lseek(1, -1, SEEK_END) = -1 ESPIPE (Illegal seek)", line(-29, 8, 1, -1, 2));
    assertEquals(
        "write(1, \"hello\", 5) = 5", line(5, 1, 1, memory.bytes("hello".getBytes(ISO_8859_1)), 5));
    assertEquals(
        "read(0, \"he\", 100) = 2", line(2, 0, 0, memory.bytes("hello".getBytes(ISO_8859_1)), 100));
    assertEquals(
        "read(0, 0x1, 100) = -1 EAGAIN (Resource temporarily unavailable)",
        line(-11, 0, 0, 1, 100));
    assertEquals("kill(7, SIGTERM) = ? (host)", line(Syscall.CONTINUE, 62, 7, 15));
    assertEquals("exit_group(3) = ?", line(Syscall.CONTINUE, 231, 3));
    assertEquals(
        "mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0x10000) = 0x7000",
        line(0x7000, 9, 0, 4096, 3, 0x22, -1, 0x10000));
    assertEquals(
        "clone(CLONE_VM|CLONE_VFORK|SIGCHLD, NULL, NULL, NULL, NULL) = ? (host)",
        line(Syscall.CONTINUE, 56, 0x4111));
    assertEquals(
        "read(0, NULL, 1) = ? ERESTARTSYS (restarted if SA_RESTART is set)",
        line(-512, 0, 0, 0, 1));
  }

  @Test
  void longTextIsCut() {
    String s = line(200, 1, 1, memory.bytes(new byte[200]), 200);
    assertTrue(s.endsWith("\\0\"..., 200) = 200"), s);
    long path = guest.str("x".repeat(4000));
    assertTrue(line(0, 80, path).endsWith("xxx\"...) = 0"));
  }

  @Test
  void argvIsShown() {
    long array = memory.allocate(24);
    memory.putLong(array, guest.str("ls"));
    memory.putLong(array + 8, guest.str("-l"));
    assertEquals(
        "execve(\"/bin/ls\", [\"ls\", \"-l\"], NULL) = 0",
        line(CallObserver.REWRITTEN, 59, guest.str("/bin/ls"), array, 0));
    assertEquals(
        "execve(\"/bin/ls\", [], NULL) = -1 EFAULT (Bad address)",
        line(-14, 59, guest.str("/bin/ls"), 8, 0));
  }

  @Test
  void socketAddressesAreDecoded() {
    long unix = memory.bytes("\u0001\0/run/x\0".getBytes(ISO_8859_1));
    assertEquals(
        "connect(3, {sa_family=AF_UNIX, sun_path=\"/run/x\"}, 9) = 0", line(0, 42, 3, unix, 9));
    long named = memory.bytes("\u0001\0\0name".getBytes(ISO_8859_1));
    assertEquals(
        "connect(3, {sa_family=AF_UNIX, sun_path=@\"name\"}, 7) = 0", line(0, 42, 3, named, 7));
    assertEquals("connect(3, 0x1, 7) = -1 EFAULT (Bad address)", line(-14, 42, 3, 1, 7));
  }

  @Test
  void aWriterThatIsTooSlowCostsLinesAndNotTime() throws InterruptedException {
    CountDownLatch slow = new CountDownLatch(1);
    StringBuffer out = new StringBuffer();
    Tracer tracer =
        new Tracer(
            table,
            text -> {
              try {
                slow.await();
              } catch (InterruptedException e) {
                throw new AssertionError(e);
              }
              out.append(text);
            });
    Syscall c = call(3, 5);
    for (int i = 0; i < 20_000; i++) {
      tracer.answered(c, 0);
    }
    slow.countDown();
    tracer.close();
    String text = out.toString();
    int lines = text.split("\\[1] close\\(5\\) = 0\n", -1).length - 1;
    int dropped =
        Integer.parseInt(
            text.substring(text.indexOf("trace: ") + 7, text.indexOf(" lines dropped")));
    assertEquals(20_000, lines + dropped);
    assertTrue(dropped > 10_000);
  }

  @Test
  void statisticsAreSortedByTimeAndSummedUp() {
    StringBuilder out = new StringBuilder();
    CallStatistics statistics = new CallStatistics(table, () -> "", out::append);
    statistics.answered(call(0), 5);
    statistics.answered(call(0), -9);
    statistics.answered(call(62), Syscall.CONTINUE);
    statistics.answered(call(9), Syscall.CONTINUE);
    statistics.answered(call(9), -22);
    statistics.close();
    String text = out.toString();
    assertTrue(text.contains("         2                   1 notify      read\n"), text);
    assertTrue(text.contains("         1                     notify,host kill\n"), text);
    assertTrue(text.contains("         2                   1 notify,both mmap\n"), text);
    assertTrue(text.contains("         5                   2             total\n"), text);
  }
}
