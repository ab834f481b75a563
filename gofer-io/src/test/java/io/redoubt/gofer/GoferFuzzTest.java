package io.redoubt.gofer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.redoubt.fuzz.Fuzz;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The gofer against {@link FuzzSentry}: it answers or ends the connection with a line of its own,
 * holds and hands out nothing that is outside of its trees, changes nothing there nor in a
 * read-only tree, and gives all back.
 */
class GoferFuzzTest {
  /** Of the gofer's heap, a message: the strings of extended attributes are most of it. */
  private static final long MAX_ALLOCATED = 16 * 1024;

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  @TempDir Path dir;
  private final FuzzCount count = new FuzzCount();

  /** Writable tree, read-only tree and what is beside them, with the same names in all. */
  private void plant(Path round) throws IOException {
    for (String tree : List.of("tree", "ro", "outside")) {
      Path top = round.resolve(tree);
      Files.createDirectories(top.resolve("dir/a"));
      Files.createDirectories(top.resolve("a"));
      Files.writeString(top.resolve("file"), tree);
      Files.writeString(top.resolve("dir/secret"), tree);
      if (!tree.equals("outside")) {
        Files.createSymbolicLink(top.resolve("abs"), round.resolve("outside"));
        Files.createSymbolicLink(top.resolve("up"), Path.of("../outside"));
        Files.createSymbolicLink(top.resolve("dir/up"), Path.of("../../outside/file"));
        Files.createSymbolicLink(top.resolve("self"), Path.of("/proc/self/root"));
      }
    }
  }

  /** Everything below a directory: type, mode, times, size and content. */
  private static TreeMap<String, String> look(Path top) throws IOException {
    var seen = new TreeMap<String, String>();
    try (Stream<Path> all = Files.walk(top, new FileVisitOption[0])) {
      for (Path p : (Iterable<Path>) all::iterator) {
        var a = Files.readAttributes(p, "unix:*", LinkOption.NOFOLLOW_LINKS);
        String content = Files.isRegularFile(p) ? Files.readString(p) : "";
        seen.put(
            top.relativize(p).toString(),
            List.of(
                    a.get("mode"),
                    a.get("uid"),
                    a.get("nlink"),
                    a.get("lastModifiedTime"),
                    a.get("ctime"),
                    content)
                .toString());
      }
    }
    return seen;
  }

  /** No descriptor of this process, the gofer's own or donated, leads to what was not granted. */
  private static void assertNothingOutsideIsOpen(Path round) throws IOException {
    try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
      for (Path fd : (Iterable<Path>) all::iterator) {
        Path target;
        try {
          target = Files.readSymbolicLink(fd);
        } catch (NoSuchFileException closed) {
          continue;
        }
        assertFalse(target.startsWith(round.resolve("outside")), "held: " + target);
        assertFalse(target.equals(round) || target.equals(Path.of("/")), "held: " + target);
        if (target.startsWith(round.resolve("ro"))) {
          assertFalse(
              FuzzSentry.isWritable(Integer.parseInt(fd.getFileName().toString())),
              "writable: " + target);
        }
      }
    }
  }

  private void round(Random random) throws Exception {
    Path round = Files.createTempDirectory(dir, "round");
    plant(round);
    var outside = look(round.resolve("outside"));
    var readOnly = look(round.resolve("ro"));
    int fdsBefore = FuzzCount.descriptors();
    var roots =
        List.of(
            Root.of(round.resolve("tree").toString()),
            Root.readOnly(round.resolve("ro").toString()));
    boolean spoils = random.nextInt(5) != 0;
    boolean scribbles = spoils && random.nextInt(3) == 0;
    try (FuzzSentry sentry = new FuzzSentry(random, random.nextBoolean(), roots)) {
      Thread scribbler =
          new Thread(() -> sentry.scribble(new Random(random.nextLong()), 100_000_000));
      if (scribbles) {
        scribbler.start();
      }
      HostedGofer gofer = sentry.gofer();
      int calls = 0;
      for (int i = 0; i < 400 && sentry.isAlive(); i++) {
        assertTrue(sentry.call(spoils), () -> "no answer: " + gofer.where());
        calls++;
        long allocated = gofer.isAlive() ? THREADS.getThreadAllocatedBytes(gofer.threadId()) : 0;
        assertTrue(allocated < (i + 100) * MAX_ALLOCATED, () -> "allocated: " + allocated);
        if (i % 100 == 99) {
          assertNothingOutsideIsOpen(round);
        }
      }
      scribbler.join();
      count.round(calls, sentry.isAlive());
      sentry.close();
      assertFalse(gofer.isAlive(), "the gofer does not end");
      Throwable end = gofer.end;
      assertTrue(end == null || end instanceof MalformedException, () -> "ended by " + end);
    }
    assertEquals(outside, look(round.resolve("outside")), "outside");
    assertEquals(readOnly, look(round.resolve("ro")), "read-only");
    assertEquals(fdsBefore, FuzzCount.descriptors(), "descriptors");
    delete(round);
  }

  private static void delete(Path round) throws IOException {
    try (Stream<Path> all = Files.walk(round)) {
      for (Path p : all.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(p);
      }
    }
  }

  @Test
  void nothingComesOfWhatTheSentrySays() {
    count.check(Fuzz.briefly(3, this::round));
  }

  @Test
  @Tag("slow")
  void forTenMinutes() {
    Fuzz.atLength(600, this::round);
  }
}
