package io.redoubt.overhead.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Removal of the cgroups that OCI runtimes make below one that is named after the harness; they
 * remove only their own.
 */
public final class Cgroups {
  private static final Path ROOT = Path.of("/sys/fs/cgroup");

  private Cgroups() {}

  /**
   * Removes a cgroup, with those in it, from every hierarchy. One that still has processes is left.
   */
  public static void remove(String name) {
    for (Path hierarchy : hierarchies()) {
      Path group = hierarchy.resolve(name);
      if (!Files.isDirectory(group)) {
        continue;
      }
      try (Stream<Path> all = Files.walk(group)) {
        // The deepest first; the files in them go with their folders.
        all.filter(Files::isDirectory)
            .sorted(Comparator.reverseOrder())
            .forEach(Cgroups::removeOne);
      } catch (IOException e) {
        // Gone meanwhile.
      }
    }
  }

  private static List<Path> hierarchies() {
    if (Files.exists(ROOT.resolve("cgroup.controllers"))) {
      return List.of(ROOT);
    }
    try (Stream<Path> children = Files.list(ROOT)) {
      return children.filter(Files::isDirectory).toList();
    } catch (IOException e) {
      return List.of();
    }
  }

  private static void removeOne(Path group) {
    try {
      Files.delete(group);
    } catch (IOException e) {
      // Still in use: the next run of the harness tries again.
    }
  }
}
