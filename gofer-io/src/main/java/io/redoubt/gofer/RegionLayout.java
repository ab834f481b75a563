package io.redoubt.gofer;

/**
 * The memory that a sentry and its gofer share: one memfd per connection, made by the gofer and
 * sealed against shrinking and growing before it is handed over (a truncation would be a SIGBUS in
 * the other process).
 *
 * <pre>
 *      0  +----------------------------------------------------------+
 *         | magic (int), version (int)           written once, gofer |
 *    128  +----------------------------------------------------------+
 *         | SLOTS_USED (int), SENTRY_SPINS (int),     written sentry |
 *         | GOFER_CPU (int)                                          |
 *    256  +----------------------------------------------------------+
 *         | SERVER_ASLEEP (int)        set gofer, taken by whichever |
 *         |                            caller rings                  |
 *   4096  +----------------------------------------------------------+
 *         | slot 0, 256 bytes:                                       |
 *         |    0  request line, 64 bytes              written sentry |
 *         |   64  CLIENT_ASLEEP (int)      set sentry, taken by gofer |
 *         |                                when it rings             |
 *         |  128  reply, two lines                     written gofer |
 *         +----------------------------------------------------------+
 *         | slots 1 to 63                                            |
 *  20480  +----------------------------------------------------------+
 *         | payload of slot 0, 64 KiB      request's, then reply's   |
 *         +----------------------------------------------------------+
 *         | payloads of slots 1 to 63                                |
 *         +----------------------------------------------------------+
 * </pre>
 *
 * <p><b>Ownership.</b> Each slot has two sequence numbers, each written by one side only: {@link
 * #REQUEST_SEQ} and {@link #REPLY_SEQ}. While they are equal the slot and its payload are the
 * sentry's. The sentry fills the request in and stores the next number with release; the slot is
 * now the gofer's, until it has filled the reply in and stored the same number into its own word.
 *
 * <p><b>No rings of indices.</b> A submission ring would be a third line that travels between the
 * cores, at 50 to 70 ns, and order between requests of different callers means nothing here.
 * Instead the gofer looks at the request words themselves. The sentry always takes the lowest free
 * slot and says in SLOTS_USED how many it has ever used, so the words looked at are as many as
 * there were callers at once, and lie in the gofer's own cache until one is written.
 *
 * <p>Payload pages exist only once touched: with one caller at a time the region costs 24 KiB and
 * what that caller moved.
 */
final class RegionLayout {
  /** First word of the region. */
  static final int MAGIC = 0x52444754;

  /** Of layout and protocol together. */
  static final int VERSION = 3;

  static final int SLOTS = 64;
  static final int PAYLOAD_SIZE = 64 * 1024;

  static final long MAGIC_OFFSET = 0; // int
  static final long VERSION_OFFSET = 4; // int

  /** One more than the highest slot ever used: int, only grows. */
  static final long SLOTS_USED = 128;

  /** 1 while a thread of the sentry spins on the CPU that the gofer would spin on: int. */
  static final long SENTRY_SPINS = 132;

  /** One more than the CPU on which the gofer is to run; 0: on any. Int. */
  static final long GOFER_CPU = 136;

  /** 1 while the gofer sleeps or is about to: int. */
  static final long SERVER_ASLEEP = 256;

  private static final long FIRST_SLOT = 4096;
  private static final long SLOT_SIZE = 256;
  private static final long FIRST_PAYLOAD = FIRST_SLOT + SLOTS * SLOT_SIZE;

  /** Bytes of the whole region. */
  static final long SIZE = FIRST_PAYLOAD + (long) SLOTS * PAYLOAD_SIZE;

  // Offsets in a slot.
  static final long REQUEST = 0;
  static final int REQUEST_SIZE = 64;
  static final long CLIENT_ASLEEP = 64; // int, 0 or sleepMark
  static final long REPLY = 128;
  static final int REPLY_SIZE = 128;

  private RegionLayout() {}

  /**
   * What CLIENT_ASLEEP holds while the caller of request {@code seq} sleeps; never 0.
   *
   * <p>It names the request, because a gofer that is slow to look may look when the next request of
   * the slot is already under way, and must not ring for that one.
   */
  static int sleepMark(int seq) {
    return seq << 1 | 1;
  }

  /** Offset of a slot in the region. */
  static long slot(int index) {
    return FIRST_SLOT + index * SLOT_SIZE;
  }

  /** Offset of a slot's payload in the region. */
  static long payload(int index) {
    return FIRST_PAYLOAD + (long) index * PAYLOAD_SIZE;
  }
}
