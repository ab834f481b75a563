package io.redoubt.sentry.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every system call in programs of this machine, judged by objdump with all of their code in view.
 */
class SitePlanOnProgramsTest {
  private final SitePlan plan = new SitePlan();

  static List<Path> programs() throws IOException {
    return Programs.files();
  }

  private SiteResult make(Disassembly view, int call, int nr) {
    int from = Math.max(0, call - SitePlan.BEFORE);
    int to = Math.min(view.code.length, call + SitePlan.CALL_BYTES + SitePlan.AFTER);
    byte[] window = Arrays.copyOfRange(view.code, from, to);
    SiteResult r = plan.make(window, window.length, view.address + from, call - from, nr);
    plan.movedAt += from;
    plan.caveAt += from;
    return r;
  }

  /** The number that the instruction before has put into eax, or -1. */
  private static int number(Disassembly view, int call) {
    int at = view.before(call);
    boolean isNumber = at >= 0 && view.lengths[at] == 5 && view.code[at] == (byte) 0xb8;
    return isNumber ? SitePlan.int32(view.code, at + 1) : -1;
  }

  @ParameterizedTest
  @MethodSource("programs")
  void onlyWhatIsSafeIsPlanned(Path file) throws Exception {
    Disassembly view = Programs.disassembly(file);
    for (int call = view.calls.nextSetBit(0); call >= 0; call = view.calls.nextSetBit(call + 1)) {
      String where = "call=" + Long.toHexString(view.address + call);
      int nr = number(view, call);
      SiteResult r = make(view, call, nr);
      switch (r) {
        case MOV, MOVED -> checkMove(view, call, nr, r, where);
        case CAVE -> checkCave(view, call, where);
        default -> assertEquals(SiteResult.NO_FORM, r, where);
      }
    }
  }

  private void checkMove(Disassembly view, int call, int nr, SiteResult r, String where) {
    int at = plan.movedAt;
    assertEquals(view.before(call), at, where);
    assertEquals(call, at + plan.movedLength, where);
    assertTrue(plan.movedLength >= 5, where);
    assertEquals(plan.movedLength, view.lengths[at], where);
    assertEquals(InstructionLength.OTHER, view.kinds[at], where);
    assertFalse(view.isRipRelative.get(at), where);
    int target = view.isTarget.nextSetBit(at + 1);
    assertTrue(target < 0 || target >= call, where);
    assertEquals(nr >= 0, r == SiteResult.MOV, where);
  }

  private void checkCave(Disassembly view, int call, String where) {
    int from = plan.caveAt;
    int to = from + plan.caveLength;
    assertTrue(plan.caveLength >= 5 && from - (call + 2) <= 127 && from >= call + 2, where);
    int before = view.before(from);
    assertEquals(from, before + view.lengths[before], where);
    int kind = view.kinds[before];
    assertTrue(kind == InstructionLength.JUMP || kind == InstructionLength.END, where);
    int at = from;
    while (at < to) {
      int filler = view.kinds[at];
      assertTrue(filler == InstructionLength.NOP || filler == InstructionLength.BREAKPOINT, where);
      at += view.lengths[at];
    }
    assertEquals(to, at, where);
    int target = view.isTarget.nextSetBit(from);
    assertTrue(target < 0 || target >= to, where);
  }

  @Test
  void mostCallsOfTheCLibraryCanBeRewritten() throws Exception {
    Disassembly view = Programs.disassembly(Programs.libc());
    int rewritten = 0;
    for (int call = view.calls.nextSetBit(0); call >= 0; call = view.calls.nextSetBit(call + 1)) {
      rewritten += make(view, call, number(view, call)).isRewritten() ? 1 : 0;
    }
    int all = view.calls.cardinality();
    assertTrue(all > 100 && rewritten > all * 9 / 10, rewritten + " of " + all);
  }
}
