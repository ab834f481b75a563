package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Published escapes of container runtimes that need a hostile root file system or configuration, or
 * a host that does something meanwhile. Those that are a program of the guest are in {@link
 * EscapeTest}. Each is first done where the guard is missing.
 */
final class PublishedEscapesTest {
  private static final String SECRET = "secret of the host\n";

  @TempDir static Path directory;
  private static int count;

  /** A directory of the host, which no container is given. */
  private Path outside;

  @BeforeAll
  static void check() {
    Redoubt.assumeSandbox();
    Redoubt.assumeRoot();
  }

  @BeforeEach
  void makeOutside() throws IOException {
    outside = Files.createDirectories(directory.resolve("outside" + count++));
    Files.writeString(outside.resolve("secret"), SECRET);
  }

  private static Outcome run(Path bundle, String script) {
    return OciRuntime.redoubt(directory).run(bundle, script);
  }

  private static Outcome shell(String script) {
    return Command.of("/bin/sh", "-c", script).run();
  }

  /**
   * CVE-2025-31133: a runtime masks a path by mounting the root file system's own /dev/null over
   * it, which the image has made a link.
   */
  @Test
  void maskOfAnotherDevNull() throws IOException {
    String script = "cat /hidden/file /hidden-file 2>/dev/zero; echo end";
    String[] printed = new String[2];
    for (boolean isMasked : new boolean[] {false, true}) {
      Path bundle =
          OciRuntime.bundle(
              directory,
              c ->
                  OciRuntime.runs(script)
                      .apply(
                          c.replaceFirst(",\\s*\\{\"destination\": \"/dev\",[^}]*\\}", "")
                              .replace(
                                  "\"linux\": {",
                                  isMasked
                                      ? "\"linux\": {\"maskedPaths\": [\"/hidden\", \"/hidden-file\"], "
                                      : "\"linux\": {")));
      Path root = bundle.resolve("rootfs");
      Files.createDirectories(root.resolve("hidden"));
      Files.writeString(root.resolve("hidden/file"), "hidden\n");
      Files.writeString(root.resolve("hidden-file"), "hidden too\n");
      Files.writeString(root.resolve("other"), "what the link leads to\n");
      Files.createSymbolicLink(root.resolve("dev/null"), Path.of("/other"));
      printed[isMasked ? 1 : 0] = run(bundle, "$RT run -b $B c1 </dev/null").out();
    }
    assertEquals("hidden\nhidden too\nend\n", printed[0]);
    assertEquals("end\n", printed[1]);
  }

  /**
   * CVE-2019-19921, CVE-2021-30465: a mount's destination leads through a link of the image to the
   * host, where the runtime makes the mount point.
   */
  @Test
  void mountPointThroughALink() throws IOException {
    Path given = Files.createDirectories(directory.resolve("given"));
    String mount =
        "{\"destination\": \"/data/point\", \"type\": \"bind\", \"source\": \"%s\", \"options\": [\"bind\"]}";
    for (String way : new String[] {outside.toString(), "../../" + outside.getFileName()}) {
      Path bundle =
          OciRuntime.bundle(
              directory,
              c ->
                  OciRuntime.runs("echo x >/data/point/made; echo end")
                      .apply(
                          c.replace(
                              "\"mounts\": [", "\"mounts\": [" + mount.formatted(given) + ", ")));
      Path link = bundle.resolve("rootfs/data");
      Files.createSymbolicLink(link, Path.of(way));
      // What a runtime without a guard does.
      assertEquals(0, shell("mkdir -p " + link + "/point").exit());
      assertTrue(Files.isDirectory(outside.resolve("point")));
      Files.delete(outside.resolve("point"));
      run(bundle, "$RT run -b $B c1 </dev/null");
      assertEquals(List.of("secret"), names(outside), way);
      assertFalse(Files.exists(outside.resolve("point/made")));
    }
  }

  /** CVE-2024-21626: the working directory is a descriptor that the runtime has left open. */
  @Test
  void workingDirectoryOfALeftOpenDescriptor() throws IOException {
    String open = "exec 7<" + outside + " 8<" + outside + " 9<" + outside + "; ";
    for (int fd : new int[] {3, 7, 8, 9}) {
      String cwd = "/proc/self/fd/" + fd;
      if (fd == 7) {
        assertEquals(SECRET, shell(open + "cd " + cwd + " && cat secret").out());
      }
      Path bundle =
          OciRuntime.bundle(
              directory,
              c ->
                  OciRuntime.runs("cat secret ../*/secret ../../../../.." + outside + "/secret")
                      .apply(c.replace("\"cwd\": \"/\"", "\"cwd\": \"" + cwd + "\"")));
      Outcome outcome = run(bundle, open + "$RT run -b $B c1 </dev/null");
      assertFalse(outcome.out().contains(SECRET), outcome::describe);
    }
  }

  /**
   * CVE-2016-9962, CVE-2019-5736: while somebody joins the container its processes look at what the
   * joining one has: descriptors, its program, its directories.
   */
  @Test
  void processThatJoins() throws IOException {
    String look =
        "while :; do for p in /proc/[0-9]*; do cat $p/fd/7/secret $p/fd/9 $p/root"
            + outside
            + "/secret $p/cwd/secret 2>/dev/null; done; done";
    assertTrue(
        shell("exec 7<" + outside + "; timeout 1 sh -c '" + look + "'").out().contains(SECRET));
    Path bundle = OciRuntime.bundle(directory, OciRuntime.runs(look));
    Outcome outcome =
        run(
            bundle,
            "$RT create -b $B --pid-file $W/pid c1 </dev/null >$W/out 2>&1; $RT start c1; cd "
                + outside
                + "; exec 7<"
                + outside
                + " 9<"
                + outside
                + "/secret; for i in 1 2 3 4 5; do $RT exec c1 /bin/true </dev/null; done; echo joined; cat $W/out;"
                + " $RT kill c1 KILL; await c1 stopped; $RT delete c1");
    assertTrue(outcome.out().startsWith("joined\n"), outcome::describe);
    assertFalse(outcome.out().contains(SECRET), outcome::describe);
  }

  /** Docker's and runc's: an image whose /proc or /sys is a link to somewhere of the host. */
  @Test
  void mountPointsThatAreLinks() throws IOException {
    for (String name : new String[] {"proc", "sys", "dev"}) {
      Path bundle =
          OciRuntime.bundle(
              directory, OciRuntime.runs("ls /" + name + " >/dev/null; cat /" + name + "/secret"));
      Path root = bundle.resolve("rootfs");
      Files.delete(root.resolve(name));
      Files.createSymbolicLink(root.resolve(name), outside);
      assertEquals(SECRET, shell("cat " + root.resolve(name) + "/secret").out());
      Outcome outcome = run(bundle, "$RT run -b $B c1 </dev/null");
      assertFalse(outcome.out().contains(SECRET), outcome::describe);
      assertEquals(List.of("secret"), names(outside), name);
    }
  }

  private static List<String> names(Path path) throws IOException {
    try (Stream<Path> files = Files.list(path)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }
}
