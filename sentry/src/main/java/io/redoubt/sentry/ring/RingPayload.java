package io.redoubt.sentry.ring;

import io.redoubt.host.Memory;
import io.redoubt.sentry.kernel.GuestMemory;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.WindowedFile;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * Memory of a process whose calls come by the ring: what has come with a call, or shall go back
 * with its answer, is in the slot's payload; everything else is reached as for a trap.
 *
 * <p>What is in a payload is the guest's, as its memory is: it may change at any time, and each
 * look at it is one. Where it lies in the guest is not believed either: a copy through it is one of
 * the guest with itself.
 *
 * <p>Of one thread.
 */
final class RingPayload extends GuestMemory {
  // What arguments lead to: ring.h.
  static final int PATH_DI = 1;
  static final int PATH_SI = 2;
  static final int OUT_SI = 4;
  static final int STAT_SI = 8;
  static final int STAT_DX = 16;
  static final int IN_SI = 32;
  static final int POLL = 65;
  static final int EVENTS = 66;
  static final int GETCWD = 68;
  static final int STATX = 72;

  private static final byte[] KINDS = kinds();

  private final MemorySegment region;
  private GuestMemory process;
  private long payload;

  // What has come: at this address in the guest so many bytes, and whether they are a path, which
  // ends with them.
  private long inAddress;
  private int inLength;
  private boolean isPath;

  // Whether a length was one that no trampoline writes.
  private boolean isMalformed;

  // What goes back: to this address so many bytes, of which there are some.
  private long outAddress;
  private int room;
  private int outLength;

  // The slot; and where in the process the bytes are that it has to copy itself, or 0. Then there
  // are as many.
  private int slot;
  private final FileWindows windows;
  private int whole;
  private long window;
  private long windowLength;
  private int fd;
  private boolean isWritten; // write(2) and the like
  private boolean isAsked; // for a window to write to

  RingPayload(MemorySegment region, GuestMemory process, FileWindows windows) {
    this.region = region;
    this.process = process;
    this.windows = windows;
  }

  private static byte[] kinds() {
    byte[] k = new byte[RingLayout.NUMBERS];
    k[0] = OUT_SI; // read
    k[1] = IN_SI; // write
    k[2] = PATH_DI; // open
    k[4] = PATH_DI | STAT_SI; // stat
    k[5] = STAT_SI; // fstat
    k[6] = PATH_DI | STAT_SI; // lstat
    k[7] = POLL; // poll
    k[17] = OUT_SI; // pread64
    k[18] = IN_SI; // pwrite64
    k[21] = PATH_DI; // access
    k[44] = IN_SI; // sendto, the data
    k[45] = OUT_SI; // recvfrom, the data
    k[79] = GETCWD; // getcwd
    k[82] = PATH_DI; // rename, the old one
    k[83] = PATH_DI; // mkdir
    k[84] = PATH_DI; // rmdir
    k[87] = PATH_DI; // unlink
    k[89] = PATH_DI | OUT_SI; // readlink
    k[90] = PATH_DI; // chmod
    k[217] = OUT_SI; // getdents64
    k[232] = EVENTS; // epoll_wait
    k[257] = PATH_SI; // openat
    k[258] = PATH_SI; // mkdirat
    k[260] = PATH_SI; // fchownat
    k[262] = PATH_SI | STAT_DX; // newfstatat
    k[263] = PATH_SI; // unlinkat
    k[264] = PATH_SI; // renameat, the old one
    k[267] = PATH_SI; // readlinkat
    k[268] = PATH_SI; // fchmodat
    k[269] = PATH_SI; // faccessat
    k[280] = PATH_SI; // utimensat
    k[281] = EVENTS; // epoll_pwait
    k[316] = PATH_SI; // renameat2, the old one
    k[332] = STATX; // statx
    k[439] = PATH_SI; // faccessat2
    return k;
  }

  /** What the arguments of a call lead to. @param nr any number */
  static int kind(int nr) {
    return nr >= 0 && nr < KINDS.length ? KINDS[nr] : 0;
  }

  /** Whether something comes with a call of this kind. */
  static boolean hasIn(int kind) {
    return kind < POLL ? (kind & (PATH_DI | PATH_SI | IN_SI)) != 0 : kind == POLL || kind == STATX;
  }

  /** Whether something goes back. */
  static boolean hasOut(int kind) {
    return kind < POLL ? (kind & (OUT_SI | STAT_SI | STAT_DX)) != 0 : true;
  }

  private static boolean isPath(int kind) {
    return kind < POLL ? (kind & (PATH_DI | PATH_SI)) != 0 : kind == STATX;
  }

  /** Where what comes with a call is from. */
  static long inAddress(int kind, long arg0, long arg1) {
    return kind == PATH_DI
            || kind == (PATH_DI | STAT_SI)
            || kind == (PATH_DI | OUT_SI)
            || kind == POLL
        ? arg0
        : arg1;
  }

  /** Where what goes back belongs. */
  static long outAddress(int kind, long arg0, long arg1, long arg2, long arg4) {
    return switch (kind) {
      case POLL, GETCWD -> arg0;
      case STATX -> arg4;
      case PATH_SI | STAT_DX -> arg2;
      default -> arg1;
    };
  }

  /** The process as another thread of it sees it. */
  void reachBy(GuestMemory memory) {
    process = memory;
  }

  /** A call without a payload begins. */
  void none() {
    inLength = 0;
    room = 0;
    outLength = 0;
    whole = 0;
    window = 0;
    isMalformed = false;
  }

  /**
   * A call with a payload begins.
   *
   * @param slot whose payload it is
   */
  void begin(Syscall c, int nr, int slot) {
    int kind = kind(nr);
    long at = RingLayout.payloadOffset(slot);
    this.slot = slot;
    window = 0;
    payload = at;
    int in = Memory.getInt(region, at + RingLayout.PAYLOAD_IN);
    int out = Memory.getInt(region, at + RingLayout.PAYLOAD_ROOM);
    boolean isInSane = in >= 0 && in <= RingLayout.PAYLOAD_MAX;
    boolean isOutSane = out >= 0 && out <= RingLayout.PAYLOAD_MAX;
    isMalformed = !isInSane || !isOutSane;
    isPath = isPath(kind);
    inAddress = inAddress(kind, c.arg0, c.arg1);
    inLength = isInSane && hasIn(kind) ? in : 0;
    outAddress = outAddress(kind, c.arg0, c.arg1, c.arg2, c.arg4);
    room = isOutSane && hasOut(kind) ? out : 0;
    isWritten = kind == IN_SI;
    isAsked = false;
    boolean hasWhole = room > 0 || (isWritten && inLength == 0);
    whole = hasWhole ? Memory.getInt(region, at + RingLayout.PAYLOAD_WHOLE) : 0;
    fd = (int) c.arg0;
    outLength = 0;
  }

  /** Whether what has come has a length that no trampoline writes; it is not used then. */
  boolean isMalformed() {
    return isMalformed;
  }

  boolean hasIn() {
    return inLength > 0;
  }

  /** Whether fewer than {@code wanted} bytes could go back, and more could if they are stable. */
  boolean lacksRoom(long wanted) {
    return room < RingLayout.PAYLOAD_MAX && Long.compareUnsigned(room, wanted) < 0;
  }

  /**
   * Bytes in the payload that the trampoline has to copy to where they belong, and says so there.
   */
  int finish() {
    if (outLength > 0) {
      Memory.setInt(region, payload + RingLayout.PAYLOAD_OUT, outLength);
    }
    return outLength;
  }

  /** Whether what is written could have come, but is much, or is to be copied to a window. */
  boolean isForWindow() {
    return isWritten && inLength == 0 && whole > 0;
  }

  /** Whether {@link #isForWindow}, and it was no file that could have one. */
  boolean isForNoWindow() {
    return isForWindow() && !isAsked;
  }

  /**
   * Whether the trampoline has to copy the bytes from or to a window; where that is the payload
   * says.
   *
   * @param result of the call
   */
  boolean isWindow(long result) {
    if (window == 0) {
      return false;
    }
    if (result != windowLength) {
      throw new IllegalStateException("window: result=" + result + ", shown=" + windowLength);
    }
    Memory.setLong(region, payload + RingLayout.PAYLOAD_WINDOW, window);
    return true;
  }

  @Override
  public boolean copyFromWindow(WindowedFile file, long offset, long address, long length) {
    if (address != outAddress || outLength > 0 || window != 0 || length > whole) {
      return false;
    }
    window = windows.show(slot, file, offset, length);
    windowLength = length;
    return window != 0;
  }

  @Override
  public boolean copyToWindow(WindowedFile file, long offset, long address, long length) {
    if (address != inAddress || window != 0 || (length > whole && length > inLength)) {
      return false;
    }
    isAsked = true;
    window = windows.showForWriting(slot, file, offset, length, fd, inLength > 0);
    windowLength = length;
    return window != 0;
  }

  @Override
  public long copyIn(long address, MemorySegment local, long offset, long length) {
    long skip = address - inAddress;
    if (inLength == 0 || skip < 0 || skip >= inLength || outLength > 0) {
      return process.copyIn(address, local, offset, length);
    }
    long there = inLength - skip;
    if (length > there && !isPath) {
      return process.copyIn(address, local, offset, length);
    }
    int n = (int) Math.min(length, there);
    Objects.checkFromIndexSize(offset, n, local.byteSize());
    Memory.copy(region, payload + RingLayout.PAYLOAD_BYTES + skip, local, offset, n);
    return n;
  }

  @Override
  public long copyOut(long address, MemorySegment local, long offset, long length) {
    if (room == 0 || address != outAddress + outLength || length > room - outLength) {
      return process.copyOut(address, local, offset, length);
    }
    int n = (int) length;
    Objects.checkFromIndexSize(offset, n, local.byteSize());
    Memory.copy(local, offset, region, payload + RingLayout.PAYLOAD_BYTES + outLength, n);
    outLength += n;
    return n;
  }
}
