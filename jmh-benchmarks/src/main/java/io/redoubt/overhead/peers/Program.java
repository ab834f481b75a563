package io.redoubt.overhead.peers;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Programs on the search path. */
public final class Program {
  private Program() {}

  public static Optional<Path> find(String name) {
    String path =
        System.getenv().getOrDefault("PATH", "")
            + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    for (String folder : path.split(":")) {
      Path file = Path.of(folder.isEmpty() ? "." : folder, name);
      if (Files.isExecutable(file) && !Files.isDirectory(file)) {
        return Optional.of(file);
      }
    }
    return Optional.empty();
  }

  /** The first line that a program prints, or nothing if it cannot be run. */
  public static String firstLine(List<String> words) {
    return output(words)
        .lines()
        .map(String::strip)
        .filter(s -> !s.isEmpty())
        .findFirst()
        .orElse("");
  }

  /** All that a program prints, standard error included. */
  public static String output(List<String> words) {
    try {
      Process p = new ProcessBuilder(words).redirectErrorStream(true).start();
      p.getOutputStream().close();
      String said = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      p.waitFor();
      return said;
    } catch (IOException e) {
      return "";
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "";
    }
  }
}
