package io.redoubt.sentry.ring;

import java.util.Arrays;

/**
 * Whether and how one {@code syscall} instruction can be made to go to the trampoline, judged from
 * the bytes around it.
 *
 * <p>A jump to anywhere takes 5 bytes, the instruction has 2. So there are two ways:
 *
 * <ul>
 *   <li>The instruction <i>before</i> it has 5 bytes or more and means the same at another address.
 *       It moves into the thunk and leaves a jump. In most of libc that is {@code mov $nr,%eax}.
 *       The {@code syscall} stays where it is, for code that jumps to it, and for the real call:
 *       that has to be made there where it may block, because musl, and glibc from 2.41 on, look at
 *       the address of an interrupted call to decide on a cancellation, and unwinders know no
 *       other.
 *   <li>The {@code syscall} becomes a short jump to a <i>cave</i>: dead bytes within its reach,
 *       padding behind code that does not go on. There is the jump to the thunk.
 * </ul>
 *
 * <p>Code can only be decoded forwards, so what is before a place is a matter of opinion. Asked are
 * decodings from many places far enough before it: they fall into step after a few instructions.
 */
final class SitePlan {
  /** Bytes before the site that are of use. */
  static final int BEFORE = 80;

  /** Bytes behind the call that are of use: the reach of a short jump and a piece of padding. */
  static final int AFTER = 127 + 64 + InstructionLength.MAX_BYTES;

  static final int CALL_BYTES = 2; // 0f 05
  static final int JUMP_BYTES = 5; // e9 rel32
  private static final int SHORT_REACH = 127;
  private static final int VOTERS = 16;

  /** Where functions and loops are aligned, and padding ends. */
  private static final int ALIGNMENT = 16;

  private final InstructionLength decoder = new InstructionLength();
  private final boolean[] isReached = new boolean[BEFORE]; // by a decoding from before
  private final int[] targets = new int[AFTER];
  private int targetCount;

  /** Index of the instruction that moves, its length; MOV and MOVED. */
  int movedAt;

  int movedLength;

  /** Index and length of the dead bytes; CAVE. */
  int caveAt;

  int caveLength;

  /**
   * Plans.
   *
   * @param code bytes of one segment, those around the site
   * @param length how many there are
   * @param address of the first
   * @param site index of the {@code syscall} instruction
   * @param nr number of the call that was made there
   * @return MOV, MOVED or CAVE and the fields of it; NO_CALL, NO_FORM
   */
  SiteResult make(byte[] code, int length, long address, int site, int nr) {
    if (site < 0 || site > length - CALL_BYTES || !isCall(code, site)) {
      return SiteResult.NO_CALL;
    }
    movedAt = instructionBefore(code, site);
    movedLength = site - movedAt;
    if (movedAt >= 0
        && movedLength >= JUMP_BYTES
        && decoder.decode(code, movedAt, site) == movedLength
        && Movable.is(decoder, code, movedAt)) {
      boolean isNumber =
          decoder.opcode == 0xb8 && movedLength == 5 && int32(code, movedAt + 1) == nr;
      return isNumber ? SiteResult.MOV : SiteResult.MOVED;
    }
    boolean isCancellationPoint = endsWith(code, site, SAVE_ARGUMENT);
    return !isCancellationPoint && findCave(code, length, address, site + CALL_BYTES)
        ? SiteResult.CAVE
        : SiteResult.NO_FORM;
  }

  /**
   * {@code mov %r11,8(%rsp)}: what musl's and glibc's calls that can be cancelled have before the
   * {@code syscall}. Those must be made at their place.
   */
  private static final byte[] SAVE_ARGUMENT = {0x4c, (byte) 0x89, 0x5c, 0x24, 0x08};

  private static boolean endsWith(byte[] code, int end, byte[] what) {
    return end >= what.length && Arrays.equals(code, end - what.length, end, what, 0, what.length);
  }

  static boolean isCall(byte[] code, int at) {
    return code[at] == 0x0f && code[at + 1] == 0x05;
  }

  static int int32(byte[] code, int at) {
    return code[at] & 0xff
        | (code[at + 1] & 0xff) << 8
        | (code[at + 2] & 0xff) << 16
        | code[at + 3] << 24;
  }

  /**
   * The index of the instruction that ends at {@code site}; negative if decodings do not agree on
   * one.
   */
  private int instructionBefore(byte[] code, int site) {
    int from = Math.max(0, site - BEFORE);
    // The first byte there is may be the first of the code; then only it is to be believed.
    int voters = from > 0 || site == BEFORE ? VOTERS : 1;
    Arrays.fill(isReached, false);
    int winner = -1;
    for (int at = from; at < site; at++) {
      if (at - from >= voters && !isReached[at - from]) {
        continue;
      }
      int n = decoder.decode(code, at, site);
      int next = at + n;
      if (next < site) {
        isReached[next - from] = true; // with n == 0 this is itself, and the end of it
      } else if (winner >= 0) {
        return -1;
      } else {
        winner = at;
      }
    }
    return winner;
  }

  /** Looks for dead bytes near {@code ip}, from which on code is decoded. */
  private boolean findCave(byte[] code, int length, long address, int ip) {
    int end = Math.min(length, ip + AFTER);
    targetCount = 0;
    caveAt = -1;
    int runAt = -1; // of a run of padding
    boolean isAllBreakpoints = true;
    boolean isDead = false; // nothing comes here from above
    int at = ip;
    while (at < end) {
      int n = decoder.decode(code, at, end);
      if (n == 0) {
        break;
      }
      boolean isFiller =
          decoder.kind == InstructionLength.NOP || decoder.kind == InstructionLength.BREAKPOINT;
      if (isDead && isFiller) {
        isAllBreakpoints =
            decoder.kind == InstructionLength.BREAKPOINT && (runAt < 0 || isAllBreakpoints);
        runAt = runAt < 0 ? at : runAt;
      } else {
        if (runAt >= 0 && caveAt < 0 && isPadding(address, runAt, at, isAllBreakpoints)) {
          caveAt = runAt;
          caveLength = at - runAt;
        }
        runAt = -1;
        isDead = decoder.kind == InstructionLength.JUMP || decoder.kind == InstructionLength.END;
        if (decoder.kind == InstructionLength.JUMP || decoder.kind == InstructionLength.BRANCH) {
          targets[targetCount++] = decoder.target;
        }
      }
      at += n;
      if (runAt < 0 && at - ip > SHORT_REACH) {
        break; // no cave begins behind here
      }
    }
    return caveAt >= 0 && caveAt - ip <= SHORT_REACH && !isTarget(caveAt, caveLength);
  }

  /**
   * Whether a run of fillers is there only to align what follows. No-operations may also be the
   * first instructions of a function, left there for a tracer to patch: those begin where padding
   * ends. A breakpoint is not run by a program that goes on.
   */
  private static boolean isPadding(long address, int from, int to, boolean isAllBreakpoints) {
    return to - from >= JUMP_BYTES
        && (isAllBreakpoints
            || (address + from) % ALIGNMENT != 0 && (address + to) % ALIGNMENT == 0);
  }

  private boolean isTarget(int from, int length) {
    for (int i = 0; i < targetCount; i++) {
      if (targets[i] >= from && targets[i] < from + length) {
        return true;
      }
    }
    return false;
  }
}
