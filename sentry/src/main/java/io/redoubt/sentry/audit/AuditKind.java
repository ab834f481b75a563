package io.redoubt.sentry.audit;

/** The kinds of events, under the name that a line has. */
public enum AuditKind {
  /** A call that nobody serves (ENOSYS), or that was refused (EPERM). */
  DENIED_CALL("denied-call"),
  /** A call that exists, refused (EPERM) for what its arguments ask for. */
  REFUSED_FLAGS("refused-flags"),
  /** A limit of the sandbox was reached, and something refused for it. */
  LIMIT("limit"),
  /** A guest has written to the ring what no trampoline writes. */
  MALFORMED_RING("malformed-ring"),
  /** The gofer broke the protocol, or has gone; the sandbox ends. */
  GOFER("gofer"),
  /** A program with a set-user-ID or set-group-ID bit was executed. */
  SET_ID_EXEC("set-id-exec");

  final String label;

  AuditKind(String label) {
    this.label = label;
  }
}
