package io.redoubt.sentry.fs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.gofer.NodeAttr;
import io.redoubt.gofer.Root;
import io.redoubt.gofer.TestGofer;
import io.redoubt.sentry.fs.mem.MemFs;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Several guests change the same names at once, with a cache so small that dentries die all the
 * time.
 */
@Timeout(60)
class FsStressTest {
  private static final int DIRS = 12;
  private static final int FILES = 60;

  @TempDir java.nio.file.Path host;

  private void populate() throws IOException {
    for (int d = 0; d < DIRS; d++) {
      Files.createDirectory(host.resolve("d" + d));
      for (int f = 0; f < FILES; f += 2) {
        Files.writeString(host.resolve("d" + d + "/f" + f), "lower " + d + " " + f);
      }
    }
  }

  @Test
  void overlay() throws Exception {
    populate();
    try (TestGofer gofer = new TestGofer(true, Root.readOnly(host.toString()))) {
      NodeAttr attr = new NodeAttr();
      run(new FsGuest(MemFs.overlay(gofer.client, gofer.client.nodes.attach(0, attr), attr)));
    }
    assertEquals("lower 3 4", Files.readString(host.resolve("d3/f4")));
  }

  @Test
  void passedThrough() throws Exception {
    populate();
    try (TestGofer gofer = new TestGofer(true, Root.of(host.toString()))) {
      run(FsGuest.of(gofer));
    }
  }

  @Test
  void memory() throws Exception {
    FsGuest g = new FsGuest(MemFs.tmpfs(0, 0755));
    for (int d = 0; d < DIRS; d++) {
      g.mkdir("/d" + d, 0755);
    }
    run(g);
  }

  private static void run(FsGuest g) throws InterruptedException {
    for (int i = 0; i < 10; i++) {
      g.guest.kernel.vfs.shrinkCache(); // to its smallest
    }
    AtomicReference<Throwable> failure = new AtomicReference<>();
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < 4; t++) {
      int seed = t;
      FsGuest mine = g.as(0, 0);
      Thread thread =
          new Thread(() -> {
            try {
              work(mine, new Random(seed));
            } catch (Throwable e) {
              failure.compareAndSet(null, e);
            }
          });
      thread.start();
      threads.add(thread);
    }
    for (Thread t : threads) {
      t.join(TimeUnit.SECONDS.toMillis(50));
      assertTrue(!t.isAlive(), "hangs");
    }
    if (failure.get() != null) {
      throw new AssertionError(failure.get());
    }
    assertNull(failure.get());
    // Everything can be removed in the end, so the tree is whole.
    remove(g, "");
    assertEquals(List.of(), g.list("/"));
    assertEquals(0, g.put("/still", "works"));
    assertEquals("works", g.cat("/still"));
  }

  private static void work(FsGuest g, Random random) {
    List<Integer> open = new ArrayList<>();
    for (int i = 0; i < 4000; i++) {
      String a = name(random);
      String b = name(random);
      switch (random.nextInt(16)) {
        case 0 -> g.put(a, "x".repeat(random.nextInt(40_000)));
        case 1 -> g.unlink(a);
        case 2 -> g.rename(a, b, random.nextInt(3));
        case 3 -> g.mkdir(a + "dir", 0755);
        case 4 -> g.rmdir(a + "dir");
        case 5 -> g.link(a, b);
        case 6 -> g.symlink(b, a);
        case 7 -> g.list("/d" + random.nextInt(DIRS));
        case 8 -> g.chmod(a, 0600);
        case 9 -> g.truncate(a, random.nextInt(100_000));
        case 10 ->
            g.rename(
                "/d" + random.nextInt(DIRS), a.substring(0, 3) + "/dmoved" + random.nextInt(3));
        case 11 ->
            g.rename(
                a.substring(0, 3) + "/dmoved" + random.nextInt(3), "/d" + random.nextInt(DIRS));
        case 12, 13 -> {
          int fd = g.open(a, random.nextBoolean() ? 0 : 2, 0);
          if (fd >= 0) {
            open.add(fd);
          }
        }
        case 14 -> {
          if (!open.isEmpty()) {
            int fd = open.remove(random.nextInt(open.size()));
            g.pread(fd, 1000, 0);
            g.close(fd);
          }
        }
        default -> g.stat(a);
      }
    }
    for (int fd : open) {
      g.close(fd);
    }
  }

  private static String name(Random random) {
    return "/d" + random.nextInt(DIRS) + "/f" + random.nextInt(FILES);
  }

  private static void remove(FsGuest g, String path) {
    for (String name : g.list(path.isEmpty() ? "/" : path)) {
      String p = path + "/" + name;
      if (g.lstat(p).type() == Stat.S_IFDIR) {
        remove(g, p);
        assertEquals(0, g.rmdir(p));
      } else {
        assertEquals(0, g.unlink(p));
      }
    }
  }
}
