package io.redoubt.overhead.results;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** What the figures depend on besides the runtimes. */
public record Machine(
    int cpus,
    String cpu,
    boolean virtual,
    long memoryBytes,
    String kernel,
    String system,
    String cgroups,
    String transparentHugepages,
    String governor,
    String scratchFileSystem,
    Map<String, String> mitigations,
    String loadBefore,
    String loadAfter,
    String java) {

  public static Machine describe(Path scratch) {
    return new Machine(
        Runtime.getRuntime().availableProcessors(),
        valueIn(Path.of("/proc/cpuinfo"), "model name"),
        (" " + valueIn(Path.of("/proc/cpuinfo"), "flags") + " ").contains(" hypervisor "),
        memory("MemTotal"),
        text(Path.of("/proc/sys/kernel/osrelease"))
            + " "
            + text(Path.of("/proc/sys/kernel/version")),
        valueIn(Path.of("/etc/os-release"), "PRETTY_NAME").replace("\"", ""),
        cgroupLayout(),
        text(Path.of("/sys/kernel/mm/transparent_hugepage/enabled")),
        text(Path.of("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")),
        fileSystem(scratch),
        readMitigations(),
        load(),
        null,
        System.getProperty("java.vm.name") + " " + System.getProperty("java.runtime.version"));
  }

  public Machine withLoadAfter(String load) {
    return new Machine(
        cpus,
        cpu,
        virtual,
        memoryBytes,
        kernel,
        system,
        cgroups,
        transparentHugepages,
        governor,
        scratchFileSystem,
        mitigations,
        loadBefore,
        load,
        java);
  }

  public static String load() {
    return text(Path.of("/proc/loadavg"));
  }

  /** A line of /proc/meminfo, in bytes. */
  public static long memory(String name) {
    String value = valueIn(Path.of("/proc/meminfo"), name);
    return value.isEmpty() ? 0 : Long.parseLong(value.replace(" kB", "").strip()) * 1024;
  }

  private static String cgroupLayout() {
    if (Files.exists(Path.of("/sys/fs/cgroup/cgroup.controllers"))) {
      return "v2";
    }
    return Files.isDirectory(Path.of("/sys/fs/cgroup/unified")) ? "hybrid" : "v1";
  }

  private static String fileSystem(Path at) {
    try {
      return Files.getFileStore(at).type();
    } catch (IOException e) {
      return "unknown";
    }
  }

  private static Map<String, String> readMitigations() {
    Map<String, String> found = new TreeMap<>();
    try (Stream<Path> files = Files.list(Path.of("/sys/devices/system/cpu/vulnerabilities"))) {
      files.forEach(f -> found.put(f.getFileName().toString(), text(f)));
    } catch (IOException | UncheckedIOException e) {
      found.put("unknown", e.getMessage());
    }
    return found;
  }

  private static String text(Path file) {
    try {
      return Files.readString(file).strip();
    } catch (IOException e) {
      return "";
    }
  }

  /** The value of the first line "NAME: VALUE" or "NAME=VALUE". */
  private static String valueIn(Path file, String name) {
    List<String> lines;
    try {
      lines = Files.readAllLines(file);
    } catch (IOException e) {
      return "";
    }
    for (String line : lines) {
      if (line.startsWith(name)) {
        String rest = line.substring(name.length()).strip();
        if (rest.startsWith(":") || rest.startsWith("=")) {
          return rest.substring(1).strip();
        }
      }
    }
    return "";
  }
}
