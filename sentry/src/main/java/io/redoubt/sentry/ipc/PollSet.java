package io.redoubt.sentry.ipc;

import io.redoubt.sentry.fs.FdTable;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Syscall;

/**
 * The files that one poll(2) or select(2) looks at. Made at the first run of the call and kept
 * while it blocks; then it holds a reference on every file, as the kernel does.
 */
public final class PollSet implements Syscall.Cleanup {
  public final int size;
  public final int[] fds;
  public final short[] interest;
  public final short[] ready;
  private final OpenFile[] files;
  private boolean held;

  public PollSet(int size) {
    this.size = size;
    fds = new int[size];
    interest = new short[size];
    ready = new short[size];
    files = new OpenFile[size];
  }

  /**
   * Entry {@code i} is {@code fd}; a negative one is ignored. @return false when it is not open
   * (POLLNVAL)
   */
  public boolean set(int i, FdTable table, int fd, int events) {
    fds[i] = fd;
    interest[i] = (short) events;
    if (fd < 0) {
      return true;
    }
    OpenFile f = table.get(fd);
    if (f != null && (f.flags() & OpenFile.O_PATH) == 0) {
      files[i] = f;
      return true;
    }
    return false;
  }

  /** Asks every file. @return how many entries have something in {@link #ready} */
  public int scan() {
    int n = 0;
    for (int i = 0; i < size; i++) {
      OpenFile f = files[i];
      int wanted = interest[i] & 0xffff | PollEvents.ALWAYS;
      int r = f != null ? f.poll(wanted) & wanted : fds[i] >= 0 ? PollEvents.NVAL : 0;
      ready[i] = (short) r;
      if (r != 0) {
        n++;
      }
    }
    return n;
  }

  /** Registers with every file, once. */
  public void register(Syscall c) {
    if (held) {
      return;
    }
    held = true;
    for (int i = 0; i < size; i++) {
      OpenFile f = files[i];
      if (f == null) {
        continue;
      }
      if (f.acquire()) {
        c.alsoWait(f.waitQueue(), interest[i] & 0xffff);
      } else {
        files[i] = null; // closed this moment: POLLNVAL at the next scan
      }
    }
  }

  @Override
  public void cleanup() {
    if (!held) {
      return;
    }
    held = false;
    for (OpenFile f : files) {
      if (f != null) {
        f.close();
      }
    }
  }
}
