package io.redoubt.sentry.fs;

import io.redoubt.sentry.limits.Limit;
import java.util.Arrays;

/**
 * The fd table of a task, or of several that share it (CLONE_FILES). The numbers are the guest's;
 * they mean nothing to the host.
 *
 * <p>Lock: its own monitor. Files are closed after it is let go of, because a release may wake
 * others.
 */
public final class FdTable {
  private OpenFile[] files;
  private boolean[] closeOnExec;
  private int users = 1;
  private int lowestFree; // no free number below this one

  private static final int FIRST_SLOTS = 64;

  public FdTable() {
    files = new OpenFile[FIRST_SLOTS];
    closeOnExec = new boolean[FIRST_SLOTS];
  }

  /** What is charged for so many places: the first ones come with the task. */
  private static int charged(int slots) {
    return Math.max(0, slots - FIRST_SLOTS);
  }

  private FdTable(FdTable other) {
    int slots = other.slotsInUse();
    files = Arrays.copyOf(other.files, slots);
    closeOnExec = Arrays.copyOf(other.closeOnExec, slots);
    lowestFree = other.lowestFree;
    Limit.DESCRIPTOR_SLOTS.take(charged(slots));
  }

  /**
   * What a copy needs: it leaves out what is free behind the last open one, sane_fdtable_size().
   */
  private int slotsInUse() {
    int n = files.length;
    while (n > FIRST_SLOTS && files[n - 1] == null) {
      n--;
    }
    return n;
  }

  /** Whether there is room for a {@link #copy}. Its maker has asked. */
  public synchronized boolean mayCopy() {
    return Limit.DESCRIPTOR_SLOTS.hasRoom(charged(slotsInUse()));
  }

  /** The file of {@code fd} without a reference of its own, or null. */
  public synchronized OpenFile get(int fd) {
    return fd >= 0 && fd < files.length ? files[fd] : null;
  }

  /**
   * Installs a file at the lowest free number from {@code from}; takes over the caller's reference.
   *
   * @param limit RLIMIT_NOFILE
   * @return the fd, or -EMFILE, -ENFILE, -ENOMEM (the reference stays the caller's)
   */
  public synchronized int install(OpenFile file, int from, boolean cloexec, long limit) {
    if (users == 0) {
      return -24; // the process is gone; a call of it was still running
    }
    int fd = Math.max(from, lowestFree);
    while (fd < files.length && files[fd] != null) {
      fd++;
    }
    if (fd >= limit) {
      return -24;
    }
    if (!file.admit()) {
      return -23;
    }
    if (!grow(fd)) {
      return -12;
    }
    files[fd] = file;
    closeOnExec[fd] = cloexec;
    if (from <= lowestFree) {
      lowestFree = fd + 1;
    }
    return fd;
  }

  /** Makes room for {@code fd}. @return 0, or -ENOMEM */
  public synchronized int reserve(int fd) {
    return grow(fd) ? 0 : -12;
  }

  /**
   * Puts a file at exactly {@code fd} (dup2); takes over the reference. @return what was there, to
   * be closed by the caller. For a guest {@link #reserve} comes first
   */
  public synchronized OpenFile replace(int fd, OpenFile file, boolean cloexec) {
    if (users == 0) {
      return file; // the process is gone; a call of it was still running
    }
    if (!grow(fd)) {
      return file; // the place that was reserved went with the process
    }
    OpenFile old = files[fd];
    files[fd] = file;
    closeOnExec[fd] = cloexec;
    return old;
  }

  /** Takes a file out. @return it, to be closed by the caller, or null */
  public synchronized OpenFile remove(int fd) {
    OpenFile f = get(fd);
    if (f != null) {
      files[fd] = null;
      lowestFree = Math.min(lowestFree, fd);
    }
    return f;
  }

  /** Takes {@code file} out if it is what {@code fd} refers to. @return whether it was */
  public synchronized boolean remove(int fd, OpenFile file) {
    return get(fd) == file && remove(fd) != null;
  }

  public synchronized boolean isCloseOnExec(int fd) {
    return fd >= 0 && fd < files.length && closeOnExec[fd];
  }

  /** Sets FD_CLOEXEC. @return false when the fd is not open */
  public synchronized boolean setCloseOnExec(int fd, boolean on) {
    if (get(fd) == null) {
      return false;
    }
    closeOnExec[fd] = on;
    return true;
  }

  /**
   * Closes what was taken out of this table. POSIX record locks go when any fd of the file is
   * closed by their owner, which is the table (fcntl(2)). Call with no lock held.
   */
  public void drop(OpenFile file) {
    if (file.inode() != null && file.inode().hasLocks()) {
      file.inode().locks().releaseOwner(this);
    }
    file.close();
  }

  /** Open numbers, ascending. */
  public synchronized int[] numbers() {
    int n = 0;
    int[] out = new int[files.length];
    for (int i = 0; i < files.length; i++) {
      if (files[i] != null) {
        out[n++] = i;
      }
    }
    return Arrays.copyOf(out, n);
  }

  /** A copy for a forked child, with a reference of its own on every file. */
  public synchronized FdTable copy() {
    FdTable t = new FdTable(this);
    for (OpenFile f : t.files) {
      if (f != null) {
        f.acquire();
      }
    }
    return t;
  }

  /** One more task uses this table (CLONE_FILES). */
  public synchronized FdTable share() {
    users++;
    return this;
  }

  public synchronized boolean isShared() {
    return users > 1;
  }

  /** A task lets go of the table; the last one closes every file. */
  public void release() {
    OpenFile[] toClose;
    synchronized (this) {
      if (--users > 0) {
        return;
      }
      toClose = files;
      Limit.DESCRIPTOR_SLOTS.release(charged(files.length));
      files = new OpenFile[0];
      closeOnExec = new boolean[0];
    }
    for (OpenFile f : toClose) {
      if (f != null) {
        drop(f);
      }
    }
  }

  /** Closes what is marked close-on-exec. */
  public void closeForExec() {
    for (int fd : numbers()) {
      if (isCloseOnExec(fd)) {
        OpenFile f = remove(fd);
        if (f != null) {
          drop(f);
        }
      }
    }
  }

  private boolean grow(int fd) {
    if (fd >= files.length && users > 0) {
      int n = Math.max(fd + 1, files.length * 2);
      if (!Limit.DESCRIPTOR_SLOTS.charge(charged(n) - charged(files.length))) {
        return false;
      }
      files = Arrays.copyOf(files, n);
      closeOnExec = Arrays.copyOf(closeOnExec, n);
    }
    return fd < files.length;
  }
}
