package io.redoubt.seccomp;

/**
 * The instruction set of classic BPF as far as seccomp admits it ({@code linux/bpf_common.h},
 * {@code seccomp_check_filter} in {@code kernel/seccomp.c}).
 *
 * <p>An instruction is {@code struct sock_filter}, eight bytes; here it is one {@code long} whose
 * little-endian bytes are those of the struct.
 *
 * <pre>
 *    63                              32 31      24 23      16 15               0
 *   +----------------------------------+----------+----------+------------------+
 *   | k                                | jf       | jt       | code             |
 *   +----------------------------------+----------+----------+------------------+
 * </pre>
 */
final class Bpf {
  static final int LD = 0x00;
  static final int LDX = 0x01;
  static final int ST = 0x02;
  static final int STX = 0x03;
  static final int ALU = 0x04;
  static final int JMP = 0x05;
  static final int RET = 0x06;
  static final int MISC = 0x07;
  static final int CLASS_MASK = 0x07;

  // modes of a load
  static final int IMM = 0x00;
  static final int ABS = 0x20;
  static final int MEM = 0x60;
  static final int LEN = 0x80;

  // arithmetic
  static final int ADD = 0x00;
  static final int SUB = 0x10;
  static final int MUL = 0x20;
  static final int DIV = 0x30;
  static final int OR = 0x40;
  static final int AND = 0x50;
  static final int LSH = 0x60;
  static final int RSH = 0x70;
  static final int NEG = 0x80;
  static final int XOR = 0xa0;

  // jumps
  static final int JA = 0x00;
  static final int JEQ = 0x10;
  static final int JGT = 0x20;
  static final int JGE = 0x30;
  static final int JSET = 0x40;

  // second operand: k or the X register; for RET: k or the A register
  static final int K = 0x00;
  static final int X = 0x08;
  static final int A = 0x10;

  static final int TAX = 0x00;
  static final int TXA = 0x80;

  static final int LOAD_WORD = LD | ABS;
  static final int AND_K = ALU | AND | K;
  static final int JUMP = JMP | JA;
  static final int RETURN = RET | K;

  /** The longest program that the kernel takes ({@code BPF_MAXINSNS}). */
  static final int MAX_INSTRUCTIONS = 4096;

  /** The furthest that a conditional jump reaches. */
  static final int MAX_BRANCH = 255;

  /** Words of scratch memory ({@code BPF_MEMWORDS}). */
  static final int MEMORY_WORDS = 16;

  private Bpf() {}

  static long instruction(int code, int k) {
    return branch(code, 0, 0, k);
  }

  static long branch(int code, int jumpTrue, int jumpFalse, int k) {
    return (long) k << 32 | (long) jumpFalse << 24 | (long) jumpTrue << 16 | code;
  }

  static int code(long instruction) {
    return (int) instruction & 0xffff;
  }

  static int jumpTrue(long instruction) {
    return (int) (instruction >>> 16) & 0xff;
  }

  static int jumpFalse(long instruction) {
    return (int) (instruction >>> 24) & 0xff;
  }

  static int k(long instruction) {
    return (int) (instruction >>> 32);
  }
}
