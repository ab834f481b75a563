package io.redoubt.conformance;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** An image with busybox in it, as {@code docker save} writes one; all managers can load that. */
final class TestImage {
  private TestImage() {}

  /** What it is called after it was loaded. */
  static final String NAME = "docker.io/library/redoubt-test:1";

  /**
   * Writes the image, and returns its file. Without another command it sleeps, so that it serves as
   * a pod's first container too.
   */
  static Path write(Path directory) throws IOException {
    Path bundle = OciRuntime.bundle(directory, c -> c);
    Path work = Files.createDirectories(directory.resolve("image"));
    tar(work.resolve("layer.tar"), bundle.resolve("rootfs"));
    String config =
        """
        {"architecture": "amd64", "os": "linux", "created": "1970-01-01T00:00:00Z",
         "config": {"Env": ["PATH=/bin", "IMAGE=yes"], "Cmd": ["/bin/sleep", "100000"]},
         "rootfs": {"type": "layers", "diff_ids": ["sha256:%s"]},
         "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "a test"}]}
        """
            .formatted(sha256(Files.readAllBytes(work.resolve("layer.tar"))));
    String name = sha256(config.getBytes(StandardCharsets.UTF_8)) + ".json";
    Files.writeString(work.resolve(name), config);
    Files.writeString(
        work.resolve("manifest.json"),
        "[{\"Config\": \"%s\", \"RepoTags\": [\"%s\"], \"Layers\": [\"layer.tar\"]}]"
            .formatted(name, NAME));
    Path image = directory.resolve("image.tar");
    tar(image, work);
    return image;
  }

  private static void tar(Path archive, Path tree) {
    Outcome outcome =
        Command.of(
                "tar",
                "-C",
                tree.toString(),
                "--owner=0",
                "--group=0",
                "--numeric-owner",
                "-cf",
                archive.toString(),
                ".")
            .run();
    if (outcome.exit() != 0) {
      throw new IllegalStateException(outcome.describe());
    }
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
