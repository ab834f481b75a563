package io.redoubt.sentry.fs;

import static io.redoubt.host.Errno.EISDIR;
import static io.redoubt.host.Errno.ENOENT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.gofer.Root;
import io.redoubt.gofer.TestGofer;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A directory of the host that the guest looks at so often that it is watched and no longer asked
 * for, while the host changes it: the guest sees each change at once. The host is the oracle.
 */
class GoferWatchTest {
  /** Looks until all that is on a path is watched, and more. */
  private static final int OFTEN = 8;

  @TempDir Path host;
  private TestGofer gofer;
  private FsGuest g;

  @BeforeEach
  void mount() throws IOException {
    Files.createDirectories(host.resolve("a/b"));
    Files.writeString(host.resolve("a/b/f"), "one");
    gofer = new TestGofer(true, Root.of(host.toString()));
    g = FsGuest.of(gofer);
  }

  @AfterEach
  void unmount() throws InterruptedException {
    gofer.close();
  }

  private interface Look {
    void run();
  }

  /** Checks that a hundred times cost next to nothing: what is known is asked again each second. */
  private void assertIsKnown(Look look) {
    for (int i = 0; i < OFTEN; i++) {
      look.run();
    }
    long before = gofer.client.requests();
    for (int i = 0; i < 100; i++) {
      look.run();
    }
    long asked = gofer.client.requests() - before;
    assertTrue(asked < 50, () -> "asked: " + asked);
  }

  @Test
  void whatIsLookedAtOftenIsNotAskedFor() {
    assertIsKnown(() -> assertEquals(3, g.stat("/a/b/f").size));
    assertIsKnown(() -> assertEquals(-ENOENT, g.statError("/a/b/missing")));
    assertIsKnown(() -> assertEquals(-ENOENT, g.statError("/a/none/missing")));
    assertIsKnown(() -> g.close(g.open("/a/b/f", 0, 0)));
    assertIsKnown(() -> assertEquals(040755, g.stat("/a").mode));
  }

  @Test
  void contentAndAttributes() throws IOException {
    Path f = host.resolve("a/b/f");
    assertIsKnown(() -> assertEquals(3, g.stat("/a/b/f").size));
    Files.writeString(f, "more", StandardOpenOption.APPEND);
    assertEquals(7, g.stat("/a/b/f").size);
    assertIsKnown(() -> assertEquals(7, g.stat("/a/b/f").size));
    Files.setAttribute(f, "unix:mode", 0640);
    assertEquals(0100640, g.stat("/a/b/f").mode);
    Files.setLastModifiedTime(f, FileTime.from(12345, TimeUnit.SECONDS));
    assertEquals(12345, g.stat("/a/b/f").mtimeSec);
    try (var c = Files.newByteChannel(f, StandardOpenOption.WRITE)) {
      c.truncate(1);
    }
    assertEquals(1, g.stat("/a/b/f").size);
  }

  /** An event by another name comes to those who watch the file, and not its directory alone. */
  @Test
  void changesByAnotherName() throws IOException {
    assertIsKnown(() -> assertEquals(1, g.stat("/a/b/f").nlink));
    Path other = host.resolve("other");
    Files.createLink(other, host.resolve("a/b/f"));
    assertEquals(2, g.stat("/a/b/f").nlink);
    assertIsKnown(() -> assertEquals(3, g.stat("/a/b/f").size));
    Files.writeString(other, "by another name");
    assertEquals(15, g.stat("/a/b/f").size);
    assertIsKnown(() -> assertEquals(2, g.stat("/a/b/f").nlink));
    Files.delete(other);
    assertEquals(1, g.stat("/a/b/f").nlink);
  }

  @Test
  void names() throws IOException {
    assertIsKnown(() -> assertEquals(-ENOENT, g.statError("/a/b/new")));
    Files.writeString(host.resolve("a/b/new"), "x");
    assertEquals(1, g.stat("/a/b/new").size);
    assertIsKnown(() -> assertEquals(1, g.stat("/a/b/new").size));
    Files.delete(host.resolve("a/b/new"));
    assertEquals(-ENOENT, g.statError("/a/b/new"));
    assertIsKnown(() -> assertEquals(3, g.stat("/a/b/f").size));
    Files.writeString(host.resolve("a/b/tmp"), "five!");
    Files.move(host.resolve("a/b/tmp"), host.resolve("a/b/f"), StandardCopyOption.REPLACE_EXISTING);
    assertEquals(5, g.stat("/a/b/f").size);
    assertEquals(-ENOENT, g.statError("/a/b/tmp"));
  }

  @Test
  void directoriesInTheMiddle() throws IOException {
    assertIsKnown(() -> assertEquals(3, g.stat("/a/b/f").size));
    Files.move(host.resolve("a"), host.resolve("z"));
    assertEquals(-ENOENT, g.statError("/a/b/f"));
    assertEquals(3, g.stat("/z/b/f").size);
    Files.createDirectories(host.resolve("a/b"));
    Files.writeString(host.resolve("a/b/f"), "another");
    assertEquals(7, g.stat("/a/b/f").size);
    assertIsKnown(() -> assertEquals(7, g.stat("/a/b/f").size));
    Files.move(host.resolve("a/b"), host.resolve("a/c"));
    Files.createSymbolicLink(host.resolve("a/b"), Path.of("../z/b"));
    assertEquals(3, g.stat("/a/b/f").size);
  }

  @Test
  void filesThatAreOpenedAgain() throws IOException {
    assertIsKnown(() -> assertEquals("one", g.cat("/a/b/f")));
    Files.writeString(host.resolve("a/b/f"), "two");
    assertEquals("two", g.cat("/a/b/f"));
    assertIsKnown(() -> assertEquals("two", g.cat("/a/b/f")));
    Files.writeString(host.resolve("a/b/tmp"), "three");
    Files.move(host.resolve("a/b/tmp"), host.resolve("a/b/f"), StandardCopyOption.REPLACE_EXISTING);
    assertEquals("three", g.cat("/a/b/f"));
    assertIsKnown(() -> assertEquals("three", g.cat("/a/b/f")));
    assertEquals(0, g.put("/a/b/f", "four"));
    assertEquals("four", g.cat("/a/b/f"));
    assertEquals("four", Files.readString(host.resolve("a/b/f")));
  }

  /** A read is no event, but it may change a time; the descriptor that is kept knows. */
  @Test
  void attributesOfWhatWasRead() throws IOException {
    Path f = host.resolve("a/b/f");
    assertIsKnown(() -> {
      assertEquals("one", g.cat("/a/b/f"));
      assertEquals(3, g.stat("/a/b/f").size);
    });
    for (int i = 1; i <= 20; i++) {
      Files.setAttribute(f, "lastAccessTime", FileTime.from(i, TimeUnit.SECONDS)); // before mtime
      assertEquals(i, g.stat("/a/b/f").atimeSec);
      g.cat("/a/b/f");
      Stat is = g.stat("/a/b/f");
      FileTime read = (FileTime) Files.getAttribute(f, "lastAccessTime");
      assertEquals(read.to(TimeUnit.NANOSECONDS), is.atimeSec * 1_000_000_000 + is.atimeNsec);
    }
  }

  /** A database looks at its file by name between its writes. */
  @Test
  void attributesOfWhatIsOpen() throws IOException {
    int fd = g.open("/a/b/f", OpenFile.O_WRONLY | OpenFile.O_APPEND, 0);
    long[] size = {3};
    assertIsKnown(() -> {
      assertEquals(1, g.write(fd, "x"));
      assertEquals(++size[0], g.stat("/a/b/f").size);
    });
    Files.writeString(host.resolve("a/b/f"), "");
    assertEquals(0, g.stat("/a/b/f").size);
    g.close(fd);
    Files.writeString(host.resolve("a/b/f"), "closed");
    assertEquals(6, g.stat("/a/b/f").size);
  }

  /** A descriptor that is kept holds the space of what the host removes, but not for long. */
  @Test
  void whatIsKeptIsClosed() throws IOException, InterruptedException {
    for (int i = 0; i < OFTEN; i++) {
      assertEquals("one", g.cat("/a/b/f"));
    }
    String name = host.resolve("a/b/f").toString();
    assertTrue(isOpen(name));
    g.guest.awaitTimers();
    assertTrue(!isOpen(name));
    assertEquals("one", g.cat("/a/b/f"));
  }

  /** Whether this process has a file open for reading: the sentry, as the gofer's are O_PATH. */
  private static boolean isOpen(String name) throws IOException {
    try (var fds = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
      for (Path fd : fds) {
        try {
          boolean isThis = Files.readSymbolicLink(fd).toString().equals(name);
          Path info = Path.of("/proc/self/fdinfo").resolve(fd.getFileName());
          if (isThis && !isPath(Files.readString(info))) {
            return true;
          }
        } catch (NoSuchFileException e) {
          continue; // closed meanwhile
        }
      }
    }
    return false;
  }

  private static boolean isPath(String fdinfo) {
    int at = fdinfo.indexOf("flags:") + 6;
    String flags = fdinfo.substring(at, fdinfo.indexOf('\n', at)).strip();
    return (Integer.parseInt(flags, 8) & 010000000) != 0;
  }

  /** The queue of the host has an end: max_queued_events, 16,384. */
  @Test
  void moreChangesThanAreQueued() throws IOException {
    assertIsKnown(() -> assertEquals(-ENOENT, g.statError("/a/b/late")));
    assertIsKnown(() -> assertEquals(3, g.stat("/a/b/f").size));
    for (int i = 0; i < 9000; i++) {
      Path p = host.resolve("a/b/n" + i);
      Files.createFile(p);
      Files.delete(p);
    }
    Files.writeString(host.resolve("a/b/late"), "x");
    Files.writeString(host.resolve("a/b/f"), "longer");
    assertEquals(1, g.stat("/a/b/late").size);
    assertEquals(6, g.stat("/a/b/f").size);
  }

  /** More files than there are watches. */
  @Test
  void moreFilesThanWatches() throws IOException {
    int n = 4200;
    for (int i = 0; i < n; i++) {
      Files.createFile(host.resolve("a/b/n" + i));
    }
    for (int round = 0; round < 4; round++) {
      for (int i = 0; i < n; i++) {
        assertEquals(0, g.stat("/a/b/n" + i).size);
      }
    }
    for (int i = 0; i < n; i += 7) {
      Files.writeString(host.resolve("a/b/n" + i), "x");
      assertEquals(1, g.stat("/a/b/n" + i).size);
    }
  }

  /** Changes of both sides at random; after each all names are compared. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void changesAtRandom(long seed) throws IOException {
    Random random = new Random(seed);
    String[] names = {"a", "a/b", "a/b/f", "a/b/g", "a/h", "c", "c/i", "c/b", "c/b/f", "j"};
    for (int step = 0; step < 1500; step++) {
      String one = names[random.nextInt(names.length)];
      String other = names[random.nextInt(names.length)];
      boolean isHosts = random.nextInt(3) > 0;
      int what = random.nextInt(9);
      if (isHosts) {
        change(what, one, other);
      } else {
        changeByGuest(what, "/" + one, "/" + other);
      }
      String did = "seed " + seed + ", step " + step + ": " + what + " " + one + " " + other;
      for (int i = random.nextInt(3); i >= 0; i--) {
        for (String name : names) {
          compare(name, did);
        }
      }
    }
  }

  /** What the guest itself has changed it knows: a change is one message, and no look before it. */
  @Test
  void ownChangesAreKnown() {
    assertIsKnown(() -> assertEquals(-ENOENT, g.statError("/a/b/new")));
    int messages =
        messagesOf(() -> {
          g.close(g.open("/a/b/new", Opening.O_CREAT | OpenFile.O_RDWR, 0600));
          assertEquals(0, g.unlink("/a/b/new"));
        });
    assertTrue(messages < 250, () -> "create and unlink: " + messages);
    int exclusive = // names of which nothing is known
        messagesOf(() -> {
          String name = "/a/b/" + System.nanoTime();
          g.close(g.open(name, Opening.O_CREAT | Opening.O_EXCL | OpenFile.O_RDWR, 0600));
        });
    assertTrue(exclusive < 150, () -> "new names: " + exclusive);
    int moves =
        messagesOf(() -> {
          assertEquals(0, g.rename("/a/b/f", "/a/b/new"));
          assertEquals(3, g.stat("/a/b/new").size);
          assertEquals(-ENOENT, g.statError("/a/b/f"));
          assertEquals(0, g.rename("/a/b/new", "/a/b/f"));
        });
    assertTrue(moves < 500, () -> "rename there and back, with attributes: " + moves);
  }

  /** A name that cannot be removed still is the name of those who use it. */
  @Test
  void whatCannotBeRemovedStays() {
    assertIsKnown(() -> assertEquals(3, g.stat("/a/b/f").size));
    assertEquals(0, g.chdir("/a/b"));
    assertEquals(-EISDIR, g.unlink("/a/b"));
    assertEquals("/a/b", g.getcwd());
  }

  /** Messages of a hundred times. */
  private int messagesOf(Look look) {
    look.run();
    long before = gofer.client.requests();
    for (int i = 0; i < 100; i++) {
      look.run();
    }
    return (int) (gofer.client.requests() - before);
  }

  /** One change of each side at the same time, of the same names; then all names are compared. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void changesAtOnce(long seed) throws Exception {
    Random random = new Random(seed);
    String[] names = {"a/b/f", "a/b/g", "a/b/h"};
    CyclicBarrier both = new CyclicBarrier(2);
    try (var others = Executors.newSingleThreadExecutor()) {
      for (int round = 0; round < 3000; round++) {
        String one = names[random.nextInt(names.length)];
        String other = names[random.nextInt(names.length)];
        int whatHost = new int[] {0, 2, 4, 5}[random.nextInt(4)];
        int whatGuest = new int[] {0, 2, 4, 5}[random.nextInt(4)];
        var change =
            others.submit(() -> {
              both.await();
              change(whatHost, one, other);
              return null;
            });
        both.await();
        changeByGuest(whatGuest, "/" + one, "/" + other);
        change.get();
        String did = "seed " + seed + ", round " + round + ": " + whatHost + ", " + whatGuest;
        for (String name : names) {
          compare(name, did + " " + one + " " + other);
        }
      }
    }
  }

  private void change(int what, String one, String other) throws IOException {
    Path p = host.resolve(one);
    Path q = host.resolve(other);
    try {
      switch (what) {
        case 0 -> Files.writeString(p, "x", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        case 1 -> Files.createDirectory(p);
        case 2 -> Files.delete(p);
        case 3 -> Files.move(p, q);
        case 4 -> Files.move(p, q, StandardCopyOption.REPLACE_EXISTING);
        case 5 -> Files.createLink(q, p);
        case 6 -> Files.createSymbolicLink(p, Path.of("/nowhere"));
        case 7 ->
            Files.setAttribute(p, "unix:mode", 0700 | one.length(), LinkOption.NOFOLLOW_LINKS);
        default -> Files.writeString(p, "");
      }
    } catch (FileSystemException | UnsupportedOperationException e) {
      return; // what is not there, or not of the right kind, cannot be changed
    }
  }

  private void changeByGuest(int what, String one, String other) {
    switch (what) {
      case 0 -> g.put(one, "guest");
      case 1 -> g.mkdir(one, 0755);
      case 2 -> g.unlink(one);
      case 3 -> g.rmdir(one);
      case 4 -> g.rename(one, other);
      case 5 -> g.link(one, other);
      case 6 -> g.symlink("/nowhere", one);
      case 7 -> g.chmod(one, 0600 | one.length());
      default -> g.close(g.open(one, 0, 0));
    }
  }

  private void compare(String name, String did) throws IOException {
    Map<String, Object> expected;
    try {
      expected = Files.readAttributes(host.resolve(name), "unix:*", LinkOption.NOFOLLOW_LINKS);
    } catch (FileSystemException e) {
      assertTrue(g.statError("/" + name) < 0, () -> did + ": " + name);
      return;
    }
    Stat is = g.lstat("/" + name);
    assertEquals(expected.get("ino"), is.ino, () -> did + ": ino of " + name);
    assertEquals(expected.get("mode"), is.mode, () -> did + ": mode of " + name);
    assertEquals(expected.get("nlink"), (int) is.nlink, () -> did + ": nlink of " + name);
    assertEquals(expected.get("size"), is.size, () -> did + ": size of " + name);
    FileTime changed = (FileTime) expected.get("ctime");
    long nanos = is.ctimeSec * 1_000_000_000 + is.ctimeNsec;
    assertEquals(changed.to(TimeUnit.NANOSECONDS), nanos, () -> did + ": ctime of " + name);
  }
}
