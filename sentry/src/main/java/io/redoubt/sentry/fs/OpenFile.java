package io.redoubt.sentry.fs;

import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.UserBuffer;
import io.redoubt.sentry.kernel.WaitQueue;
import io.redoubt.sentry.limits.Limit;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An open file description (open(2)): what fds, of one or several tasks, refer to. Holds the status
 * flags and the position.
 *
 * <p>Operations never wait: what cannot be done now is -EAGAIN, and the system call layer blocks
 * the caller on {@link #waitQueue()} unless the file is non-blocking. Reference counted; {@link
 * #release()} runs once, when the last fd (and the last call that uses it) is gone.
 */
public abstract class OpenFile {
  public static final int O_ACCMODE = 3;
  public static final int O_RDONLY = 0;
  public static final int O_WRONLY = 1;
  public static final int O_RDWR = 2;
  public static final int O_NOCTTY = 0400;
  public static final int O_APPEND = 02000;
  public static final int O_NONBLOCK = 04000;
  public static final int O_DSYNC = 010000;
  public static final int O_ASYNC = 020000;
  public static final int O_DIRECT = 040000;
  public static final int O_NOATIME = 01000000;
  public static final int O_PATH = 010000000;

  /** Flags that fcntl(F_SETFL) can change. */
  public static final int SETFL_MASK = O_APPEND | O_ASYNC | O_DIRECT | O_NOATIME | O_NONBLOCK;

  private static final WaitQueue NEVER = new WaitQueue();

  /**
   * Somebody who watches a file without a reference: epoll(7) drops an item with the open file
   * description.
   */
  public interface ReleaseListener {
    /** The last reference is gone. Called with no lock held. */
    void onRelease(OpenFile file);
  }

  private final AtomicInteger references = new AtomicInteger(1);
  private volatile boolean isAdmitted; // counted
  private volatile int flags;
  private final Path path;
  private final Inode inode; // the dentry of the path may lose it by unlink

  /** fcntl(F_SETOWN) and F_SETSIG: kept, no signal is sent. */
  public volatile int asyncOwner;

  public volatile int asyncSignal;

  private boolean countsAsWriter; // of the inode; set before the file has an fd

  private final boolean pinned; // the path, for as long as there are references

  /** Position of a seekable file; guarded by the monitor of {@link #positionLock}. */
  protected long position;

  protected final Object positionLock = new Object();

  /**
   * An open file with one reference, owned by the caller.
   *
   * @param path where it was opened; never null: anonymous files use {@link AnonInode#path}
   */
  protected OpenFile(Path path, int flags) {
    this.path = path;
    this.inode = path.inode();
    this.flags = flags & ~O_NOCTTY;
    this.pinned = path.acquire();
  }

  public final Path path() {
    return path;
  }

  public final Inode inode() {
    return inode;
  }

  public final int flags() {
    return flags;
  }

  /** fcntl(F_SETFL). @return 0 or a negative errno */
  public int setFlags(int newFlags) {
    flags = (flags & ~SETFL_MASK) | (newFlags & SETFL_MASK);
    return 0;
  }

  public final boolean isNonblocking() {
    return (flags & O_NONBLOCK) != 0;
  }

  public final boolean isReadable() {
    int mode = flags & O_ACCMODE; // 3 is for ioctl only, open(2)
    return (mode == O_RDONLY || mode == O_RDWR) && (flags & O_PATH) == 0;
  }

  public final boolean isWritable() {
    int mode = flags & O_ACCMODE;
    return (mode == O_WRONLY || mode == O_RDWR) && (flags & O_PATH) == 0;
  }

  /**
   * The file gives the write access to its inode that the caller has got back when it is closed.
   */
  final void keepsWriteAccess() {
    countsAsWriter = true;
  }

  /**
   * Counts the file among those of the sandbox, when it gets its first number. @return false when
   * there are too many
   */
  final boolean admit() {
    if (!isAdmitted) {
      if (!Limit.OPEN_FILES.charge(1)) {
        return false;
      }
      isAdmitted = true;
    }
    return true;
  }

  /** Takes a reference; false when the file is already gone. */
  public final boolean acquire() {
    for (; ; ) {
      int n = references.get();
      if (n <= 0) {
        return false;
      }
      if (references.compareAndSet(n, n + 1)) {
        return true;
      }
    }
  }

  /** Drops a reference; the last one releases the file. */
  public final void close() {
    if (references.decrementAndGet() == 0) {
      if (inode != null && inode.hasLocks()) {
        inode.locks().releaseFile(this);
      }
      if (FsNotify.isActive() && (flags & O_PATH) == 0) {
        FsNotify.used(this, isWritable() ? FsNotify.CLOSE_WRITE : FsNotify.CLOSE_NOWRITE);
      }
      if (countsAsWriter) {
        inode.putWriteAccess();
      }
      tellListeners();
      release();
      if (isAdmitted) {
        Limit.OPEN_FILES.release(1);
      }
      if (pinned) {
        path.release();
      }
    }
  }

  private ArrayList<ReleaseListener> releaseListeners; // guarded by references; null: never watched

  /** Adds a listener, which may be there already. @return false when the file is gone */
  public final boolean addReleaseListener(ReleaseListener listener) {
    synchronized (references) {
      if (references.get() <= 0) {
        return false;
      }
      if (releaseListeners == null) {
        releaseListeners = new ArrayList<>(1);
      }
      if (!releaseListeners.contains(listener)) {
        releaseListeners.add(listener);
      }
      return true;
    }
  }

  /** Takes a listener back. */
  public final void removeReleaseListener(ReleaseListener listener) {
    synchronized (references) {
      if (releaseListeners != null) {
        releaseListeners.remove(listener);
      }
    }
  }

  private void tellListeners() {
    ArrayList<ReleaseListener> told;
    synchronized (references) {
      told = releaseListeners;
      releaseListeners = null;
    }
    for (int i = 0; told != null && i < told.size(); i++) {
      told.get(i).onRelease(this);
    }
  }

  /** Called once, when the last reference is gone. Wakes whoever waits on the other side. */
  protected void release() {}

  /**
   * Blocks a call that has just got -EAGAIN from this file, unless the file is non-blocking.
   * Sockets add their timeouts. A call that has moved something already ({@link Syscall#progress})
   * answers that when it is interrupted.
   *
   * @return {@link Syscall#BLOCKED}, the progress, or -EAGAIN
   */
  public long await(Syscall c, int events) {
    if (isNonblocking()) {
      return c.progress > 0 ? c.progress : -11;
    }
    return c.block(waitQueue(), events, c.progress > 0 ? c.progress : Syscall.ERESTARTSYS);
  }

  /**
   * Whether a blocking write goes on after a short count until all is written: pipes, stream
   * sockets, terminals.
   */
  public boolean continuesWrites() {
    return false;
  }

  /**
   * The commands of fcntl(2) that belong to a kind of file: pipe size, seals. @param arg the raw
   * third argument
   */
  public long fcntl(Syscall c, int command, long arg) {
    if (command == 1033 && !isWritable()) {
      return -1; // F_ADD_SEALS looks at the mode before it looks at the kind
    }
    return command == 1031 || command == 1032 ? -9 : -22; // EBADF: F_SETPIPE_SZ of what is no pipe
  }

  /**
   * Reads file content for the sentry itself (ELF headers, {@code #!} lines), without a guest
   * buffer.
   *
   * @param length at most {@code to.byteSize()}
   * @return bytes read, less than {@code length} only at the end of the file, or a negative errno
   */
  public long readInto(Syscall c, MemorySegment to, long length, long offset) {
    return -22;
  }

  /** posix_fadvise(2) and readahead(2); arguments are checked. A hint. */
  public int advise(Syscall c, long offset, long length, int advice) {
    return 0;
  }

  /**
   * Whether there is a position: regular files, directories, most of /proc. Others give ESPIPE for
   * lseek and pread.
   */
  public boolean isSeekable() {
    return false;
  }

  /**
   * Reads at an offset; only for seekable files. @return bytes (0 at the end), or a negative errno
   */
  public long readAt(Syscall c, UserBuffer dst, long offset) {
    return -29;
  }

  /**
   * Writes at an offset; only for seekable files. An O_APPEND file writes at its end whatever the
   * offset.
   */
  public long writeAt(Syscall c, UserBuffer src, long offset) {
    return -29;
  }

  /**
   * read(2): at the position for seekable files. @return bytes, or a negative errno, -EAGAIN when
   * it would wait
   */
  public long read(Syscall c, UserBuffer dst) {
    if (!isSeekable()) {
      return -22;
    }
    synchronized (positionLock) {
      long n = readAt(c, dst, position);
      if (n > 0) {
        position += n;
      }
      return n;
    }
  }

  /**
   * write(2): at the position for seekable files. @return bytes, or a negative errno, -EAGAIN when
   * it would wait
   */
  public long write(Syscall c, UserBuffer src) {
    if (!isSeekable()) {
      return -22;
    }
    synchronized (positionLock) {
      long n = writeAt(c, src, position);
      if (n > 0) {
        position = (flags() & O_APPEND) != 0 ? sizeForAppend(c, position + n) : position + n;
      }
      return n;
    }
  }

  /** Attributes of the file: those of its inode, asked for in the cheapest way. */
  public int getattr(Syscall c, Stat out) {
    return inode().getattr(c, out);
  }

  /** The position after an O_APPEND write: the end of the file. */
  protected long sizeForAppend(Syscall c, long otherwise) {
    Stat st = new Stat();
    return inode().getattr(c, st) == 0 ? st.size : otherwise;
  }

  /** lseek(2), all of whence. */
  public long seek(Syscall c, long offset, int whence) {
    return -29;
  }

  /**
   * What is ready now, EPOLL bits of {@code interest} and ERR/HUP. Files that are always ready say
   * so here.
   */
  public int poll(int interest) {
    return interest & (PollEvents.READABLE | PollEvents.WRITABLE);
  }

  /** Where readiness changes are told. */
  public WaitQueue waitQueue() {
    return NEVER;
  }

  /**
   * Whether epoll accepts the file: EPERM for those that are always ready (regular files,
   * directories).
   */
  public boolean isPollable() {
    return true;
  }

  /** ioctl(2). @param arg the raw third argument */
  public long ioctl(Syscall c, int command, long arg) {
    return -25;
  }

  /**
   * Lists a directory into the guest (getdents64).
   *
   * @return bytes, 0 at the end, or a negative errno
   */
  public long getdents(Syscall c, UserBuffer dst) {
    return -20;
  }

  /** As {@link #getdents}, with the records of the old getdents(2). */
  public long getdentsOld(Syscall c, UserBuffer dst) {
    return -20;
  }

  /** ftruncate(2). */
  public long truncate(Syscall c, long size) {
    return -22;
  }

  /** fallocate(2). */
  public long allocate(Syscall c, int mode, long offset, long length) {
    return -19;
  }

  /** fsync(2), fdatasync(2). */
  public long sync(Syscall c, boolean dataOnly) {
    return -22;
  }

  /**
   * A host fd whose pages the guest may map: read-only, or writable for a shared writable mapping
   * of a file opened for writing.
   *
   * @return a host fd that stays the file's own (the caller injects a duplicate), or a negative
   *     errno (-ENODEV: cannot be mapped)
   */
  public int mapFd(Syscall c, boolean sharedWritable) {
    return -19;
  }

  /**
   * The text of a readlink of /proc/PID/fd/N for files without a path ("pipe:[12]"); null: the path
   * is printed.
   */
  public String linkText() {
    return null;
  }

  /** Extra lines of /proc/PID/fdinfo/N. */
  public String fdinfo() {
    return "";
  }
}
