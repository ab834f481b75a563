package io.redoubt.overhead.host;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Where workloads run, the same for every runtime. They see the root file system of this machine,
 * read-only where the runtime can do that, and one directory that is writable and the working
 * directory. All that the harness makes is in one folder, which is removed at the end. A folder of
 * a harness that was killed is removed by the next one.
 *
 * @param folder the harness's own
 * @param work the writable directory
 * @param memory whether that is in memory in every runtime, each in its own way, and not a
 *     directory of the disk
 * @param root the host's root, bound once more, for runtimes that need a directory of their own as
 *     root; null where none does
 */
public record Place(Path folder, Path work, boolean memory, Path root) implements AutoCloseable {
  private static final String PREFIX = "redoubt-bench-";

  /**
   * Makes the folder.
   *
   * @param workingDirectory the writable directory, or null for one of the harness's own
   * @param withRoot whether some runtime needs a root directory
   */
  public static Place make(boolean memory, Path workingDirectory, boolean withRoot)
      throws IOException {
    Path base = Path.of("/var/tmp");
    removeStale(base);
    Path folder = base.resolve(PREFIX + ProcessHandle.current().pid());
    Files.createDirectories(folder.resolve("bundles"));
    Files.createDirectories(folder.resolve("input"));
    Path work = workingDirectory != null ? workingDirectory : folder.resolve("work");
    Files.createDirectories(work);
    if (memory && !isRoot()) {
      throw new IOException(
          "--scratch memory needs root, to mount a tmpfs: leave it out, or run as root");
    }
    // Mounts of a namespace of our own (bench.sh made it): they go when we do, killed or not.
    if (memory) {
      call("mount", "-t", "tmpfs", "tmpfs", work.toString());
    }
    Path root = null;
    if (withRoot) {
      root = Files.createDirectories(folder.resolve("root"));
      call("mount", "--bind", "/", root.toString());
    }
    return new Place(folder, work, memory, root);
  }

  public static boolean isRoot() {
    return "root".equals(System.getProperty("user.name"));
  }

  /** What workloads read. */
  public Path input() {
    return folder.resolve("input");
  }

  /** The environment of every workload. */
  public Map<String, String> environment() {
    Map<String, String> e = new TreeMap<>();
    e.put("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    e.put("HOME", work.toString());
    e.put("TMPDIR", work.toString());
    e.put("LANG", "C.UTF-8");
    e.put("INPUT", input().toString());
    return e;
  }

  /** Empties the writable directory, unless it is the user's. */
  public void clean() {
    if (!work.startsWith(folder)) {
      return;
    }
    try (Stream<Path> children = Files.list(work)) {
      for (Path child : children.toList()) {
        remove(child);
      }
    } catch (IOException e) {
      throw new IllegalStateException("cannot empty " + work + ": " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    try {
      if (root != null) {
        call("umount", root.toString());
      }
      if (memory) {
        call("umount", work.toString());
      }
      remove(folder);
    } catch (IOException e) {
      System.err.println("redoubt: " + folder + " is left behind: " + e.getMessage());
    }
  }

  private static void removeStale(Path base) throws IOException {
    try (Stream<Path> children = Files.list(base)) {
      for (Path child :
          children.filter(c -> c.getFileName().toString().matches(PREFIX + "\\d+")).toList()) {
        long pid = Long.parseLong(child.getFileName().toString().substring(PREFIX.length()));
        if (ProcessHandle.of(pid).isEmpty()) {
          remove(child);
          Cgroups.remove(child.getFileName().toString());
        }
      }
    }
  }

  /**
   * Removes a tree without following symlinks or crossing into another file system (a mount that is
   * still there).
   */
  static void remove(Path tree) throws IOException {
    if (!Files.exists(tree, java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    Object device = Files.getAttribute(tree, "unix:dev", java.nio.file.LinkOption.NOFOLLOW_LINKS);
    Files.walkFileTree(
        tree,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path d, BasicFileAttributes a)
              throws IOException {
            if (!device.equals(
                    Files.getAttribute(d, "unix:dev", java.nio.file.LinkOption.NOFOLLOW_LINKS))
                || (!d.equals(tree) && Files.isSameFile(d, Path.of("/")))) {
              throw new IOException("something is mounted at " + d);
            }
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path f, BasicFileAttributes a) throws IOException {
            Files.delete(f);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path d, IOException e) throws IOException {
            Files.delete(d);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  private static void call(String... words) throws IOException {
    Process p = new ProcessBuilder(List.of(words)).redirectErrorStream(true).start();
    String said =
        new String(p.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8)
            .strip();
    try {
      if (p.waitFor() != 0) {
        throw new IOException(String.join(" ", words) + ": " + said);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(String.join(" ", words) + ": interrupted", e);
    }
  }
}
