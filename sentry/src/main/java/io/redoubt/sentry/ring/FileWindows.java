package io.redoubt.sentry.ring;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.sentry.kernel.MapCalls;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.WindowedFile;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Files of the sandbox's own that a process has mapped: the sentry answers where in the mapping the
 * bytes are that are read, or belong that are written over others, and the trampoline copies them.
 * No call of the host kernel is made, and the bytes go through no other CPU's cache.
 *
 * <p>A file that is used often by the ring becomes <em>wanted</em>; then the thread of the next
 * call is told to map it and to make its call again ({@link #offer}).
 *
 * <p><b>A file that becomes shorter</b> under a copy would be a SIGBUS. So who makes it shorter
 * looks at the slots first ({@link WindowedFile.Viewer#isCopying}), under the lock under which
 * {@link #show} is called: a slot that has been shown a window counts from then until its thread
 * makes it FREE, when it has copied.
 *
 * <p>Guarded by the region's monitor, but for what a viewer reads.
 */
final class FileWindows {
  private static final int COUNT = 8;

  /**
   * Where the first one is: far from what kernels, allocators and sanitizers use. If something is
   * there nevertheless, the process has no windows.
   */
  private static final long BASE = 0x2a00_0000_0000L;

  /** Of what is longer the start alone is seen. */
  private static final long MOST_BYTES = 64L << 20;

  /** A file that grows soon needs another one. */
  private static final long FEWEST_BYTES = 1L << 20;

  /** Calls for one file before it is worth a mapping, which takes as long as some 50 of them. */
  private static final int USES = 64;

  /** To copy 16 KiB twice takes as long as a call. */
  private static final int COPY_SHIFT = 14;

  private static final int MOST_FAILURES = 8;

  /** Files of which that is counted. */
  private static final int COUNTED = 4;

  /**
   * A page that is touched for the first time is a page fault, which can cost as much as the copies
   * that are saved, and a write several times that. So a place is shown once so many pages of it
   * have been used in other ways: a few times all of it. Small reads are shown it at once, and
   * large ones, which take as long with all their page faults as two copies by the sentry.
   */
  private static final int PAGES_READ = 48;

  private static final int PAGES_WRITTEN = 96;
  private static final int SMALL_BYTES = 8192;
  private static final int LARGE_BYTES = 256 * 1024;
  private static final int PLACE_SHIFT = 16; // 64 KiB, as many pages as a fault may bring
  private static final int PAGE_SHIFT = 12;

  private static final long PROT_READ = 1;
  private static final long PROT_WRITE = 2;
  private static final long MAP_SHARED = 0x1;
  private static final long MAP_FIXED = 0x10;
  private static final long MAP_FIXED_NOREPLACE = 0x100000;

  private final RingRegion region;
  private final MemorySegment memory;
  private final Window[] windows = new Window[COUNT];

  /** For each slot what its call was shown. */
  private final Window[] shown = new Window[RingLayout.SLOT_COUNT];

  private final boolean[] isUsed = new boolean[COUNT]; // there has been one at this place
  private final Use[] uses = new Use[COUNTED];
  private boolean wantsWriting;
  private WindowedFile wanted;

  /** What a thread was told to map; null when none was, or it has. */
  private Window offered;

  private boolean isLent; // for which it has asked
  private int failures; // to map something
  private boolean isRefused; // for good
  private long clock;

  FileWindows(RingRegion region, MemorySegment memory) {
    this.region = region;
    this.memory = memory;
    for (int i = 0; i < COUNTED; i++) {
      uses[i] = new Use();
    }
  }

  /** How often a file that is not mapped was read, or written. */
  private static final class Use {
    WindowedFile file;
    boolean isForWriting;
    int times; // with long ones counted as several
  }

  /** A mapping of the first bytes of a file. */
  private final class Window implements WindowedFile.Viewer {
    final WindowedFile file;
    final int place;
    final long address;
    final long bytes;
    final boolean isForWriting;
    final long flags;
    long used;
    private final byte[] pages; // used in other ways, of each place

    Window(WindowedFile file, int place, long bytes, boolean isForWriting) {
      this.file = file;
      this.place = place;
      this.address = BASE + place * MOST_BYTES;
      this.flags = MAP_SHARED | (isUsed[place] ? MAP_FIXED : MAP_FIXED_NOREPLACE);
      this.bytes = bytes;
      this.isForWriting = isForWriting;
      this.pages = new byte[(int) (bytes + (1 << PLACE_SHIFT) - 1 >> PLACE_SHIFT)];
    }

    long protection() {
      return isForWriting ? PROT_READ | PROT_WRITE : PROT_READ;
    }

    /** Whether all of a range has been used often; notes that it is. */
    boolean isUsedOften(long offset, long length, int enough) {
      boolean isOften = true;
      long first = offset >> PLACE_SHIFT;
      long last = offset + length - 1 >> PLACE_SHIFT;
      for (long i = first; i <= last; i++) {
        if (pages[(int) i] < enough) {
          long more = first == last ? length >> PAGE_SHIFT : 1 << PLACE_SHIFT - PAGE_SHIFT;
          pages[(int) i] += (byte) Math.max(1, more);
          isOften = false;
        }
      }
      return isOften;
    }

    @Override
    public void noteCut() {
      Arrays.fill(pages, (byte) 0); // while the poller counts: it is about
    }

    @Override
    public boolean isCopying() {
      for (int i = 0; i < shown.length; i++) {
        if (shown[i] == this) {
          int state =
              Memory.getIntVolatile(memory, RingLayout.slotOffset(i) + RingLayout.STATE_OFFSET);
          if (state == RingLayout.SERVING
              || state == RingLayout.WAITED
              || state == RingLayout.DONE_WINDOW) {
            return true;
          }
        }
      }
      return false;
    }
  }

  /** A slot's call is about to be taken: what it was shown before it has copied. */
  void begin(int slot) {
    shown[slot] = null;
  }

  /**
   * Where the process has bytes of a file.
   *
   * @return an address of its own, or 0
   */
  long show(int slot, WindowedFile file, long offset, long length) {
    settle();
    for (Window w : windows) {
      if (w != null && w.file == file && length <= w.bytes - offset) {
        w.used = ++clock;
        boolean isAtOnce = length <= SMALL_BYTES || length >= LARGE_BYTES;
        if (!isAtOnce && !w.isUsedOften(offset, length, PAGES_READ)) {
          return 0;
        }
        shown[slot] = w;
        return w.address + offset;
      }
    }
    count(file, offset, length, false);
    return 0;
  }

  /**
   * The same where the process is to copy what it writes to.
   *
   * @param fd by which it writes
   * @param hasCome whether the bytes have come with the call: then there is nothing to be shown,
   *     but the next ones by that descriptor need not come
   */
  long showForWriting(
      int slot, WindowedFile file, long offset, long length, int fd, boolean hasCome) {
    settle();
    for (Window w : windows) {
      if (w != null && w.file == file && w.isForWriting && length <= w.bytes - offset) {
        w.used = ++clock;
        setWritable(fd, true);
        if (hasCome || !w.isUsedOften(offset, length, PAGES_WRITTEN)) {
          return 0;
        }
        shown[slot] = w;
        return w.address + offset;
      }
    }
    setWritable(fd, false);
    count(file, offset, length, true);
    return 0;
  }

  /** What is written by that descriptor does not come with the call, and that was for nothing. */
  void forgetWritable(int fd) {
    setWritable(fd, false);
  }

  private void setWritable(int fd, boolean isMapped) {
    if (fd < 0 || fd >= RingLayout.WRITABLE_FDS) {
      return;
    }
    int at = RingLayout.WRITABLE_OFFSET + (fd >>> 6) * 8;
    long before = Memory.getLong(memory, at);
    long after = isMapped ? before | 1L << fd : before & ~(1L << fd);
    if (after != before) {
      Memory.setLong(memory, at, after);
    }
  }

  private void count(WindowedFile file, long offset, long length, boolean isForWriting) {
    if (wanted != null || offered != null || isRefused || offset + length > MOST_BYTES) {
      return;
    }
    int at = 0;
    for (int i = 0; i < COUNTED; i++) {
      Use u = uses[i];
      if (u.file == file && u.isForWriting == isForWriting) {
        at = i;
        break;
      }
      at = u.times < uses[at].times ? i : at;
    }
    Use u = uses[at];
    if (u.file != file || u.isForWriting != isForWriting) {
      u.file = file;
      u.isForWriting = isForWriting;
      u.times = 0;
    }
    u.times += 1 + (int) (length >> COPY_SHIFT);
    if (u.times >= USES) {
      u.file = null;
      u.times = 0;
      wantsWriting = isForWriting;
      wanted = file;
    }
  }

  /**
   * Has the thread of a call map the file that is wanted, and make its call again. No other is told
   * to until the answer of that is there.
   *
   * @param slot with a payload, which says what to map
   * @return whether it is to
   */
  boolean offer(int slot) {
    WindowedFile file = wanted;
    if (file == null) {
      return false;
    }
    wanted = null;
    long bytes = bytes(file, wantsWriting);
    int place = bytes == 0 ? -1 : place(file, wantsWriting);
    if (place < 0) {
      return false;
    }
    Window old = windows[place];
    if (old != null) { // what it has behind the new one stays mapped, and unused
      windows[place] = null;
      old.file.removeViewer(old);
    }
    offered = new Window(file, place, bytes, wantsWriting);
    isLent = false;
    long at = (long) RingLayout.payloadOffset(slot) + RingLayout.PAYLOAD_MAPPING;
    Memory.setLong(memory, at, offered.address);
    Memory.setLong(memory, at + 8, bytes);
    Memory.setLong(memory, at + 16, offered.protection());
    Memory.setLong(memory, at + 24, offered.flags);
    Memory.setLong(memory, RingLayout.MAPPED_OFFSET, 0);
    return true;
  }

  /** The thread that was told to map something asks for it, by the trap {@code c}. */
  long lend(Syscall c) {
    Window w;
    synchronized (region) {
      w = isLent || region.isOver() ? null : offered;
      isLent = true;
    }
    // Where there are other threads one could have another file planted at the same number.
    return w == null || !MapCalls.isAlone(c)
        ? -Errno.EPERM
        : w.file.lend(
            c, w.isForWriting, fd -> MapCalls.lend(c, fd, w.bytes, w.protection(), w.flags));
  }

  /**
   * Whether what was offered has been mapped. That the guest says so is enough: what it has not
   * mapped it cannot copy from.
   */
  private void settle() {
    long answer = offered == null ? 0 : Memory.getLong(memory, RingLayout.MAPPED_OFFSET);
    if (answer == 0) {
      return;
    }
    Window w = offered;
    offered = null;
    if (answer == w.address && isLent) {
      isUsed[w.place] = true;
      windows[w.place] = w;
      w.file.addViewer(w);
    } else {
      isRefused = ++failures == MOST_FAILURES;
    }
  }

  /**
   * How much of a file to map. To read, with room to grow; to write, no more than what has pages
   * now: others would come without being counted.
   */
  private static long bytes(WindowedFile file, boolean isForWriting) {
    long there = file.windowBytes(isForWriting);
    long want = isForWriting ? there : Math.max(FEWEST_BYTES, 2 * Long.highestOneBit(there));
    return Math.min(want, MOST_BYTES);
  }

  /** A place for a window: none of a copy that is under way. -1 when there is none. */
  private int place(WindowedFile file, boolean isForWriting) {
    int best = -1;
    for (int i = 0; i < COUNT; i++) {
      Window w = windows[i];
      if (w == null) {
        best = best < 0 || windows[best] != null ? i : best;
      } else if (w.file == file && w.isForWriting == isForWriting) {
        return w.isCopying() ? -1 : i;
      } else if ((best < 0 || (windows[best] != null && w.used < windows[best].used))
          && !w.isCopying()) {
        best = i;
      }
    }
    return best;
  }

  /** The region's memory is about to go. Under its monitor. */
  void forget() {
    for (Window w : windows) {
      if (w != null) {
        w.file.removeViewer(w);
      }
    }
  }
}
