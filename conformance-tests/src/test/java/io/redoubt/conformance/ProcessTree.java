package io.redoubt.conformance;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Processes of the host as /proc shows them: who is below a front, and what each is. */
final class ProcessTree {
  private ProcessTree() {}

  /** All processes below this one, as they are now. */
  static List<Long> below(long pid) {
    return ProcessHandle.of(pid)
        .map(handle -> handle.descendants().map(ProcessHandle::pid).toList())
        .orElse(List.of());
  }

  /** What a process is called, or "" when it is gone. */
  static String name(long pid) {
    return read(pid, "comm").trim();
  }

  /** A process's command line with blanks between its words, or "" when it is gone or a zombie. */
  static String commandLine(long pid) {
    return read(pid, "cmdline").replace('\0', ' ').trim();
  }

  /** Value of a line of /proc/PID/status, or "" when there is none. */
  static String status(long pid, String key) {
    for (String line : read(pid, "status").split("\n")) {
      if (line.startsWith(key + ":")) {
        return line.substring(key.length() + 1).trim();
      }
    }
    return "";
  }

  static boolean isAlive(long pid) {
    String state = status(pid, "State");
    return !state.isEmpty() && !state.startsWith("Z") && !state.startsWith("X");
  }

  /** The process that serves the guest's calls. */
  static long sentry(long front) {
    return jvm(front, "io.redoubt.launcher.Main");
  }

  /** The process that serves files. */
  static long gofer(long front) {
    return jvm(front, "io.redoubt.gofer.GoferMain");
  }

  /** The JVM below a front that runs this class. */
  private static long jvm(long front, String mainClass) {
    for (long pid : below(front)) {
      if ((" " + commandLine(pid) + " ").contains(" " + mainClass + " ")) {
        return pid;
      }
    }
    throw new AssertionError("no " + mainClass + " below " + front + ": " + describe(front));
  }

  /** Waits for a process of this name below another. */
  static long await(long front, String name) {
    long deadline = System.nanoTime() + 20_000_000_000L;
    while (System.nanoTime() < deadline) {
      for (long pid : below(front)) {
        if (name(pid).equals(name)) {
          return pid;
        }
      }
      pause(20);
    }
    throw new AssertionError(
        "no process called " + name + " below " + front + ": " + describe(front));
  }

  /**
   * Waits until a process is in a system call of this number. It has the name of its program from
   * the exec on, while the dynamic linker still maps its libraries.
   */
  static void awaitCall(long pid, int number) {
    long deadline = System.nanoTime() + 20_000_000_000L;
    while (System.nanoTime() < deadline) {
      if (read(pid, "syscall").startsWith(number + " ")) {
        return;
      }
      pause(20);
    }
    throw new AssertionError(
        "process " + pid + " is not in call " + number + " but in " + read(pid, "syscall"));
  }

  /** Waits until none of these lives, and returns those that still do. */
  static List<Long> survivors(List<Long> pids, long millis) {
    long deadline = System.nanoTime() + millis * 1_000_000;
    List<Long> alive = new ArrayList<>(pids);
    while (true) {
      alive.removeIf(pid -> !isAlive(pid));
      if (alive.isEmpty() || System.nanoTime() > deadline) {
        return alive;
      }
      pause(10);
    }
  }

  static String describe(long front) {
    StringBuilder text = new StringBuilder();
    for (long pid : below(front)) {
      text.append('\n')
          .append(pid)
          .append(' ')
          .append(name(pid))
          .append(": ")
          .append(commandLine(pid));
    }
    return text.toString();
  }

  /** The names in a directory below /proc/PID. */
  static List<String> list(long pid, String directory) throws IOException {
    try (Stream<Path> entries = Files.list(Path.of("/proc", Long.toString(pid), directory))) {
      return entries.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }

  static String read(long pid, String file) {
    try {
      return Files.readString(
          Path.of("/proc", Long.toString(pid), file), java.nio.charset.StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      return "";
    }
  }

  static void pause(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }
}
