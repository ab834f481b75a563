package io.redoubt.seccomp;

/**
 * Runs a seccomp program as the kernel does.
 *
 * <p>It is the oracle for the compiler's tests, and it knows the whole instruction set that seccomp
 * admits, not only what the compiler here emits, so that filters which guests bring along can be
 * run with it too. Programs must have passed {@link BpfChecker}.
 */
public final class BpfInterpreter {
  private BpfInterpreter() {}

  /** The value that the program returns for a call: {@code SECCOMP_RET_*} and data. */
  public static int run(BpfProgram program, SeccompData data) {
    int a = 0;
    int x = 0;
    int[] memory = null;
    for (int pc = 0; ; pc++) {
      long instruction = program.at(pc);
      int code = Bpf.code(instruction);
      int k = Bpf.k(instruction);
      switch (code) {
        case Bpf.LOAD_WORD -> a = data.word(k);
        case Bpf.LD | Bpf.IMM -> a = k;
        case Bpf.LDX | Bpf.IMM -> x = k;
        case Bpf.LD | Bpf.LEN -> a = SeccompData.SIZE;
        case Bpf.LDX | Bpf.LEN -> x = SeccompData.SIZE;
        case Bpf.LD | Bpf.MEM -> a = memory[k];
        case Bpf.LDX | Bpf.MEM -> x = memory[k];
        case Bpf.ST, Bpf.STX -> {
          memory = memory == null ? new int[Bpf.MEMORY_WORDS] : memory;
          memory[k] = code == Bpf.ST ? a : x;
        }
        case Bpf.MISC | Bpf.TAX -> x = a;
        case Bpf.MISC | Bpf.TXA -> a = x;
        case Bpf.RET | Bpf.K -> {
          return k;
        }
        case Bpf.RET | Bpf.A -> {
          return a;
        }
        case Bpf.JUMP -> pc += k;
        default -> {
          int operand = (code & Bpf.X) != 0 ? x : k;
          if ((code & Bpf.CLASS_MASK) == Bpf.JMP) {
            pc +=
                isTaken(code, a, operand) ? Bpf.jumpTrue(instruction) : Bpf.jumpFalse(instruction);
          } else if (code == (Bpf.ALU | Bpf.DIV | Bpf.X) && x == 0) {
            return 0; // as the kernel: the program ends here with 0, which kills the thread
          } else {
            a = compute(code, a, operand);
          }
        }
      }
    }
  }

  /**
   * Whether the kernel can tell from number and architecture alone that the call is allowed. It
   * looks once, when the filter is loaded, and afterwards answers such calls from a bitmap without
   * running the program: {@code seccomp_is_const_allow}, whose instruction list this is.
   */
  public static boolean isConstantAllow(BpfProgram program, int number) {
    int a = 0;
    for (int pc = 0; pc < program.length(); pc++) {
      long instruction = program.at(pc);
      int code = Bpf.code(instruction);
      int k = Bpf.k(instruction);
      switch (code) {
        case Bpf.LOAD_WORD -> {
          if (k != SeccompData.NUMBER_OFFSET && k != SeccompData.ARCHITECTURE_OFFSET) {
            return false;
          }
          a = k == SeccompData.NUMBER_OFFSET ? number : SeccompData.ARCH_X86_64;
        }
        case Bpf.AND_K -> a &= k;
        case Bpf.RETURN -> {
          return k == Action.ALLOW.returnValue();
        }
        case Bpf.JUMP -> pc += k;
        case Bpf.JMP | Bpf.JEQ, Bpf.JMP | Bpf.JGE, Bpf.JMP | Bpf.JGT, Bpf.JMP | Bpf.JSET ->
            pc += isTaken(code, a, k) ? Bpf.jumpTrue(instruction) : Bpf.jumpFalse(instruction);
        default -> {
          return false;
        }
      }
    }
    return false;
  }

  private static boolean isTaken(int code, int a, int operand) {
    return switch (code & 0xf0) {
      case Bpf.JEQ -> a == operand;
      case Bpf.JGT -> Integer.compareUnsigned(a, operand) > 0;
      case Bpf.JGE -> Integer.compareUnsigned(a, operand) >= 0;
      case Bpf.JSET -> (a & operand) != 0;
      default -> throw new IllegalArgumentException("unchecked program: code=" + code);
    };
  }

  private static int compute(int code, int a, int operand) {
    return switch (code & 0xf0) {
      case Bpf.ADD -> a + operand;
      case Bpf.SUB -> a - operand;
      case Bpf.MUL -> a * operand;
      case Bpf.DIV -> Integer.divideUnsigned(a, operand);
      case Bpf.OR -> a | operand;
      case Bpf.AND -> a & operand;
      case Bpf.XOR -> a ^ operand;
      case Bpf.LSH -> a << operand;
      case Bpf.RSH -> a >>> operand;
      case Bpf.NEG -> -a;
      default -> throw new IllegalArgumentException("unchecked program: code=" + code);
    };
  }
}
