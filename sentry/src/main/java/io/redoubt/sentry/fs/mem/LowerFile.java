package io.redoubt.sentry.fs.mem;

import io.redoubt.host.Fcntl;
import io.redoubt.sentry.fs.gofer.HostFile;
import io.redoubt.sentry.kernel.Syscall;

/**
 * The content of a regular file in the lower tree: one read-only host file for all who have it
 * open. Lock: its own monitor, below that of the node.
 */
final class LowerFile {
  private final LowerFiles files;
  private int fid;
  private HostFile file; // null when not open
  private int users;
  private boolean dropped;

  LowerFile(LowerFiles files, int fid) {
    this.files = files;
    this.fid = fid;
  }

  /** Opens it for one more user. @return the file, or null with an errno */
  synchronized HostFile acquire(Syscall c) {
    files.noLongerIdle(this);
    if (file == null) {
      int[] error = new int[1];
      file = HostFile.open(files.client, fid, Fcntl.O_RDONLY, c.scratch().opened, error);
      if (file == null) {
        return c.fail(error[0]);
      }
    }
    users++;
    return file;
  }

  /** The lookup has brought it open already; as if somebody had just closed it. */
  void offer(HostFile opened) {
    LowerFile old;
    synchronized (this) {
      file = opened;
      old = files.becameIdle(this);
    }
    if (old != null) {
      old.closeIfUnused();
    }
  }

  /** The open file; the caller is a user. */
  synchronized HostFile file() {
    return file;
  }

  /** A user is gone. */
  void release() {
    LowerFile old = null;
    synchronized (this) {
      if (--users == 0 && file != null) {
        if (dropped) {
          closeNow();
        } else {
          old = files.becameIdle(this);
        }
      }
    }
    if (old != null) {
      old.closeIfUnused();
    }
  }

  /**
   * The node needs it no longer, because it has content of its own or is gone; who has it open
   * reads on.
   */
  synchronized void drop() {
    dropped = true;
    files.noLongerIdle(this);
    if (users == 0 && file != null) {
      closeNow();
    }
    if (fid != 0) {
      files.client.closeLater(fid);
      fid = 0;
    }
  }

  /** Closes it unless it has got a user, or was idle again, meanwhile. */
  private synchronized void closeIfUnused() {
    if (users == 0 && file != null) {
      files.noLongerIdle(this);
      closeNow();
    }
  }

  private void closeNow() {
    file.close();
    file = null;
  }
}
