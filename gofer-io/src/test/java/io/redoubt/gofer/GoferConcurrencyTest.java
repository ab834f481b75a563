package io.redoubt.gofer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Process;
import io.redoubt.host.Socket;
import io.redoubt.host.Stat;
import io.redoubt.host.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Many callers at once, sleeping and waking, and the end of either side. */
@Timeout(60)
class GoferConcurrencyTest {
  @TempDir Path dir;

  private interface Body {
    void run(int thread) throws Exception;
  }

  private static void inThreads(int n, Body body) throws Exception {
    AtomicReference<Throwable> failure = new AtomicReference<>();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      int me = i;
      Thread t =
          new Thread(() -> {
            try {
              body.run(me);
            } catch (Throwable e) {
              failure.compareAndSet(null, e);
            }
          });
      threads.add(t);
      t.start();
    }
    for (Thread t : threads) {
      t.join();
    }
    assertNull(failure.get());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 4, 100}) // the last is more than there are slots
  void callersGetTheirOwnAnswers(int threads) throws Exception {
    for (int i = 0; i < 100; i++) {
      Files.write(dir.resolve("f" + i), new byte[i]);
    }
    try (Pair pair = Pair.over(Root.of(dir.toString()))) {
      NodeAttr rootAttr = new NodeAttr();
      int root = pair.client.nodes.attach(0, rootAttr);
      inThreads(
          threads,
          me -> {
            NodeAttr attr = new NodeAttr();
            Opened opened = new Opened();
            for (int i = 0; i < 6000 / threads; i++) {
              int file = (me * 31 + i) % 100;
              int fid = pair.client.nodes.lookup(root, "f" + file, attr);
              assertEquals(file, attr.size);
              if (i % 4 == 0) {
                assertEquals(0, pair.client.files.open(fid, Fcntl.O_RDONLY, opened));
                assertEquals(file, Stat.size(opened.fd));
                Unistd.close(opened.fd);
              }
              if (i % 64 == 0) {
                Thread.sleep(0, 200_000); // both sides go to sleep
              }
              pair.client.closeLater(fid);
            }
          });
      assertNull(pair.client.deathReason());
    }
  }

  @Test
  void dataIsNotMixedUp() throws Exception {
    try (Pair pair = new Pair(false, Root.of(dir.toString()));
        Arena arena = Arena.ofShared()) {
      int root = pair.client.nodes.attach(0, new NodeAttr());
      inThreads(
          6,
          me -> {
            MemorySegment bytes = arena.allocate(100_000);
            Opened opened = new Opened();
            GoferClient client = pair.client;
            assertEquals(0, client.files.create(root, "t" + me, 2, 0600, -1, -1, opened));
            for (int i = 0; i < 30; i++) {
              bytes.fill((byte) (me * 40 + i));
              assertEquals(100_000, client.files.write(opened.open, 0, bytes, 0, 100_000));
              bytes.fill((byte) 0);
              assertEquals(100_000, client.files.read(opened.open, 0, bytes, 0, 100_000));
              for (int at = 0; at < 100_000; at += 997) {
                byte b = bytes.get(java.lang.foreign.ValueLayout.JAVA_BYTE, at);
                assertEquals((byte) (me * 40 + i), b);
              }
            }
          });
    }
  }

  @Test
  void pendingCallsEndWithTheGofer() throws Exception {
    long pair = Socket.socketpair(Socket.SOCK_SEQPACKET | Socket.SOCK_CLOEXEC);
    int control = Unistd.second(pair);
    AtomicInteger deaths = new AtomicInteger();
    CountDownLatch connected = new CountDownLatch(1);
    Thread silent = // it connects, and then never answers
        new Thread(() -> {
          try {
            Handshake.accept(control);
          } catch (Exception e) {
            throw new AssertionError(e);
          }
          connected.countDown();
        });
    silent.start();
    GoferClient client =
        GoferClient.connect(
            Unistd.first(pair), List.of(Root.of("/")), true, deaths::incrementAndGet);
    connected.await();
    CountDownLatch called = new CountDownLatch(5);
    Thread killer =
        new Thread(() -> {
          try {
            called.await();
            Thread.sleep(50); // by now they sleep
          } catch (InterruptedException e) {
            return;
          }
          Socket.shutdown(control, Socket.SHUT_RDWR);
          Unistd.close(control);
        });
    killer.start();
    inThreads(
        5,
        me -> {
          called.countDown();
          assertEquals(-Errno.EIO, client.attributes.getattr(1, new NodeAttr()));
        });
    assertEquals(-Errno.EIO, client.nodes.attach(0, new NodeAttr()));
    assertEquals(-Errno.EIO, client.closeMany(new int[] {1}, 1));
    assertEquals("gofer has gone", client.deathReason());
    for (int i = 0; i < 100 && deaths.get() == 0; i++) {
      Thread.sleep(10);
    }
    assertEquals(1, deaths.get());
  }

  @Test
  void theGoferEndsWithTheSentry() throws Exception {
    Pair pair = Pair.over(Root.of(dir.toString()));
    pair.client.nodes.attach(0, new NodeAttr());
    pair.close(); // which waits for its thread
    assertNull(pair.serverError);
    assertEquals(0, pair.deaths.get());
  }

  @Test
  void anIdlePairUsesNoCpu() throws Exception {
    try (Pair pair = Pair.over(Root.of(dir.toString()))) {
      NodeAttr attr = new NodeAttr();
      for (int i = 0; i < 1000; i++) {
        pair.client.nodes.attach(0, attr);
      }
      Thread.sleep(50);
      long before = cpuNanos(pair.serverTid);
      Thread.sleep(1000);
      long used = cpuNanos(pair.serverTid) - before;
      assertTrue(used < 1_000_000, "cpu nanoseconds of an idle second: " + used);
    }
  }

  /** User and system time of a thread of this process: first number of its schedstat, proc(5). */
  private static long cpuNanos(int tid) throws Exception {
    Path stat = Path.of("/proc/" + Process.getpid() + "/task/" + tid + "/schedstat");
    return Long.parseLong(Files.readString(stat).split(" ")[0]);
  }
}
