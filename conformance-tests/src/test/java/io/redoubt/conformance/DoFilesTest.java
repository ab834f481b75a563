package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code redoubt do}: where what a guest writes ends up, and what it can reach. */
final class DoFilesTest {
  @TempDir static Path directory;

  @BeforeAll
  static void checkSandbox() {
    Redoubt.assumeSandbox();
  }

  private static Outcome shell(String script) {
    return Redoubt.command("/bin/sh", "-c", script).run();
  }

  private static Outcome shell(List<String> options, String script) {
    return Redoubt.command(options, List.of("/bin/sh", "-c", script)).run();
  }

  @Test
  void writesDoNotReachTheHost() throws IOException {
    Path file = Files.writeString(directory.resolve("victim"), "original");
    Path deleted = Files.writeString(directory.resolve("deleted"), "original");
    Path renamed = Files.writeString(directory.resolve("renamed"), "original");
    Path script = directory.resolve("new");
    Outcome outcome =
        shell(
            "cd "
                + directory
                + " && echo changed >victim && rm deleted && mv renamed moved && chmod 0 moved && echo x >new"
                + " && mkdir d && touch /etc/redoubt-was-here && cat victim && ls");
    Expect.prints("changed\nd\nmoved\nnew\nvictim\n", withoutOtherFiles(outcome));
    assertEquals("original", Files.readString(file));
    assertEquals("original", Files.readString(deleted));
    assertEquals("original", Files.readString(renamed));
    assertFalse(Files.exists(script));
    assertFalse(Files.exists(Path.of("/etc/redoubt-was-here")));
    Outcome again = shell("cat " + file + "; ls /etc/redoubt-was-here");
    assertEquals("original", again.out(), again::describe);
  }

  /** Other tests of this class leave files in the shared directory. */
  private static Outcome withoutOtherFiles(Outcome outcome) {
    List<String> mine = List.of("changed", "d", "moved", "new", "victim");
    StringBuilder text = new StringBuilder();
    outcome.out().lines().filter(mine::contains).forEach(line -> text.append(line).append('\n'));
    return new Outcome(outcome.exit(), text.toString(), outcome.err(), outcome.timedOut());
  }

  /** A descriptor of a file of the host goes on in the copy that a write has made. */
  @Test
  void largeReadsGoOnInACopy() throws IOException {
    byte[] content = new byte[1_000_000];
    for (int i = 0; i < content.length; i++) {
      content[i] = (byte) ('a' + i % 23);
    }
    Path file = Files.write(directory.resolve("large"), content);
    Path twin = Files.write(directory.resolve("twin"), content);
    String program = Guests.compiled("isolation/copyup", true).toString();
    Outcome linux = Command.of(program, twin.toString()).run();
    assertEquals(0, linux.exit(), linux::describe);
    Expect.prints(linux.out(), Redoubt.command(program, file.toString()).run());
    assertArrayEquals(content, Files.readAllBytes(file));
  }

  @Test
  void bindIsWritable() throws IOException {
    Path source = Files.createDirectory(directory.resolve("writable"));
    Files.writeString(source.resolve("f"), "from the host");
    Outcome outcome =
        shell(
            List.of("--bind", source + ":/mnt"),
            "cat /mnt/f; echo from the sandbox >/mnt/g; mkdir /mnt/d; mv /mnt/f /mnt/d/f; chmod 600 /mnt/g");
    Expect.prints("from the host", outcome);
    assertEquals("from the sandbox\n", Files.readString(source.resolve("g")));
    assertEquals("from the host", Files.readString(source.resolve("d/f")));
    assertEquals(
        "rw-------",
        java.nio.file.attribute.PosixFilePermissions.toString(
            Files.getPosixFilePermissions(source.resolve("g"))));
  }

  @Test
  void bindWithoutADestinationIsAtItsOwnPlace() throws IOException {
    Path source = Files.createDirectory(directory.resolve("own-place"));
    Expect.prints(
        "", shell(List.of("--bind", source.toString()), "echo kept >" + source + "/file"));
    assertEquals("kept\n", Files.readString(source.resolve("file")));
  }

  @Test
  void bindReadOnlyIsNotWritable() throws IOException {
    Path source = Files.createDirectory(directory.resolve("read-only"));
    Files.writeString(source.resolve("f"), "content");
    Outcome outcome =
        shell(
            List.of("--bind", source + ":/mnt:ro"),
            "cat /mnt/f; for c in 'echo x >/mnt/f' 'touch /mnt/g' 'rm /mnt/f' 'mkdir /mnt/d' 'chmod 0 /mnt/f'"
                + " 'ln -s x /mnt/l' 'truncate -s 0 /mnt/f'; do (eval \"$c\") 2>/dev/null && echo \"$c worked\"; done;"
                + " touch /mnt/g 2>&1 | grep -c 'Read-only file system'");
    assertEquals("content1\n", outcome.out(), outcome::describe);
    assertEquals("content", Files.readString(source.resolve("f")));
  }

  @Test
  void bindOfAFile() throws IOException {
    Path source = Files.writeString(directory.resolve("single"), "one file");
    Expect.prints(
        "one file", shell(List.of("--bind", source + ":/etc/hostname:ro"), "cat /etc/hostname"));
  }

  @Test
  void bindCannotBeLeftUpwards() throws IOException {
    Path source = Files.createDirectories(directory.resolve("outer/inner"));
    Files.writeString(directory.resolve("outer/secret"), "secret");
    Files.createSymbolicLink(source.resolve("link"), Path.of("../secret"));
    Files.createSymbolicLink(source.resolve("absolute"), directory.resolve("outer/secret"));
    Outcome outcome =
        shell(
            List.of("--bind", source + ":/mnt"),
            "cat /mnt/../secret /mnt/link 2>/dev/null; ls /mnt/.. | grep -c '^usr$'");
    assertEquals("1\n", outcome.out(), outcome::describe);
  }

  @Test
  void ownRootReadOnlyBelow() throws IOException {
    Path root = BusyboxRoot.make(directory, "overlaid");
    Outcome outcome =
        Redoubt.command(
                List.of("--root", root.toString()),
                List.of(
                    "/bin/busybox",
                    "sh",
                    "-c",
                    "echo in memory >/new && cat /new && busybox ls / | busybox grep -c etc"))
            .run();
    assertEquals("in memory\n", outcome.out().replaceAll("[01]\n$", ""), outcome::describe);
    assertFalse(Files.exists(root.resolve("new")));
  }

  @Test
  void ownRootWritable() throws IOException {
    Path root = BusyboxRoot.make(directory, "written");
    Outcome outcome =
        Redoubt.command(
                List.of("--root", root.toString(), "--writable"),
                List.of("/bin/busybox", "sh", "-c", "echo on disk >/new"))
            .run();
    Expect.prints("", outcome);
    assertEquals("on disk\n", Files.readString(root.resolve("new")));
  }
}
