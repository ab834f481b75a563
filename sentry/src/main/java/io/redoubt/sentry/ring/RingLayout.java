package io.redoubt.sentry.ring;

/**
 * Where things are in the memory that a guest process shares with the sentry, and what the words
 * mean. {@code launcher/src/main/native/ring.h} has the same numbers for the guest's side.
 *
 * <pre>
 *  guest address
 *  0x180000  trampoline, r-x, private; 0x180008 holds the address that rewritten call sites jump to
 *  0x181000  words of the process, rw-, private, WIPEONFORK
 *  0x183000  the region, shared, DONTFORK
 *
 *  region    written by  64-byte lines
 *     0      sentry      u32 awake   u32 spins
 *   128      sentry      bit for each system call number that is worth trying
 *   256      guest       bit for each slot that has ever been used
 *   384      sentry      bit for each descriptor whose file is mapped for writing ({@link FileWindows})
 *   448      guest       what the mapping of a file has answered
 *   512      sentry      u32 bytes of the table that follows at 528: u64 start, end of ranges of memory that is
 *                        there as long as the process ({@link StableRanges})
 *  4096      slot[32] of 256 bytes
 * 12288      payload[32] of 12288 bytes: u32 in   u32 room (guest)   u32 out (sentry)   u32 whole (guest)   at 16: bytes
 *
 *  slot
 *     0      both        u32 state   u32 number   u64 argument[6]   i64 result
 *    64      guest       claim, link, saved registers, stack pointer; beat: the sentry reads only that, when it was away
 * </pre>
 */
public final class RingLayout {
  /** Where the trampoline is in every process that has one. */
  public static final long TEXT = 0x180000;

  /** Holds the address that a rewritten call site jumps to; reachable by a 32-bit absolute jump. */
  public static final int ENTER = 0x180008;

  /**
   * Behind the trampoline, to the end of its page: thunks of segments that have no room left and
   * are near enough for a jump, which those of programs linked for a fixed address are.
   */
  static final long THUNKS = 0x180a00;

  /** Words of the process that only its trampoline uses. */
  static final long DATA = 0x181000;

  /** Where the region is in every process that has one. */
  public static final long REGION = 0x183000;

  public static final int REGION_BYTES = 0x63000;

  /** How it is mapped there: PROT_READ, PROT_WRITE; MAP_SHARED, MAP_FIXED_NOREPLACE. */
  public static final int REGION_PROT = 0x3;

  public static final int REGION_FLAGS = 0x100001;

  static final int AWAKE_OFFSET = 0;
  static final int SPINS_OFFSET = 4;
  static final int SERVED_OFFSET = 128;
  static final int USED_OFFSET = 256;

  /** Bits at {@link #SERVED_OFFSET}. */
  static final int NUMBERS = 512;

  static final int WRITABLE_OFFSET = 384;

  /** What the mapping of a file has answered, once it has; 0 until then. */
  static final int MAPPED_OFFSET = 448;

  /** Of the answer {@link #MAP}: address, length, protection, flags. */
  static final int PAYLOAD_MAPPING = 16;

  /** Bits at {@link #WRITABLE_OFFSET}. */
  static final int WRITABLE_FDS = 512;

  static final int RANGES_OFFSET = 512;
  static final int RANGE_OFFSET = 528;

  /** In the start of a range. */
  static final long RANGE_WRITABLE = 1;

  static final int PAYLOADS_OFFSET = 0x3000;
  static final int PAYLOAD_IN = 0;
  static final int PAYLOAD_ROOM = 4;
  static final int PAYLOAD_OUT = 8;
  static final int PAYLOAD_WHOLE = 12;

  /** Of the answer {@link #DONE_WINDOW}: where in the process the bytes of the file are. */
  static final int PAYLOAD_WINDOW = 0;

  static final int PAYLOAD_BYTES = 16;
  static final int PAYLOAD_MAX = 0x3000 - PAYLOAD_BYTES;

  /** Beside the number of a call: it has a payload. */
  static final int HAS_PAYLOAD = 0x10000;

  static final int SLOTS_OFFSET = 0x1000;
  static final int SLOT_COUNT = 32;
  static final int SLOT_BYTES = 256;

  static final int STATE_OFFSET = 0;
  static final int NUMBER_OFFSET = 4;
  static final int ARGUMENTS_OFFSET = 8;
  static final int RESULT_OFFSET = 56;

  /** Changes for as long as the thread looks whether its call has been taken. */
  static final int BEAT_OFFSET = 120;

  /** Nobody's, or just claimed. */
  static final int FREE = 0;

  /** Number and arguments are there; the guest may take it back. */
  static final int CALLED = 1;

  /** The sentry has taken it. */
  static final int SERVING = 2;

  /** As {@link #SERVING}, and the thread sleeps on the word: futex(2). */
  static final int WAITED = 3;

  /** The result is there. */
  static final int DONE = 4;

  /** The thread has to make the call itself. */
  static final int TRAP = 5;

  /** As {@link #DONE}, and bytes of the payload are to be copied to where they belong. */
  static final int DONE_OUT = 6;

  /**
   * As {@link #DONE}, and as many bytes as the result says are to be copied from or to a window.
   */
  static final int DONE_WINDOW = 7;

  /** The thread has to map a file, and to make the call again. */
  static final int MAP = 8;

  private RingLayout() {}

  static int payloadOffset(int slot) {
    return PAYLOADS_OFFSET + slot * 0x3000;
  }

  static int slotOffset(int slot) {
    return SLOTS_OFFSET + slot * SLOT_BYTES;
  }
}
