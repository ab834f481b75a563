package io.redoubt.sentry.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.host.Fcntl;
import io.redoubt.host.Unistd;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Rewrites calls of a program that runs, and lets it go on. */
class SiteRewriterTest {
  @TempDir static Path directory;
  private static int procFd;

  @BeforeAll
  static void openProc() {
    procFd = Fcntl.open("/proc", Fcntl.O_PATH | Fcntl.O_DIRECTORY | Fcntl.O_CLOEXEC, 0);
    assertTrue(procFd >= 0, "no /proc");
  }

  @AfterAll
  static void closeProc() {
    Unistd.close(procFd);
  }

  private static SiteResult rewrite(SiteRewriter rewriter, RingGuest guest, String site) {
    RingGuest.Site s = guest.sites.get(site);
    return rewriter.rewrite(guest.pid, s.ip(), s.nr(), -1, 0);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aProgramGoesOnWithItsCallsRewritten(boolean isQueried) throws Exception {
    SiteRewriter rewriter = new SiteRewriter(procFd, isQueried);
    try (RingGuest guest = new RingGuest(directory)) {
      // As Linux answers them, and nothing went through the trampoline.
      String parent = Long.toString(ProcessHandle.current().pid());
      assertEquals("0 0 0", guest.command('r'));
      assertEquals("0 -9 0", guest.command('c'));
      assertEquals("5 -9 0", guest.command('l'));
      assertEquals(parent + " 1 0", guest.command('p'));
      assertEquals("7 " + parent + " 0", guest.command('s'));
      assertEquals("9 -125 0", guest.command('m'));
      assertEquals("8 0 0", guest.command('f'));
      assertEquals(parent + " 0 0", guest.command('t'));

      assertEquals(5, guest.sites.get("straddling").ip() % 4096, "mov at 4094, in two pages");

      guest.waitForRead();
      Map<String, SiteResult> results = new HashMap<>();
      for (String site : guest.sites.keySet()) {
        results.put(site, rewrite(rewriter, guest, site));
      }
      assertEquals(
          Map.ofEntries(
              Map.entry("read", SiteResult.CAVE),
              Map.entry("close", SiteResult.MOV),
              Map.entry("lseek", SiteResult.MOV),
              Map.entry("getppid", SiteResult.MOV),
              Map.entry("syscall", SiteResult.MOVED),
              Map.entry("cancellable", SiteResult.MOVED),
              Map.entry("straddling", SiteResult.MOV),
              Map.entry("popped", SiteResult.NO_FORM),
              Map.entry("no-call", SiteResult.NO_CALL),
              Map.entry("unmapped", SiteResult.NOT_TEXT),
              Map.entry("anonymous", SiteResult.NOT_TEXT),
              Map.entry("shared", SiteResult.NOT_TEXT),
              Map.entry("writable", SiteResult.NOT_TEXT),
              Map.entry("no-program", SiteResult.NOT_ELF)),
          results);

      assertEquals("0 0 0", guest.command('r')); // read by the call that it was in
      assertEquals("0 0 1", guest.command('r'));
      assertEquals("0 -9 3", guest.command('c'));
      assertEquals("5 -9 3", guest.command('l'));
      assertEquals("6 0 3", guest.command('i')); // one lseek, interrupted and made again
      assertEquals("4242 1 2", guest.command('p'));
      assertEquals("7 4242 3", guest.command('s'));
      assertEquals("9 -125 2", guest.command('m'));
      assertEquals("4242 0 2", guest.command('t'));
      assertEquals("7 0 1", guest.command('f')); // a child's count is its own
    }
  }

  @Test
  void aSiteIsRewrittenOnce() throws Exception {
    SiteRewriter rewriter = new SiteRewriter(procFd);
    try (RingGuest guest = new RingGuest(directory)) {
      guest.waitForRead();
      for (String site : new String[] {"close", "getppid", "syscall", "cancellable"}) {
        assertTrue(rewrite(rewriter, guest, site).isRewritten(), site);
        assertEquals(SiteResult.ALREADY, rewrite(rewriter, guest, site), site);
      }
      assertEquals(SiteResult.CAVE, rewrite(rewriter, guest, "read"));
      assertEquals("0 0 0", guest.command('r')); // ends the call that was made before
      // Now its calls are made in the thunk, and that is where they seem to come from.
      long ip = waitForReadElsewhere(guest, guest.sites.get("read").ip());
      assertEquals(16, ip % Thunk.SLOT_BYTES);
      assertEquals(SiteResult.ALREADY, rewriter.rewrite(guest.pid, ip, 0, -1, 0));
    }
  }

  private static long waitForReadElsewhere(RingGuest guest, long than) throws Exception {
    long ip;
    long deadline = System.nanoTime() + 10_000_000_000L;
    do {
      ip = guest.readIp();
      assertTrue(System.nanoTime() < deadline, "still in the old read");
    } while (ip == than);
    return ip;
  }

  @Test
  void theCLibrarysReadIsRewrittenWhileItWaits() throws Exception {
    SiteRewriter rewriter = new SiteRewriter(procFd);
    try (RingGuest guest = new RingGuest(directory)) {
      guest.send('w');
      long ip = waitForReadElsewhere(guest, guest.sites.get("read").ip());
      SiteResult r = rewriter.rewrite(guest.pid, ip, 0, -1, 0);
      assertTrue(r.isRewritten(), r.label);
      assertEquals("1 97 0", guest.command('a'));
      guest.send('w');
      assertEquals("1 98 1", guest.command('b'));
    }
  }

  /** A program that is linked for a fixed address reaches the rest of the trampoline's page. */
  @ParameterizedTest
  @CsvSource({"-pie, 0", "-no-pie, 64"})
  void aSegmentHasRoomForSoManyThunks(String link, int more) throws Exception {
    SiteRewriter rewriter = new SiteRewriter(procFd);
    try (RingGuest guest = new RingGuest(directory, link)) {
      guest.waitForRead();
      // Forget the rewrite after each, but not its thunk: the mov of a site is put back.
      RingGuest.Site site = guest.sites.get("getppid");
      byte[] code = {(byte) 0xb8, 110, 0, 0, 0};
      Path memory = Path.of("/proc/" + guest.pid + "/mem");
      int thunks = 0;
      SiteResult r;
      try (var f = new RandomAccessFile(memory.toFile(), "rw")) {
        while ((r = rewrite(rewriter, guest, "getppid")) == SiteResult.MOV) {
          thunks++;
          assertTrue(thunks <= 4096 / Thunk.SLOT_BYTES + more);
          f.seek(site.ip() - 7);
          f.write(code);
        }
      }
      assertEquals(SiteResult.NO_ROOM, r);
      assertTrue(thunks > more);
      assertEquals(ProcessHandle.current().pid() + " 1 0", guest.command('p'));
    }
  }

  @Test
  void aThunkBehindTheTrampolineWorks() throws Exception {
    SiteRewriter rewriter = new SiteRewriter(procFd);
    try (RingGuest guest = new RingGuest(directory, "-no-pie")) {
      guest.waitForRead();
      fillTail(guest);
      assertEquals(SiteResult.MOV, rewrite(rewriter, guest, "getppid"));
      assertEquals(SiteResult.ALREADY, rewrite(rewriter, guest, "getppid"));
      assertEquals(SiteResult.CAVE, rewrite(rewriter, guest, "read"));
      assertEquals("0 0 0", guest.command('r')); // ends the call that was made before
      assertEquals("4242 1 2", guest.command('p'));
      long ip = waitForReadElsewhere(guest, guest.sites.get("read").ip());
      assertEquals(RingLayout.TEXT, ip & -4096, "in the page of the trampoline");
    }
  }

  /** Leaves no zeroes behind the code of a guest. */
  private static void fillTail(RingGuest guest) throws Exception {
    long code = guest.sites.get("close").ip();
    try (var f = new RandomAccessFile("/proc/" + guest.pid + "/mem", "rw")) {
      String mapping =
          Files.readAllLines(Path.of("/proc/" + guest.pid + "/maps")).stream()
              .filter(l -> l.contains("r-xp"))
              .filter(l -> Long.parseLong(l.substring(0, l.indexOf('-')), 16) <= code)
              .filter(l -> code < end(l))
              .findFirst()
              .orElseThrow();
      byte[] last = new byte[4096];
      f.seek(end(mapping) - last.length);
      f.readFully(last);
      int used = last.length;
      while (used > 0 && last[used - 1] == 0) {
        used--;
      }
      Arrays.fill(last, used, last.length, (byte) 0xcc);
      f.seek(end(mapping) - last.length);
      f.write(last);
    }
  }

  private static long end(String mapping) {
    return Long.parseLong(mapping.substring(mapping.indexOf('-') + 1, mapping.indexOf(' ')), 16);
  }

  @Test
  void aProcessThatIsGoneIsRefused() throws Exception {
    SiteRewriter rewriter = new SiteRewriter(procFd);
    RingGuest guest = new RingGuest(directory);
    guest.close();
    guest.process.waitFor();
    assertEquals(SiteResult.GONE, rewrite(rewriter, guest, "close"));
  }

  @Test
  void aCallThatIsNotPendingIsRefused() throws Exception {
    SiteRewriter rewriter = new SiteRewriter(procFd);
    try (RingGuest guest = new RingGuest(directory)) {
      guest.waitForRead();
      RingGuest.Site s = guest.sites.get("close");
      // Not even a listener: EBADF, where one would say ENOENT.
      assertEquals(SiteResult.GONE, rewriter.rewrite(guest.pid, s.ip(), s.nr(), procFd, 1));
      assertEquals("0 -9 0", guest.command('c'));
    }
  }
}
