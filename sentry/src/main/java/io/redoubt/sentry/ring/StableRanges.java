package io.redoubt.sentry.ring;

import io.redoubt.host.Fcntl;
import io.redoubt.host.Ioctl;
import io.redoubt.host.Memory;
import io.redoubt.host.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Tells the trampoline of a process which memory it may touch: what is there for as long as the
 * process is, the heap of brk(2), the first thread's stack, and what lies behind the data of a
 * program. A pointer into anything else may be a bad one, and a bad one has to be EFAULT and not a
 * SIGSEGV in the trampoline. (What a program takes from its heap by brk(2) and then passes to a
 * call nevertheless is such a SIGSEGV.)
 *
 * <p>Learnt by the pointers that come: the mapping of one is asked for, PROCMAP_QUERY of Linux
 * 6.11; before that there is none of this. Of the poller's thread.
 */
final class StableRanges {
  private static final int COUNT = 16;

  /** One pointer in so many is looked at, and fewer and fewer while they lead to nothing. */
  private static final int FIRST_PAUSE = 16;

  private static final int LAST_PAUSE = 64 * 1024;
  private static final int NAME_BYTES = 32;

  private static final long READABLE = 0x1;
  private static final long WRITABLE = 0x2;
  private static final long EXECUTABLE = 0x4;
  private static final long SHARED = 0x8;

  /** Parts of a program that are looked through for one that is code. */
  private static final int MOST_SEGMENTS = 4;

  private final MemorySegment region;
  private final int procFd;
  private final int tid;
  private final MemorySegment query;
  private int seen;
  private int pause = FIRST_PAUSE;
  private int used;

  StableRanges(MemorySegment region, int procFd, int tid) {
    this.region = region;
    this.procFd = procFd;
    this.tid = tid;
    this.query = Arena.ofAuto().allocate(ProcessMaps.ProcmapQuery.SIZEOF + NAME_BYTES, 8);
  }

  /** A call had to reach for {@code pointer}, or for something behind it. */
  void missed(long pointer) {
    if (++seen < pause || pointer <= RingLayout.REGION) {
      return;
    }
    seen = 0;
    boolean isNew = look(behindKnown(pointer));
    pause = isNew ? FIRST_PAUSE : Math.min(2 * pause, LAST_PAUSE);
  }

  /** The pointer, or where the range ends in which it is: what it leads to may go on there. */
  private long behindKnown(long pointer) {
    for (int i = 0; i < used; i++) {
      long end = end(i);
      if (pointer >= start(i) && pointer < end) {
        return end;
      }
    }
    return pointer;
  }

  private long start(int i) {
    return Memory.getLong(region, RingLayout.RANGE_OFFSET + 16L * i) & ~RingLayout.RANGE_WRITABLE;
  }

  private long flag(int i) {
    return Memory.getLong(region, RingLayout.RANGE_OFFSET + 16L * i) & RingLayout.RANGE_WRITABLE;
  }

  private long end(int i) {
    return Memory.getLong(region, RingLayout.RANGE_OFFSET + 16L * i + 8);
  }

  /**
   * @return whether there is more now that may be touched
   */
  private boolean look(long pointer) {
    int fd = Fcntl.openat(procFd, tid + "/maps", Fcntl.O_RDONLY | Fcntl.O_CLOEXEC, 0);
    if (fd < 0) {
      return false;
    }
    boolean hasMore = false;
    if (ask(fd, pointer)) {
      long start = field(ProcessMaps.ProcmapQuery.VMA_START);
      long end = field(ProcessMaps.ProcmapQuery.VMA_END);
      long inode = field(ProcessMaps.ProcmapQuery.INODE);
      boolean isWritable = (field(ProcessMaps.ProcmapQuery.VMA_FLAGS) & WRITABLE) != 0;
      boolean isStable =
          inode == 0
              ? isNamed("[heap]") || isNamed("[stack]") || (nameLength() == 0 && isBss(fd, start))
              : isOfProgram(fd, start, end, inode);
      hasMore = isStable && put(start, end, isWritable);
    }
    Unistd.close(fd);
    return hasMore;
  }

  private long field(long offset) {
    return Memory.getLong(query, offset);
  }

  /** Whether memory of no file that begins here is the zeroes behind the data of a program. */
  private boolean isBss(int fd, long start) {
    return ask(fd, start - 1)
        && (field(ProcessMaps.ProcmapQuery.VMA_FLAGS) & WRITABLE) != 0
        && isOfProgram(
            fd,
            field(ProcessMaps.ProcmapQuery.VMA_START),
            field(ProcessMaps.ProcmapQuery.VMA_END),
            field(ProcessMaps.ProcmapQuery.INODE));
  }

  /**
   * Whether a mapping of a file is a segment of a program or library: one beside it, of the same
   * file, is code. Any other file may be made shorter by somebody, and then its pages are a SIGBUS.
   */
  private boolean isOfProgram(int fd, long start, long end, long inode) {
    if (inode == 0) {
      return false;
    }
    long at = start;
    for (int i = 0; i < MOST_SEGMENTS && ask(fd, at - 1) && isOf(inode); i++) {
      if ((field(ProcessMaps.ProcmapQuery.VMA_FLAGS) & EXECUTABLE) != 0) {
        return true;
      }
      at = field(ProcessMaps.ProcmapQuery.VMA_START);
    }
    at = end;
    for (int i = 0; i < MOST_SEGMENTS && ask(fd, at) && isOf(inode); i++) {
      if ((field(ProcessMaps.ProcmapQuery.VMA_FLAGS) & EXECUTABLE) != 0) {
        return true;
      }
      at = field(ProcessMaps.ProcmapQuery.VMA_END);
    }
    return false;
  }

  private boolean isOf(long inode) {
    return field(ProcessMaps.ProcmapQuery.INODE) == inode;
  }

  /** Whether there is a mapping at the address that is private and can be read. */
  private boolean ask(int fd, long address) {
    Memory.zero(query, 0, ProcessMaps.ProcmapQuery.SIZEOF);
    Memory.setLong(query, ProcessMaps.ProcmapQuery.SIZE, ProcessMaps.ProcmapQuery.SIZEOF);
    Memory.setLong(query, ProcessMaps.ProcmapQuery.QUERY_ADDR, address);
    Memory.setInt(query, ProcessMaps.ProcmapQuery.VMA_NAME_SIZE, NAME_BYTES);
    Memory.setLong(
        query,
        ProcessMaps.ProcmapQuery.VMA_NAME_ADDR,
        query.address() + ProcessMaps.ProcmapQuery.SIZEOF);
    int r = Ioctl.ioctl(fd, ProcessMaps.PROCMAP_QUERY, query);
    if (r == -36) { // ENAMETOOLONG: of a file
      Memory.setLong(query, ProcessMaps.ProcmapQuery.VMA_NAME_ADDR, 0);
      Memory.setInt(query, ProcessMaps.ProcmapQuery.VMA_NAME_SIZE, 0);
      r = Ioctl.ioctl(fd, ProcessMaps.PROCMAP_QUERY, query);
    }
    return r == 0 && (field(ProcessMaps.ProcmapQuery.VMA_FLAGS) & (READABLE | SHARED)) == READABLE;
  }

  private int nameLength() {
    return Memory.getInt(query, ProcessMaps.ProcmapQuery.VMA_NAME_SIZE);
  }

  private boolean isNamed(String name) {
    if (nameLength() != name.length() + 1) {
      return false;
    }
    for (int i = 0; i < name.length(); i++) {
      if (Memory.getByte(query, ProcessMaps.ProcmapQuery.SIZEOF + i) != name.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  /**
   * Adds a range, or makes one that is there longer: heap and stack grow, zeroes follow data.
   *
   * @return whether that was news
   */
  private boolean put(long start, long end, boolean isWritable) {
    long flag = isWritable ? RingLayout.RANGE_WRITABLE : 0;
    int i = 0;
    while (i < used && !(start <= end(i) && end >= start(i) && flag == flag(i))) {
      i++;
    }
    if (i == COUNT || (i < used && start >= start(i) && end <= end(i))) {
      return false;
    }
    long at = RingLayout.RANGE_OFFSET + 16L * i;
    boolean isNew = i == used;
    Memory.setLong(region, at, (isNew ? start : Math.min(start, start(i))) | flag);
    Memory.setLong(region, at + 8, isNew ? end : Math.max(end, end(i)));
    if (isNew) {
      used++;
      Memory.setIntRelease(region, RingLayout.RANGES_OFFSET, 16 * used);
    }
    return true;
  }
}
