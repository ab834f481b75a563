package io.redoubt.sentry.ring;

import java.nio.charset.StandardCharsets;

/**
 * How long an x86-64 instruction is, and where it leads: what is needed to put a jump into code.
 *
 * <p>Reads the legacy, VEX and EVEX encodings of 64-bit mode (Intel SDM volume 2, chapter 2 and
 * appendix A). What it does not know, and no compiler makes of ordinary code, has length 0: XOP and
 * APX, and near branches with an operand-size prefix, which Intel and AMD read differently. It
 * takes some encodings for instructions that a processor refuses; none of them is shorter or longer
 * than what it would be.
 *
 * <p>Tables are strings, which cost nothing at start; a decoder library takes 100 ms of it. One
 * instance a caller.
 */
final class InstructionLength {
  /** No instruction is longer. */
  static final int MAX_BYTES = 15;

  /** Goes on with the next instruction, or calls something that may return. */
  static final int OTHER = 0;

  /** Goes to {@link #target} and nowhere else. */
  static final int JUMP = 1;

  /** May go to {@link #target}. */
  static final int BRANCH = 2;

  /** Does not go on, to where is not known: ret, jmp through memory or a register, hlt, ud2. */
  static final int END = 3;

  static final int NOP = 4;
  static final int BREAKPOINT = 5; // int3

  // One letter an opcode: which bytes follow it.
  //   -  none               m  modrm              b  modrm, imm8       z  modrm, imm16 or imm32
  //   1  imm8               2  imm16              3  imm16, imm8       4  imm16 or imm32
  //   j  rel8               r  rel32              a  an address        v  as 4; imm64 with REX.W
  //   f  m; b for test      g  m; z for test      i  m of inc and dec  o  m of pop; else XOP
  //   c  modrm, registers   s  m; extrq, insertq  x  no instruction in 64-bit mode
  //   P  prefix             R  REX                V  VEX of 3 bytes    W  VEX of 2 bytes
  //   Z  EVEX               E  the table of 0f    8  the one of 0f 38  A  the one of 0f 3a
  private static final byte[] ONE_BYTE =
      table(
          "mmmm14xxmmmm14xE"
              + "mmmm14xxmmmm14xx"
              + "mmmm14Pxmmmm14Px"
              + "mmmm14Pxmmmm14Px"
              + "RRRRRRRRRRRRRRRR"
              + "----------------"
              + "xxZmPPPP4z1b----"
              + "jjjjjjjjjjjjjjjj"
              + "bzxbmmmmmmmmmmmo"
              + "----------x-----"
              + "aaaa----14------"
              + "11111111vvvvvvvv"
              + "bb2-VWbz3-2--1x-"
              + "mmmmxxx-mmmmmmmm"
              + "jjjj1111rrxj----"
              + "P-PP--fg------im");

  private static final byte[] TWO_BYTE =
      table(
          "mmmmx-----x-xm-b"
              + "mmmmmmmmmmmmmmmm"
              + "ccccxxxxmmmmmmmm"
              + "------x-8xAxxxxx"
              + "mmmmmmmmmmmmmmmm"
              + "mmmmmmmmmmmmmmmm"
              + "mmmmmmmmmmmmmmmm"
              + "bbbbmmm-smxxmmmm"
              + "rrrrrrrrrrrrrrrr"
              + "mmmmmmmmmmmmmmmm"
              + "---mbmmm---mbmmm"
              + "mmmmmmmmmmbmmmmm"
              + "mmbmbbbm--------"
              + "mmmmmmmmmmmmmmmm"
              + "mmmmmmmmmmmmmmmm"
              + "mmmmmmmmmmmmmmmm");

  // Prefixes seen.
  private static final int OPERAND_SIZE = 1; // 66
  private static final int ADDRESS_SIZE = 2; // 67
  private static final int REPEAT = 4; // f3
  private static final int REPEAT_NOT_EQUAL = 8; // f2
  private static final int LOCK = 16; // f0
  private static final int SEGMENT = 32; // 26 2e 36 3e 64 65

  /** What {@link #decode} found out besides the length. */
  int kind;

  /** Index in the code of where a JUMP or BRANCH goes; may be outside of it. */
  int target;

  /** The opcode's last byte, and 0x100 more for those behind 0f; 0x200 and more: others. */
  int opcode;

  /** The modrm byte, or -1. */
  int modrm;

  /** Whether an operand's address is relative to the instruction's. */
  boolean isRipRelative;

  /** Any prefix but REX and a segment's. */
  boolean hasPrefix;

  // State of the one being decoded.
  private int limit;
  private int at;

  private static byte[] table(String letters) {
    return letters.getBytes(StandardCharsets.ISO_8859_1);
  }

  /**
   * Decodes the instruction at {@code start}.
   *
   * @param end the first index that is not code
   * @return its length, or 0 if it is none or goes over the end
   */
  int decode(byte[] code, int start, int end) {
    kind = OTHER;
    modrm = -1;
    isRipRelative = false;
    at = start;
    limit = Math.min(end, start + MAX_BYTES);
    int prefixes = 0;
    int rex = 0;
    int op;
    byte form;
    do {
      if (at >= limit) {
        return 0;
      }
      op = code[at++] & 0xff;
      form = ONE_BYTE[op];
      if (form == 'P') {
        if (op >= 0xf2) {
          prefixes &= ~(REPEAT | REPEAT_NOT_EQUAL); // the last one counts
        }
        prefixes |= prefix(op);
        rex = 0; // only counts right before the opcode
      } else if (form == 'R') {
        rex = op;
      }
    } while (form == 'P' || form == 'R');
    hasPrefix = (prefixes & ~SEGMENT) != 0;
    opcode = op;
    if (form == 'E') {
      form = twoByte(code);
    } else if (form == 'V' || form == 'W' || form == 'Z') {
      boolean isRefused = rex != 0 || (prefixes & ~(SEGMENT | ADDRESS_SIZE)) != 0;
      form = isRefused ? (byte) 'x' : vector(code, form);
    }
    boolean isWide = (rex & 8) != 0;
    boolean isShort = (prefixes & OPERAND_SIZE) != 0 && !isWide;
    int rest = rest(code, form, prefixes, isShort, isWide);
    if (rest < 0 || rest > limit - at) {
      return 0;
    }
    at += rest;
    classify(code, form, prefixes, rex);
    return at - start;
  }

  private static int prefix(int op) {
    return switch (op) {
      case 0x66 -> OPERAND_SIZE;
      case 0x67 -> ADDRESS_SIZE;
      case 0xf0 -> LOCK;
      case 0xf2 -> REPEAT_NOT_EQUAL;
      case 0xf3 -> REPEAT;
      default -> SEGMENT;
    };
  }

  private byte twoByte(byte[] code) {
    if (at >= limit) {
      return 'x';
    }
    int op = code[at++] & 0xff;
    opcode = 0x100 | op;
    byte form = TWO_BYTE[op];
    if (form != '8' && form != 'A') {
      return form;
    }
    if (at >= limit) {
      return 'x';
    }
    opcode = 0x200 | code[at++] & 0xff;
    return (byte) (form == '8' ? 'm' : 'b');
  }

  /** Reads the rest of a VEX or EVEX prefix and the opcode. */
  private byte vector(byte[] code, byte form) {
    int bytes = form == 'W' ? 1 : form == 'V' ? 2 : 3;
    if (limit - at <= bytes) {
      return 'x';
    }
    int map = form == 'W' ? 1 : code[at] & (form == 'V' ? 31 : 15);
    boolean isRefused = form == 'Z' && (code[at + 1] & 4) == 0; // APX
    at += bytes;
    int op = code[at++] & 0xff;
    opcode = 0x300 | op;
    if (isRefused) {
      return 'x';
    }
    switch (map) {
      case 1 -> {
        if (form == 'Z') {
          return (byte) (TWO_BYTE[op] == 'b' ? 'b' : 'm');
        }
        byte legacy = TWO_BYTE[op];
        boolean isKnown = legacy == 'm' || legacy == 'b' || op == 0x77; // vzeroupper
        return isKnown ? legacy : (byte) 'x';
      }
      case 2 -> {
        return 'm';
      }
      case 3 -> {
        return 'b';
      }
      case 5, 6 -> {
        return (byte) (form == 'Z' ? 'm' : 'x'); // AVX512-FP16
      }
      default -> {
        return 'x';
      }
    }
  }

  /**
   * Reads modrm and its address.
   *
   * @return how many bytes of immediate operand follow; negative for no instruction
   */
  private int rest(byte[] code, byte form, int prefixes, boolean isShort, boolean isWide) {
    int immediate = isShort ? 2 : 4;
    switch (form) {
      case '-':
        return 0;
      case '1', 'j':
        return 1;
      case '2':
        return 2;
      case '3':
        return 3;
      case '4':
        return immediate;
      case 'r':
        return isShort ? -1 : 4;
      case 'v':
        return isWide ? 8 : immediate;
      case 'a':
        return (prefixes & ADDRESS_SIZE) != 0 ? 4 : 8;
      case 'm', 'b', 'z', 'c', 'f', 'g', 'i', 'o', 's':
        break;
      default:
        return -1;
    }
    if (at >= limit) {
      return -1;
    }
    modrm = code[at++] & 0xff;
    if (form != 'c' && !address(code)) {
      return -1;
    }
    int register = modrm >>> 3 & 7;
    return switch (form) {
      case 'b' -> 1;
      case 'z' -> immediate;
      case 'f' -> register < 2 ? 1 : 0;
      case 'g' -> register < 2 ? immediate : 0;
      case 'i' -> register < 2 ? 0 : -1;
      case 'o' -> register == 0 ? 0 : -1;
      case 's' -> (prefixes & (OPERAND_SIZE | REPEAT_NOT_EQUAL)) != 0 ? 2 : 0;
      default -> 0;
    };
  }

  /** Skips the scaled index and the displacement that modrm asks for. */
  private boolean address(byte[] code) {
    int mod = modrm >>> 6;
    int base = modrm & 7;
    if (mod == 3) {
      return true;
    }
    boolean isIndexed = base == 4;
    if (isIndexed) {
      if (at >= limit) {
        return false;
      }
      base = code[at++] & 7;
    }
    if (mod == 1) {
      at += 1;
    } else if (mod == 2 || base == 5) {
      at += 4;
      isRipRelative = mod == 0 && !isIndexed;
    }
    return at <= limit;
  }

  private void classify(byte[] code, byte form, int prefixes, int rex) {
    int register = modrm >>> 3 & 7;
    if (form == 'j') {
      kind = opcode == 0xeb ? JUMP : BRANCH;
      target = at + code[at - 1];
      return;
    }
    if (form == 'r') {
      kind = opcode == 0xe9 ? JUMP : opcode == 0xe8 ? OTHER : BRANCH;
      int offset =
          code[at - 4] & 0xff
              | (code[at - 3] & 0xff) << 8
              | (code[at - 2] & 0xff) << 16
              | code[at - 1] << 24;
      target = at + offset;
      return;
    }
    switch (opcode) {
      case 0x90 -> kind = (rex & 1) == 0 && (prefixes & REPEAT) == 0 ? NOP : OTHER; // xchg, pause
      case 0x11f -> kind = register == 0 ? NOP : OTHER;
      case 0xcc -> kind = BREAKPOINT;
      case 0xc2, 0xc3, 0xca, 0xcb, 0xcf, 0xf4, 0x10b -> kind = END;
      case 0xff -> kind = register == 4 || register == 5 ? END : OTHER;
      default -> {}
    }
  }
}
