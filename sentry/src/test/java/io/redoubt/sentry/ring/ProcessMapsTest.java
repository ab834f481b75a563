package io.redoubt.sentry.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.redoubt.host.Fcntl;
import io.redoubt.host.Unistd;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The ioctl and the text say the same, and the text may be any. */
class ProcessMapsTest {
  @TempDir static Path directory;

  private static String show(Mapping m) {
    return Long.toHexString(m.start)
        + "-"
        + Long.toHexString(m.end)
        + " "
        + (m.isReadable ? 'r' : '-')
        + (m.isWritable ? 'w' : '-')
        + (m.isExecutable ? 'x' : '-')
        + (m.isShared ? 's' : 'p')
        + " "
        + Long.toHexString(m.offset)
        + " "
        + Long.toHexString(m.device >>> 32)
        + ":"
        + Long.toHexString(m.device & 0xffffffffL)
        + " "
        + m.inode;
  }

  @Test
  void bothWaysFindWhatTheFileSays() throws Exception {
    int proc = Fcntl.open("/proc", Fcntl.O_PATH | Fcntl.O_DIRECTORY | Fcntl.O_CLOEXEC, 0);
    try (Arena arena = Arena.ofConfined();
        RingGuest guest = new RingGuest(directory)) {
      guest.waitForRead();
      List<String> lines = Files.readAllLines(Path.of("/proc/" + guest.pid + "/maps"));
      int queried = 0;
      for (boolean isQueried : new boolean[] {true, false}) {
        try (ProcessMaps maps =
            new ProcessMaps(ProcessMaps.open(proc, guest.pid), arena.allocate(4096), isQueried)) {
          Mapping m = new Mapping();
          for (String line : lines) {
            String[] words = line.split(" +");
            String[] range = words[0].split("-");
            long start = Long.parseUnsignedLong(range[0], 16);
            long end = Long.parseUnsignedLong(range[1], 16);
            if (start < 0) {
              continue; // [vsyscall], which is no mapping
            }
            long device = Long.parseLong(words[3].substring(0, words[3].indexOf(':')), 16) << 32;
            device |= Long.parseLong(words[3].substring(words[3].indexOf(':') + 1), 16);
            Mapping expected = new Mapping();
            expected.start = start;
            expected.end = end;
            expected.offset = Long.parseLong(words[2], 16);
            expected.device = device;
            expected.inode = Long.parseLong(words[4]);
            expected.isReadable = words[1].charAt(0) == 'r';
            expected.isWritable = words[1].charAt(1) == 'w';
            expected.isExecutable = words[1].charAt(2) == 'x';
            expected.isShared = words[1].charAt(3) == 's';
            for (long address : new long[] {start, end - 1, start + (end - start) / 2}) {
              assertTrue(maps.find(address, m), line);
              assertEquals(show(expected), show(m), line);
            }
          }
          assertFalse(maps.find(4096, m));
          assertFalse(maps.find(-4096 - 1, m));
          queried += maps.isQueried() ? 1 : 0;
        }
      }
      assertTrue(queried <= 1);
      String[] release = Files.readString(Path.of("/proc/sys/kernel/osrelease")).split("[.-]");
      int version = Integer.parseInt(release[0]) * 1000 + Integer.parseInt(release[1]);
      assertEquals(version >= 6011, queried == 1, "Linux 6.11 has the ioctl");
    } finally {
      Unistd.close(proc);
    }
  }

  private static boolean search(String text, long address, Mapping to) {
    return ProcessMaps.search(text.getBytes(StandardCharsets.ISO_8859_1), address, to);
  }

  @Test
  void textThatIsCutOffHasFewerMappings() {
    String first = "1000-3000 r-xp 00002000 fe:01 12345      /a b\n";
    String all = first + "5000-6000 rw-s 00000000 00:1b 7 /c\n";
    Mapping m = new Mapping();
    for (int length = 0; length <= all.length(); length++) {
      String text = all.substring(0, length);
      if (search(text, 0x2fff, m)) {
        assertTrue(length > first.indexOf("12345") + 5, text);
        assertEquals("1000-3000 r-xp 2000 fe:1 12345", show(m));
      }
      if (search(text, 0x5000, m)) {
        assertTrue(length > all.indexOf(" 7 ") + 2, text);
        assertEquals("5000-6000 rw-s 0 0:1b 7", show(m));
      }
      assertFalse(search(text, 0x3000, m));
      assertFalse(search(text, 0xfff, m));
      assertFalse(search(text, 0x6000, m));
    }
    assertTrue(search(all, 0x2fff, m) && search(all, 0x5fff, m));
  }

  @Test
  void thereMayBeMoreMappingsThanAreLookedAt() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/python3")), "needs python3");
    String program =
        """
        import mmap, sys
        m = [mmap.mmap(-1, 4096, prot=(1 if i % 2 else 3)) for i in range(20000)]
        print(len(m), flush=True)
        sys.stdin.read()
        """;
    Process p = new ProcessBuilder("/usr/bin/python3", "-c", program).start();
    int proc = Fcntl.open("/proc", Fcntl.O_PATH | Fcntl.O_DIRECTORY | Fcntl.O_CLOEXEC, 0);
    try (Arena arena = Arena.ofConfined()) {
      assertEquals("20000", p.inputReader().readLine());
      int pid = (int) p.pid();
      List<String> lines = Files.readAllLines(Path.of("/proc/" + pid + "/maps"));
      String stack = lines.stream().filter(l -> l.endsWith("[stack]")).findFirst().orElseThrow();
      long address = Long.parseLong(stack.substring(0, stack.indexOf('-')), 16);
      Mapping m = new Mapping();
      try (ProcessMaps maps =
          new ProcessMaps(ProcessMaps.open(proc, pid), arena.allocate(4096), false)) {
        assertFalse(maps.find(address, m));
        long first = Long.parseLong(lines.get(0).substring(0, lines.get(0).indexOf('-')), 16);
        assertTrue(maps.find(first, m));
      }
    } finally {
      Unistd.close(proc);
      p.destroyForcibly();
    }
  }
}
