package io.redoubt.sentry.fs.mem;

import io.redoubt.gofer.Walk;
import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Memory;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.gofer.HostFile;
import io.redoubt.sentry.kernel.Syscall;
import java.lang.foreign.MemorySegment;

/**
 * The content of a regular file in the lower tree: one read-only host file for all who have it
 * open, or its bytes if it is small and they have come along with something else. Lock: its own
 * monitor, below that of the node.
 */
final class LowerFile {
  private final LowerFiles files;
  private final MemFile node;

  /** The gofer's node; {@link MemInode#LAZY} if it was not walked to yet; 0: dropped. */
  private int fid;

  // Neither: not open. Who has it open has at least one; the second never goes while there are
  // users.
  private volatile HostFile file;
  private volatile byte[] bytes;

  private int users;
  private boolean dropped;

  LowerFile(LowerFiles files, MemFile node, int fid) {
    this.files = files;
    this.node = node;
    this.fid = fid;
  }

  /** Opens it for one more user. @return false with an errno */
  boolean acquire(Syscall c) {
    boolean isWalked;
    synchronized (this) {
      files.noLongerIdle(this);
      isWalked = fid == MemInode.LAZY;
      if (file == null && bytes == null) {
        bytes = node.ahead(c);
        if (bytes == null) {
          int r = open(c);
          if (r < 0) {
            c.fail(r);
            return false;
          }
        }
      }
      isWalked &= fid != MemInode.LAZY;
      users++;
    }
    adopt(c, isWalked);
    return true;
  }

  /** Makes sure that it can be opened from now on, whatever becomes of its directory. */
  int walkTo(Syscall c) {
    int r;
    synchronized (this) {
      if (fid != MemInode.LAZY) {
        return 0;
      }
      r = walk(c, false);
    }
    adopt(c, r == 0);
    return r;
  }

  /** With the node's monitor, so without this one. */
  private void adopt(Syscall c, boolean isWalked) {
    if (isWalked) {
      synchronized (node) {
        node.adopt(c.scratch().goferWalk.attrs[0]);
      }
    }
  }

  private int open(Syscall c) {
    if (fid == MemInode.LAZY) {
      int r = walk(c, true);
      if (r < 0 || file != null) {
        return r;
      }
    }
    int[] error = new int[1];
    file = HostFile.open(files.client, fid, Fcntl.O_RDONLY, c.scratch().opened, error);
    return error[0];
  }

  private int walk(Syscall c, boolean opens) {
    int dir = node.lowerParent().lower(c);
    if (dir <= 0) {
      return dir < 0 ? dir : -Errno.ENOENT;
    }
    Walk w = c.scratch().goferWalk;
    int n = node.fs.walk(c, dir, new String[] {node.lowerName()}, 0, 1, opens, w);
    if (n <= 0) {
      return n < 0 ? n : -w.error;
    }
    if (w.attrs[0].type() != Stat.S_IFREG) { // others have put something else there
      files.client.closeLater(w.fids[0]);
      return -Errno.ENOENT;
    }
    fid = w.fids[0];
    if (w.fd >= 0) {
      file = new HostFile(files.client, w.fd);
      w.fd = -1;
    }
    return 0;
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

  // ---- for users ----

  /** Reads to the start of {@code to}. @return bytes, 0 at the end, or a negative errno */
  long read(MemorySegment to, long length, long offset) {
    byte[] all = bytes;
    if (all == null) {
      return file.read(to, length, offset);
    }
    if (offset >= all.length) {
      return 0;
    }
    int n = (int) Math.min(length, all.length - offset);
    Memory.copy(all, (int) offset, to, 0, n);
    return n;
  }

  /** As {@link HostFile#seek}; without a host file all is data. */
  long seek(long offset, boolean hole) {
    HostFile f = file;
    return f != null ? f.seek(offset, hole) : hole ? bytes.length : offset;
  }

  int advise(long offset, long length, int advice) {
    HostFile f = file;
    return f != null ? f.advise(offset, length, advice) : 0;
  }

  /** Its descriptor, to be mapped; -1 where the gofer donates none; or a negative errno. */
  int fd(Syscall c) {
    synchronized (this) {
      int r = file == null ? open(c) : 0;
      return r < 0 ? r : file.fd();
    }
  }

  /** Its descriptor if it is open and has one, or -1. */
  int openFd() {
    HostFile f = file;
    return f == null ? -1 : f.fd();
  }

  /** A user is gone. */
  void release() {
    LowerFile old = null;
    synchronized (this) {
      if (--users == 0 && isOpen()) {
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
    if (users == 0) {
      closeNow();
    }
    if (fid > 0) {
      files.client.closeLater(fid);
    }
    fid = 0;
  }

  /** Closes it unless it has got a user, or was idle again, meanwhile. */
  private synchronized void closeIfUnused() {
    if (users == 0 && isOpen()) {
      files.noLongerIdle(this);
      closeNow();
    }
  }

  private boolean isOpen() {
    return file != null || bytes != null;
  }

  private void closeNow() {
    if (file != null) {
      file.close();
    }
    file = null;
    bytes = null;
  }
}
