package io.redoubt.sentry.fs;

import static io.redoubt.host.Errno.EEXIST;
import static io.redoubt.host.Errno.EISDIR;
import static io.redoubt.host.Errno.ENOENT;
import static io.redoubt.host.Errno.ENOTDIR;
import static io.redoubt.host.Errno.ENOTEMPTY;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.gofer.Root;
import io.redoubt.gofer.TestGofer;
import java.io.IOException;
import java.nio.file.Files;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A directory of the host passed through, which the host changes too. */
class GoferFsTest {
  @TempDir java.nio.file.Path host;
  private TestGofer gofer;
  private FsGuest g;

  @BeforeEach
  void mount() throws IOException {
    Files.createDirectories(host.resolve("a/b"));
    Files.writeString(host.resolve("a/b/f"), "one");
    gofer = new TestGofer(true, Root.of(host.toString()));
    g = FsGuest.of(gofer);
  }

  @AfterEach
  void unmount() throws InterruptedException {
    gofer.close();
  }

  @Test
  void guestChangesAreTheHosts() throws IOException {
    assertEquals("one", g.cat("/a/b/f"));
    assertEquals(0, g.put("/a/new", "new"));
    assertEquals("new", Files.readString(host.resolve("a/new")));
    assertEquals(0, g.mkdir("/a/dir", 0700));
    assertTrue(Files.isDirectory(host.resolve("a/dir")));
    assertEquals(-EEXIST, g.mkdir("/a/dir", 0700));
    assertEquals(0, g.rename("/a/new", "/a/dir/moved"));
    assertEquals("new", Files.readString(host.resolve("a/dir/moved")));
    assertEquals("new", g.cat("/a/dir/moved"));
    assertEquals(-ENOTEMPTY, g.rmdir("/a/dir"));
    assertEquals(0, g.link("/a/dir/moved", "/l"));
    assertEquals(2, g.stat("/l").nlink);
    assertEquals(g.stat("/l").ino, g.stat("/a/dir/moved").ino);
    assertEquals(0, g.symlink("a/b", "/s"));
    assertEquals("one", g.cat("/s/f"));
    assertEquals(0, g.unlink("/a/dir/moved"));
    assertEquals(0, g.rmdir("/a/dir"));
    assertEquals(0, g.chmod("/l", 0640));
    assertEquals(0100640, g.stat("/l").mode);
    assertEquals(0, g.truncate("/l", 1));
    assertEquals("n", Files.readString(host.resolve("l")));
    assertEquals(Set.of("a", "l", "s"), new HashSet<>(g.list("/")));
  }

  @Test
  void hostChangesAreSeen() throws IOException {
    assertEquals("one", g.cat("/a/b/f"));
    Files.writeString(host.resolve("a/b/f"), "three");
    assertEquals(5, g.stat("/a/b/f").size);
    Files.delete(host.resolve("a/b/f"));
    assertEquals("errno " + ENOENT, g.cat("/a/b/f"));
    Files.createDirectory(host.resolve("a/b/f"));
    assertEquals(040755, g.stat("/a/b/f").mode);
    Files.move(host.resolve("a"), host.resolve("z"));
    assertEquals(-ENOENT, g.statError("/a/b/f"));
    assertEquals(040755, g.stat("/z/b/f").mode);
    Files.writeString(host.resolve("z/file"), "x");
    assertEquals(-ENOTDIR, g.statError("/z/file/y"));
  }

  /** Directories in the middle of a walk are looked at again as well as its end. */
  @Test
  void hostReplacesADirectoryInTheMiddle() throws IOException {
    assertEquals("one", g.cat("/a/b/f"));
    assertEquals(3, g.stat("/a/b/f").size);
    Files.move(host.resolve("a/b"), host.resolve("a/old"));
    assertEquals("errno " + ENOENT, g.cat("/a/b/f"));
    Files.createDirectory(host.resolve("a/b"));
    assertEquals("errno " + ENOENT, g.cat("/a/b/f"));
    Files.writeString(host.resolve("a/b/f"), "another");
    assertEquals("another", g.cat("/a/b/f"));
    assertEquals("one", g.cat("/a/old/f"));
  }

  /** Names that the guest has never looked up are made and removed without a look. */
  @Test
  void namesThatOnlyTheHostKnows() throws IOException {
    Files.writeString(host.resolve("a/file"), "x");
    Files.createDirectory(host.resolve("a/dir"));
    assertEquals(-EEXIST, g.mkdir("/a/file", 0700));
    assertEquals(-EEXIST, g.mkdir("/a/dir", 0700));
    assertEquals(-EEXIST, g.symlink("to", "/a/dir"));
    assertEquals(-EEXIST, g.open("/a/file", Opening.O_CREAT | Opening.O_EXCL | 1, 0600));
    assertEquals(0, g.put("/a/file", "y"));
    assertEquals("y", Files.readString(host.resolve("a/file")));
    Files.writeString(host.resolve("a/another"), "x");
    assertEquals(0, g.unlink("/a/another"));
    assertTrue(Files.notExists(host.resolve("a/another")));
    assertEquals(-ENOENT, g.unlink("/a/another"));
    assertEquals(-EISDIR, g.unlink("/a/dir"));
    assertEquals(-ENOTDIR, g.unlink("/a/file/x"));
  }

  /** The inode that loses a name is one that the guest holds under another. */
  @Test
  void removedNameOfAFileThatIsOpen() throws IOException {
    int fd = g.open("/data", Opening.O_CREAT | 2, 0600);
    Files.createLink(host.resolve("other"), host.resolve("data"));
    assertEquals(2, g.fstat(fd).nlink);
    assertEquals(0, g.unlink("/other"));
    assertEquals(1, g.fstat(fd).nlink);
    assertEquals(1, g.stat("/data").nlink);
    assertEquals(0, g.unlink("/data"));
    assertEquals(0, g.fstat(fd).nlink);
  }

  @Test
  void openFilesReadAndWriteThroughDescriptors() throws IOException {
    int fd = g.open("/data", Opening.O_CREAT | 2, 0600);
    byte[] data = new byte[200_000];
    data[199_999] = 5;
    assertEquals(data.length, g.write(fd, data));
    assertArrayEquals(data, g.pread(fd, data.length, 0));
    int appender = g.open("/data", 1 | OpenFile.O_APPEND, 0);
    assertEquals(3, g.write(appender, "end"));
    assertEquals(200_003, g.fstat(fd).size);
    assertEquals(200_003, Files.size(host.resolve("data")));
    assertEquals(200_003, g.lseek(fd, 0, 2));
    assertEquals(0, g.unlink("/data"));
    assertEquals(0, g.fstat(fd).nlink);
    assertEquals('e', g.pread(fd, 1, 200_000)[0]);
    assertEquals(-EEXIST, g.open("/a", Opening.O_CREAT | Opening.O_EXCL, 0600));
  }
}
