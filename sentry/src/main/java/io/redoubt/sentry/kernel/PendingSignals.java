package io.redoubt.sentry.kernel;

import java.lang.foreign.MemorySegment;

/**
 * The signals that wait, blocked, for a task: what signalfd(2) reads.
 *
 * <p>The pending set lives in the host kernel, because guests block signals natively: {@code /proc/TID/status} shows it, and
 * consuming a signal means making the guest take it.
 */
public interface PendingSignals {
  /** Signals pending for the process: bit n-1 is signal n. */
  long pending(Process process);

  /**
   * Consumes one pending signal of {@code mask}.
   *
   * @param info receives a struct signalfd_siginfo (128 bytes, zeroed by the caller)
   * @return the signal, or 0 when none is pending
   */
  int dequeue(Syscall c, long mask, MemorySegment info);

  /** Woken with IN when a signal may have become pending for the process. */
  WaitQueue queue(Process process);

  /** Nothing is ever pending. */
  PendingSignals NONE =
      new PendingSignals() {
        private final WaitQueue queue = new WaitQueue();

        @Override
        public long pending(Process process) {
          return 0;
        }

        @Override
        public int dequeue(Syscall c, long mask, MemorySegment info) {
          return 0;
        }

        @Override
        public WaitQueue queue(Process process) {
          return queue;
        }
      };
}
