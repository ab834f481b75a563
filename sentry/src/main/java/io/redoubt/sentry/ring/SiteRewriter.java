package io.redoubt.sentry.ring;

import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Memory;
import io.redoubt.host.Seccomp;
import io.redoubt.host.Unistd;
import io.redoubt.sentry.kernel.KernelThread;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;

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
    return rewrite(tid, ip, nr, listener, id, null);
  }

  /**
   * Rewrites a site, and the next ones in the code, of calls that are served, as far as their
   * numbers can be seen. For a process that will have threads: one that is cancelled while its call
   * waits is unwound from there (glibc before 2.41), which works only where the program has its
   * call. So no caves.
   *
   * @param results one counter for each {@link SiteResult}
   */
  void rewriteFrom(int tid, long ip, int nr, int listener, long id, AtomicLong[] results) {
    results[rewrite(tid, ip, nr, listener, id, results).ordinal()].incrementAndGet();
  }

  /**
   * @param following counts those behind it, or null: they are left
   */
  private SiteResult rewrite(
      int tid, long ip, int nr, int listener, long id, AtomicLong[] following) {
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
      MemorySegment data = small.asSlice(DATA, PAGE);
      Rewriting first = new Rewriting(mem, m, data, following != null);
      SiteResult r = first.run(ip, nr);
      if (following != null) {
        first.findFollowing(ip);
        for (int i = 0; i < first.followingCount; i++) {
          SiteResult f =
              new Rewriting(mem, m, data, true).run(first.following[i], first.followingNumbers[i]);
          following[f.ordinal()].incrementAndGet();
        }
      }
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

    private static final int MOST_FOLLOWING = 3;
    private static final int READ = 0;
    private static final byte EAX_EAX = (byte) 0xc0;

    private final InstructionLength decoder = new InstructionLength();
    final long[] following = new long[MOST_FOLLOWING];
    final int[] followingNumbers = new int[MOST_FOLLOWING];
    int followingCount;

    /** Whether the real call has to stay where it is. */
    private final boolean isInPlace;

    Rewriting(int mem, ProcessMaps maps, MemorySegment data, boolean isInPlace) {
      this.mem = mem;
      this.isInPlace = isInPlace;
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
      if (r == SiteResult.CAVE && isInPlace) {
        return SiteResult.NO_FORM;
      }
      return r.isRewritten() ? write(r, ip, nr) : r;
    }

    /** Looks for calls behind one, whose numbers are put into eax right before them. */
    private void findFollowing(long ip) {
      int at = codeLength == 0 ? 0 : (int) (ip - codeAddress);
      int numberAt = -1; // of the instruction before
      while (at < codeLength && followingCount < MOST_FOLLOWING) {
        int n = decoder.decode(code, at, codeLength);
        if (n == SitePlan.CALL_BYTES && SitePlan.isCall(code, at) && numberAt >= 0) {
          int nr = code[numberAt] == (byte) 0xb8 ? SitePlan.int32(code, numberAt + 1) : READ;
          if (RingCalls.isServed(nr)) {
            following[followingCount] = codeAddress + at + n;
            followingNumbers[followingCount++] = nr;
          }
        }
        if (n == 0) {
          return;
        }
        boolean isMov = n == 5 && code[at] == (byte) 0xb8;
        boolean isXor = n == 2 && (code[at] == 0x31 || code[at] == 0x33) && code[at + 1] == EAX_EAX;
        numberAt = isMov || isXor ? at : -1;
        at += n;
      }
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
