package io.redoubt.sentry.proc;

import io.redoubt.sentry.fs.pseudo.PseudoFs;

/**
 * Inode numbers of what comes and goes with tasks: computed, so that looking at a file twice gives
 * the same number ({@code find} and {@code fts} rely on that) without anything being kept.
 */
final class ProcIno {
  private static final int KIND_SHIFT = 56;
  private static final int ID_SHIFT = 34; // pids have 22 bits; below them n, at most 20 bits

  private ProcIno() {}

  /** Entry {@code n} of /proc/PID or, {@code thread}, of /proc/PID/task/TID. */
  static long task(int id, boolean thread, int n) {
    return make(thread ? 2 : 1, id, n);
  }

  static long fd(int id, int fd) {
    return make(3, id, fd);
  }

  static long fdinfo(int id, int fd) {
    return make(4, id, fd);
  }

  static long fixed(int n) {
    return make(5, 0, n);
  }

  private static long make(int kind, int id, int n) {
    return PseudoFs.COMPUTED | (long) kind << KIND_SHIFT | (long) id << ID_SHIFT | n;
  }
}
