package io.redoubt.sentry.ring;

/**
 * Instructions that do the same at another address: moves, address computations and arithmetic,
 * which is what comes before a system call, without an operand relative to where they are.
 */
final class Movable {
  private Movable() {}

  /**
   * Whether the instruction that was just decoded is one.
   *
   * @param at where it is in the code
   */
  static boolean is(InstructionLength decoded, byte[] code, int at) {
    if (decoded.isRipRelative || decoded.hasPrefix) {
      return false;
    }
    int register = decoded.modrm >>> 3 & 7;
    return switch (decoded.opcode) {
      case 0x01, 0x03, 0x09, 0x0b, 0x21, 0x23, 0x29, 0x2b, 0x31, 0x33 -> true; // add or and sub xor
      case 0x63, 0x89, 0x8b, 0x8d -> true; // movslq mov lea
      case 0x81, 0x83 -> true; // the same with an immediate operand
      case 0xb8, 0xb9, 0xba, 0xbb, 0xbc, 0xbd, 0xbe, 0xbf -> true; // mov $
      case 0xc7 -> register == 0; // mov $ to memory
      case 0x1b6, 0x1b7, 0x1be, 0x1bf -> true; // movz movs
      default -> false;
    };
  }
}
