package io.redoubt.gofer;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Prints what a round trip to a gofer process costs. Not a test: run it by hand; JMH has the rest.
 *
 * <p>"ring" is a GETATTR of a fid that does not exist, which costs the gofer no system call.
 */
final class RingRoundTrip {
  private static final NodeAttr ATTR = new NodeAttr();
  private static final Opened OPENED = new Opened();

  private RingRoundTrip() {}

  public static void main(String[] args) throws Exception {
    long t0 = System.nanoTime();
    try (GoferProcess gofer = GoferProcess.start(true, Root.readOnly("/"))) {
      System.out.println("start-up us " + (System.nanoTime() - t0) / 1000);
      GoferClient client = gofer.client;
      if (args.length > 0) { // two words: the CPU of this thread, the CPU of the gofer
        pin(0, Integer.parseInt(args[0]));
        for (String tid : new java.io.File("/proc/" + gofer.pid + "/task").list()) {
          pin(Integer.parseInt(tid), Integer.parseInt(args[1]));
        }
      }
      int root = client.nodes.attach(0, ATTR);
      int etc = client.nodes.lookup(root, "etc", ATTR);
      int passwd = client.nodes.lookup(etc, "passwd", ATTR);
      for (int round = 0; round < 3; round++) {
        measure("ring, awake", 200_000, 0, () -> client.attributes.getattr(1, ATTR));
        measure("getattr, awake", 50_000, 0, () -> client.attributes.getattr(etc, ATTR));
        measure("lstat, awake", 50_000, 0, () -> client.nodes.lstat(etc, "passwd", ATTR));
        measure(
            "lookup+close, awake",
            50_000,
            0,
            () -> client.close(client.nodes.lookup(etc, "passwd", ATTR)));
        measure(
            "open+close donated",
            5_000,
            0,
            () -> {
              client.files.open(passwd, 0, OPENED);
              io.redoubt.host.Unistd.close(OPENED.fd);
            });
        System.out.println("death: " + client.deathReason());
        measure("ring, asleep", 300, 1_000_000, () -> client.attributes.getattr(1, ATTR));
      }
    }
  }

  private static void pin(int tid, int cpu) {
    MemorySegment mask = Arena.global().allocate(8, 8);
    mask.set(ValueLayout.JAVA_LONG, 0, 1L << cpu);
    io.redoubt.host.Process.schedSetaffinity(tid, mask, 8);
  }

  private static void measure(String what, int n, int pauseNanos, Runnable call) throws Exception {
    long[] times = new long[n];
    for (int i = 0; i < n; i++) {
      if (pauseNanos > 0) {
        Thread.sleep(0, 999_999);
      }
      long start = System.nanoTime();
      call.run();
      times[i] = System.nanoTime() - start;
    }
    Arrays.sort(times);
    System.out.println(
        what
            + ": median ns "
            + times[n / 2]
            + ", p10 "
            + times[n / 10]
            + ", p99 "
            + times[n * 99 / 100]);
  }
}
