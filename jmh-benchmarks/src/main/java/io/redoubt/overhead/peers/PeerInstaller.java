package io.redoubt.overhead.peers;

import io.redoubt.overhead.host.Place;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Installs runtimes and the programs of workloads with apt-get. Debian 12's runsc has no systrap;
 * Debian 13's is one static program, so that its package, unpacked, serves on both. It and the
 * source package that a workload builds are fetched by apt-get from the mirror of this machine,
 * with lists of their own, so that the system's package lists stay as they are.
 */
public final class PeerInstaller {
  private static final List<String> PACKAGES =
      List.of(
          "runc",
          "crun",
          "bubblewrap",
          "proot",
          "git",
          "sqlite3",
          "gcc",
          "libc6-dev",
          "make",
          "python3",
          "redis-server",
          "redis-tools",
          "nginx-light",
          "wrk",
          "postgresql",
          "postgresql-contrib",
          "nodejs",
          "sysbench",
          "fio",
          "xz-utils");
  private static final Map<String, String> PROGRAM_OF =
      Map.of(
          "bubblewrap",
          "bwrap",
          "redis-tools",
          "redis-cli",
          "nginx-light",
          "nginx",
          "nodejs",
          "node",
          "postgresql",
          "pgbench",
          "xz-utils",
          "xz");

  private final Path folder;

  private PeerInstaller(Path folder) {
    this.folder = folder;
  }

  public static void install(Path folder) throws IOException {
    if (!Place.isRoot() || Program.find("apt-get").isEmpty()) {
      throw new IOException(
          "--install-peers needs root and apt-get: install by hand what the table calls missing");
    }
    Files.createDirectories(folder);
    new PeerInstaller(folder).install();
  }

  private void install() throws IOException {
    List<String> missing =
        PACKAGES.stream()
            .filter(p -> !p.endsWith("-dev") && !p.endsWith("-contrib"))
            .filter(p -> Program.find(PROGRAM_OF.getOrDefault(p, p)).isEmpty())
            .toList();
    if (!missing.isEmpty()) {
      apt(List.of("update", "-qq"));
      for (String p : missing) {
        // One by one: a package that this system does not have is no reason to go without the
        // others.
        apt(List.of("install", "-y", "-qq", "--no-install-recommends", p));
      }
    }
    if (!Files.isExecutable(folder.resolve("runsc"))) {
      fetch("trixie", "deb", List.of("download", "runsc"));
      Optional<Path> deb = find("runsc_.*\\.deb");
      if (deb.isPresent()) {
        run(
            List.of(
                "sh",
                "-c",
                "dpkg-deb --fsys-tarfile \"$0\" | tar -xO ./usr/bin/runsc >runsc && chmod 755 runsc && rm \"$0\"",
                deb.get().toString()));
      }
    }
    if (find("bzip2_.*\\.orig\\.tar\\..*").isEmpty()) {
      fetch(codename(), "deb-src", List.of("source", "--download-only", "bzip2"));
    }
  }

  /** apt-get with lists of its own: those of one suite on the mirror that this system uses. */
  private void fetch(String suite, String kind, List<String> command) throws IOException {
    String mirror =
        Program.firstLine(
            List.of(
                "apt-get",
                "indextargets",
                "--format",
                "$(REPO_URI)",
                "Created-By: Packages",
                "Codename: " + codename()));
    if (mirror.isEmpty()) {
      System.err.println(
          "redoubt: no Debian mirror is configured on this machine: "
              + String.join(" ", command)
              + " is left out");
      return;
    }
    Path apt = Files.createDirectories(folder.resolve("apt-" + kind));
    Files.createDirectories(apt.resolve("lists/partial"));
    Files.createDirectories(apt.resolve("cache/archives/partial"));
    Path list = apt.resolve("sources.list");
    Files.writeString(
        list,
        kind
            + " [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
            + mirror
            + " "
            + suite
            + " main\n");
    List<String> own =
        List.of(
            "-o",
            "Dir::Etc::sourcelist=" + list,
            "-o",
            "Dir::Etc::sourceparts=-",
            "-o",
            "Dir::State::lists=" + apt.resolve("lists"),
            "-o",
            "Dir::Cache=" + apt.resolve("cache"),
            "-o",
            "APT::Sandbox::User=root");
    List<String> update = new ArrayList<>(own);
    update.addAll(List.of("-qq", "update"));
    apt(update);
    List<String> words = new ArrayList<>(own);
    words.addAll(command);
    apt(words);
    run(List.of("rm", "-rf", apt.toString()));
  }

  private static String codename() {
    return Program.firstLine(List.of("sh", "-c", ". /etc/os-release; echo $VERSION_CODENAME"));
  }

  private void apt(List<String> arguments) throws IOException {
    List<String> words =
        new ArrayList<>(List.of("env", "DEBIAN_FRONTEND=noninteractive", "apt-get"));
    words.addAll(arguments);
    System.err.println(
        "redoubt: apt-get "
            + String.join(
                " ",
                arguments.stream().filter(a -> !a.startsWith("-") && !a.contains("::")).toList()));
    run(words);
  }

  /** A failure is reported and no more: the cell will say that it is missing. */
  private void run(List<String> words) throws IOException {
    Process p =
        new ProcessBuilder(words)
            .directory(folder.toFile())
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    p.getOutputStream().close();
    try {
      if (p.waitFor() != 0) {
        System.err.println("redoubt: that failed: " + String.join(" ", words));
      }
    } catch (InterruptedException e) {
      p.destroy();
      Thread.currentThread().interrupt();
    }
  }

  private Optional<Path> find(String pattern) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(f -> f.getFileName().toString().matches(pattern)).findFirst();
    }
  }
}
