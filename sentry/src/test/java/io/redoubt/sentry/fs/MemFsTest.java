package io.redoubt.sentry.fs;

import static io.redoubt.host.Errno.EACCES;
import static io.redoubt.host.Errno.EBUSY;
import static io.redoubt.host.Errno.EEXIST;
import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.EISDIR;
import static io.redoubt.host.Errno.ELOOP;
import static io.redoubt.host.Errno.ENAMETOOLONG;
import static io.redoubt.host.Errno.ENFILE;
import static io.redoubt.host.Errno.ENOENT;
import static io.redoubt.host.Errno.ENOSPC;
import static io.redoubt.host.Errno.ENOTDIR;
import static io.redoubt.host.Errno.ENOTEMPTY;
import static io.redoubt.host.Errno.EPERM;
import static io.redoubt.host.Errno.EXDEV;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.host.Fcntl;
import io.redoubt.host.Memory;
import io.redoubt.host.Process;
import io.redoubt.sentry.fs.mem.MemFs;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The in-memory file system through the calls of a guest; what is expected is what Linux does on
 * tmpfs.
 */
class MemFsTest {
  private static final int O_RDWR = 2;
  private static final int O_CREAT = Opening.O_CREAT;
  private final FsGuest g = new FsGuest(MemFs.tmpfs(0, 0755));

  @Test
  void filesAreWrittenAndRead() {
    assertEquals(0, g.put("/a", "hello"));
    assertEquals("hello", g.cat("/a"));
    assertEquals(5, g.stat("/a").size);
    assertEquals(0100644, g.stat("/a").mode);
    int fd = g.open("/a", O_RDWR | OpenFile.O_APPEND, 0);
    assertEquals(2, g.write(fd, "!!"));
    assertEquals("hello!!", g.cat("/a"));
    assertEquals(7, g.lseek(fd, 0, 1));
    assertEquals(-EEXIST, g.open("/a", O_CREAT | Opening.O_EXCL, 0));
    assertEquals(-ENOTDIR, g.open("/a/b", 0, 0));
    assertEquals(-ENOTDIR, g.open("/a/", 0, 0));
    assertEquals(-ENOENT, g.open("", 0, 0));
    assertEquals(-EISDIR, g.open("/", O_RDWR, 0));
    assertEquals(-EISDIR, g.open("/new/", O_CREAT | 1, 0644));
  }

  @Test
  void contentGrowsFromBlockToMemfdWithHoles() {
    int fd = g.open("/f", O_CREAT | O_RDWR, 0600);
    byte[] data = new byte[100_000];
    for (int i = 0; i < data.length; i++) {
      data[i] = (byte) (i * 31);
    }
    assertEquals(3, g.pwrite(fd, new byte[] {1, 2, 3}, 10));
    assertArrayEquals(new byte[] {0, 0, 1, 2, 3}, g.pread(fd, 5, 8));
    assertEquals(data.length, g.pwrite(fd, data, 50_000));
    assertArrayEquals(data, g.pread(fd, data.length, 50_000));
    assertArrayEquals(new byte[] {1, 2, 3, 0}, g.pread(fd, 4, 10));
    assertEquals(1, g.pwrite(fd, new byte[] {9}, 1L << 30));
    assertEquals((1L << 30) + 1, g.fstat(fd).size);
    assertTrue(g.fstat(fd).blocks < 1000);
    assertEquals(1L << 30, g.lseek(fd, 1 << 20, 3), "SEEK_DATA");
    assertEquals(0, g.fallocate(fd, 3, 0, 65_536), "punch");
    assertArrayEquals(new byte[4], g.pread(fd, 4, 10));
    assertEquals(0, g.ftruncate(fd, 60_000));
    assertEquals(0, g.ftruncate(fd, 70_000));
    assertEquals(0, g.pread(fd, 1, 65_000)[0]);
  }

  private int accessOfMapping(int fd, boolean isWritten) {
    OpenFile file = g.guest.task.files.get(fd);
    int host = file.mapFd(g.guest.task.call, isWritten);
    return host < 0 ? host : Fcntl.fcntl(host, Fcntl.F_GETFL, 0) & Fcntl.O_ACCMODE;
  }

  /** mprotect(2) of a guest is native: what it maps to read must not be open for writing. */
  @Test
  void whoReadsIsMappedWhatCannotBeWritten() {
    g.put("/a", "hello");
    g.put("/b", "hello");
    int reader = g.open("/a", 0, 0);
    int another = g.open("/b", 0, 0);
    assertEquals(Fcntl.O_RDONLY, accessOfMapping(reader, false));
    assertEquals(Fcntl.O_RDWR, accessOfMapping(g.open("/a", O_RDWR, 0), true));
    assertEquals(Fcntl.O_RDONLY, accessOfMapping(reader, false));
    // No number is free for one that is read-only: then there is none.
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment old = arena.allocate(Process.Rlimit.SIZEOF, 8);
      MemorySegment none = arena.allocate(Process.Rlimit.SIZEOF, 8);
      assertEquals(Fcntl.O_RDWR, accessOfMapping(g.open("/b", O_RDWR, 0), true));
      assertEquals(0, Process.prlimit64(0, Process.RLIMIT_NOFILE, null, old));
      none.copyFrom(old);
      Memory.setLong(none, Process.Rlimit.RLIM_CUR, 0);
      assertEquals(0, Process.prlimit64(0, Process.RLIMIT_NOFILE, none, null));
      int mapped;
      try {
        mapped = g.guest.task.files.get(another).mapFd(g.guest.task.call, false);
      } finally {
        Process.prlimit64(0, Process.RLIMIT_NOFILE, old, null);
      }
      assertEquals(-ENFILE, mapped);
    }
    assertEquals(Fcntl.O_RDONLY, accessOfMapping(another, false));
  }

  @Test
  void smallFileTruncatedAndGrownReadsZeros() {
    int fd = g.open("/f", O_CREAT | O_RDWR, 0600);
    g.write(fd, "0123456789");
    assertEquals(0, g.ftruncate(fd, 3));
    assertEquals(0, g.ftruncate(fd, 6));
    assertArrayEquals(new byte[] {'0', '1', '2', 0, 0, 0}, g.pread(fd, 10, 0));
    assertEquals(-EINVAL, g.ftruncate(fd, -1));
  }

  @Test
  void namesComeAndGo() {
    assertEquals(0, g.mkdir("/d", 0777));
    assertEquals(040755, g.stat("/d").mode);
    assertEquals(-EEXIST, g.mkdir("/d", 0777));
    assertEquals(0, g.mkdir("/d/e/", 0777));
    assertEquals(3, g.stat("/d").nlink);
    assertEquals(-ENOTEMPTY, g.rmdir("/d"));
    assertEquals(-EISDIR, g.unlink("/d/e"));
    assertEquals(-EINVAL, g.rmdir("/d/."));
    assertEquals(-ENOTEMPTY, g.rmdir("/d/.."));
    assertEquals(-EBUSY, g.rmdir("/"));
    assertEquals(0, g.rmdir("/d/e"));
    assertEquals(-ENOENT, g.rmdir("/d/e"));
    g.put("/d/f", "x");
    assertEquals(-ENOTDIR, g.rmdir("/d/f"));
    assertEquals(-ENOTDIR, g.unlink("/d/f/"));
    assertEquals(0, g.link("/d/f", "/d/g"));
    assertEquals(2, g.stat("/d/f").nlink);
    assertEquals(g.stat("/d/f").ino, g.stat("/d/g").ino);
    int fd = g.open("/d/f", 0, 0);
    assertEquals(0, g.unlink("/d/f"));
    assertEquals(0, g.unlink("/d/g"));
    assertEquals(0, g.fstat(fd).nlink);
    assertEquals('x', g.pread(fd, 1, 0)[0]);
    assertEquals(-EPERM, g.link("/d", "/dd"));
    assertEquals(-ENAMETOOLONG, g.mkdir("/" + "n".repeat(256), 0));
    assertEquals(0, g.mkdir("/" + "n".repeat(255), 0));
    assertEquals(-ENAMETOOLONG, g.mkdir("/d".repeat(3000), 0));
  }

  @Test
  void renameFollowsTheRules() {
    g.mkdir("/a", 0755);
    g.mkdir("/a/b", 0755);
    g.put("/a/f", "f");
    g.put("/x", "x");
    assertEquals(-EINVAL, g.rename("/a", "/a/b/c"));
    assertEquals(-ENOTEMPTY, g.rename("/a/b", "/a"));
    assertEquals(-EISDIR, g.rename("/x", "/a"));
    assertEquals(-ENOTDIR, g.rename("/a", "/x"));
    assertEquals(-EEXIST, g.rename("/x", "/a/f", 1));
    assertEquals(-ENOENT, g.rename("/x", "/nothing", 2));
    assertEquals(-EINVAL, g.rename("/x", "/y", 3));
    assertEquals(0, g.rename("/x", "/a/f"));
    assertEquals("x", g.cat("/a/f"));
    assertEquals(-ENOENT, g.statError("/x"));
    assertEquals(0, g.rename("/a", "/z"));
    assertEquals("x", g.cat("/z/f"));
    assertEquals(0, g.rename("/z/b", "/bb"));
    assertEquals(2, g.stat("/z").nlink);
    assertEquals(0, g.rename("/z/f", "/bb", 2), "exchange file and directory");
    assertEquals("x", g.cat("/bb"));
    assertEquals(3, g.stat("/z").nlink);
    assertEquals(0, g.rename("/z/f", "/z/f"));
    assertEquals(-EBUSY, g.rename("/z/.", "/q"));
  }

  @Test
  void symbolicLinksAreFollowed() {
    g.mkdir("/d", 0755);
    g.put("/d/f", "deep");
    g.symlink("d/f", "/rel");
    g.symlink("/d", "/abs");
    g.symlink("loop2", "/loop1");
    g.symlink("loop1", "/loop2");
    g.symlink("missing", "/dangling");
    assertEquals("deep", g.cat("/rel"));
    assertEquals("deep", g.cat("/abs/f"));
    assertEquals("deep", g.cat("/abs/../abs/./f"));
    assertEquals("d/f", g.readlink("/rel"));
    assertEquals("errno " + EINVAL, g.readlink("/d"));
    assertEquals("errno " + ELOOP, g.cat("/loop1"));
    assertEquals(0120777, g.lstat("/rel").mode);
    assertEquals(-ELOOP, g.open("/rel", Opening.O_NOFOLLOW, 0));
    assertEquals(-EEXIST, g.open("/dangling", O_CREAT | Opening.O_EXCL | 1, 0600));
    assertEquals(0, g.put("/dangling", "made"));
    assertEquals("made", g.cat("/missing"));
    assertEquals(040755, g.lstat("/abs/").mode);
    assertEquals(0, g.unlink("/abs"));
    String s = "/d/f";
    for (int i = 0; i < 41; i++) {
      g.symlink(s, "/l" + i);
      s = "/l" + i;
    }
    assertEquals("deep", g.cat("/l39"));
    assertEquals("errno " + ELOOP, g.cat("/l40"));
  }

  @Test
  void permissionIsChecked() {
    g.chmod("/", 0755);
    g.mkdir("/secret", 0700);
    g.put("/secret/f", "s");
    g.put("/own", "o");
    g.chown("/own", 1000, 1000);
    g.mkdir("/tmp", 0777);
    g.chmod("/tmp", 01777);
    FsGuest u = g.as(1000, 1000);
    assertEquals(-EACCES, u.open("/secret/f", 0, 0));
    assertEquals(-EACCES, u.mkdir("/new", 0777));
    assertEquals(-EACCES, u.unlink("/own"));
    assertEquals(0, u.chmod("/own", 06755));
    assertEquals(0106755, u.stat("/own").mode);
    int fd = u.open("/own", 1, 0);
    u.write(fd, "new");
    assertEquals(0100755, u.stat("/own").mode, "a write takes set-user-ID away");
    assertEquals(-EPERM, u.chown("/own", 0, 0));
    assertEquals(-EPERM, u.chmod("/secret", 0777));
    assertEquals(0, u.put("/tmp/mine", "m"));
    FsGuest other = g.as(1001, 1001);
    assertEquals(-EPERM, other.unlink("/tmp/mine"), "sticky");
    assertEquals(-EPERM, other.rename("/tmp/mine", "/tmp/yours"));
    assertEquals(0, u.unlink("/tmp/mine"));
    assertEquals(-EACCES, u.access("/secret", 4));
    assertEquals(0, g.access("/secret", 7));
    assertEquals(-EPERM, u.mknod("/tmp/dev", 020666, 0x103));
    g.mkdir("/tmp/sg", 0777);
    g.chmod("/tmp/sg", 02777);
    g.chown("/tmp/sg", 0, 55);
    u.mkdir("/tmp/sg/sub", 0755);
    assertEquals(55, u.stat("/tmp/sg/sub").gid);
    assertEquals(042755, u.stat("/tmp/sg/sub").mode);
  }

  @Test
  void largeDirectoryIsListedWhileItChanges() {
    g.mkdir("/big", 0755);
    for (int i = 0; i < 5000; i++) {
      g.mknod("/big/f" + i, 0100644, 0);
    }
    int fd = g.open("/big", 0, 0);
    List<String> seen = new ArrayList<>();
    int removed = 0;
    while (g.next(fd, 4096, seen)) {
      g.unlink("/big/f" + removed++);
      g.mknod("/big/n" + removed, 0100644, 0);
    }
    HashSet<String> unique = new HashSet<>(seen);
    assertEquals(seen.size(), unique.size(), "nothing twice");
    for (int i = removed; i < 5000; i++) {
      assertTrue(unique.contains("f" + i));
    }
    assertEquals(5000, g.list("/big").size());
    for (String name : g.list("/big")) {
      assertEquals(0, g.unlink("/big/" + name));
    }
    assertEquals(0, g.rmdir("/big"));
  }

  @Test
  void sizeLimitIsNoSpace() {
    FsGuest small = new FsGuest(MemFs.tmpfs(1 << 20, 0755));
    int fd = small.open("/f", O_CREAT | O_RDWR, 0600);
    byte[] chunk = new byte[65_536];
    long n;
    long total = 0;
    while ((n = small.write(fd, chunk)) > 0) {
      total += n;
    }
    assertEquals(-ENOSPC, n);
    assertTrue(total > 900_000 && total <= 1 << 20, "total=" + total);
    small.close(fd);
    assertEquals(0, small.unlink("/f"));
    assertEquals(0, small.put("/g", "x".repeat(500_000)), "what was freed can be used again");
  }

  @Test
  void workingDirectoryAndRoot() {
    g.mkdir("/a", 0755);
    g.mkdir("/a/b", 0755);
    assertEquals(0, g.chdir("/a/b"));
    assertEquals("/a/b", g.getcwd());
    assertEquals(0, g.rename("/a", "/c"));
    assertEquals("/c/b", g.getcwd());
    g.put("f", "1");
    assertEquals("1", g.cat("/c/b/f"));
    assertEquals("1", g.cat("../b/f"));
    g.unlink("f");
    assertEquals(0, g.rmdir("/c/b"));
    assertEquals("errno " + ENOENT, g.getcwd());
    assertEquals(-ENOENT, g.mkdir("x", 0755));
    assertEquals(0, g.chdir(".."));
    assertEquals("/c", g.getcwd());
    g.mkdir("/jail", 0755);
    g.put("/jail/in", "in");
    g.put("/out", "out");
    assertEquals(0, g.guest.call(161, g.guest.str("/jail")));
    assertEquals("in", g.cat("/../../in"));
    assertEquals("errno " + ENOENT, g.cat("/out"));
    assertEquals("(unreachable)/c", g.getcwd());
  }

  @Test
  void openat2ConfinesTheWalk() {
    g.mkdir("/d", 0755);
    g.mkdir("/d/sub", 0755);
    g.put("/d/f", "f");
    g.put("/f", "top");
    g.symlink("/f", "/d/abs");
    g.symlink("../f", "/d/up");
    g.symlink("f", "/d/rel");
    int d = g.open("/d", Opening.O_DIRECTORY, 0);
    assertTrue(g.openat2(d, "rel", 0, 8) >= 0);
    assertTrue(g.openat2(d, "sub/../f", 0, 8) >= 0);
    assertEquals(-EXDEV, g.openat2(d, "up", 0, 8));
    assertEquals(-EXDEV, g.openat2(d, "abs", 0, 8));
    assertEquals(-EXDEV, g.openat2(d, "/f", 0, 8));
    assertEquals(-ELOOP, g.openat2(d, "rel", 0, 4));
    int in = g.openat2(d, "/../../f", 0, 16);
    assertEquals('f', g.pread(in, 1, 0)[0]);
    in = g.openat2(d, "abs", 0, 16);
    assertEquals('f', g.pread(in, 1, 0)[0]);
    assertEquals(-EINVAL, g.openat2(d, "f", 1L << 40, 0));
  }

  @Test
  void unnamedFilesAndMemfds() {
    int fd = g.open("/", Opening.O_TMPFILE_BIT | Opening.O_DIRECTORY | O_RDWR, 0600);
    assertTrue(fd >= 0);
    g.write(fd, "tmp");
    assertEquals(0, g.fstat(fd).nlink);
    long r =
        g.guest.call(265, fd, g.guest.str(""), FsGuest.AT_FDCWD, g.guest.str("/named"), 0x1000);
    assertEquals(0, r);
    assertEquals("tmp", g.cat("/named"));
    int m = (int) g.guest.call(319, g.guest.str("x"), 2);
    assertEquals(3, g.write(m, "abc"));
    assertEquals(0, g.guest.call(72, m, 1033, 0x8));
    assertEquals(-EPERM, g.write(m, "d"));
    assertEquals(8, g.guest.call(72, m, 1034, 0));
    assertNull(g.stat("/x"));
  }

  @Test
  void mountsCoverAndConfine() {
    g.mkdir("/m", 0755);
    g.put("/m/under", "u");
    long r =
        g.guest.call(
            165,
            g.guest.str("none"),
            g.guest.str("/m"),
            g.guest.str("tmpfs"),
            0,
            g.guest.str("size=1m,mode=700"));
    assertEquals(0, r);
    assertEquals("errno " + ENOENT, g.cat("/m/under"));
    assertEquals(040700, g.stat("/m").mode);
    assertNotEquals(g.stat("/").dev, g.stat("/m").dev);
    assertEquals(g.stat("/").ino, g.stat("/m/..").ino);
    g.put("/m/f", "f");
    assertEquals(-EXDEV, g.rename("/m/f", "/f"));
    assertEquals(-EXDEV, g.link("/m/f", "/f"));
    assertEquals(-EBUSY, g.rmdir("/m"));
    assertEquals(0, g.chdir("/m"));
    assertEquals("/m", g.getcwd());
    assertEquals(0, g.guest.call(166, g.guest.str("/m"), 2));
    assertEquals("u", g.cat("/m/under"));
  }
}
