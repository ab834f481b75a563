package io.redoubt.conformance;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** A root file system with nothing but a static busybox. */
final class BusyboxRoot {
  private BusyboxRoot() {}

  static Path make(Path parent, String name) throws IOException {
    Path busybox = Path.of("/usr/bin/busybox");
    if (!Files.exists(busybox)) {
      busybox = Path.of("/bin/busybox");
    }
    assumeTrue(Files.exists(busybox), "busybox is missing");
    assumeTrue(
        new String(Files.readAllBytes(busybox), StandardCharsets.ISO_8859_1)
                .indexOf("/lib64/ld-linux")
            < 0,
        "busybox is not static");
    Path root = parent.resolve(name);
    Files.createDirectories(root.resolve("bin"));
    Files.createDirectories(root.resolve("tmp"));
    Files.copy(busybox, root.resolve("bin/busybox"), StandardCopyOption.COPY_ATTRIBUTES);
    return root;
  }
}
