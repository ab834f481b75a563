package io.redoubt.gofer;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.redoubt.host.Dir;
import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Stat;
import io.redoubt.host.Unistd;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every operation on a temporary tree, compared with what java.nio and Linux say of it. */
class GoferOpsTest {
  @TempDir Path dir;
  private final NodeAttr attr = new NodeAttr();
  private final Opened opened = new Opened();
  private final Walk walk = new Walk();
  private final Arena arena = Arena.ofShared();
  private final MemorySegment buffer = arena.allocate(1 << 20, 8);
  private Pair pair;
  private GoferClient gofer;
  private int root;

  @BeforeEach
  void start() throws IOException {
    pair = Pair.over(Root.of(dir.toString()), Root.readOnly(dir.toString()));
    gofer = pair.client;
    root = gofer.nodes.attach(0, attr);
    assertTrue(root > 0);
  }

  @AfterEach
  void stop() throws Exception {
    pair.close();
    assertEquals(null, pair.serverError);
    assertEquals(0, pair.deaths.get());
    arena.close();
  }

  private long stat(String name, long field) {
    MemorySegment s = arena.allocate(Stat.StatBuf.SIZEOF, 8);
    String path = dir.resolve(name).toString();
    assertEquals(0, Stat.newfstatat(-100, path, s, Fcntl.AT_SYMLINK_NOFOLLOW));
    return s.get(JAVA_LONG, field);
  }

  @Test
  void attachGivesTheRoot() {
    assertEquals(Stat.S_IFDIR, attr.type());
    assertEquals(stat("", Stat.StatBuf.ST_INO), attr.ino);
    assertEquals(-Errno.ENOENT, gofer.nodes.attach(2, attr));
    assertEquals(-Errno.ENOENT, gofer.nodes.attach(-1, attr));
  }

  @Test
  void walkReturnsEachNode() throws Exception {
    Files.createDirectories(dir.resolve("a/b/c"));
    Files.writeString(dir.resolve("a/b/c/file"), "content");
    String[] names = {"a", "b", "c", "file"};
    assertEquals(4, gofer.nodes.walk(root, names, 0, 4, false, walk));
    assertEquals(0, walk.error);
    assertEquals(7, walk.attrs[3].size);
    assertEquals(stat("a/b", Stat.StatBuf.ST_INO), walk.attrs[1].ino);
    assertEquals(0, gofer.attributes.getattr(walk.fids[3], attr));
    assertEquals(Stat.S_IFREG, attr.type());
    assertEquals(stat("a/b/c/file", Stat.StatBuf.ST_MTIM__TV_NSEC), attr.mtimeNanos);
    assertEquals(0, gofer.closeMany(walk.fids, 4));
    assertEquals(-Errno.EBADF, gofer.attributes.getattr(walk.fids[3], attr));
  }

  @Test
  void walkAgainKeepsTheNodesThatAreStillThere() throws Exception {
    Files.createDirectories(dir.resolve("a/b"));
    Files.writeString(dir.resolve("a/b/file"), "content");
    String[] names = {"a", "b", "file"};
    assertEquals(3, gofer.nodes.walk(root, names, 0, 3, false, walk));
    int[] first = java.util.Arrays.copyOf(walk.fids, 3);
    System.arraycopy(first, 0, walk.known, 0, 3);
    Files.writeString(dir.resolve("a/b/file"), "longer content");
    assertEquals(3, gofer.nodes.walkAgain(root, names, 0, 3, false, walk));
    assertArrayEquals(first, java.util.Arrays.copyOf(walk.fids, 3));
    assertEquals(14, walk.attrs[2].size);

    Files.move(dir.resolve("a/b"), dir.resolve("a/old"));
    assertEquals(1, gofer.nodes.walkAgain(root, names, 0, 3, false, walk));
    assertEquals(Errno.ENOENT, walk.error);
    Files.createDirectories(dir.resolve("a/b"));
    Files.writeString(dir.resolve("a/b/file"), "new");
    assertEquals(3, gofer.nodes.walkAgain(root, names, 0, 3, false, walk));
    assertEquals(first[0], walk.fids[0]);
    assertNotEquals(first[1], walk.fids[1]);
    assertEquals(3, walk.attrs[2].size);
  }

  /** A node of a writable root must not come out of a walk in a read-only one, or the reverse. */
  @Test
  void walkAgainDoesNotTakeANodeOfAnotherRoot() throws Exception {
    Files.createDirectories(dir.resolve("a"));
    assertEquals(1, gofer.nodes.walk(root, new String[] {"a"}, 0, 1, false, walk));
    int writable = walk.fids[0];
    int ro = gofer.nodes.attach(1, attr);
    walk.known[0] = writable;
    assertEquals(1, gofer.nodes.walkAgain(ro, new String[] {"a"}, 0, 1, false, walk));
    assertNotEquals(writable, walk.fids[0]);
    assertEquals(-Errno.EROFS, gofer.directories.mkdir(walk.fids[0], "x", 0755, -1, -1, attr));
    walk.known[0] = 12345; // no fid at all
    assertEquals(1, gofer.nodes.walkAgain(ro, new String[] {"a"}, 0, 1, false, walk));
  }

  @Test
  void unlinkUnseenTellsWhatItWas() throws Exception {
    Files.writeString(dir.resolve("file"), "content");
    Files.createLink(dir.resolve("other"), dir.resolve("file"));
    long ino = stat("file", Stat.StatBuf.ST_INO);
    assertEquals(0, gofer.directories.unlink(root, "file", attr));
    assertEquals(ino, attr.ino);
    assertEquals(2, attr.nlink);
    assertEquals(-Errno.ENOENT, gofer.directories.unlink(root, "file", attr));
    Files.createDirectories(dir.resolve("sub"));
    assertEquals(-Errno.EISDIR, gofer.directories.unlink(root, "sub", attr));
  }

  @Test
  void walkStopsWhereItMust() throws Exception {
    Files.createDirectories(dir.resolve("a"));
    Files.writeString(dir.resolve("a/file"), "");
    Files.createSymbolicLink(dir.resolve("a/link"), Path.of("/etc"));
    assertEquals(1, gofer.nodes.walk(root, new String[] {"a", "none", "x"}, 0, 3, false, walk));
    assertEquals(Errno.ENOENT, walk.error);
    assertEquals(2, gofer.nodes.walk(root, new String[] {"a", "file", "x"}, 0, 3, false, walk));
    assertEquals(0, walk.error);
    assertEquals(
        2, gofer.nodes.walk(root, new String[] {"a", "link", "passwd"}, 0, 3, false, walk));
    assertEquals(Stat.S_IFLNK, walk.attrs[1].type());
    assertEquals(
        -Errno.ENOTDIR, gofer.nodes.walk(walk.fids[1], new String[] {"x"}, 0, 1, false, walk));
    assertEquals(2, gofer.nodes.walk(root, new String[] {"a", "file"}, 0, 2, true, walk));
    assertEquals(0, walk.fids[1]);
    assertEquals(0, gofer.nodes.walk(root, new String[] {}, 0, 0, false, walk));
  }

  @Test
  void lookupAndLstatTakeOneName() throws Exception {
    Files.writeString(dir.resolve("f\u00e9"), "12", java.nio.charset.StandardCharsets.UTF_8);
    String raw = new String("f\u00e9".getBytes("UTF-8"), ISO_8859_1);
    int fid = gofer.nodes.lookup(root, raw, attr);
    // The JVM may run in a locale that writes names otherwise; then there is nothing to compare.
    assumeTrue(fid > 0, "file names are not UTF-8 here");
    assertEquals(2, attr.size);
    assertEquals(0, gofer.nodes.lstat(root, raw, attr));
    assertEquals(-Errno.ENOENT, gofer.nodes.lstat(root, "none", attr));
    assertEquals(-Errno.ENAMETOOLONG, gofer.nodes.lookup(root, "x".repeat(256), attr));
    assertEquals(-Errno.ENOENT, gofer.nodes.lookup(root, "x".repeat(255), attr));
  }

  @Test
  void filesAreDonated() throws Exception {
    Files.writeString(dir.resolve("file"), "content");
    int node = gofer.nodes.lookup(root, "file", attr);
    assertEquals(0, gofer.files.open(node, Fcntl.O_RDONLY, opened));
    assertEquals(0, opened.open);
    assertEquals(7, opened.attr.size);
    assertEquals(7, Unistd.pread(opened.fd, buffer, 100, 0));
    assertEquals(-Errno.EBADF, Unistd.pwrite(opened.fd, buffer, 1, 0));
    assertEquals(Fcntl.FD_CLOEXEC, Fcntl.fcntl(opened.fd, Fcntl.F_GETFD, 0));
    Unistd.close(opened.fd);
    assertEquals(0, gofer.files.open(node, Fcntl.O_RDWR | Fcntl.O_TRUNC, opened));
    assertEquals(0, opened.attr.size);
    assertEquals(3, Unistd.pwrite(opened.fd, buffer, 3, 0));
    Unistd.close(opened.fd);
    assertEquals("con", Files.readString(dir.resolve("file")));
  }

  @Test
  void filesWithoutANameGetOneLater() throws Exception {
    int r = gofer.files.createUnnamed(root, 0640, -1, -1, true, opened);
    assumeTrue(r != -Errno.EOPNOTSUPP, "the file system of the test has no O_TMPFILE");
    assertEquals(0, r);
    assertEquals(0, opened.attr.nlink);
    assertEquals(2, Unistd.pwrite(opened.fd, buffer, 2, 0));
    Unistd.close(opened.fd);
    assertEquals(0, gofer.directories.link(opened.node, root, "named", attr));
    assertEquals(1, attr.nlink);
    assertEquals(2, Files.size(dir.resolve("named")));
    assertEquals(0, gofer.files.createUnnamed(root, 0640, -1, -1, false, opened));
    Unistd.close(opened.fd);
    assertEquals(-Errno.ENOENT, gofer.directories.link(opened.node, root, "other", attr));
    int file = gofer.nodes.lookup(root, "named", attr);
    assertEquals(-Errno.ENOTDIR, gofer.files.createUnnamed(file, 0600, -1, -1, true, opened));
    int ro = gofer.nodes.attach(1, attr);
    assertEquals(-Errno.EROFS, gofer.files.createUnnamed(ro, 0600, -1, -1, true, opened));
  }

  @Test
  void openChecksTypesAndFlags() throws Exception {
    Files.writeString(dir.resolve("file"), "");
    Files.createSymbolicLink(dir.resolve("link"), Path.of("file"));
    int node = gofer.nodes.lookup(root, "file", attr);
    assertEquals(-Errno.ENOTDIR, gofer.files.open(node, Fcntl.O_DIRECTORY, opened));
    assertEquals(-Errno.EINVAL, gofer.files.open(node, Fcntl.O_ACCMODE, opened));
    assertEquals(-Errno.EINVAL, gofer.files.open(node, 1 << 30, opened));
    assertEquals(-Errno.EINVAL, gofer.files.open(node, Fcntl.O_PATH, opened));
    assertEquals(-Errno.ELOOP, gofer.files.open(gofer.nodes.lookup(root, "link", attr), 0, opened));
    assertEquals(-Errno.EISDIR, gofer.files.open(root, Fcntl.O_RDWR, opened));
    int fifo = gofer.directories.mknod(root, "fifo", Stat.S_IFIFO | 0600, -1, -1, attr);
    assertEquals(-Errno.ENXIO, gofer.files.open(fifo, Fcntl.O_RDWR, opened));
    int socket = gofer.directories.mknod(root, "socket", Stat.S_IFSOCK | 0600, -1, -1, attr);
    assertEquals(-Errno.ENXIO, gofer.files.open(socket, Fcntl.O_RDWR, opened));
    assertEquals(
        -Errno.EPERM, gofer.directories.mknod(root, "dev", Stat.S_IFCHR | 0600, -1, -1, attr));
    assertEquals(
        -Errno.EPERM, gofer.directories.mknod(root, "dir", Stat.S_IFDIR | 0600, -1, -1, attr));
    assertEquals(
        -Errno.EPERM, gofer.directories.mknod(root, "lnk", Stat.S_IFLNK | 0600, -1, -1, attr));
  }

  @Test
  void devicesAreRefusedUnlessTheRootAllowsThem() throws Exception {
    try (Pair devices = Pair.over(Root.of("/dev"), new Root("/dev", -1, Root.ALLOW_DEVICES))) {
      GoferClient client = devices.client;
      int refused = client.nodes.lookup(client.nodes.attach(0, attr), "null", attr);
      assertEquals(-Errno.EACCES, client.files.open(refused, Fcntl.O_RDWR, opened));
      int allowed = client.nodes.lookup(client.nodes.attach(1, attr), "null", attr);
      assertEquals(0, client.files.open(allowed, Fcntl.O_RDWR, opened));
      assertEquals(3, Unistd.write(opened.fd, buffer, 3));
      Unistd.close(opened.fd);
    }
  }

  @Test
  void createIsExclusive() throws Exception {
    int flags = Fcntl.O_RDWR | Fcntl.O_CREAT;
    assertEquals(0, gofer.files.create(root, "new", flags, 0640, -1, -1, opened));
    assertTrue(opened.node > 0);
    assertEquals(4, Unistd.pwrite(opened.fd, buffer, 4, 0));
    Unistd.close(opened.fd);
    assertEquals(0, gofer.attributes.getattr(opened.node, attr));
    assertEquals(4, attr.size);
    assertEquals(-Errno.EEXIST, gofer.files.create(root, "new", flags, 0640, -1, -1, opened));
    Files.createSymbolicLink(dir.resolve("dangling"), Path.of("/tmp/should-not-appear"));
    assertEquals(-Errno.EEXIST, gofer.files.create(root, "dangling", flags, 0640, -1, -1, opened));
  }

  @Test
  void ownersAreGivenByRootOnly() throws Exception {
    assertTrue(gofer.directories.mkdir(root, "d", 0755, 1234, 5678, attr) > 0);
    boolean isRoot = Unistd.geteuid() == 0;
    assertEquals(isRoot ? 1234 : Unistd.geteuid(), attr.uid);
    assertEquals(0, gofer.files.create(root, "suid", Fcntl.O_RDWR, 04755, 1234, 5678, opened));
    Unistd.close(opened.fd);
    assertEquals(0, gofer.attributes.getattr(opened.node, attr));
    assertEquals(isRoot ? 1234 : Unistd.geteuid(), attr.uid);
    assertEquals(04000, attr.mode & 04000);
  }

  @Test
  void dataGoesThroughTheRegionWhereNothingIsDonated() throws Exception {
    byte[] content = new byte[200_001];
    new java.util.Random(1).nextBytes(content);
    Files.write(dir.resolve("file"), content);
    try (Pair ring = new Pair(false, Root.of(dir.toString()))) {
      GoferClient client = ring.client;
      int node = client.nodes.lookup(client.nodes.attach(0, attr), "file", attr);
      assertEquals(0, client.files.open(node, Fcntl.O_RDWR, opened));
      assertEquals(-1, opened.fd);
      assertEquals(content.length, client.files.read(opened.open, 0, buffer, 0, 1 << 20));
      byte[] got = buffer.asSlice(0, content.length).toArray(JAVA_BYTE);
      assertArrayEquals(content, got);
      assertEquals(0, client.files.read(opened.open, content.length, buffer, 0, 100));
      assertEquals(-Errno.EINVAL, client.files.read(opened.open, -1, buffer, 0, 100));
      assertEquals(100_000, client.files.write(opened.open, 150_001, buffer, 0, 100_000));
      assertEquals(250_001, Files.size(dir.resolve("file")));
      assertEquals(0, client.files.truncate(opened.open, 10));
      assertEquals(0, client.files.fallocate(opened.open, 0, 0, 20));
      assertEquals(0, client.files.fsync(opened.open, true));
      assertEquals(0, client.files.fsync(client.nodes.attach(0, attr), false)); // a directory
      assertEquals(-Errno.EBADF, client.files.fsync(node, false));
      assertEquals(20, Files.size(dir.resolve("file")));
      assertEquals(0, client.attributes.getattr(opened.open, attr));
      assertEquals(20, attr.size);
      assertEquals(-Errno.EBADF, client.files.read(node, 0, buffer, 0, 1));
      assertEquals(-Errno.EBADF, client.nodes.lookup(opened.open, "x", attr));
      assertEquals(0, client.close(opened.open));
      assertEquals(-Errno.EBADF, client.files.read(opened.open, 0, buffer, 0, 1));
    }
  }

  @Test
  void directoriesAreReadInPieces() throws Exception {
    Set<String> expected = new TreeSet<>();
    for (int i = 0; i < 3000; i++) {
      String name = "entry-with-a-longer-name-" + i;
      Files.createFile(dir.resolve(name));
      expected.add(name);
    }
    assertEquals(0, gofer.files.open(root, Fcntl.O_DIRECTORY, opened));
    assertEquals(-1, opened.fd);
    List<String> names = new ArrayList<>();
    long[] cursor = {0};
    int[] left = {0};
    int n;
    do {
      left[0] = 1000;
      n =
          gofer.directories.readdir(
              opened.open,
              cursor[0],
              (ino, type, name, next) -> {
                if (left[0]-- == 0) {
                  return false;
                }
                assertEquals(Dir.DT_REG, type);
                names.add(name);
                cursor[0] = next;
                return true;
              });
      assertTrue(n >= 0);
    } while (n > 0);
    assertEquals(3000, names.size());
    assertEquals(expected, new TreeSet<>(names));
    names.clear();
    assertTrue(
        gofer.directories.readdir(opened.open, 0, (i, t, name, next) -> names.add(name)) > 0);
    assertTrue(expected.contains(names.get(0))); // from the start again
  }

  @Test
  void anEmptyDirectoryHasNoEntries() {
    assertEquals(0, gofer.files.open(root, Fcntl.O_DIRECTORY, opened));
    assertEquals(0, gofer.directories.readdir(opened.open, 0, (i, t, name, next) -> true));
  }

  @Test
  void symlinksAreMadeAndRead() throws Exception {
    int link = gofer.directories.symlink(root, "link", "some/where", -1, -1, attr);
    assertTrue(link > 0);
    assertEquals(Stat.S_IFLNK, attr.type());
    assertEquals("some/where", Files.readSymbolicLink(dir.resolve("link")).toString());
    byte[] target = new byte[4096];
    assertEquals(10, gofer.attributes.readlink(link, target));
    assertEquals("some/where", new String(target, 0, 10, ISO_8859_1));
    assertEquals(-Errno.EINVAL, gofer.attributes.readlink(root, target));
    assertEquals(-Errno.EEXIST, gofer.directories.symlink(root, "link", "x", -1, -1, attr));
    assertEquals(-Errno.ENOENT, gofer.directories.symlink(root, "empty", "", -1, -1, attr));
  }

  @Test
  void namesAreMadeMovedAndRemoved() throws Exception {
    int sub = gofer.directories.mkdir(root, "sub", 0700, -1, -1, attr);
    assertEquals(Stat.S_IFDIR, attr.type());
    assertEquals(0, gofer.files.create(root, "file", Fcntl.O_RDWR, 0600, -1, -1, opened));
    Unistd.close(opened.fd);
    assertEquals(0, gofer.directories.link(opened.node, sub, "second", attr));
    assertEquals(2, attr.nlink);
    assertTrue(Files.isSameFile(dir.resolve("file"), dir.resolve("sub/second")));
    assertEquals(-Errno.EEXIST, gofer.directories.rename(root, "file", sub, "second", 1));
    assertEquals(-Errno.EINVAL, gofer.directories.rename(root, "file", sub, "second", 4));
    assertEquals(0, gofer.directories.rename(root, "file", sub, "third", 0));
    assertTrue(Files.exists(dir.resolve("sub/third")));
    assertEquals(-Errno.ENOTEMPTY, gofer.directories.rmdir(root, "sub"));
    assertEquals(-Errno.EISDIR, gofer.directories.unlink(root, "sub"));
    assertEquals(-Errno.ENOTDIR, gofer.directories.rmdir(sub, "third"));
    assertEquals(0, gofer.directories.unlink(sub, "third"));
    assertEquals(0, gofer.directories.unlink(sub, "second"));
    assertEquals(0, gofer.directories.rmdir(root, "sub"));
    assertEquals(-Errno.ENOENT, gofer.directories.unlink(root, "sub"));
    assertEquals(0, gofer.attributes.getattr(opened.node, attr));
    assertEquals(0, attr.nlink); // the node outlives its names
    assertEquals(-Errno.EPERM, gofer.directories.link(root, root, "dir", attr));
  }

  @Test
  void attributesAreChanged() throws Exception {
    Files.writeString(dir.resolve("file"), "content");
    Files.createSymbolicLink(dir.resolve("link"), Path.of("file"));
    int node = gofer.nodes.lookup(root, "file", attr);
    SetAttr change =
        new SetAttr().mode(0604).size(3).atime(1, 2).mtime(1_000_000_000L, 999_999_999);
    assertEquals(0, gofer.attributes.setattr(node, change, attr));
    assertEquals(Stat.S_IFREG | 0604, attr.mode);
    assertEquals(3, attr.size);
    assertEquals(999_999_999, attr.mtimeNanos);
    assertEquals(2, stat("file", Stat.StatBuf.ST_ATIM__TV_NSEC));
    assertEquals("con", Files.readString(dir.resolve("file")));
    assertEquals(-Errno.EISDIR, gofer.attributes.setattr(root, new SetAttr().size(0), attr));
    int link = gofer.nodes.lookup(root, "link", attr);
    assertEquals(-Errno.EINVAL, gofer.attributes.setattr(link, new SetAttr().size(0), attr));
    assertEquals(-Errno.EOPNOTSUPP, gofer.attributes.setattr(link, new SetAttr().mode(0), attr));
    assertEquals(0, gofer.attributes.setattr(link, new SetAttr().mtime(5, 0), attr));
    assertEquals(5, stat("link", Stat.StatBuf.ST_MTIM__TV_SEC));
    assertEquals(-Errno.EINVAL, gofer.attributes.setattr(node, new SetAttr().size(-1), attr));
    if (Unistd.geteuid() == 0) {
      assertEquals(0, gofer.attributes.setattr(link, new SetAttr().uid(7).gid(8), attr));
      assertEquals(7, attr.uid);
      assertEquals(0, (int) Files.getAttribute(dir.resolve("file"), "unix:uid"));
      int uid =
          (int) Files.getAttribute(dir.resolve("link"), "unix:uid", LinkOption.NOFOLLOW_LINKS);
      assertEquals(7, uid);
    }
  }

  @Test
  void readOnlyRootsRefuseEveryChange() throws Exception {
    Files.writeString(dir.resolve("file"), "content");
    int ro = gofer.nodes.attach(1, attr);
    int node = gofer.nodes.lookup(ro, "file", attr);
    assertEquals(-Errno.EROFS, gofer.files.open(node, Fcntl.O_WRONLY, opened));
    assertEquals(-Errno.EROFS, gofer.files.open(node, Fcntl.O_RDWR, opened));
    assertEquals(-Errno.EROFS, gofer.files.open(node, Fcntl.O_TRUNC, opened));
    assertEquals(-Errno.EROFS, gofer.files.create(ro, "n", Fcntl.O_RDONLY, 0600, -1, -1, opened));
    assertEquals(-Errno.EROFS, gofer.directories.mkdir(ro, "n", 0700, -1, -1, attr));
    assertEquals(-Errno.EROFS, gofer.directories.mknod(ro, "n", Stat.S_IFIFO, -1, -1, attr));
    assertEquals(-Errno.EROFS, gofer.directories.symlink(ro, "n", "x", -1, -1, attr));
    assertEquals(-Errno.EROFS, gofer.directories.link(node, ro, "n", attr));
    assertEquals(-Errno.EXDEV, gofer.directories.link(node, root, "n", attr));
    assertEquals(-Errno.EROFS, gofer.directories.unlink(ro, "file"));
    assertEquals(-Errno.EROFS, gofer.directories.rmdir(ro, "file"));
    assertEquals(-Errno.EROFS, gofer.directories.rename(ro, "file", ro, "n", 0));
    assertEquals(-Errno.EROFS, gofer.directories.rename(root, "file", ro, "n", 0));
    assertEquals(-Errno.EROFS, gofer.attributes.setattr(node, new SetAttr().mode(0), attr));
    assertEquals(-Errno.EROFS, gofer.attributes.setxattr(node, "user.a", new byte[1], 0));
    assertEquals(-Errno.EROFS, gofer.attributes.removexattr(node, "user.a"));
    assertEquals(0, gofer.files.open(node, Fcntl.O_RDONLY, opened));
    assertEquals(-Errno.EBADF, Unistd.pwrite(opened.fd, buffer, 1, 0));
    Unistd.close(opened.fd);
    assertEquals("content", Files.readString(dir.resolve("file")));
  }

  @Test
  void fileSystemsAreDescribed() {
    assertEquals(0, gofer.attributes.statfs(root, buffer));
    MemorySegment own = arena.allocate(Stat.StatfsBuf.SIZEOF, 8);
    assertEquals(0, Stat.statfs(dir.toString(), own));
    assertEquals(own.get(JAVA_LONG, 0), buffer.get(JAVA_LONG, 0));
    assertEquals(own.get(JAVA_LONG, 64), buffer.get(JAVA_LONG, 64));
    assertEquals(own.get(JAVA_INT, 72), buffer.get(JAVA_INT, 72));
  }

  @Test
  void userAttributesOnly() throws Exception {
    Files.writeString(dir.resolve("file"), "");
    int node = gofer.nodes.lookup(root, "file", attr);
    int r = gofer.attributes.setxattr(node, "user.one", "value".getBytes(ISO_8859_1), 0);
    assumeTrue(r == 0, "no extended attributes on this file system: " + Errno.name(r));
    byte[] to = new byte[64];
    assertEquals(5, gofer.attributes.getxattr(node, "user.one", to));
    assertEquals("value", new String(to, 0, 5, ISO_8859_1));
    assertEquals(5, gofer.attributes.getxattr(node, "user.one", new byte[0]));
    assertEquals(-Errno.ERANGE, gofer.attributes.getxattr(node, "user.one", new byte[2]));
    assertEquals(9, gofer.attributes.listxattr(node, to));
    assertEquals(9, gofer.attributes.listxattr(node, new byte[0]));
    assertEquals(-Errno.EOPNOTSUPP, gofer.attributes.setxattr(node, "security.x", new byte[1], 0));
    assertEquals(-Errno.ENODATA, gofer.attributes.getxattr(node, "security.capability", to));
    assertEquals(0, gofer.attributes.removexattr(node, "user.one"));
    assertEquals(-Errno.ENODATA, gofer.attributes.getxattr(node, "user.one", to));
  }

  @Test
  void aRootCanBeASingleFileOrADescriptor() throws Exception {
    Files.writeString(dir.resolve("file"), "content");
    int fd = Fcntl.open(dir.toString(), Fcntl.O_PATH | Fcntl.O_CLOEXEC, 0);
    try (Pair other = Pair.over(Root.of(dir.resolve("file").toString()), new Root("", fd, 0))) {
      int file = other.client.nodes.attach(0, attr);
      assertEquals(Stat.S_IFREG, attr.type());
      assertEquals(0, other.client.files.open(file, Fcntl.O_RDONLY, opened));
      Unistd.close(opened.fd);
      assertEquals(-Errno.ENOTDIR, other.client.nodes.lookup(file, "x", attr));
      assertTrue(other.client.nodes.lookup(other.client.nodes.attach(1, attr), "file", attr) > 0);
    }
    Unistd.close(fd);
  }

  @Test
  void aRootThatIsNotThereIsNamed() {
    IOException e =
        assertThrows(
            IOException.class,
            () -> Pair.over(Root.of(dir.toString()), Root.of("/nonexistent/tree"), Root.of("/")));
    String expected = "gofer: cannot open root /nonexistent/tree: No such file or directory";
    assertEquals(expected, e.getMessage());
  }

  @Test
  void mountsAreNotCrossedWhereTheRootForbids() throws Exception {
    assumeTrue(Files.isDirectory(Path.of("/proc/self")), "/proc is not mounted");
    try (Pair whole = Pair.over(Root.of("/"), new Root("/", -1, Root.NO_XDEV))) {
      GoferClient client = whole.client;
      assertTrue(client.nodes.lookup(client.nodes.attach(0, attr), "proc", attr) > 0);
      int stays = client.nodes.attach(1, attr);
      assertEquals(-Errno.EXDEV, client.nodes.lookup(stays, "proc", attr));
      assertEquals(-Errno.EXDEV, client.nodes.lstat(stays, "proc", attr));
    }
  }

  @Test
  void closesAreGathered() throws Exception {
    for (int i = 0; i < 100; i++) {
      int fid = gofer.nodes.attach(0, attr);
      assertTrue(fid > 0);
      gofer.closeLater(fid);
    }
    gofer.flushCloses();
    Set<Integer> fids = new TreeSet<>();
    for (int i = 0; i < 100; i++) {
      assertTrue(fids.add(gofer.nodes.attach(0, attr)), "a live fid was given twice");
    }
  }
}
