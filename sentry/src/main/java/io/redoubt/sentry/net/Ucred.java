package io.redoubt.sentry.net;

import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.Syscall;

/** Who sent a message or made a connection (unix(7), struct ucred). */
public record Ucred(int pid, int uid, int gid) {
  /** What a socket without a peer answers. */
  static final Ucred NONE = new Ucred(0, -1, -1);

  /** What a message that was sent without credentials says: the overflow ids. */
  static final Ucred UNKNOWN = new Ucred(0, 65534, 65534);

  /** The caller by its real ids: SCM_CREDENTIALS. */
  static Ucred real(Syscall c) {
    Credentials k = c.task.credentials;
    return new Ucred(c.task.process.pid, k.uid(), k.gid());
  }

  /** The caller by its effective ids: SO_PEERCRED. */
  static Ucred effective(Syscall c) {
    Credentials k = c.task.credentials;
    return new Ucred(c.task.process.pid, k.euid(), k.egid());
  }
}
