package io.redoubt.overhead.suites;

import io.redoubt.overhead.host.Place;
import io.redoubt.overhead.peers.Program;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;

/** What the workloads of AppList read; made once, on the host, before anything is measured. */
final class AppInput {
  private static final int LARGE_MIB = 256;

  private static final String SERVER =
      """
      const http = require('http');
      http.createServer((q, r) => r.end('hello\\n')).listen(process.argv[2]);
      """;
  private static final String CLIENT =
      """
      const http = require('http');
      const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
      let left = Number(process.argv[3]), running = 0;
      function more() {
        while (left > 0 && running < 8) {
          left--, running++;
          http.get({ socketPath: process.argv[2], path: '/', agent }, r => {
            r.resume();
            r.on('end', () => { running--; left === 0 && running === 0 ? process.exit(0) : more(); });
          });
        }
      }
      more();
      """;

  private AppInput() {}

  static void make(Place place, Path sources) throws IOException {
    Path input = place.input();
    Path source = Files.createDirectories(input.resolve("source"));
    for (int i = 1; i <= 6; i++) {
      StringBuilder text =
          new StringBuilder(
              "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n");
      for (int k = 0; k < 40; k++) {
        text.append(
            "int f%d_%d(int x) { printf(\"%%d\", x); return x * %d + (int)strlen(\"%d\"); }\n"
                .formatted(i, k, k, k));
      }
      Files.writeString(source.resolve(i + ".c"), text);
    }
    for (int i = 0; i < 100; i++) {
      Files.writeString(source.resolve("text" + i), ("file " + i + "\n").repeat(100));
    }
    Files.writeString(input.resolve("server.js"), SERVER);
    Files.writeString(input.resolve("client.js"), CLIENT);
    Program.output(
        List.of("tar", "-cf", input.resolve("include.tar").toString(), "-C", "/usr", "include"));
    byte[] block = new byte[1 << 20];
    new Random(1).nextBytes(block);
    try (OutputStream out = Files.newOutputStream(input.resolve("large"))) {
      for (int i = 0; i < LARGE_MIB; i++) {
        out.write(block);
      }
    }
    bzip2(input, sources);
    postgres(place);
  }

  private static void bzip2(Path input, Path sources) throws IOException {
    Optional<Path> tar = Optional.empty();
    if (Files.isDirectory(sources)) {
      try (Stream<Path> files = Files.list(sources)) {
        tar =
            files
                .filter(f -> f.getFileName().toString().matches("bzip2_.*\\.orig\\.tar\\..*"))
                .findFirst();
      }
    }
    if (tar.isPresent()) {
      Path to = Files.createDirectories(input.resolve("bzip2"));
      Program.output(
          List.of(
              "tar",
              "-xf",
              tar.get().toString(),
              "-C",
              to.toString(),
              "--strip-components=1",
              "--no-same-owner"));
    }
  }

  /**
   * A database of scale 1, made by nobody if this is root, because postgres refuses to run as root.
   */
  private static void postgres(Place place) throws IOException {
    Optional<Path> bin = postgresPrograms();
    if (bin.isEmpty() || Program.find("pgbench").isEmpty()) {
      return;
    }
    Path data = place.input().resolve("pgdata");
    Files.createDirectories(data);
    String as = "";
    if (Place.isRoot()) {
      Program.output(List.of("chown", "65534:65534", data.toString()));
      as = "setpriv --reuid 65534 --regid 65534 --clear-groups ";
    }
    String script =
        ("cd %2$s && PATH=%1$s:$PATH && %3$s initdb -D %2$s -U bench -A trust -N && %3$s pg_ctl -D %2$s -w -o '-k %2$s -c listen_addresses=' -l /dev/null start &&"
                + " %3$s createdb -h %2$s -U bench bench && %3$s pgbench -h %2$s -U bench -i -s 1 bench; %3$s pg_ctl -D %2$s -m fast -w stop")
            .formatted(bin.get(), data, as);
    Program.output(List.of("sh", "-c", script));
  }

  private static Optional<Path> postgresPrograms() throws IOException {
    Path versions = Path.of("/usr/lib/postgresql");
    if (!Files.isDirectory(versions)) {
      return Optional.empty();
    }
    try (Stream<Path> found = Files.list(versions)) {
      return found
          .map(v -> v.resolve("bin"))
          .filter(b -> Files.isExecutable(b.resolve("initdb")))
          .findFirst();
    }
  }
}
