package io.redoubt.sentry.dev;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.host.Fcntl;
import io.redoubt.host.Poll;
import io.redoubt.host.Socket;
import io.redoubt.host.Unistd;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.pseudo.PseudoDir;
import io.redoubt.sentry.fs.pseudo.PseudoFs;
import io.redoubt.sentry.kernel.FakeGuest;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import io.redoubt.sentry.syscalls.FileCalls;
import io.redoubt.sentry.syscalls.PathCalls;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostFileTest {
  private static final int READ = 0;
  private static final int WRITE = 1;
  private static final int LSEEK = 8;

  private final MemorySegment s = Arena.ofAuto().allocate(1 << 20, 8);
  private FakeGuest g;

  @BeforeEach
  void guest() {
    SyscallTable t = new SyscallTable();
    FileCalls.register(t);
    PathCalls.register(t);
    g = new FakeGuest(new PseudoDir(new PseudoFs(98), 0555), t);
  }

  private OpenFile give(int fd, int hostFd) {
    HostFile f = HostFile.adopt(g.kernel, hostFd);
    assertNotNull(f);
    g.task.files.replace(fd, f, false);
    return f;
  }

  private String read(int fd) {
    long at = g.memory.allocate(100);
    long n = g.call(READ, fd, at, 100);
    return n < 0 ? "errno " + -n : new String(g.memory.read(at, (int) n), ISO_8859_1);
  }

  private void hostWrite(int fd, String text) {
    MemorySegment.copy(text.getBytes(ISO_8859_1), 0, s, ValueLayout.JAVA_BYTE, 0, text.length());
    assertEquals(text.length(), Unistd.write(fd, s, text.length()));
  }

  @Test
  void aPipeIsReadWithoutWaiting() {
    long pair = Unistd.pipe2(0);
    OpenFile f = give(0, Unistd.first(pair));
    assertEquals(Syscall.BLOCKED, g.call(READ, 0, g.memory.allocate(10), 10));
    hostWrite(Unistd.second(pair), "hello");
    assertEquals(PollEvents.IN, f.poll(PollEvents.IN));
    assertEquals("hello", read(0));
    Unistd.close(Unistd.second(pair));
    assertEquals("", read(0));
    assertTrue(f.linkText().startsWith("pipe:["), f.linkText());
  }

  @Test
  void theGivenDescriptionStaysBlocking() {
    long pair = Unistd.pipe2(0);
    int shared = Unistd.dup(Unistd.first(pair)); // what the caller's shell still has
    give(0, Unistd.first(pair));
    assertEquals(0, Fcntl.fcntl(shared, Fcntl.F_GETFL, 0) & Fcntl.O_NONBLOCK);
    Unistd.close(shared);
    Unistd.close(Unistd.second(pair));
  }

  @Test
  void aFullPipeTakesAWriteInPartsAndInOrder() {
    long pair = Unistd.pipe2(0);
    OpenFile f = give(1, Unistd.second(pair));
    byte[] much = new byte[300_000];
    for (int i = 0; i < much.length; i++) {
      much[i] = (byte) (i * 31 >> 3);
    }
    long at = g.memory.bytes(much);
    long done = 0;
    byte[] got = new byte[much.length];
    int have = 0;
    while (done < much.length) {
      f.setFlags(OpenFile.O_NONBLOCK);
      long n = g.call(WRITE, 1, at + done, much.length - done);
      assertTrue(n > 0 || n == -11, "write: " + n);
      done += Math.max(n, 0);
      long r = Unistd.read(Unistd.first(pair), s, 50_000);
      MemorySegment.copy(s, ValueLayout.JAVA_BYTE, 0, got, have, (int) r);
      have += (int) r;
    }
    while (have < got.length) {
      long r = Unistd.read(Unistd.first(pair), s, s.byteSize());
      MemorySegment.copy(s, ValueLayout.JAVA_BYTE, 0, got, have, (int) r);
      have += (int) r;
    }
    assertEquals(new String(much, ISO_8859_1), new String(got, ISO_8859_1));
    Unistd.close(Unistd.first(pair));
  }

  @Test
  void waitersHearOfTheHost() throws InterruptedException {
    g.kernel.reactor.start();
    long pair = Unistd.pipe2(0);
    OpenFile f = give(0, Unistd.first(pair));
    for (int round = 0; round < 3; round++) {
      CountDownLatch told = new CountDownLatch(1);
      var entry = f.waitQueue().add(e -> told.countDown(), PollEvents.IN);
      assertEquals(0, f.poll(PollEvents.IN));
      hostWrite(Unistd.second(pair), "x");
      assertTrue(told.await(2, TimeUnit.SECONDS), "round " + round);
      entry.remove();
      assertEquals("x", read(0));
    }
    Unistd.close(Unistd.second(pair));
  }

  @Test
  void aRegularFileSharesItsPositionWithTheCaller(@TempDir Path dir) throws IOException {
    Path p = dir.resolve("f");
    Files.writeString(p, "0123456789");
    int fd = Fcntl.open(p.toString(), Fcntl.O_RDWR, 0);
    int callers = Unistd.dup(fd);
    OpenFile f = give(0, fd);
    long at = g.memory.allocate(10);
    assertEquals(4, g.call(READ, 0, at, 4));
    assertEquals(4, Unistd.lseek(callers, 0, 1));
    assertEquals(8, g.call(LSEEK, 0, 8, 0));
    assertEquals("89", read(0));
    Stat st = new Stat();
    assertEquals(0, f.inode().getattr(g.task.call, st));
    assertEquals(10, st.size);
    assertEquals(0, st.uid);
    Unistd.close(callers);
  }

  @Test
  void theLastCloseClosesTheHostFd() {
    long pair = Unistd.pipe2(0);
    OpenFile f = give(1, Unistd.second(pair));
    OpenFile again = f.inode().open(g.task.call, f.path(), OpenFile.O_WRONLY);
    assertNotNull(again);
    assertNull(
        f.inode().open(g.task.call, f.path(), OpenFile.O_RDONLY)); // not what it was given for
    g.task.files.remove(1).close();
    assertEquals(0, Poll.poll(Unistd.first(pair), 1, 0));
    again.close();
    assertEquals(PollEvents.HUP, Poll.poll(Unistd.first(pair), 1, 0));
    assertNull(f.inode().open(g.task.call, f.path(), OpenFile.O_WRONLY));
    Unistd.close(Unistd.first(pair));
  }

  @Test
  void aSocketIsNotWaitedFor() {
    long pair = Socket.socketpair(Socket.SOCK_STREAM);
    give(0, Unistd.first(pair));
    assertEquals(Syscall.BLOCKED, g.call(READ, 0, g.memory.allocate(10), 10));
    hostWrite(Unistd.second(pair), "hi");
    assertEquals("hi", read(0));
    Unistd.close(Unistd.second(pair));
    assertEquals("", read(0));
  }

  @Test
  void anFdThatIsNotOpenIsNoFile() {
    assertNull(HostFile.adopt(g.kernel, 9999));
  }
}
