package io.redoubt.sentry.ipc.sysv;

import io.redoubt.host.Unistd;
import io.redoubt.sentry.kernel.Credentials;

/**
 * A segment of shared memory: a memfd of the host. Who has it attached is not in any book, because
 * a guest unmaps natively; the host's lists of mappings say it when somebody asks.
 */
final class SharedSegment extends IpcObject {
  /** SHM_DEST in the mode: removed, but still attached. */
  static final int DESTROYED = 01000;

  final long size;

  /**
   * The memfd; a second description of it for attachments that may never write, since mprotect(2)
   * is native.
   */
  final int fd;

  final int readOnlyFd;

  /** Device and inode of the memfd, as the host's lists of mappings print them: "00:01 1234". */
  final String identity;

  final int creator;
  int lastUser;
  long attachSeconds;
  long detachSeconds;

  SharedSegment(
      int key,
      Credentials maker,
      int mode,
      long size,
      int creator,
      int fd,
      int readOnlyFd,
      String identity) {
    super(key, maker, mode);
    this.size = size;
    this.creator = creator;
    this.fd = fd;
    this.readOnlyFd = readOnlyFd;
    this.identity = identity;
  }

  /** Gives the memory back, as far as nobody has it mapped. */
  void close() {
    Unistd.close(fd);
    Unistd.close(readOnlyFd);
  }
}
