package io.redoubt.seccomp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class BpfInterpreterTest {
  private static final long RETURN_A = Bpf.instruction(Bpf.RET | Bpf.A, 0);
  private static final SeccompData CALL =
      new SeccompData(
          7,
          SeccompData.ARCH_X86_64,
          0x1111_2222_3333_4444L,
          new long[] {0x5555_6666_7777_8888L, 1, 2, 3, 4, 0x9999_aaaa_bbbb_ccccL});

  private static int run(long... instructions) {
    var program = new BpfProgram(instructions);
    assertNull(BpfChecker.fault(program));
    return BpfInterpreter.run(program, CALL);
  }

  private static long load(int value) {
    return Bpf.instruction(Bpf.LD | Bpf.IMM, value);
  }

  private static int compute(int operator, int a, int k) {
    int withK = run(load(a), Bpf.instruction(Bpf.ALU | operator, k), RETURN_A);
    int withX =
        run(
            load(a),
            Bpf.instruction(Bpf.LDX | Bpf.IMM, k),
            Bpf.instruction(Bpf.ALU | operator | Bpf.X, 0),
            RETURN_A);
    assertEquals(withK, withX);
    return withK;
  }

  @Test
  void wordsOfTheCall() {
    int[] words = {
      7,
      SeccompData.ARCH_X86_64,
      0x3333_4444,
      0x1111_2222,
      0x7777_8888,
      0x5555_6666,
      1,
      0,
      2,
      0,
      3,
      0,
      4,
      0,
      0xbbbb_cccc,
      0x9999_aaaa
    };
    for (int i = 0; i < words.length; i++) {
      assertEquals(words[i], run(Bpf.instruction(Bpf.LOAD_WORD, 4 * i), RETURN_A));
    }
  }

  @Test
  void arithmetic() {
    assertEquals(5, compute(Bpf.ADD, 2, 3));
    assertEquals(-1, compute(Bpf.SUB, 2, 3));
    assertEquals(6, compute(Bpf.MUL, 2, 3));
    assertEquals(0x7fffffff, compute(Bpf.DIV, -1, 2));
    assertEquals(7, compute(Bpf.OR, 5, 3));
    assertEquals(1, compute(Bpf.AND, 5, 3));
    assertEquals(6, compute(Bpf.XOR, 5, 3));
    assertEquals(0x80000000, compute(Bpf.LSH, 1, 31));
    assertEquals(1, compute(Bpf.RSH, 0x80000000, 31));
    assertEquals(-9, run(load(9), Bpf.instruction(Bpf.ALU | Bpf.NEG, 0), RETURN_A));
  }

  @Test
  void divisionByAZeroXEndsTheProgram() {
    assertEquals(
        0,
        run(
            load(9),
            Bpf.instruction(Bpf.LDX | Bpf.IMM, 0),
            Bpf.instruction(Bpf.ALU | Bpf.DIV | Bpf.X, 0),
            Bpf.instruction(Bpf.RETURN, 1)));
  }

  @Test
  void registersAndMemory() {
    assertEquals(
        64 + 5,
        run(
            load(5),
            Bpf.instruction(Bpf.ST, 15),
            Bpf.instruction(Bpf.LDX | Bpf.LEN, 0),
            Bpf.instruction(Bpf.STX, 0),
            Bpf.instruction(Bpf.LD | Bpf.MEM, 0),
            Bpf.instruction(Bpf.LDX | Bpf.MEM, 15),
            Bpf.instruction(Bpf.ALU | Bpf.ADD | Bpf.X, 0),
            Bpf.instruction(Bpf.MISC | Bpf.TAX, 0),
            load(0),
            Bpf.instruction(Bpf.MISC | Bpf.TXA, 0),
            RETURN_A));
  }

  @Test
  void jumpsCompareUnsigned() {
    int[][] cases = {
      {Bpf.JEQ, 3, 3, 1}, {Bpf.JEQ, 3, 4, 0}, {Bpf.JGT, -1, 1, 1}, {Bpf.JGT, 3, 3, 0},
      {Bpf.JGE, 3, 3, 1}, {Bpf.JGE, 1, -1, 0}, {Bpf.JSET, 6, 2, 1}, {Bpf.JSET, 6, 8, 0}
    };
    for (int[] c : cases) {
      assertEquals(
          c[3],
          run(
              load(c[1]),
              Bpf.branch(Bpf.JMP | c[0], 1, 0, c[2]),
              Bpf.instruction(Bpf.RETURN, 0),
              Bpf.instruction(Bpf.RETURN, 1)));
    }
  }

  @Test
  void theCheckerRefusesWhatTheKernelRefuses() {
    long ret = Bpf.instruction(Bpf.RETURN, 0);
    long[][] bad = {
      {},
      new long[Bpf.MAX_INSTRUCTIONS + 1],
      {load(1)},
      {Bpf.instruction(Bpf.LOAD_WORD, 64), ret},
      {Bpf.instruction(Bpf.LOAD_WORD, 2), ret},
      {Bpf.instruction(Bpf.LOAD_WORD, -4), ret},
      {Bpf.instruction(Bpf.JUMP, 1), ret},
      {Bpf.instruction(Bpf.JUMP, -1), ret},
      {Bpf.branch(Bpf.JMP | Bpf.JEQ, 1, 0, 0), ret},
      {Bpf.branch(Bpf.JMP | Bpf.JEQ, 0, 1, 0), ret},
      {Bpf.branch(Bpf.JMP | 0x50, 0, 0, 0), ret},
      {Bpf.instruction(Bpf.ALU | Bpf.DIV, 0), ret},
      {Bpf.instruction(Bpf.ALU | Bpf.LSH, 32), ret},
      {Bpf.instruction(Bpf.ALU | 0x90, 1), ret}, // MOD: BPF has it, seccomp does not
      {Bpf.instruction(Bpf.LD | 0x28, 0), ret}, // half word
      {Bpf.instruction(Bpf.ST, 16), ret},
      {Bpf.instruction(Bpf.LD | Bpf.MEM, 3), ret},
      {
        Bpf.branch(Bpf.JMP | Bpf.JEQ, 1, 0, 0),
        Bpf.instruction(Bpf.ST, 3),
        Bpf.instruction(Bpf.LD | Bpf.MEM, 3),
        ret
      },
      {0xffff, ret}
    };
    for (long[] program : bad) {
      assertNotNull(BpfChecker.fault(new BpfProgram(program)), new BpfProgram(program).toString());
    }
  }

  @Test
  void programsSurviveTheirBytes() {
    BpfProgram program = GuestProfile.program();
    byte[] bytes = program.toBytes();
    assertEquals(8 * program.length(), bytes.length);
    assertEquals(program.toString(), BpfProgram.parse(bytes).toString());
    // ld [4]: code 0x0020, jt 0, jf 0, k 4
    assertEquals(0x20, bytes[0]);
    assertEquals(4, bytes[4]);
    assertThrows(IllegalArgumentException.class, () -> BpfProgram.parse(new byte[7]));
    assertThrows(IllegalArgumentException.class, () -> BpfProgram.parse(new byte[8]));
  }
}
