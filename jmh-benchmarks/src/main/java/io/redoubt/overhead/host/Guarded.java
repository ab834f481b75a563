package io.redoubt.overhead.host;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Runs commands under the guard (src/main/c/guest/guard.c), so that no process of a workload or of
 * a runtime survives it: the guard kills all of them when the command has ended, when its standard
 * input is closed, and so also when this JVM is killed.
 */
public final class Guarded {
  private static final String END = "\0end";
  private static final int KEPT_ERRORS = 4096;

  private final Path guest;
  private final Map<String, String> environment;

  public Guarded(Path guest, Map<String, String> environment) {
    this.guest = guest;
    this.environment = environment;
  }

  /** How a command ended, and what it said. */
  public record Outcome(int code, List<String> lines, String errors, boolean timedOut) {
    public boolean isGood() {
      return code == 0 && !timedOut;
    }

    /** In a few words, why it is not good. */
    public String reason(Duration limit) {
      if (timedOut) {
        return "no answer in " + limit.toSeconds() + " s";
      }
      String last =
          errors
              .lines()
              .map(String::strip)
              .filter(s -> !s.isEmpty())
              .reduce((a, b) -> b)
              .orElse("");
      return "exit code "
          + code
          + (last.isEmpty()
              ? ""
              : ": " + (last.length() > 160 ? last.substring(0, 160) + "..." : last));
    }
  }

  /** A command that goes on in the background until it is closed. */
  public final class Running implements AutoCloseable {
    private final Process process;
    private final BlockingQueue<String> output = new LinkedBlockingQueue<>();
    private final StringBuffer errors = new StringBuffer();
    private final Thread reader;
    private final Thread errorReader;

    private Running(List<String> words, Path directory) {
      List<String> all = new ArrayList<>(List.of(guest.toString(), "guard"));
      all.addAll(words);
      ProcessBuilder b = new ProcessBuilder(all).directory(directory.toFile());
      b.environment().clear();
      b.environment().putAll(environment);
      try {
        process = b.start();
      } catch (IOException e) {
        throw new IllegalStateException("cannot run " + guest + ": " + e.getMessage(), e);
      }
      reader = Thread.ofVirtual().start(() -> copyLines(process.getInputStream()));
      errorReader = Thread.ofVirtual().start(() -> keepErrors(process.getErrorStream()));
    }

    private void copyLines(InputStream in) {
      try (BufferedReader r =
          new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
        for (String line = r.readLine(); line != null; line = r.readLine()) {
          output.add(line);
        }
      } catch (IOException e) {
        // The process was killed: what came before it is there.
      }
      output.add(END);
    }

    private void keepErrors(InputStream in) {
      byte[] bytes = new byte[1024];
      try {
        for (int n = in.read(bytes); n >= 0; n = in.read(bytes)) {
          errors.append(new String(bytes, 0, n, StandardCharsets.UTF_8));
          if (errors.length() > 2 * KEPT_ERRORS) {
            errors.delete(0, errors.length() - KEPT_ERRORS);
          }
        }
      } catch (IOException e) {
        // As above.
      }
    }

    /** The next line of output; null when there is none within the limit or at the end. */
    public String line(Duration limit) {
      try {
        String line = output.poll(limit.toMillis(), TimeUnit.MILLISECONDS);
        if (END.equals(line)) {
          output.add(END);
          return null;
        }
        return line;
      } catch (InterruptedException e) {
        throw new Stopped();
      }
    }

    public boolean hasEnded() {
      return END.equals(output.peek());
    }

    public long pid() {
      return process.pid();
    }

    public String errors() {
      return errors.toString();
    }

    /** Waits for the end. */
    int code() {
      try {
        int code = process.waitFor();
        reader.join();
        errorReader.join();
        return code;
      } catch (InterruptedException e) {
        throw new Stopped();
      }
    }

    /** Kills what is left, and waits until it is gone. */
    @Override
    public void close() {
      boolean interrupted = Thread.interrupted();
      try {
        process.getOutputStream().close();
      } catch (IOException e) {
        // It has gone already.
      }
      while (true) {
        try {
          process.waitFor();
          break;
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  public Running start(List<String> words, Path directory) {
    return new Running(words, directory);
  }

  /** Runs a command to its end, or until it has said nothing for the time of the limit. */
  public Outcome run(List<String> words, Path directory, Duration limit, Consumer<String> onLine) {
    List<String> lines = new ArrayList<>();
    try (Running r = start(words, directory)) {
      for (String line = r.line(limit); line != null; line = r.line(limit)) {
        lines.add(line);
        onLine.accept(line);
      }
      if (!r.hasEnded()) {
        return new Outcome(-1, lines, r.errors(), true);
      }
      return new Outcome(r.code(), lines, r.errors(), false);
    }
  }

  public Outcome run(List<String> words, Path directory, Duration limit) {
    return run(words, directory, limit, line -> {});
  }

  /** Somebody asked for the end: what was measured is kept, nothing more is started. */
  public static final class Stopped extends RuntimeException {
    private static final long serialVersionUID = 1;

    public Stopped() {
      super(null, null, false, false);
    }
  }
}
