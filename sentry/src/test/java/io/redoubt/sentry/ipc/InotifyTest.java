package io.redoubt.sentry.ipc;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.redoubt.sentry.fs.FsNotify;
import io.redoubt.sentry.kernel.Guest;
import org.junit.jupiter.api.Test;

class InotifyTest {
  private static final int O_NONBLOCK = 04000;
  private static final int ALL = 0xfff;

  private final Guest a = Guest.first();
  private final long fd = a.call(294, O_NONBLOCK);

  private long path(String s) {
    return a.text(s + "\0");
  }

  private long watch(String s, int mask) {
    return a.call(254, fd, path(s), mask);
  }

  /** What has happened, as "wd:mask[:name]". */
  private String events() {
    long at = a.room(4096);
    long n = a.call(0, fd, at, 4096);
    StringBuilder b = new StringBuilder(n < 0 ? Long.toString(n) : "");
    for (long i = 0; i < n; i += 16 + a.intAt(at + i + 12)) {
      b.append(i > 0 ? " " : "").append(a.intAt(at + i)).append(':');
      b.append(Integer.toHexString(a.intAt(at + i + 4)));
      int length = a.intAt(at + i + 12);
      if (length > 0) {
        b.append(':').append(a.text(at + i + 16, length).replace("\0", ""));
      }
    }
    return b.toString();
  }

  private long create(String name) {
    return a.call(2, path(name), 0102, 0644);
  }

  @Test
  void namesComeAndGo() {
    assertEquals(1, watch(".", FsNotify.CREATE | FsNotify.DELETE));
    assertEquals("-11", events());
    a.close(create("f"));
    a.call(83, path("d"), 0755);
    a.call(86, path("f"), path("g"));
    a.call(87, path("f"));
    a.call(84, path("d"));
    assertEquals("1:100:f 1:40000100:d 1:100:g 1:200:f 1:40000200:d", events());
  }

  @Test
  void theLifeOfAFile() {
    a.close(create("f"));
    watch("f", ALL);
    long f = a.call(2, path("f"), 2, 0);
    a.write(f, "abc");
    a.call(77, f, 2);
    a.call(91, f, 0600);
    a.close(f);
    assertEquals("1:20 1:2 1:4 1:8", events()); // the truncation is the same event as the write
    a.call(82, path("f"), path("g"));
    a.call(87, path("g"));
    assertEquals("1:800 1:4 1:400 1:8000", events());
    assertEquals(-22, a.call(255, fd, 1));
  }

  @Test
  void movesHaveACookie() {
    watch(".", FsNotify.MOVED_FROM | FsNotify.MOVED_TO);
    a.close(create("f"));
    a.call(82, path("f"), path("g"));
    long at = a.room(64);
    assertEquals(64, a.call(0, fd, at, 64));
    assertEquals(a.intAt(at + 8), a.intAt(at + 40));
  }

  @Test
  void aWatchIsChangedAndRemoved() {
    a.close(create("f"));
    assertEquals(1, watch("f", FsNotify.MODIFY));
    assertEquals(1, watch("f", FsNotify.ATTRIB));
    assertEquals(0, a.call(255, fd, 1));
    assertEquals("1:8000", events());
    assertEquals(-2, watch("missing", ALL));
    assertEquals(-20, watch("f", ALL | InotifyFile.IN_ONLYDIR));
    assertEquals(-22, watch("f", 0));
    assertEquals(-22, a.call(254, a.call(290, 0, 0), path("f"), ALL));
    watch("f", ALL | InotifyFile.IN_ONESHOT);
    a.close(a.call(2, path("f"), 0, 0));
    assertEquals("2:20 2:8000", events());
  }
}
