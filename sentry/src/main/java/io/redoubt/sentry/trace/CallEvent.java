package io.redoubt.sentry.trace;

/**
 * One line of a trace on its way to the thread that writes it: preallocated, filled on the path of
 * the call, formatted later. What is in guest memory is copied here while the guest's thread still
 * waits.
 */
final class CallEvent {
  static final int ANSWERED = 0;
  static final int BLOCKED = 1;
  static final int MISSING = 2;

  static final int ARGUMENTS = 6;

  /** Bytes of guest memory that an event holds. */
  static final int TEXT_BYTES = 768;

  int kind;
  int tid;
  int nr;
  long result;

  /** Whether it came by the ring. */
  boolean isRing;

  final long[] arguments = new long[ARGUMENTS];

  /** Guest memory behind arguments, one after the other. */
  final byte[] text = new byte[TEXT_BYTES];

  int textUsed;

  /** For each argument where its bytes begin in {@link #text}, or -1: none could be read. */
  final int[] start = new int[ARGUMENTS];

  /** How many bytes. */
  final int[] length = new int[ARGUMENTS];

  /** Whether there was more than is kept. */
  final boolean[] cut = new boolean[ARGUMENTS];

  void clear(int newKind) {
    kind = newKind;
    textUsed = 0;
    for (int i = 0; i < ARGUMENTS; i++) {
      start[i] = -1;
    }
  }
}
