package io.redoubt.conformance;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A command of the host, run in a session of its own with a small fixed environment, so that
 * nothing of the test's own surroundings shows in its output, and so that all of it can be killed.
 */
final class Command {
  private static final Map<String, String> ENVIRONMENT =
      Map.of(
          "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
          "HOME", "/root",
          "LANG", "C.UTF-8",
          "TZ", "UTC");

  private final List<String> words;
  private Duration timeout = Duration.ofSeconds(60);
  private Path directory = Path.of("/");
  private byte[] input;
  private final Map<String, String> environment = new java.util.HashMap<>(ENVIRONMENT);

  private Command(List<String> words) {
    this.words = words;
  }

  static Command of(List<String> words) {
    return new Command(words);
  }

  static Command of(String... words) {
    return new Command(List.of(words));
  }

  Command timeout(Duration duration) {
    timeout = duration;
    return this;
  }

  /** Where it starts; "/" unless told. */
  Command in(Path path) {
    directory = path;
    return this;
  }

  /** What it reads from stdin, through a pipe; without this stdin is /dev/null. */
  Command input(byte[] bytes) {
    input = bytes;
    return this;
  }

  Command environment(String name, String value) {
    environment.put(name, value);
    return this;
  }

  /** Starts it and returns at once; stdin, if it has any, is written to the end first. */
  Process start() {
    // A build that a script started in the background ignores SIGINT and SIGQUIT, and its children
    // inherit that.
    List<String> all = new ArrayList<>(List.of("env", "--default-signal", "setsid"));
    all.addAll(words);
    ProcessBuilder builder = new ProcessBuilder(all).directory(directory.toFile());
    builder.environment().clear();
    builder.environment().putAll(environment);
    if (input == null) {
      builder.redirectInput(new File("/dev/null"));
    }
    try {
      return builder.start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Runs it to its end, or to the timeout. */
  Outcome run() {
    Process process = start();
    Reader out = new Reader(process.getInputStream());
    Reader err = new Reader(process.getErrorStream());
    Thread writer = null;
    if (input != null) {
      writer = Thread.startVirtualThread(() -> write(process.getOutputStream()));
    }
    try {
      boolean ended = process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS);
      if (!ended) {
        killAll(process);
        process.waitFor();
      }
      Outcome outcome = new Outcome(process.exitValue(), out.text(), err.text(), !ended);
      if (writer != null) {
        writer.join(1000);
      }
      return outcome;
    } catch (InterruptedException e) {
      killAll(process);
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }

  /** Kills a process, everything below it, and its session's first group. */
  static void killAll(Process process) {
    List<ProcessHandle> below = process.descendants().toList();
    process.destroyForcibly();
    for (ProcessHandle handle : below) {
      handle.destroyForcibly();
    }
    try {
      new ProcessBuilder("kill", "-KILL", "--", "-" + process.pid())
          .redirectErrorStream(true)
          .redirectOutput(ProcessBuilder.Redirect.DISCARD)
          .start()
          .waitFor();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void write(OutputStream stream) {
    try (stream) {
      stream.write(input);
    } catch (IOException e) {
      // The command did not want all of it.
    }
  }

  /** Collects a stream in a thread of its own. */
  private static final class Reader {
    /** After the command's own end: a process left behind may hold the pipe open. */
    private static final long LINGER_MILLIS = 2000;

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final Thread thread;

    Reader(InputStream stream) {
      thread = Thread.startVirtualThread(() -> read(stream));
    }

    private void read(InputStream stream) {
      byte[] buffer = new byte[8192];
      try {
        for (int n; (n = stream.read(buffer)) > 0; ) {
          synchronized (bytes) {
            bytes.write(buffer, 0, n);
          }
        }
      } catch (IOException e) {
        // Closed by the kill.
      }
    }

    String text() throws InterruptedException {
      thread.join(LINGER_MILLIS);
      synchronized (bytes) {
        return bytes.toString(StandardCharsets.ISO_8859_1);
      }
    }
  }
}
