package io.redoubt.seccomp;

import java.util.Arrays;

/**
 * The kernel's own rules for a seccomp program, so that one it would refuse is never written to a
 * file: {@code bpf_check_classic} in {@code net/core/filter.c} and {@code seccomp_check_filter} in
 * {@code kernel/seccomp.c}.
 */
final class BpfChecker {
  private BpfChecker() {}

  /** What is wrong with a program, or null. */
  static String fault(BpfProgram program) {
    int length = program.length();
    if (length == 0 || length > Bpf.MAX_INSTRUCTIONS) {
      return "program length out of range: instructions="
          + length
          + ", limit="
          + Bpf.MAX_INSTRUCTIONS;
    }
    for (int pc = 0; pc < length; pc++) {
      String fault = fault(program.at(pc), length - pc - 1);
      if (fault != null) {
        return fault + ": pc=" + pc;
      }
    }
    if ((Bpf.code(program.at(length - 1)) & Bpf.CLASS_MASK) != Bpf.RET) {
      return "program does not end in a return: instructions=" + length;
    }
    return readsUnsetMemory(program);
  }

  /** What is wrong with one instruction that has so many others behind it, or null. */
  private static String fault(long instruction, int remaining) {
    int code = Bpf.code(instruction);
    int k = Bpf.k(instruction);
    return switch (code) {
      case Bpf.LOAD_WORD ->
          k < 0 || k >= SeccompData.SIZE || k % 4 != 0 ? "load outside of seccomp_data" : null;
      case Bpf.LD | Bpf.LEN, Bpf.LDX | Bpf.LEN, Bpf.LD | Bpf.IMM, Bpf.LDX | Bpf.IMM -> null;
      case Bpf.LD | Bpf.MEM, Bpf.LDX | Bpf.MEM, Bpf.ST, Bpf.STX ->
          k < 0 || k >= Bpf.MEMORY_WORDS ? "no such memory word" : null;
      case Bpf.MISC | Bpf.TAX, Bpf.MISC | Bpf.TXA, Bpf.RET | Bpf.K, Bpf.RET | Bpf.A -> null;
      case Bpf.JUMP ->
          Integer.compareUnsigned(k, remaining) >= 0 ? "jump out of the program" : null;
      default ->
          switch (code & Bpf.CLASS_MASK) {
            case Bpf.ALU -> arithmeticFault(code, k);
            case Bpf.JMP -> branchFault(instruction, remaining);
            default -> "unknown instruction";
          };
    };
  }

  private static String arithmeticFault(int code, int k) {
    return switch (code & ~(Bpf.CLASS_MASK | Bpf.X)) {
      case Bpf.ADD, Bpf.SUB, Bpf.MUL, Bpf.AND, Bpf.OR, Bpf.XOR -> null;
      case Bpf.NEG -> (code & Bpf.X) != 0 ? "unknown instruction" : null;
      case Bpf.DIV -> (code & Bpf.X) == 0 && k == 0 ? "division by zero" : null;
      case Bpf.LSH, Bpf.RSH ->
          (code & Bpf.X) == 0 && Integer.compareUnsigned(k, 32) >= 0 ? "shift too far" : null;
      default -> "unknown instruction";
    };
  }

  private static String branchFault(long instruction, int remaining) {
    return switch (Bpf.code(instruction) & ~(Bpf.CLASS_MASK | Bpf.X)) {
      case Bpf.JEQ, Bpf.JGT, Bpf.JGE, Bpf.JSET ->
          Bpf.jumpTrue(instruction) >= remaining || Bpf.jumpFalse(instruction) >= remaining
              ? "jump out of the program"
              : null;
      default -> "unknown instruction";
    };
  }

  /**
   * {@code check_load_and_stores}: a word of memory is written on every way to where it is read.
   */
  private static String readsUnsetMemory(BpfProgram program) {
    var writtenBefore = new int[program.length()];
    Arrays.fill(writtenBefore, -1);
    int written = 0;
    for (int pc = 0; pc < program.length(); pc++) {
      long instruction = program.at(pc);
      int k = Bpf.k(instruction);
      written &= writtenBefore[pc];
      switch (Bpf.code(instruction)) {
        case Bpf.ST, Bpf.STX -> written |= 1 << k;
        case Bpf.LD | Bpf.MEM, Bpf.LDX | Bpf.MEM -> {
          if ((written & 1 << k) == 0) {
            return "memory word read before it is written: pc=" + pc;
          }
        }
        case Bpf.JUMP -> {
          writtenBefore[pc + 1 + k] &= written;
          written = -1;
        }
        default -> {
          if ((Bpf.code(instruction) & Bpf.CLASS_MASK) == Bpf.JMP) {
            writtenBefore[pc + 1 + Bpf.jumpTrue(instruction)] &= written;
            writtenBefore[pc + 1 + Bpf.jumpFalse(instruction)] &= written;
            written = -1;
          }
        }
      }
    }
    return null;
  }
}
