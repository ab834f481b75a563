package io.redoubt.gofer;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Mman;
import io.redoubt.host.Socket;
import io.redoubt.host.Unistd;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a gofer that is not sane may answer: the client ends the connection and says -EIO. */
@Timeout(30)
class HostileGoferTest {
  private final AtomicInteger deaths = new AtomicInteger();
  private final NodeAttr attr = new NodeAttr();
  private final MemorySegment message = Arena.global().allocate(Protocol.MAX_MESSAGE, 8);

  /** Answers the first request of slot 0 with whatever {@code answer} writes. */
  private GoferClient against(Consumer<Region> answer) throws Exception {
    long pair = Socket.socketpair(Socket.SOCK_SEQPACKET | Socket.SOCK_CLOEXEC);
    int control = Unistd.second(pair);
    Thread gofer =
        new Thread(() -> {
          try {
            MemorySegment m = Arena.global().allocate(64, 8);
            Socket.recv(control, m, 64, 0); // CONFIG without roots
            int fd = Region.create();
            Region region = Region.mapOwn(fd);
            m.set(JAVA_INT, 0, Protocol.READY);
            Socket.sendFds(control, m, 8, 0, fd);
            int[] socket = new int[1];
            Socket.recvFds(control, m, 8, 0, socket);
            while (region.getAcquire(RegionLayout.slot(0) + Protocol.SEQ) != 1) {
              Thread.onSpinWait();
            }
            answer.accept(region);
            m.set(JAVA_INT, 0, Protocol.WAKE);
            m.set(JAVA_INT, 4, 1);
            Socket.send(socket[0], m, 8, Socket.MSG_NOSIGNAL);
          } catch (IOException e) {
            throw new AssertionError(e);
          }
        });
    gofer.setDaemon(true);
    gofer.start();
    return GoferClient.connect(Unistd.first(pair), List.of(), true, deaths::incrementAndGet);
  }

  private static void reply(Region region, long field, int value) {
    region.memory.set(JAVA_INT, RegionLayout.slot(0) + RegionLayout.REPLY + field, value);
  }

  private static void publish(Region region, int seq) {
    region.setRelease(RegionLayout.slot(0) + RegionLayout.REPLY + Protocol.SEQ, seq);
  }

  private static void goodAttributes(Region region) {
    reply(region, Protocol.ATTR, 0100644);
  }

  private void assertDead(GoferClient client, int result, String reason) {
    assertEquals(-Errno.EIO, result);
    assertTrue(client.deathReason().startsWith(reason), client.deathReason());
    assertEquals(-Errno.EIO, client.attributes.getattr(1, attr));
    assertEquals(1, deaths.get());
  }

  @Test
  void wrongSequence() throws Exception {
    GoferClient client = against(region -> publish(region, 7));
    assertDead(client, client.attributes.getattr(1, attr), "gofer: malformed reply: seq=7");
  }

  @Test
  void wakeUpWithoutAReply() throws Exception {
    GoferClient client = against(region -> {});
    assertDead(client, client.attributes.getattr(1, attr), "gofer: malformed reply: seq=0");
  }

  @Test
  void resultsOutOfRange() throws Exception {
    GoferClient client =
        against(region -> {
          reply(region, Protocol.RESULT, 1 << 20);
          publish(region, 1);
        });
    MemorySegment to = Arena.global().allocate(100);
    assertDead(
        client, (int) client.files.read(1, 0, to, 0, 100), "gofer: malformed reply: result=");
  }

  @Test
  void errnosOutOfRange() throws Exception {
    GoferClient client =
        against(region -> {
          reply(region, Protocol.RESULT, -512);
          publish(region, 1);
        });
    assertDead(client, client.attributes.getattr(1, attr), "gofer: malformed reply: result=-512");
  }

  /** A block of a scan's answer. */
  private record Block(int kind, int parent, int entry, byte[] body) {}

  private static byte[] dirent(String name) {
    byte[] b = new byte[19 + name.length() + 1];
    b[0] = 9;
    b[16] = (byte) b.length;
    b[18] = 4;
    for (int i = 0; i < name.length(); i++) {
      b[19 + i] = (byte) name.charAt(i);
    }
    return b;
  }

  private static Block listing(int count, int parent, int entry, byte[]... entries) {
    var all = new java.io.ByteArrayOutputStream();
    all.writeBytes(new byte[] {(byte) count, 0, 0, 0});
    for (byte[] e : entries) {
      all.writeBytes(e);
    }
    return new Block(ScanReply.LISTING, parent, entry, all.toByteArray());
  }

  private int scan(int bytesMore, Block... blocks) throws Exception {
    GoferClient client =
        against(region -> {
          long at = RegionLayout.payload(0);
          for (Block b : blocks) {
            region.memory.set(JAVA_INT, at, b.kind);
            region.memory.set(JAVA_INT, at + 4, b.parent);
            region.memory.set(JAVA_INT, at + 8, b.entry);
            region.memory.set(JAVA_INT, at + 12, b.body.length + bytesMore);
            for (int i = 0; i < b.body.length; i++) {
              region.memory.set(JAVA_BYTE, at + 16 + i, b.body[i]);
            }
            at += (16 + b.body.length + 3) & ~3; // the test's own writes want that
          }
          reply(region, Protocol.RESULT, (int) (at - RegionLayout.payload(0)));
          publish(region, 1);
        });
    int[] sunk = new int[3];
    ScanSink sink =
        new ScanSink() {
          @Override
          public DirSink listing(int block, int parent, int entry, int count) {
            sunk[0]++;
            return (ino, type, name, next) -> true;
          }

          @Override
          public void attributes(int parent, int entry, NodeAttr a) {
            sunk[1]++;
          }

          @Override
          public void content(int parent, int entry, byte[] bytes) {
            sunk[2]++;
          }
        };
    return client.directories.scan(1, new String[0], 0, 9, false, false, sink);
  }

  @Test
  void scansThatMakeNoSense() throws Exception {
    byte[] a = dirent("abcd"); // 24 bytes
    assertEquals(0, scan(0, listing(1, -1, -1, a)));
    assertEquals(0, scan(0, listing(1, -1, -1, a), listing(0, 0, 0)));
    assertEquals(
        0, scan(0, listing(1, -1, -1, a), new Block(ScanReply.CONTENT, 0, 0, new byte[8])));
    assertEquals(-Errno.EIO, scan(0, listing(2, -1, -1, a)), "fewer than it says");
    assertEquals(-Errno.EIO, scan(0, listing(0, -1, -1, a)), "more than it says");
    assertEquals(-Errno.EIO, scan(0, listing(1, -1, -1, dirent("a/cd"))));
    assertEquals(-Errno.EIO, scan(0, listing(1, -1, 0, a)), "an entry of no name");
    assertEquals(-Errno.EIO, scan(0, listing(1, 0, 0, a)), "its own parent");
    assertEquals(-Errno.EIO, scan(0, listing(1, -1, -1, a), listing(0, 0, 1)));
    assertEquals(-Errno.EIO, scan(0, listing(1, -1, -1, a), listing(0, 0, -1)));
    assertEquals(-Errno.EIO, scan(0, listing(1, -1, -1, a), listing(0, 5, 0)));
    assertEquals(-Errno.EIO, scan(0, listing(1, -1, -1, a), listing(0, -2, 0)));
    assertEquals(-Errno.EIO, scan(0, listing(1, -1, -1, a), new Block(9, 0, 0, new byte[8])));
    assertEquals(
        -Errno.EIO,
        scan(0, listing(1, -1, -1, a), new Block(ScanReply.ATTRIBUTES, 0, 0, new byte[96])));
    assertEquals(
        -Errno.EIO,
        scan(0, listing(1, -1, -1, a), new Block(ScanReply.CONTENT, 0, 0, new byte[16388])));
    assertEquals(-Errno.EIO, scan(4, listing(1, -1, -1, a)), "longer than the answer");
    assertEquals(-Errno.EIO, scan(-60, listing(1, -1, -1, a)));
  }

  @Test
  void attributesOfNoFile() throws Exception {
    GoferClient client = against(region -> publish(region, 1));
    assertDead(client, client.attributes.getattr(1, attr), "gofer: malformed reply: mode=0");
  }

  @Test
  void fidsThatAreNone() throws Exception {
    GoferClient client =
        against(region -> {
          goodAttributes(region);
          reply(region, Protocol.NODE, -5);
          publish(region, 1);
        });
    assertDead(client, client.nodes.attach(0, attr), "gofer: malformed reply: node=-5");
  }

  @Test
  void aDescriptorThatWasNotPromised() throws Exception {
    GoferClient client =
        against(region -> {
          goodAttributes(region);
          publish(region, 1);
        });
    assertDead(client, client.files.open(1, 0, new Opened()), "gofer: malformed reply: opened");
  }

  @Test
  void directoryEntriesThatLie() {
    byte[] entry = new byte[24];
    MemorySegment m = MemorySegment.ofArray(entry);
    int[][] lies = {{0, 'a'}, {1, 'a'}, {19, 'a'}, {25, 'a'}, {65535, 'a'}, {24, 0}, {24, '/'}};
    for (int[] lie : lies) {
      m.set(JAVA_BYTE, 16, (byte) lie[0]);
      m.set(JAVA_BYTE, 17, (byte) (lie[0] >> 8));
      m.set(JAVA_BYTE, 19, (byte) lie[1]);
      int r = DirEntries.parse(entry, (ino, type, name, next) -> true);
      assertEquals(DirEntries.MALFORMED, r, "reclen=" + lie[0] + ", name=" + lie[1]);
    }
    m.set(JAVA_BYTE, 16, (byte) 24);
    m.set(JAVA_BYTE, 17, (byte) 0);
    m.set(JAVA_BYTE, 19, (byte) 'a');
    assertEquals(1, DirEntries.parse(entry, (ino, type, name, next) -> name.equals("a")));
    m.asSlice(19).fill((byte) 'a'); // no NUL
    assertEquals(DirEntries.MALFORMED, DirEntries.parse(entry, (i, t, n, c) -> true));
  }

  /** Whoever had enough before has not seen that. It made {@code lastCursor} run for ever. */
  @Test
  void directoryEntriesThatLieBehindTheLastOneTaken() {
    byte[] entries = java.util.Arrays.copyOf(dirent("abcd"), 72);
    entries[8] = 5; // d_off of the first
    for (int reclen : new int[] {0, 1, 19, 49, 65535}) {
      entries[24 + 16] = (byte) reclen;
      entries[24 + 17] = (byte) (reclen >> 8);
      entries[24 + 8] = 6;
      assertEquals(0, DirEntries.parse(entries, (ino, type, name, next) -> false));
      long cursor =
          assertTimeoutPreemptively(
              Duration.ofSeconds(5), () -> DirEntries.lastCursor(entries), "reclen=" + reclen);
      assertEquals(5, cursor, "reclen=" + reclen);
    }
  }

  @Test
  void aRegionThatCouldShrink() {
    int fd = Mman.memfdCreate("open", Mman.MFD_CLOEXEC | Mman.MFD_ALLOW_SEALING);
    Unistd.ftruncate(fd, RegionLayout.SIZE);
    assertThrows(IOException.class, () -> Region.mapForeign(fd));
    Fcntl.fcntl(fd, Fcntl.F_ADD_SEALS, Fcntl.F_SEAL_SHRINK);
    assertThrows(IOException.class, () -> Region.mapForeign(fd));
    Fcntl.fcntl(fd, Fcntl.F_ADD_SEALS, Fcntl.F_SEAL_GROW);
    IOException e = assertThrows(IOException.class, () -> Region.mapForeign(fd));
    assertTrue(e.getMessage().startsWith("gofer: bad region: magic="), e.getMessage());
    Unistd.close(fd);
  }
}
