package io.redoubt.sentry.ring;

import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Memory;
import io.redoubt.host.Seccomp;
import io.redoubt.host.Unistd;
import io.redoubt.sentry.kernel.KernelThread;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Makes single {@code syscall} instructions of a guest go to the trampoline, in the memory of the
 * process that makes the call.
 *
 * <p>A file stays what it is: the pages that are written to are copied for the process, and its
 * children have them too. The thread is in the very call, its process has no other one, and nobody
 * runs the bytes meanwhile. A call that is being made ends as it would have: what is behind the
 * {@code syscall} is not touched. But if it is to be made again by the host (a restart code) or is
 * replaced by another, where that means that rip goes back by 2, it may land on the jump that is
 * there now.
 *
 * <p>Everything read from the process may be a lie. What a guest can get by one is jumps in its own
 * code. The sentry writes through /proc/TID/mem, which makes a private copy of what the guest may
 * not write to, and refuses if it is shared; and it is the memory of the process that was there
 * when the call was last known to be pending.
 *
 * <p>Uses the thread's {@link io.redoubt.sentry.kernel.Scratch#small}. Thread-safe.
 */
public final class SiteRewriter {
  private static final int PAGE = 4096;

  // Parts of the scratch memory.
  private static final int MAPS = 0; // answers about mappings
  private static final int DATA = PAGE; // what is read and written

  private final int procFd;
  private volatile boolean isQueried;

  /**
   * @param procFd the host's /proc, O_PATH
   */
  public SiteRewriter(int procFd) {
    this(procFd, true);
  }

  SiteRewriter(int procFd, boolean isQueried) {
    this.procFd = procFd;
    this.isQueried = isQueried;
  }

  /**
   * Rewrites the site of a call.
   *
   * @param tid host thread that waits for the answer of the call
   * @param ip where it goes on
   * @param nr number of the call
   * @param listener where the call is pending, with its {@code id}; negative if the caller knows
   *     that the thread stays
   */
  public SiteResult rewrite(int tid, long ip, int nr, int listener, long id) {
    int mem = Fcntl.openat(procFd, tid + "/mem", Fcntl.O_RDWR | Fcntl.O_CLOEXEC, 0);
    if (mem < 0) {
      return mem == -Errno.ENOENT || mem == -Errno.ESRCH ? SiteResult.GONE : SiteResult.READ_ONLY;
    }
    int maps = ProcessMaps.open(procFd, tid);
    if (maps < 0) {
      Unistd.close(mem);
      return SiteResult.GONE;
    }
    MemorySegment small = KernelThread.scratch().small;
    // Both are now of one address space, whatever becomes of the number of the thread: if the call
    // is still pending, of the right one.
    try (ProcessMaps m = new ProcessMaps(maps, small.asSlice(MAPS, PAGE), isQueried)) {
      if (listener >= 0 && Seccomp.idValid(listener, id) < 0) {
        return SiteResult.GONE;
      }
      SiteResult r = new Rewriting(mem, m, small.asSlice(DATA, PAGE)).run(ip, nr);
      isQueried = m.isQueried();
      return r;
    } finally {
      Unistd.close(mem);
    }
  }

  /** One rewrite. */
  private static final class Rewriting {
    private final int mem;
    private final ProcessMaps maps;
    private final MemorySegment data;
    private final Mapping text = new Mapping();
    private final TextSegment segment = new TextSegment();
    private final SitePlan plan = new SitePlan();
    private final byte[] code = new byte[SitePlan.BEFORE + SitePlan.CALL_BYTES + SitePlan.AFTER];
    private int codeLength;
    private long codeAddress;

    Rewriting(int mem, ProcessMaps maps, MemorySegment data) {
      this.mem = mem;
      this.maps = maps;
      this.data = data;
    }

    SiteResult run(long ip, int nr) {
      long site = ip - SitePlan.CALL_BYTES;
      if (!maps.find(site, text) || !text.isProgramText()) {
        return SiteResult.NOT_TEXT;
      }
      SiteResult r = findSegment(site);
      if (r != null) {
        return r;
      }
      if (!readCode(site)) {
        return SiteResult.GONE;
      }
      int at = (int) (site - codeAddress);
      if (isRewritten(at)) {
        return SiteResult.ALREADY;
      }
      r = plan.make(code, codeLength, codeAddress, at, nr);
      return r.isRewritten() ? write(r, ip, nr) : r;
    }

    private SiteResult findSegment(long site) {
      Mapping head = new Mapping();
      if (!findHead(head)) {
        return SiteResult.NO_HEADERS;
      }
      byte[] b = new byte[PAGE];
      int n = read(head.start, b, PAGE);
      SiteResult r = segment.find(b, n, text, site);
      if (r == null && site >= segment.end) {
        // A thunk makes real calls of its own.
        return site >= segment.tailStart ? SiteResult.ALREADY : SiteResult.NO_SEGMENT;
      }
      return r;
    }

    /**
     * The mapping of the start of the file: the code's own; the one below, as linkers lay segments
     * out now; or where it is if all of the file is mapped in one piece.
     */
    private boolean findHead(Mapping head) {
      if (text.offset == 0) {
        return maps.find(text.start, head);
      }
      return maps.find(text.start - 1, head) && head.isHeadOf(text)
          || maps.find(text.start - text.offset, head) && head.isHeadOf(text);
    }

    private boolean readCode(long site) {
      codeAddress = Math.max(segment.start, site - SitePlan.BEFORE);
      long end = Math.min(segment.end, site + SitePlan.CALL_BYTES + SitePlan.AFTER);
      int want = (int) (end - codeAddress);
      codeLength = read(codeAddress, code, want);
      return codeLength == want;
    }

    private int read(long address, byte[] to, int length) {
      int n = (int) Unistd.pread(mem, data, length, address);
      if (n > 0) {
        Memory.copy(data, 0, to, 0, n);
      }
      return Math.max(n, 0);
    }

    /** Whether there is a jump to a slot, at most the longest instruction before the call. */
    private boolean isRewritten(int at) {
      int first = Math.max(0, at - InstructionLength.MAX_BYTES);
      for (int i = at - SitePlan.JUMP_BYTES; i >= first; i--) {
        long to = codeAddress + i + SitePlan.JUMP_BYTES + SitePlan.int32(code, i + 1);
        boolean isThunk =
            to >= segment.tailStart && to < segment.tailEnd
                || to >= RingLayout.THUNKS && to < RingLayout.DATA;
        if (code[i] == (byte) 0xe9 && isThunk && to % Thunk.SLOT_BYTES == 0) {
          return true;
        }
      }
      return false;
    }

    private SiteResult write(SiteResult form, long ip, int nr) {
      long slot = freeSlot(segment.tailStart, segment.tailEnd);
      if (slot == 0) {
        slot = freeSlot(RingLayout.THUNKS, RingLayout.DATA);
      }
      if (slot == 0 || Math.abs(slot - codeAddress) > Integer.MAX_VALUE - PAGE) {
        return SiteResult.NO_ROOM;
      }
      Thunk thunk;
      int jumpAt;
      int jumpLength;
      if (form == SiteResult.CAVE) {
        thunk = Thunk.forCave(slot, ip);
        jumpAt = plan.caveAt;
        jumpLength = plan.caveLength;
      } else {
        thunk =
            form == SiteResult.MOV && Uninterrupted.is(nr)
                ? Thunk.retried(slot, nr, ip)
                : Thunk.inPlace(slot, code, plan.movedAt, plan.movedLength, ip);
        jumpAt = plan.movedAt;
        jumpLength = plan.movedLength;
      }
      // Each only leads to what is there already.
      boolean isWritten = put(slot, thunk.bytes) && replace(jumpAt, jump(jumpAt, jumpLength, slot));
      if (isWritten && form == SiteResult.CAVE) {
        int call = (int) (ip - codeAddress) - SitePlan.CALL_BYTES;
        byte offset = (byte) (jumpAt - call - SitePlan.CALL_BYTES);
        isWritten = replace(call, new byte[] {(byte) 0xeb, offset});
      }
      return isWritten ? form : SiteResult.READ_ONLY;
    }

    /**
     * A jump over {@code length} bytes of code. The rest are breakpoints, so that it can be
     * decoded.
     */
    private byte[] jump(int at, int length, long to) {
      byte[] b = new byte[length];
      Arrays.fill(b, (byte) 0xcc);
      int offset = (int) (to - (codeAddress + at + SitePlan.JUMP_BYTES));
      b[0] = (byte) 0xe9;
      for (int i = 0; i < 4; i++) {
        b[1 + i] = (byte) (offset >> 8 * i);
      }
      return b;
    }

    /** The first slot of zeroes in a part of a page, or 0. */
    private long freeSlot(long from, long to) {
      byte[] tail = new byte[PAGE];
      int n = read(from, tail, (int) (to - from));
      for (int at = 0; at + Thunk.SLOT_BYTES <= n; at += Thunk.SLOT_BYTES) {
        long any = 0;
        for (int i = 0; i < Thunk.SLOT_BYTES; i += 8) {
          any |= Memory.getLong(tail, at + i);
        }
        if (any == 0) {
          return from + at;
        }
      }
      return 0;
    }

    /**
     * Puts bytes in the place of code. Where those are in two pages, both are copied for the
     * process before, as there may be memory for only one.
     */
    private boolean replace(int at, byte[] b) {
      long address = codeAddress + at;
      boolean isInTwoPages = ((address ^ (address + b.length - 1)) & -PAGE) != 0;
      return (!isInTwoPages || put(address, Arrays.copyOfRange(code, at, at + b.length)))
          && put(address, b);
    }

    private boolean put(long address, byte[] b) {
      Memory.copy(b, 0, data, 0, b.length);
      return Unistd.pwrite(mem, data, b.length, address) == b.length;
    }
  }
}
