package io.redoubt.overhead.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * All descendants of a process, and what they use. A process that ends meanwhile counts nothing.
 */
public final class ProcessTree {
  private ProcessTree() {}

  /** Memory in bytes. */
  public record Memory(long proportional, long unshared) {}

  public static List<Long> descendants(long pid) {
    List<Long> found = new ArrayList<>();
    for (Path thread : threads(pid)) {
      for (String child : text(thread.resolve("children")).split(" ")) {
        if (!child.isBlank()) {
          long c = Long.parseLong(child.strip());
          found.add(c);
          found.addAll(descendants(c));
        }
      }
    }
    return found;
  }

  public static Memory memory(List<Long> pids) {
    long proportional = 0;
    long unshared = 0;
    for (long pid : pids) {
      for (String line : text(Path.of("/proc/" + pid + "/smaps_rollup")).split("\n")) {
        if (line.startsWith("Pss:")) {
          proportional += bytes(line);
        } else if (line.startsWith("Private_Clean:") || line.startsWith("Private_Dirty:")) {
          unshared += bytes(line);
        }
      }
    }
    return new Memory(proportional, unshared);
  }

  /** CPU time in ns of all their threads that are alive. */
  public static long cpuNanos(List<Long> pids) {
    long total = 0;
    for (long pid : pids) {
      for (Path thread : threads(pid)) {
        String spent = text(thread.resolve("schedstat"));
        total += spent.isEmpty() ? 0 : Long.parseLong(spent.substring(0, spent.indexOf(' ')));
      }
    }
    return total;
  }

  private static long bytes(String line) {
    return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
  }

  private static List<Path> threads(long pid) {
    try (Stream<Path> tasks = Files.list(Path.of("/proc/" + pid + "/task"))) {
      return tasks.toList();
    } catch (IOException | java.io.UncheckedIOException e) {
      return List.of();
    }
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      return "";
    }
  }
}
