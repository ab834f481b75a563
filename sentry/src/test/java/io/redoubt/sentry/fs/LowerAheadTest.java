package io.redoubt.sentry.fs;

import static io.redoubt.host.Errno.ENOENT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.gofer.NodeAttr;
import io.redoubt.gofer.Root;
import io.redoubt.gofer.TestGofer;
import io.redoubt.sentry.fs.mem.MemFs;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Walks through a tree of the host, of which most is known before it is asked for. */
class LowerAheadTest {
  private static final int DIRECTORIES = 300;

  @TempDir Path host;
  private final List<Path> directories = new ArrayList<>();
  private final List<Path> files = new ArrayList<>();
  private final Random random = new Random(7);
  private TestGofer gofer;
  private FsGuest g;

  @BeforeEach
  void mount() throws IOException {
    directories.add(host);
    for (int i = 0; i < DIRECTORIES; i++) {
      Path in = directories.get(random.nextInt(directories.size()));
      Path made = Files.createDirectory(in.resolve("dir" + i));
      directories.add(made);
      for (int k = random.nextInt(6); k > 0; k--) {
        Path file = made.resolve("file" + k);
        // Some are longer than what comes along, one is just as long.
        int length = random.nextInt(5) == 0 ? 16_384 + random.nextInt(3) : random.nextInt(3000);
        Files.writeString(file, "x".repeat(length) + file.getFileName());
        files.add(file);
      }
    }
    Files.createSymbolicLink(host.resolve("link"), host.relativize(files.get(0)));
    Files.createDirectory(host.resolve("empty"));
    gofer = new TestGofer(true, Root.readOnly(host.toString()));
    NodeAttr attr = new NodeAttr();
    int fid = gofer.client.nodes.attach(0, attr);
    g = new FsGuest(MemFs.overlay(gofer.client, fid, attr));
  }

  @AfterEach
  void unmount() throws InterruptedException {
    gofer.close();
  }

  private String inside(Path p) {
    return "/" + host.relativize(p);
  }

  private void walk(String dir) throws IOException {
    List<String> names = g.list(dir.isEmpty() ? "/" : dir);
    String[] there = host.resolve(dir.isEmpty() ? "" : dir.substring(1)).toFile().list();
    List<String> expected = new ArrayList<>(List.of(there));
    List<String> sorted = new ArrayList<>(names);
    Collections.sort(expected);
    Collections.sort(sorted);
    assertEquals(expected, sorted, dir);
    for (String name : names) {
      String path = dir + "/" + name;
      check(path);
      Path p = host.resolve(path.substring(1));
      if (Files.isDirectory(p, LinkOption.NOFOLLOW_LINKS)) {
        walk(path);
      }
    }
  }

  private void check(String path) throws IOException {
    Path p = host.resolve(path.substring(1));
    var expected = Files.readAttributes(p, "unix:*", LinkOption.NOFOLLOW_LINKS);
    Stat got = g.lstat(path);
    assertEquals(expected.get("mode"), got.mode, path);
    assertEquals(expected.get("ino"), got.ino, path);
    assertEquals(((Integer) expected.get("nlink")).longValue(), got.nlink, path);
    assertEquals(expected.get("size"), got.size, path);
    if (Files.isRegularFile(p)) {
      assertEquals(Files.readString(p), g.cat(path), path);
    } else if (Files.isSymbolicLink(p)) {
      assertEquals(Files.readSymbolicLink(p).toString(), g.readlink(path));
    }
  }

  /** Few of the answers are asked for one by one: that is what it is for. */
  @Test
  void walkOfAll() throws IOException {
    long before = gofer.client.requests();
    walk("");
    long first = gofer.client.requests() - before;
    long opened = files.stream().filter(f -> f.toFile().length() > 16_384).count();
    assertTrue(
        first < opened + (DIRECTORIES + files.size()) / 4,
        "requests=" + first + ", large files=" + opened + ", files=" + files.size());
    walk("");
  }

  @Test
  void inAnyOrder() throws IOException {
    g.list("/");
    List<Path> all = new ArrayList<>(files);
    all.addAll(directories.subList(1, directories.size()));
    Collections.shuffle(all, random);
    for (Path p : all) {
      check(inside(p));
    }
  }

  @Test
  void listingsWithoutLooking() {
    for (int round = 0; round < 2; round++) {
      for (Path d : directories) {
        List<String> names = new ArrayList<>(g.list(inside(d)));
        List<String> expected = new ArrayList<>(List.of(d.toFile().list()));
        Collections.sort(names);
        Collections.sort(expected);
        assertEquals(expected, names);
      }
    }
  }

  @Test
  void missingNames() {
    g.list("/");
    long before = gofer.client.requests();
    for (int i = 0; i < 50; i++) {
      assertEquals(-ENOENT, g.statError("/missing" + i));
    }
    assertEquals(before, gofer.client.requests());
  }

  /** Nobody has listed it; after some names that were asked for one by one, all are. */
  @Test
  void namesOfADirectoryThatIsNotListed() throws IOException {
    Path dir = Files.createDirectory(host.resolve("many"));
    for (int i = 0; i < 200; i++) {
      Files.writeString(dir.resolve("n" + i), "content " + i);
    }
    long before = gofer.client.requests();
    for (int i = 0; i < 200; i++) {
      check("/many/n" + i);
      assertEquals(-ENOENT, g.statError("/many/not" + i));
    }
    long requests = gofer.client.requests() - before;
    assertTrue(requests < 100, "requests=" + requests);
  }

  /** What is known from a listing alone is changed: it is all there then. */
  @Test
  void changesOfWhatWasNeverWalkedTo() throws IOException {
    walkNames("");
    for (int i = 0; i + 5 < files.size(); i += 6) {
      String path = inside(files.get(i));
      String content = Files.readString(files.get(i));
      assertEquals(0, g.chmod(path, 0600));
      assertEquals(0100600, g.stat(path).mode);
      assertEquals(content, g.cat(path));

      path = inside(files.get(i + 1));
      content = Files.readString(files.get(i + 1));
      assertEquals(0, g.rename(path, "/moved" + i));
      assertEquals(content, g.cat("/moved" + i));
      assertEquals(-ENOENT, g.statError(path));

      path = inside(files.get(i + 2));
      content = Files.readString(files.get(i + 2));
      int fd = g.open(path, 02002, 0); // O_RDWR | O_APPEND
      assertEquals(4, g.write(fd, "more"));
      g.close(fd);
      assertEquals(content + "more", g.cat(path));

      path = inside(files.get(i + 3));
      assertEquals(0, g.unlink(path));
      assertEquals(-ENOENT, g.statError(path));

      path = inside(files.get(i + 4));
      content = Files.readString(files.get(i + 4));
      assertEquals(0, g.link(path, "/linked" + i));
      assertEquals(content, g.cat("/linked" + i));

      path = inside(files.get(i + 5));
      content = Files.readString(files.get(i + 5));
      fd = g.open(path, 0, 0);
      assertEquals(0, g.unlink(path));
      assertEquals(
          content, new String(g.pread(fd, 100_000, 0), StandardCharsets.ISO_8859_1), "unlinked");
      g.close(fd);
    }
  }

  private void walkNames(String dir) {
    for (String name : g.list(dir.isEmpty() ? "/" : dir)) {
      String path = dir + "/" + name;
      if ((g.lstat(path).mode & 0170000) == 0040000) {
        walkNames(path);
      }
    }
  }

  /** A directory is moved before anything below it was walked to. */
  @Test
  void directoriesThatMove() throws IOException {
    walkNames("");
    for (Path d : directories.subList(1, directories.size())) {
      if (!d.getParent().equals(host)) {
        continue;
      }
      String name = d.getFileName().toString();
      assertEquals(0, g.rename("/" + name, "/away-" + name));
      for (Path f : files) {
        if (f.startsWith(d)) {
          String path = "/away-" + host.relativize(f);
          assertEquals(Files.readString(f), g.cat(path), path);
        }
      }
    }
  }

  /**
   * Others change the tree after it was listed: what is opened is what is there then, or nothing.
   */
  @Test
  void othersChangeIt() throws IOException {
    walkNames("");
    Path replaced = files.get(1);
    Path fresh = host.resolve("fresh");
    Files.writeString(fresh, "replaced, and a good deal longer than it was before");
    Files.move(fresh, replaced, StandardCopyOption.REPLACE_EXISTING);
    Path gone = files.get(2);
    Files.delete(gone);
    Path other = files.get(3);
    Files.delete(other);
    Files.createDirectory(other);
    assertEquals(Files.readString(replaced), g.cat(inside(replaced)));
    assertEquals("errno " + ENOENT, g.cat(inside(gone)));
    assertEquals("errno " + ENOENT, g.cat(inside(other)));
  }
}
