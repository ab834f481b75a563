package io.redoubt.sentry.ring;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Programs of many compilers, as far as they are on this machine: the C library always is. */
final class Programs {
  private static final int MAX_BYTES = 2 * 1024 * 1024; // of each

  private static final List<String> FILES =
      List.of(
          "/lib64/ld-linux-x86-64.so.2", // gcc
          "/lib/ld-musl-x86_64.so.1",
          "/usr/lib/x86_64-linux-musl/libc.so",
          "/lib/x86_64-linux-gnu/libm.so.6", // AVX and AVX-512
          "/usr/lib/x86_64-linux-gnu/libcrypto.so.3", // by hand
          System.getProperty("java.home") + "/lib/server/libjvm.so",
          "/usr/bin/busybox",
          "/bin/busybox",
          "/usr/bin/python3",
          "/usr/bin/bash",
          "/usr/bin/node", // V8
          "/usr/bin/runc", // Go
          "/usr/bin/containerd",
          "/usr/lib/go/bin/go",
          "/usr/bin/rustc");

  private static final Map<Path, Disassembly> DISASSEMBLIES = new HashMap<>();

  private Programs() {}

  /** Which there are. */
  static List<Path> files() throws IOException {
    Set<Path> found = new LinkedHashSet<>();
    found.add(libc());
    for (String file : FILES) {
      Path path = Path.of(file);
      if (Files.isReadable(path)) {
        found.add(path.toRealPath());
      }
    }
    return new ArrayList<>(found);
  }

  /** The code of one, or the first part of it; disassembled once for all tests. */
  static synchronized Disassembly disassembly(Path file) throws IOException, InterruptedException {
    Disassembly d = DISASSEMBLIES.get(file);
    if (d == null) {
      ElfText text = ElfText.read(file, MAX_BYTES);
      assumeTrue(text != null, "no .text");
      d = Disassembly.of(text);
      DISASSEMBLIES.put(file, d);
    }
    return d;
  }

  /** The C library of this machine: the one that this JVM runs with. */
  static Path libc() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
      int at = line.indexOf('/');
      if (at > 0 && (line.contains("/libc.so") || line.contains("/ld-musl"))) {
        return Path.of(line.substring(at));
      }
    }
    throw new IllegalStateException("no C library in /proc/self/maps");
  }
}
