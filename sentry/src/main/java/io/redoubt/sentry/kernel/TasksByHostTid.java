package io.redoubt.sentry.kernel;

import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * The threads of the sandbox by the number that the host kernel says they have, for the look-up
 * that each trapped call begins with: it takes no lock. Changed under the monitor of the {@link
 * TaskTable}; a thread that looks for itself finds itself, because it is put here before its first
 * call is answered.
 */
final class TasksByHostTid {
  private static final int CHUNK_BITS = 12;
  private static final int CHUNK = 1 << CHUNK_BITS;

  // At most 1,024 chunks: PID_MAX_LIMIT is 4 Mi.
  private final AtomicReferenceArray<AtomicReferenceArray<Task>> chunks =
      new AtomicReferenceArray<>(1024);

  /** The task, or null. */
  Task get(int tid) {
    AtomicReferenceArray<Task> chunk = chunks.get(tid >>> CHUNK_BITS);
    return chunk == null ? null : chunk.get(tid & (CHUNK - 1));
  }

  /** Puts a task there, or null. */
  void set(int tid, Task t) {
    int number = tid >>> CHUNK_BITS;
    AtomicReferenceArray<Task> chunk = chunks.get(number);
    if (chunk == null) {
      chunk = new AtomicReferenceArray<>(CHUNK);
      chunks.set(number, chunk);
    }
    chunk.set(tid & (CHUNK - 1), t);
  }
}
