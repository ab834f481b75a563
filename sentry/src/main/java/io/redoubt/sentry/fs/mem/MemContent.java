package io.redoubt.sentry.fs.mem;

import io.redoubt.gofer.ImpatientCaller;
import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Memory;
import io.redoubt.host.Mman;
import io.redoubt.host.Process;
import io.redoubt.host.Stat.StatBuf;
import io.redoubt.host.Unistd;
import io.redoubt.sentry.kernel.KernelThread;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.UserBuffer;
import io.redoubt.sentry.kernel.WindowedFile;
import io.redoubt.sentry.kernel.WindowedFile.Viewer;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;

/**
 * The bytes of a regular file: a block of the {@link Slab} while they are few, a memfd of their own
 * once they are many, sparse or to be mapped. A file never goes back from a memfd.
 *
 * <p>Guarded by the node's monitor, but for reads of a memfd: the host orders those.
 */
final class MemContent {
  private static final long PAGE = Mman.PAGE_SIZE;

  /**
   * Copies of a guest take microseconds, unless its CPU is another's meanwhile; then it can be done
   * without.
   */
  private static final long VIEWERS_NANOS = 100_000;

  private final MemFs fs;
  private volatile long size;
  private volatile int memfd = -1;
  private int readOnlyFd = -1;
  private long block = -1;
  private int blockSize;

  /** Bytes that the budget holds for the content. */
  private long charged;

  /**
   * In a memfd: all pages below are there. Beyond it, or after a hole was punched, the host is
   * asked what there is.
   */
  private long denseEnd;

  private boolean isSparse;

  /** A guest may have a mapping of its own, for which all of it must stay. */
  private boolean isMapped;

  /** It may have seals, by which a host fd cannot be made shorter. */
  private boolean isGuestMemfd;

  /**
   * The memfd is longer than the file, and zero there: it could not be made shorter, because a
   * guest copied from it.
   */
  private volatile boolean isLonger;

  /** Who may be copying from the memfd; guarded by itself, the innermost lock. */
  private final ArrayList<Viewer> viewers = new ArrayList<>(0);

  /** The content is still that of the lower tree; null: it is here. */
  private volatile LowerFile lower;

  private final long lowerBlocks;

  /**
   * @param lower null for an empty file
   */
  MemContent(MemFs fs, LowerFile lower, long size, long blocks) {
    this.fs = fs;
    this.lower = lower;
    this.size = size;
    this.lowerBlocks = blocks;
  }

  LowerFile lower() {
    return lower;
  }

  long size() {
    return size;
  }

  /** The lower file is looked at once more, and has this size now. Under the node's monitor. */
  void adopt(long newSize) {
    if (lower != null) {
      size = newSize;
    }
  }

  long blocks() {
    if (lower != null) {
      return lowerBlocks;
    }
    return memfd >= 0 ? charged / 512 : pages(size) / 512;
  }

  boolean hasMemfd() {
    return memfd >= 0;
  }

  /** Whether a description of the memfd shows what the file has, and no more. */
  boolean isExact() {
    return memfd >= 0 && !isLonger;
  }

  int memfd() {
    return memfd;
  }

  private static long pages(long bytes) {
    return (bytes + PAGE - 1) & -PAGE;
  }

  /**
   * Reads what is no longer lower; without the node's monitor if there is a memfd, which the caller
   * keeps open.
   *
   * @return bytes or a negative errno
   */
  long read(MemorySegment to, long length, long offset) {
    int fd = memfd;
    if (fd >= 0 && !isLonger) {
      return Unistd.pread(fd, to, length, offset);
    }
    long n = Math.min(length, size - offset);
    if (n <= 0) {
      return 0;
    }
    if (fd >= 0) {
      return Unistd.pread(fd, to, n, offset);
    }
    MemorySegment.copy(Slab.SHARED.memory(), block + offset, to, 0, n);
    return n;
  }

  /** Writes; the content is no longer lower. */
  long write(MemorySegment from, long length, long offset) {
    long end = offset + length;
    if (end < 0) {
      return -Errno.EFBIG;
    }
    if (memfd < 0 && end <= Slab.MAX_BLOCK && hold((int) end)) {
      MemorySegment memory = Slab.SHARED.memory();
      if (offset > size) {
        memory.asSlice(block + size, offset - size).fill((byte) 0);
      }
      MemorySegment.copy(from, 0, memory, block + offset, length);
      size = Math.max(size, end);
      return length;
    }
    int r = toMemfd();
    if (r < 0) {
      return r;
    }
    mend();
    boolean dense = offset <= denseEnd;
    long need = dense ? Math.max(0, pages(end) - denseEnd) : pages(end) - (offset & -PAGE);
    if (!fs.budget.charge(need)) {
      // Perhaps the pages are there already, or there is room for a part.
      long part = dense ? Math.min(end, denseEnd) - offset : 0;
      if (part <= 0) {
        return -Errno.ENOSPC;
      }
      return write(from, part, offset);
    }
    charged += need;
    long n = Unistd.pwrite(memfd, from, length, offset);
    if (n < 0) {
      recount();
      return MemFile.asNoSpace(n);
    }
    size = Math.max(size, offset + n);
    if (dense) {
      denseEnd = Math.max(denseEnd, (offset + n) & -PAGE);
      denseEnd = Math.max(denseEnd, n == length ? pages(end) : denseEnd);
    } else {
      isSparse = true;
    }
    if (isSparse) {
      recount();
    }
    return n;
  }

  int resize(Syscall c, long newSize) {
    if (lower != null) {
      if (newSize == 0) {
        dropLower(0);
      } else {
        int r = copyUp(c);
        if (r < 0) {
          return r;
        }
      }
    }
    if (memfd < 0 && newSize <= Slab.MAX_BLOCK) {
      if (newSize == 0) {
        dropBlock();
      } else if (newSize > size) {
        if (!hold((int) newSize)) {
          return toMemfdAndResize(newSize);
        }
        Slab.SHARED.memory().asSlice(block + size, newSize - size).fill((byte) 0);
      }
      size = newSize;
      return 0;
    }
    return toMemfdAndResize(newSize);
  }

  private int toMemfdAndResize(long newSize) {
    int r = toMemfd();
    if (r < 0) {
      return r;
    }
    boolean isShorter = newSize < size;
    if (isShorter) {
      synchronized (viewers) {
        viewers.forEach(Viewer::noteCut);
      }
    }
    boolean isCut = isShorter || isLonger;
    r = isCut && !awaitViewers() ? resizeUnderCopy(newSize) : setLength(newSize);
    if (r < 0) {
      return r;
    }
    if (isShorter) {
      denseEnd = Math.min(denseEnd, pages(newSize));
      recount();
    }
    size = newSize;
    return 0;
  }

  private int setLength(long newSize) {
    int r = Unistd.ftruncate(memfd, newSize);
    isLonger &= r < 0;
    return r;
  }

  /**
   * Makes the memfd as long as the file, or at least zero behind that. Before it becomes longer.
   */
  private void mend() {
    if (isLonger) {
      if (awaitViewers()) {
        setLength(size);
      } else {
        cutBehind(size, io.redoubt.host.Stat.size(memfd));
      }
    }
  }

  /** Takes away what is behind {@code newSize}, but not the place where it was. */
  private int resizeUnderCopy(long newSize) {
    isLonger = true;
    size = Math.min(size, newSize); // before a reader finds zeroes
    long there = io.redoubt.host.Stat.size(memfd);
    int r = cutBehind(size, there);
    return r == 0 && newSize > there ? Unistd.ftruncate(memfd, newSize) : r;
  }

  private int cutBehind(long from, long end) {
    return end <= from
        ? 0
        : Fcntl.fallocate(
            memfd, Fcntl.FALLOC_FL_PUNCH_HOLE | Fcntl.FALLOC_FL_KEEP_SIZE, from, end - from);
  }

  // ---- windows ----

  /** {@link WindowedFile#windowBytes}. */
  long windowBytes(boolean isForWriting) {
    return isForWriting ? Math.min(denseEnd, size & -PAGE) : size;
  }

  /** A new descriptor for {@link WindowedFile#lend}, or a negative errno. */
  int windowFd(Syscall c, boolean isForWriting) {
    return memfd < 0
        ? -Errno.EBADF
        : c.task.kernel.hostProc.reopen(memfd, isForWriting ? Fcntl.O_RDWR : Fcntl.O_RDONLY);
  }

  /** Without the node's monitor. */
  void addViewer(Viewer viewer) {
    synchronized (viewers) {
      viewers.add(viewer);
    }
  }

  /** The same. */
  void removeViewer(Viewer viewer) {
    synchronized (viewers) {
      viewers.remove(viewer);
    }
  }

  /**
   * Waits until no guest copies from the memfd; no new one begins to, since that is with the node's
   * monitor held. Not for long: it may be a thread that this very call has interrupted, by a signal
   * handler. The ring's poller does not wait.
   *
   * @return false when one still does
   */
  private boolean awaitViewers() {
    synchronized (viewers) {
      boolean isPatient = !(Thread.currentThread() instanceof ImpatientCaller);
      long end = viewers.isEmpty() ? 0 : System.nanoTime() + (isPatient ? VIEWERS_NANOS : 0);
      for (Viewer v : viewers) {
        while (v.isCopying()) {
          if (System.nanoTime() - end > 0) {
            return false;
          }
          Process.schedYield();
        }
      }
      return true;
    }
  }

  /**
   * Has the guest copy what a read at {@code offset} finds. Only where pages are: a hole would get
   * some by being looked at.
   *
   * @return bytes, or 0
   */
  long show(WindowedFile node, UserBuffer dst, long offset) {
    long n = Math.min(dst.remaining(), size - offset);
    boolean isThere = n > 0 && offset + n <= denseEnd && !isGuestMemfd;
    return isThere && dst.copyFromWindow(node, offset, n) ? n : 0;
  }

  /**
   * Has the guest copy what it writes over what is there. What makes the file longer is not shown:
   * others would see it longer before it is written.
   */
  boolean showForWriting(WindowedFile node, UserBuffer src, long length, long offset) {
    return offset <= Math.min(size, denseEnd) - length
        && !isGuestMemfd
        && src.copyToWindow(node, offset, length);
  }

  /**
   * Takes the content over from the lower file, which stays as it is. @return 0 or a negative errno
   */
  int copyUp(Syscall c) {
    LowerFile from = lower;
    if (from == null) {
      return 0;
    }
    if (!from.acquire(c)) {
      return (int) c.error();
    }
    try {
      long length = size;
      size = 0;
      lower = null; // for the time of the writes
      MemorySegment bulk =
          c.scratch()
              .bulk
              .asSlice(
                  c.scratch().bulk.byteSize() / 2); // the first half may hold what is to be written
      long done = 0;
      while (done < length) {
        long n = from.read(bulk, Math.min(bulk.byteSize(), length - done), done);
        if (n > 0) {
          n = write(bulk, n, done);
        }
        if (n <= 0) {
          if (n == 0) {
            break; // it is shorter than it was
          }
          dropContent();
          size = length;
          lower = from;
          return (int) n;
        }
        done += n;
      }
    } finally {
      from.release();
    }
    from.drop();
    return 0;
  }

  private void dropLower(long newSize) {
    LowerFile from = lower;
    lower = null;
    size = newSize;
    from.drop();
  }

  /** fallocate(2) with the modes of tmpfs, and FALLOC_FL_ZERO_RANGE. */
  long allocate(int mode, long offset, long length) {
    int known = Fcntl.FALLOC_FL_KEEP_SIZE | Fcntl.FALLOC_FL_PUNCH_HOLE | Fcntl.FALLOC_FL_ZERO_RANGE;
    if ((mode & ~known) != 0) {
      return -Errno.EOPNOTSUPP;
    }
    int r = toMemfd();
    if (r < 0) {
      return r;
    }
    mend();
    boolean keepSize = (mode & Fcntl.FALLOC_FL_KEEP_SIZE) != 0;
    long end = offset + length;
    if ((mode & (Fcntl.FALLOC_FL_PUNCH_HOLE | Fcntl.FALLOC_FL_ZERO_RANGE)) != 0) {
      // Zeros may be a hole: only that reading gives zeros is promised.
      r =
          Fcntl.fallocate(
              memfd, Fcntl.FALLOC_FL_PUNCH_HOLE | Fcntl.FALLOC_FL_KEEP_SIZE, offset, length);
      if (r == 0 && !keepSize && end > size) {
        // Never shorter: a guest may copy from what is behind.
        r = end <= io.redoubt.host.Stat.size(memfd) ? 0 : Unistd.ftruncate(memfd, end);
      }
    } else {
      if (!fs.budget.charge(pages(length))) {
        return -Errno.ENOSPC;
      }
      charged += pages(length);
      r = Fcntl.fallocate(memfd, keepSize ? Fcntl.FALLOC_FL_KEEP_SIZE : 0, offset, length);
    }
    if (r == 0 && !keepSize) {
      size = Math.max(size, end);
    }
    isSparse = true;
    denseEnd = 0;
    recount();
    return r < 0 ? MemFile.asNoSpace(r) : 0;
  }

  long seek(long offset, boolean hole) {
    if (memfd >= 0) {
      long at = Unistd.lseek(memfd, offset, hole ? Fcntl.SEEK_HOLE : Fcntl.SEEK_DATA);
      return isLonger ? Math.min(at, size) : at;
    }
    return hole ? size : offset;
  }

  /**
   * A fd of the content for mapping: one that nothing can be written through, but for who may
   * write. @return the fd, which stays the content's own, or a negative errno
   */
  int mapFd(Syscall c, boolean writable) {
    int r = toMemfd();
    if (r < 0) {
      return r;
    }
    mend();
    isMapped = true;
    if (writable) {
      isSparse = true; // pages may come without a call
      denseEnd = 0;
      return memfd;
    }
    return readOnlyFd(c);
  }

  /**
   * A description of its own, so that mprotect(2) cannot make a shared mapping of a file opened
   * read-only writable. @return the fd, which stays the content's own, or a negative errno
   */
  int readOnlyFd(Syscall c) {
    if (readOnlyFd < 0) {
      readOnlyFd = c.task.kernel.hostProc.reopen(memfd, Fcntl.O_RDONLY);
    }
    return readOnlyFd == -Errno.EMFILE ? -Errno.ENFILE : readOnlyFd; // as mmap(2) has it
  }

  /** Moves the content to a memfd. @return 0 or a negative errno */
  int toMemfd() {
    return memfd >= 0 ? 0 : toMemfd(Mman.MFD_CLOEXEC | Mman.MFD_EXEC, "redoubt");
  }

  /**
   * @param flags MFD_*
   */
  int toMemfd(int flags, String name) {
    isGuestMemfd = (flags & Mman.MFD_ALLOW_SEALING) != 0;
    int fd = Mman.memfdCreate(name, flags);
    if (fd == -Errno.EINVAL) { // before Linux 6.3 there is no MFD_EXEC, and all can be executed
      fd = Mman.memfdCreate(name, flags & ~(Mman.MFD_EXEC | Mman.MFD_NOEXEC_SEAL));
    }
    if (fd < 0) {
      return MemFile.asNoSpace(fd);
    }
    if (size > 0) {
      if (!fs.budget.charge(pages(size))) {
        Unistd.close(fd);
        return -Errno.ENOSPC;
      }
      long n = Unistd.pwrite(fd, Slab.SHARED.memory().asSlice(block, size), size, 0);
      if (n != size) {
        Unistd.close(fd);
        fs.budget.release(pages(size));
        return n < 0 ? MemFile.asNoSpace(n) : -Errno.ENOSPC;
      }
    }
    dropBlock();
    charged = pages(size);
    denseEnd = charged;
    memfd = fd;
    return 0;
  }

  /** Makes sure that the block holds {@code bytes}. @return false when there is no room */
  private boolean hold(int bytes) {
    int want = Slab.blockSize(bytes);
    if (want <= blockSize) {
      return true;
    }
    if (!fs.budget.charge(want - blockSize)) {
      return false;
    }
    long to = Slab.SHARED.allocate(want);
    if (to < 0) {
      fs.budget.release(want - blockSize);
      return false;
    }
    if (size > 0) {
      MemorySegment memory = Slab.SHARED.memory();
      MemorySegment.copy(memory, block, memory, to, size);
    }
    if (block >= 0) {
      Slab.SHARED.free(block, blockSize);
    }
    block = to;
    charged += want - blockSize;
    blockSize = want;
    return true;
  }

  private void dropBlock() {
    if (block >= 0) {
      Slab.SHARED.free(block, blockSize);
      fs.budget.release(blockSize);
      charged -= blockSize;
      block = -1;
      blockSize = 0;
    }
  }

  /** Charges what the host says is there. */
  private void recount() {
    MemorySegment st = KernelThread.scratch().small;
    if (io.redoubt.host.Stat.fstat(memfd, st) == 0) {
      long there = Memory.getLong(st, StatBuf.ST_BLOCKS) * 512;
      fs.budget.release(charged - there);
      charged = there;
    }
  }

  void free() {
    if (lower != null) {
      dropLower(0);
    }
    dropContent();
    size = 0;
  }

  private void dropContent() {
    dropBlock();
    if (memfd >= 0) {
      if (!isMapped && !viewers.isEmpty() && awaitViewers()) {
        // Windows keep the memfd, but not what was in it.
        cutBehind(0, io.redoubt.host.Stat.size(memfd));
      }
      Unistd.close(memfd);
      memfd = -1;
      fs.budget.release(charged);
      charged = 0;
    }
    if (readOnlyFd >= 0) {
      Unistd.close(readOnlyFd);
      readOnlyFd = -1;
    }
    denseEnd = 0;
    isSparse = false;
    isLonger = false;
    isMapped = false;
  }
}
