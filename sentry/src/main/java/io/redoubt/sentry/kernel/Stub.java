package io.redoubt.sentry.kernel;

import io.redoubt.host.Memory;
import io.redoubt.host.Stat;
import java.lang.foreign.MemorySegment;

/**
 * The program that the host kernel executes for every exec of a guest, as two sealed memfds of the
 * same content.
 *
 * <p>A process that runs one of them execs the other. So the host's /proc/PID/exe, which no guest
 * can change, tells whether an exec has happened: what a guest says does not count, because the
 * stub's first call gives a program its set-id rights.
 */
public final class Stub {
  private final int[] fds = new int[2];
  private final long[] devices = new long[2];
  private final long[] inodes = new long[2];

  /**
   * @param first a sealed memfd with the stub, read-only
   * @param second another
   */
  public Stub(int first, int second) {
    fds[0] = first;
    fds[1] = second;
    MemorySegment s = KernelThread.scratch().small;
    for (int i = 0; i < 2; i++) {
      int r = Stat.fstat(fds[i], s);
      if (r < 0) {
        throw new IllegalStateException("no stub: errno=" + -r);
      }
      devices[i] = Memory.getLong(s, Stat.StatBuf.ST_DEV);
      inodes[i] = Memory.getLong(s, Stat.StatBuf.ST_INO);
    }
  }

  /** The memfd of number 0 or 1. */
  int fd(int number) {
    return fds[number];
  }

  /** Whether the host process executes the stub of this number. */
  boolean isRunBy(int hostPid, int number) {
    MemorySegment s = KernelThread.scratch().small;
    return Stat.newfstatat(HostStatus.procFd(), hostPid + "/exe", s, 0) == 0
        && Memory.getLong(s, Stat.StatBuf.ST_DEV) == devices[number]
        && Memory.getLong(s, Stat.StatBuf.ST_INO) == inodes[number];
  }
}
