package io.redoubt.sentry.audit;

/** One event on its way to the thread that writes it: preallocated, filled where it happened. */
final class AuditEvent {
  AuditKind kind;
  long millis;

  /** Of the guest; 0: not known. */
  int pid;

  int tid;
  int uid;

  /** Number of the call, and its answer. */
  int nr;

  int errno;
  final long[] arguments = new long[6];

  /** Path, name of a limit, or what was wrong; raw bytes as Latin-1. */
  String text;

  long usage;
  long most;
  int mode;
  boolean isHonoured;

  /** Events of this kind that were left out before it. */
  long suppressed;
}
