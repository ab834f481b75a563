package io.redoubt.sentry.ring;

/**
 * The code between a site and the trampoline, one slot of a segment's tail.
 *
 * <pre>
 *   in place                        retried                          for a cave
 *   ------------------------------  -------------------------------  -------------------------------
 *   the instruction that moved      start: mov $nr,%eax
 *   lea site(%rip),%rcx             lea slow(%rip),%rcx              lea slow(%rip),%rcx
 *   jmp *ENTER                      jmp *ENTER                       jmp *ENTER
 *                                   slow: syscall                    slow: syscall
 *                                   cmp $-4,%rax
 *                                   je start
 *                                   jmp site+2                       jmp site+2
 * </pre>
 *
 * The trampoline finds in rcx, which a system call destroys, where to make the real call: a {@code
 * syscall} instruction. It goes there, or 2 bytes further with a result. A call is <i>retried</i>
 * if Linux never gives EINTR for it: then that only means that a signal came between the call and
 * its receipt by the sentry.
 */
final class Thunk {
  /** Size and alignment; the longest form fits exactly. */
  static final int SLOT_BYTES = 32;

  private static final int EINTR = 4;

  final byte[] bytes = new byte[SLOT_BYTES];
  private final long address;
  private int at;

  /**
   * @param address of the slot
   */
  private Thunk(long address) {
    this.address = address;
  }

  /**
   * For an instruction that moved.
   *
   * @param ip address behind the {@code syscall} instruction
   */
  static Thunk inPlace(long address, byte[] code, int movedAt, int movedLength, long ip) {
    Thunk t = new Thunk(address);
    System.arraycopy(code, movedAt, t.bytes, 0, movedLength);
    t.at = movedLength;
    t.enter(ip - SitePlan.CALL_BYTES);
    return t;
  }

  /** For {@code mov $nr,%eax} of a call that has no EINTR. */
  static Thunk retried(long address, int nr, long ip) {
    Thunk t = new Thunk(address);
    t.put(0xb8);
    t.put32(nr);
    t.enter(address + t.at + ENTER_BYTES);
    t.call();
    t.put(0x48, 0x83, 0xf8, -EINTR); // cmp $-EINTR,%rax
    t.put(0x74, -(t.at + 2)); // je start
    t.jump(ip);
    return t;
  }

  /** For a site that jumps here with its number in eax. */
  static Thunk forCave(long address, long ip) {
    Thunk t = new Thunk(address);
    t.enter(address + ENTER_BYTES);
    t.call();
    t.jump(ip);
    return t;
  }

  private static final int ENTER_BYTES = 14;

  private void enter(long slow) {
    put(0x48, 0x8d, 0x0d); // lea slow(%rip),%rcx
    put32(relative(slow));
    put(0xff, 0x24, 0x25); // jmp *ENTER
    put32(RingLayout.ENTER);
  }

  private void call() {
    put(0x0f, 0x05);
  }

  private void jump(long to) {
    put(0xe9);
    put32(relative(to));
  }

  private int relative(long to) {
    return (int) (to - (address + at + 4));
  }

  private void put(int... values) {
    for (int v : values) {
      bytes[at++] = (byte) v;
    }
  }

  private void put32(int v) {
    put(v, v >> 8, v >> 16, v >> 24);
  }
}
