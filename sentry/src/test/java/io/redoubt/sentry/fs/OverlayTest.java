package io.redoubt.sentry.fs;

import static io.redoubt.host.Errno.ENOENT;
import static io.redoubt.host.Errno.ENOTEMPTY;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.gofer.NodeAttr;
import io.redoubt.gofer.Root;
import io.redoubt.gofer.TestGofer;
import io.redoubt.sentry.fs.mem.MemFs;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Writes in memory over a directory of the host, which stays as it is. */
class OverlayTest {
  @TempDir java.nio.file.Path lower;
  private TestGofer gofer;
  private FsGuest g;

  @BeforeEach
  void mount() throws IOException {
    Files.createDirectories(lower.resolve("d/e"));
    Files.writeString(lower.resolve("d/f"), "lower");
    Files.writeString(lower.resolve("d/e/deep"), "deep");
    Files.write(lower.resolve("big"), pattern(300_000));
    Files.createSymbolicLink(lower.resolve("link"), java.nio.file.Path.of("d/f"));
    gofer = new TestGofer(donates(), Root.readOnly(lower.toString()));
    NodeAttr attr = new NodeAttr();
    int fid = gofer.client.nodes.attach(0, attr);
    g = new FsGuest(MemFs.overlay(gofer.client, fid, attr));
  }

  /** Whether data comes by descriptors; the subclass says no. */
  boolean donates() {
    return true;
  }

  @AfterEach
  void unmount() throws InterruptedException, IOException {
    gofer.close();
    assertEquals("lower", Files.readString(lower.resolve("d/f")));
    assertEquals("deep", Files.readString(lower.resolve("d/e/deep")));
    assertArrayEquals(pattern(300_000), Files.readAllBytes(lower.resolve("big")));
    assertEquals(3, lower.toFile().list().length);
  }

  private static byte[] pattern(int n) {
    byte[] b = new byte[n];
    for (int i = 0; i < n; i++) {
      b[i] = (byte) (i * 7 + (i >> 8));
    }
    return b;
  }

  @Test
  void lowerFilesAreRead() {
    assertEquals("lower", g.cat("/d/f"));
    assertEquals("lower", g.cat("/link"));
    assertEquals("deep", g.cat("/d/e/deep"));
    assertEquals("errno " + ENOENT, g.cat("/d/e/missing"));
    assertEquals("errno " + ENOENT, g.cat("/d/e/missing"));
    int fd = g.open("/big", 0, 0);
    assertArrayEquals(pattern(300_000), g.pread(fd, 400_000, 0));
    assertEquals(300_000, g.fstat(fd).size);
    assertEquals(Set.of("d", "big", "link"), new HashSet<>(g.list("/")));
  }

  @Test
  void writesCopyUp() {
    int reader = g.open("/d/f", 0, 0);
    int fd = g.open("/d/f", 1 | OpenFile.O_APPEND, 0);
    assertEquals("lower".length(), g.fstat(reader).size);
    assertEquals(1, g.write(fd, "!"));
    assertEquals("lower!", g.cat("/d/f"));
    assertEquals(
        "lower!", new String(g.pread(reader, 10, 0), java.nio.charset.StandardCharsets.ISO_8859_1));
    int big = g.open("/big", 2, 0);
    assertEquals(2, g.pwrite(big, new byte[] {1, 2}, 100_000));
    byte[] want = pattern(300_000);
    want[100_000] = 1;
    want[100_001] = 2;
    assertArrayEquals(want, g.pread(big, 300_000, 0));
    assertEquals(0, g.truncate("/d/e/deep", 2));
    assertEquals("de", g.cat("/d/e/deep"));
    assertEquals(0, g.put("/d/e/deep", "new"));
    assertEquals("new", g.cat("/d/e/deep"));
  }

  @Test
  void changesOutliveTheirDentries() {
    g.chmod("/d/f", 0600);
    g.chown("/d/e/deep", 7, 8);
    g.put("/d/e/new", "n");
    // Push everything out of the cache.
    for (int i = 0; i < 70_000; i++) {
      g.statError("/d/none" + i);
    }
    assertTrue(g.guest.kernel.vfs.cachedDentries() <= 65_600);
    assertEquals(0100600, g.stat("/d/f").mode);
    assertEquals(8, g.stat("/d/e/deep").gid);
    assertEquals("n", g.cat("/d/e/new"));
    assertEquals("deep", g.cat("/d/e/deep"));
    assertEquals(Set.of("deep", "new"), new HashSet<>(g.list("/d/e")));
  }

  @Test
  void removedNamesStayRemoved() {
    long ino = g.stat("/d/f").ino;
    assertEquals(0, g.unlink("/d/f"));
    assertEquals(-ENOENT, g.statError("/d/f"));
    assertEquals(List.of("e"), g.list("/d"));
    assertEquals(0, g.put("/d/f", "second"));
    assertEquals("second", g.cat("/d/f"));
    assertFalse(ino == g.stat("/d/f").ino);
    assertEquals(Set.of("e", "f"), new HashSet<>(g.list("/d")));
    assertEquals(2, g.list("/d").size());
    assertEquals(-ENOTEMPTY, g.rmdir("/d"));
    assertEquals(-ENOTEMPTY, g.rmdir("/d/e"));
    assertEquals(0, g.unlink("/d/e/deep"));
    assertEquals(0, g.rmdir("/d/e"));
    assertEquals(0, g.mkdir("/d/e", 0755));
    assertEquals(List.of(), g.list("/d/e"), "a new directory does not show the old one");
    assertEquals(0, g.unlink("/d/f"));
    assertEquals(0, g.rmdir("/d/e"));
    assertEquals(0, g.rmdir("/d"));
    assertEquals(Set.of("big", "link"), new HashSet<>(g.list("/")));
  }

  @Test
  void lowerNodesMove() {
    assertEquals(0, g.rename("/d", "/moved"));
    assertEquals("deep", g.cat("/moved/e/deep"));
    assertEquals(-ENOENT, g.statError("/d"));
    assertEquals(0, g.rename("/moved/e/deep", "/up"));
    assertEquals("deep", g.cat("/up"));
    assertEquals(List.of(), g.list("/moved/e"));
    assertEquals(0, g.rename("/big", "/moved/f"));
    assertEquals(300_000, g.stat("/moved/f").size);
    assertEquals(0, g.rename("/moved/e", "/up", 2));
    assertEquals("deep", g.cat("/moved/e"));
    assertEquals(0, g.link("/moved/e", "/second"));
    assertEquals(2, g.stat("/second").nlink);
  }

  @Test
  void listingSurvivesChangesOfWhatItLists() throws IOException {
    for (int i = 0; i < 2000; i++) {
      Files.createFile(lower.resolve("d/e/x" + i));
    }
    int fd = g.open("/d/e", 0, 0);
    List<String> seen = new ArrayList<>();
    int done = 0;
    while (g.next(fd, 2048, seen)) {
      for (; done < seen.size(); done++) {
        if (seen.get(done).startsWith("x")) {
          assertEquals(
              0,
              done % 3 == 0
                  ? g.chmod("/d/e/" + seen.get(done), 0600)
                  : g.unlink("/d/e/" + seen.get(done)));
        }
      }
    }
    assertEquals(2003, seen.size());
    assertEquals(2003, new HashSet<>(seen).size());
    for (int i = 0; i < 2000; i++) {
      Files.delete(lower.resolve("d/e/x" + i));
    }
  }

  @Test
  void unlinkedOpenFilesAreRead() {
    int fd = g.open("/d/f", 0, 0);
    assertEquals(0, g.unlink("/d/f"));
    assertEquals(
        "lower", new String(g.pread(fd, 10, 0), java.nio.charset.StandardCharsets.ISO_8859_1));
    assertEquals(0, g.fstat(fd).nlink);
    g.close(fd);
  }
}
