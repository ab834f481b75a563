package io.redoubt.sentry.fs.pseudo;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.redoubt.sentry.kernel.FakeGuest;
import io.redoubt.sentry.kernel.SyscallTable;
import io.redoubt.sentry.syscalls.FileCalls;
import io.redoubt.sentry.syscalls.PathCalls;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PseudoFsTest {
  private static final int READ = 0;
  private static final int WRITE = 1;
  private static final int OPEN = 2;
  private static final int LSEEK = 8;
  private static final int GETDENTS64 = 217;
  private static final int EACCES = -13;

  private FakeGuest g;
  private int made;
  private String stored = "";

  @BeforeEach
  void tree() {
    PseudoFs fs = new PseudoFs(99);
    PseudoDir root = new PseudoDir(fs, 0555);
    root.file(
        "count",
        (c, out) -> {
          out.append("made ").append(++made).append('\n');
          return 0;
        });
    root.file(
        "value",
        0644,
        (c, out) -> {
          out.append(stored);
          return 0;
        },
        (c, v) -> {
          stored = v;
          return v.equals("bad") ? -22 : 0;
        });
    root.dir("sub").text("deep", "x".repeat(5000));
    root.link("link", "sub/deep");
    SyscallTable t = new SyscallTable();

    FileCalls.register(t);
    PathCalls.register(t);

    g = new FakeGuest(root, t);
  }

  private int open(String path, int flags) {
    return (int) g.call(OPEN, g.str(path), flags, 0);
  }

  private String read(int fd, int length) {
    long at = g.memory.allocate(length);
    long n = g.call(READ, fd, at, length);
    return n < 0 ? "errno " + -n : new String(g.memory.read(at, (int) n), ISO_8859_1);
  }

  @Test
  void contentIsMadeOnceForReadsInARow() {
    int fd = open("/count", 0);
    assertEquals("mad", read(fd, 3));
    assertEquals("e 1\n", read(fd, 100));
    assertEquals("", read(fd, 100));
  }

  @Test
  void aRewindMakesItAnew() {
    int fd = open("/count", 0);
    read(fd, 100);
    assertEquals(0, g.call(LSEEK, fd, 0, 0));
    assertEquals("made 2\n", read(fd, 100));
  }

  @Test
  void writesGoToTheStore() {
    int fd = open("/value", 2);
    assertEquals(5, g.call(WRITE, fd, g.str("hello"), 5));
    assertEquals("hello", stored);
    assertEquals(-22, g.call(WRITE, fd, g.str("bad"), 3));
    assertEquals(EACCES, open("/count", 1));
  }

  @Test
  void longContentAndLinks() {
    int fd = open("/link", 0);
    assertEquals(5000, read(fd, 8000).length());
  }

  @Test
  void directoriesListInOrder() {
    int fd = open("/", 0200000);
    long at = g.memory.allocate(1000);
    int n = (int) g.call(GETDENTS64, fd, at, 1000);
    StringBuilder names = new StringBuilder();
    for (int i = 0; i < n; ) {
      byte[] record = g.memory.read(at + i, 19 + 16);
      int length = (record[16] & 0xff) | (record[17] & 0xff) << 8;
      for (int j = 19; record[j] != 0; j++) {
        names.append((char) record[j]);
      }
      names.append(':').append(record[18]).append(' ');
      i += length;
    }
    assertEquals(".:4 ..:4 count:8 value:8 sub:4 link:10 ", names.toString());
    assertEquals(0, g.call(GETDENTS64, fd, at, 1000));
    assertEquals(-22, g.call(GETDENTS64, open("/", 0200000), at, 10));
  }
}
