package io.redoubt.gofer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Socket;
import io.redoubt.host.Unistd;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a compromised sentry may try on the gofer. */
@Timeout(30)
class HostileSentryTest {
  @TempDir Path dir;
  private final NodeAttr attr = new NodeAttr();

  @ParameterizedTest
  @ValueSource(strings = {"..", ".", "", "a/b", "/etc", "/", "../..", "a\0b", "\0"})
  void badNamesAreRefusedInEveryOperation(String name) throws Exception {
    Files.createDirectories(dir.resolve("tree/a/b"));
    Files.writeString(dir.resolve("secret"), "");
    try (Pair pair = Pair.over(Root.of(dir.resolve("tree").toString()))) {
      GoferClient gofer = pair.client;
      int root = gofer.nodes.attach(0, attr);
      int expected = name.isEmpty() ? -Errno.ENOENT : -Errno.EINVAL;
      assertEquals(expected, gofer.nodes.lookup(root, name, attr));
      assertEquals(expected, gofer.nodes.lstat(root, name, attr));
      assertEquals(expected, gofer.directories.mkdir(root, name, 0755, -1, -1, attr));
      assertEquals(expected, gofer.directories.mknod(root, name, 0010644, -1, -1, attr));
      assertEquals(expected, gofer.directories.symlink(root, name, "x", -1, -1, attr));
      assertEquals(expected, gofer.files.create(root, name, 1, 0644, -1, -1, new Opened()));
      assertEquals(expected, gofer.directories.unlink(root, name));
      assertEquals(expected, gofer.directories.rmdir(root, name));
      assertEquals(expected, gofer.directories.rename(root, name, root, "y", 0));
      assertEquals(expected, gofer.directories.rename(root, "a", root, name, 0));
      int fifo = gofer.directories.mknod(root, "fifo", 0010644, -1, -1, attr);
      assertEquals(expected, gofer.directories.link(fifo, root, name, attr));
    }
  }

  @Test
  void symlinksLeadNowhere() throws Exception {
    Files.createDirectories(dir.resolve("tree"));
    Files.createSymbolicLink(dir.resolve("tree/abs"), Path.of("/etc"));
    Files.createSymbolicLink(dir.resolve("tree/up"), Path.of(".."));
    Files.createSymbolicLink(dir.resolve("tree/file"), Path.of("/etc/passwd"));
    try (Pair pair = Pair.over(Root.of(dir.resolve("tree").toString()))) {
      GoferClient gofer = pair.client;
      int root = gofer.nodes.attach(0, attr);
      Walk walk = new Walk();
      for (String link : new String[] {"abs", "up", "file"}) {
        assertEquals(1, gofer.nodes.walk(root, new String[] {link, "passwd"}, 0, 2, false, walk));
        int node = walk.fids[0];
        assertEquals(-Errno.ENOTDIR, gofer.nodes.lookup(node, "passwd", attr));
        assertEquals(-Errno.ELOOP, gofer.files.open(node, Fcntl.O_RDONLY, new Opened()));
        assertEquals(-Errno.ENOTDIR, gofer.directories.mkdir(node, "x", 0755, -1, -1, attr));
        int r = gofer.files.create(root, link, Fcntl.O_RDWR, 0644, -1, -1, new Opened());
        assertEquals(-Errno.EEXIST, r);
      }
    }
  }

  @Test
  void magicLinksLeadNowhere() throws Exception {
    try (Pair pair = Pair.over(Root.of("/proc/self"))) {
      GoferClient gofer = pair.client;
      int root = gofer.nodes.attach(0, attr);
      int link = gofer.nodes.lookup(root, "root", attr);
      assertTrue(link > 0);
      assertEquals(0120000, attr.type());
      assertEquals(-Errno.ENOTDIR, gofer.nodes.lookup(link, "etc", attr));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1, 1, Integer.MAX_VALUE, Integer.MIN_VALUE, 1 << 20, 1 << 30, 5 << 20})
  void unknownFidsAreRefused(int fid) throws Exception {
    try (Pair pair = Pair.over(Root.of(dir.toString()))) {
      GoferClient gofer = pair.client;
      Opened opened = new Opened();
      assertEquals(-Errno.EBADF, gofer.attributes.getattr(fid, attr));
      assertEquals(-Errno.EBADF, gofer.attributes.setattr(fid, new SetAttr().mode(0), attr));
      assertEquals(-Errno.EBADF, gofer.nodes.lookup(fid, "x", attr));
      assertEquals(-Errno.EBADF, gofer.files.open(fid, 0, opened));
      assertEquals(-Errno.EBADF, gofer.files.create(fid, "x", 0, 0, -1, -1, opened));
      assertEquals(-Errno.EBADF, gofer.directories.mkdir(fid, "x", 0, -1, -1, attr));
      assertEquals(-Errno.EBADF, gofer.directories.unlink(fid, "x"));
      assertEquals(-Errno.EBADF, gofer.directories.rename(fid, "x", fid, "y", 0));
      assertEquals(-Errno.EBADF, gofer.directories.link(fid, fid, "y", attr));
      assertEquals(-Errno.EBADF, gofer.files.fsync(fid, false));
      assertEquals(-Errno.EBADF, gofer.files.truncate(fid, 0));
      assertEquals(-Errno.EBADF, gofer.files.fallocate(fid, 0, 0, 1));
      assertEquals(-Errno.EBADF, gofer.attributes.readlink(fid, new byte[10]));
      assertEquals(-Errno.EBADF, gofer.directories.readdir(fid, 0, (i, t, n, c) -> true));
      assertEquals(-Errno.EBADF, gofer.attributes.listxattr(fid, new byte[10]));
      assertEquals(0, gofer.close(fid));
    }
  }

  @Test
  void fidsAreLimited() {
    FidTable table = new FidTable(3);
    int a = table.add(false, 10, 0, 0);
    assertTrue(a > 0);
    int b = table.add(true, 11, 0, 0);
    assertTrue(table.add(false, 12, 0, 0) > 0);
    assertEquals(-Errno.EMFILE, table.add(false, 13, 0, 0));
    assertEquals(11, table.remove(b));
    assertEquals(-Errno.EBADF, table.remove(b));
    int again = table.add(true, 14, 0, 0);
    assertTrue(again != b && table.index(b) < 0 && table.index(again) == table.open(again));
    assertEquals(-Errno.EBADF, table.node(again));
    for (int i = 0; i < 5000; i++) { // a table that is used for long still gives good fids
      table.remove(again);
      again = table.add(true, 14, 0, 0);
      assertTrue(again > 0 && FidTable.isOpenForm(again));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "99, 0, 0, 0, unknown operation: op=99",
    "0, 0, 0, 0, unknown operation: op=0",
    "-1, 0, 0, 0, unknown operation: op=-1",
    "3, 0, -1, 0, 'payload out of range: op=3, payload=-1'",
    "3, 0, 65537, 0, 'payload out of range: op=3, payload=65537'",
    "16, 0, 10, 11, 'name out of range: op=16, name1=11, payload=10'",
    "16, 0, 10, -1, 'name out of range: op=16, name1=-1, payload=10'",
    "7, 65537, 0, 0, 'length out of range: op=7, length=65537, max=65536'",
    "7, -1, 0, 0, 'length out of range: op=7, length=-1, max=65536'",
    "9, 9223372036854775807, 0, 0, 'length out of range: op=9, length=9223372036854775807, max=65536'",
    "2, 257, 0, 0, 'length out of range: op=2, length=257, max=256'",
    "25, 2, 7, 0, 'length out of range: op=25, length=2, max=1'",
    "19, 65537, 0, 0, 'length out of range: op=19, length=65537, max=65536'",
  })
  void nonsenseEndsTheConnection(int op, long length, int payload, int name1, String reason)
      throws Exception {
    try (RawClient sentry = new RawClient().connect(dir.toString())) {
      sentry.set(Protocol.OP, op);
      sentry.setLong(Protocol.LENGTH, length);
      sentry.set(Protocol.PAYLOAD, payload);
      sentry.set(Protocol.NAME1, name1);
      sentry.publish(1);
      assertEquals(reason, sentry.join());
    }
  }

  @Test
  void namesThatReachPastThePayloadEndTheConnection() throws Exception {
    try (RawClient sentry = new RawClient().connect(dir.toString())) {
      sentry.set(Protocol.OP, Op.ATTACH);
      assertEquals(0, sentry.call(1));
      int root =
          sentry.region.getAcquire(RegionLayout.slot(0) + RegionLayout.REPLY + Protocol.NODE);
      sentry.set(Protocol.OP, Op.WALK);
      sentry.set(Protocol.FID, root);
      sentry.setLong(Protocol.LENGTH, 1);
      sentry.payload((byte) 200, (byte) 'a');
      sentry.publish(2);
      assertEquals("names end early: count=1, payload=1", sentry.join());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, -1, Integer.MIN_VALUE})
  void sequenceNumbersOutOfOrderEndTheConnection(int seq) throws Exception {
    try (RawClient sentry = new RawClient().connect(dir.toString())) {
      sentry.publish(seq);
      assertEquals("sequence out of order: slot=0, seq=" + seq + ", last=0", sentry.join());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 65, Integer.MAX_VALUE})
  void slotsOutOfRangeEndTheConnection(int used) throws Exception {
    try (RawClient sentry = new RawClient().connect(dir.toString())) {
      sentry.region.setRelease(RegionLayout.SLOTS_USED, used);
      sentry.send(Protocol.DOORBELL, 0);
      assertEquals("slots out of range: used=" + used, sentry.join());
    }
  }

  @Test
  void aSlotWithoutASocketEndsTheConnection() throws Exception {
    try (RawClient sentry = new RawClient().connect(dir.toString())) {
      sentry.set(Protocol.OP, Op.GETATTR);
      sentry.set(RegionLayout.CLIENT_ASLEEP, RegionLayout.sleepMark(1));
      sentry.region.setRelease(RegionLayout.slot(0) + Protocol.SEQ, 1);
      sentry.send(Protocol.DOORBELL, 0);
      assertEquals("slot without a socket: slot=0", sentry.join());
    }
  }

  @Test
  void unknownControlMessagesEndTheConnection() throws Exception {
    try (RawClient sentry = new RawClient().connect(dir.toString())) {
      sentry.send(42, 0);
      assertEquals("unknown message: bytes=8, kind=42", sentry.join());
    }
    try (RawClient sentry = new RawClient().connect(dir.toString())) {
      sentry.send(Protocol.SLOT_SOCKET, 0); // without a descriptor
      assertTrue(sentry.join().startsWith("unknown message"));
    }
    try (RawClient sentry = new RawClient().connect(dir.toString())) {
      sentry.message.set(java.lang.foreign.ValueLayout.JAVA_INT, 0, Protocol.SLOT_SOCKET);
      sentry.message.set(java.lang.foreign.ValueLayout.JAVA_INT, 4, 64);
      Socket.sendFds(sentry.control, sentry.message, 8, 0, 0);
      assertTrue(sentry.join().startsWith("unknown message"));
    }
  }

  @Test
  void badConfigurationsAreRefused() throws Exception {
    try (RawClient sentry = new RawClient()) {
      sentry.send(1, 1);
      assertEquals("configuration ended early: bytes=8", sentry.join());
    }
    try (RawClient sentry = new RawClient()) {
      sentry.config(-1, RegionLayout.VERSION);
      assertEquals("bad configuration: bytes=16, roots=-1", sentry.join());
    }
    try (RawClient sentry = new RawClient()) {
      sentry.config(1, 77);
      assertEquals("sentry and gofer differ: version=77", sentry.join());
    }
    try (RawClient sentry = new RawClient()) {
      sentry.config(1, RegionLayout.VERSION);
      sentry.send(Protocol.ROOT, 8);
      assertEquals("unknown root flags: flags=8", sentry.join());
    }
    try (RawClient sentry = new RawClient()) {
      sentry.config(1, RegionLayout.VERSION);
      Socket.shutdown(sentry.control, Socket.SHUT_RDWR);
      assertEquals("gofer: the sentry has gone", sentry.join());
    }
  }

  @Test
  void watchesAreOfNodesAndHaveAnEnd() throws Exception {
    for (int i = 0; i < Watches.LIMIT + 10; i++) {
      Files.createFile(dir.resolve("f" + i));
    }
    Files.createSymbolicLink(dir.resolve("link"), Path.of("/etc"));
    try (Pair pair = Pair.over(Root.of(dir.toString()))) {
      GoferClient gofer = pair.client;
      int root = gofer.nodes.attach(0, attr);
      assertNotNull(gofer.watches.watch(root, true));
      assertNull(gofer.watches.watch(gofer.nodes.lookup(root, "link", attr), true));
      assertNull(gofer.watches.watch(77, true));
      int watched = 1;
      NodeWatch last = null;
      int node = 0;
      for (int i = 0; i < Watches.LIMIT + 10; i++) {
        node = gofer.nodes.lookup(root, "f" + i, attr);
        NodeWatch w = gofer.watches.watch(node, false);
        watched += w == null ? 0 : 1;
        last = w == null ? last : w;
      }
      assertEquals(Watches.LIMIT, watched);
      assertTrue(gofer.watches.hear());
      assertFalse(last.isOver());
      gofer.close(gofer.nodes.lookup(root, "f0", attr)); // another node of it: nothing of its own
      assertTrue(gofer.watches.hear());
      assertFalse(last.isOver());
    }
  }

  /** What changes without an event: also others of the host make files of /proc appear. */
  @Test
  void onlyLocalFileSystemsAreWatched() throws Exception {
    try (Pair pair = Pair.over(Root.of("/proc/self"), Root.of(dir.toString()))) {
      GoferClient gofer = pair.client;
      assertNull(gofer.watches.watch(gofer.nodes.attach(0, attr), true));
      assertNotNull(gofer.watches.watch(gofer.nodes.attach(1, attr), true));
    }
  }

  /** A node that is closed takes its watch along. */
  @Test
  void aWatchEndsWithItsNode() throws Exception {
    Files.createFile(dir.resolve("f"));
    try (Pair pair = Pair.over(Root.of(dir.toString()))) {
      GoferClient gofer = pair.client;
      int root = gofer.nodes.attach(0, attr);
      int one = gofer.nodes.lookup(root, "f", attr);
      int two = gofer.nodes.lookup(root, "f", attr);
      NodeWatch w = gofer.watches.watch(one, false);
      assertSame(w, gofer.watches.watch(two, false)); // the host has one for an inode
      long stamp = w.stamp();
      assertTrue(stamp > 0);
      gofer.close(one);
      assertTrue(gofer.watches.hear());
      assertTrue(w.isOver());
      assertEquals(0, w.stamp());
      NodeWatch again = gofer.watches.watch(two, false);
      assertFalse(again.isOver());
      assertTrue(again.stamp() > stamp);
      Files.writeString(dir.resolve("f"), "x");
      long before = again.stamp();
      assertTrue(gofer.watches.hear());
      assertTrue(again.stamp() > before);
    }
  }

  @Test
  void everyDescriptorIsGivenBack() throws Exception {
    int before = FuzzCount.descriptors();
    try (Pair pair = Pair.over(Root.of(dir.toString()))) {
      int root = pair.client.nodes.attach(0, attr);
      for (int i = 0; i < 50; i++) {
        Opened opened = new Opened();
        pair.client.files.create(root, "f" + i, Fcntl.O_RDWR, 0600, -1, -1, opened);
        Unistd.close(opened.fd);
      }
      assertNotNull(pair.client.watches.watch(root, true));
    }
    assertEquals(before, FuzzCount.descriptors());
  }
}
