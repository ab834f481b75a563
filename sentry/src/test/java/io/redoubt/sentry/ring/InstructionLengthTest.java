package io.redoubt.sentry.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Against objdump, which knows every instruction. */
class InstructionLengthTest {
  private static final int FWAIT = 0x9b; // objdump takes it for a part of the next instruction

  @TempDir Path directory;
  private final InstructionLength ours = new InstructionLength();

  static List<Path> programs() throws IOException {
    return Programs.files();
  }

  @ParameterizedTest
  @MethodSource("programs")
  void aProgramIsTheSameSequenceOfInstructions(Path file) throws Exception {
    Disassembly theirs = Programs.disassembly(file);
    int count = 0;
    int bad = 0;
    for (int at = 0; at < theirs.code.length - InstructionLength.MAX_BYTES; at++) {
      if (theirs.lengths[at] == 0) {
        continue;
      }
      if (theirs.kinds[at] == Disassembly.BAD) {
        bad++; // data between functions
      } else if (!isLeftOut(theirs.code, at)) {
        compare(theirs, at);
        count++;
      }
    }
    assertTrue(count > 1000, "count=" + count);
    assertTrue(bad <= count / 20, "bad=" + bad + ", count=" + count);
  }

  private void compare(Disassembly theirs, int at) {
    byte[] code = theirs.code;
    int length = ours.decode(code, at, code.length);
    int kind = theirs.kinds[at];
    // objdump calls all reserved no-operations one, and the one of them that is used, 0f 1f /0.
    boolean isReserved =
        ours.opcode >= 0x118 && ours.opcode < 0x11f
            || ours.opcode == 0x11f && (ours.modrm >> 3 & 7) != 0;
    boolean isKind =
        kind == ours.kind
            || isReserved && kind == InstructionLength.NOP && ours.kind == InstructionLength.OTHER;
    if (theirs.lengths[at] != length || !isKind) {
      assertEquals(
          "length=" + theirs.lengths[at] + ", kind=" + kind,
          "length=" + length + ", kind=" + ours.kind,
          show(code, at));
    }
    if (ours.kind == InstructionLength.JUMP || ours.kind == InstructionLength.BRANCH) {
      assertEquals(theirs.targets[at], ours.target, show(code, at));
    }
    assertEquals(theirs.isRipRelative.get(at), ours.isRipRelative, show(code, at));
  }

  private static String show(byte[] code, int at) {
    return "at="
        + Integer.toHexString(at)
        + ", bytes="
        + HexFormat.of().formatHex(code, at, Math.min(code.length, at + 15));
  }

  /** All prefixes but REX and that of the operand size. */
  private static final List<Integer> PREFIXES =
      List.of(0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x67, 0xf0, 0xf2, 0xf3);

  /**
   * Whether it is one of those that are left out, see {@link InstructionLength}, or read otherwise.
   */
  private static boolean isLeftOut(byte[] code, int at) {
    int i = at;
    boolean isShort = false;
    boolean isWide = false;
    boolean isRefused = false; // before VEX and EVEX
    while (i < code.length - 2) {
      int op = code[i] & 0xff;
      boolean isRex = op >= 0x40 && op <= 0x4f;
      isWide = isRex && (op & 8) != 0;
      isRefused |= isRex || op == 0x66 || PREFIXES.contains(op) && op >= 0xf0;
      if (op == 0x66) {
        isShort = true;
      } else if (!isRex && !PREFIXES.contains(op)) {
        isRefused &= op == 0x62 || op == 0xc4 || op == 0xc5;
        break;
      }
      i++;
    }
    int op = code[i] & 0xff;
    int next = code[i + 1] & 0xff;
    boolean isNear = op == 0xe8 || op == 0xe9 || op == 0x0f && next >= 0x80 && next <= 0x8f;
    boolean isXop = op == 0x8f && (next & 0x1f) >= 8;
    return isRefused || op == FWAIT || isXop || isNear && isShort && !isWide;
  }

  @Test
  void randomBytesThatAreAnInstructionHaveItsLength() throws Exception {
    int cell = 32; // random bytes and as many no-operations, so that each begins anew
    int cells = 60_000;
    int[] leads = {0x0f, 0x0f, 0x66, 0xf2, 0xf3, 0x48, 0x62, 0xc4, 0xc5, 0x67, 0x41, 0x64};
    Random random = new Random(1);
    byte[] code = new byte[cell * cells];
    Arrays.fill(code, (byte) 0x90);
    byte[] bytes = new byte[16];
    for (int i = 0; i < cells; i++) {
      random.nextBytes(bytes);
      int lead = random.nextInt(3);
      for (int k = 0; k < lead; k++) {
        bytes[k] = (byte) leads[random.nextInt(leads.length)];
      }
      System.arraycopy(bytes, 0, code, cell * i, bytes.length);
    }
    Disassembly theirs = Disassembly.of(code, directory);
    int compared = 0;
    for (int i = 0; i < cells; i++) {
      int at = cell * i;
      assertTrue(theirs.lengths[at] > 0, "at=" + at);
      if (theirs.kinds[at] != Disassembly.BAD && !isLeftOut(code, at)) {
        compare(theirs, at);
        compared++;
      }
    }
    assertTrue(compared > cells / 2, "compared=" + compared);
  }

  @Test
  void anInstructionThatIsCutOffIsNone() {
    byte[] code = new byte[32];
    Random random = new Random(2);
    for (int n = 0; n < 200_000; n++) {
      random.nextBytes(code);
      int length = ours.decode(code, 0, code.length);
      assertTrue(length >= 0 && length <= InstructionLength.MAX_BYTES);
      for (int end = 0; end < length; end++) {
        assertEquals(0, ours.decode(code, 0, end), show(code, 0));
      }
      assertEquals(0, ours.decode(code, code.length, code.length));
    }
  }
}
