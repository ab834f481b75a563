package io.redoubt.sentry.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** What is planned for the code of C libraries and Go, and what must not be taken for it. */
class SitePlanTest {
  private static final long ADDRESS = 0x7f0000001000L; // aligned, as segments are

  private final SitePlan plan = new SitePlan();
  private int site;

  /** Plans for the first {@code 0f 05} in code that begins like a function. */
  private SiteResult plan(String hex, int nr) {
    return plan(hex, nr, ADDRESS);
  }

  private SiteResult plan(String hex, int nr, long address) {
    byte[] code = HexFormat.of().parseHex(hex.replaceAll("\\s", ""));
    site = 0;
    while (code[site] != 0x0f || code[site + 1] != 5) {
      site++;
    }
    return plan.make(code, code.length, address, site, nr);
  }

  private void assertMoved(int length) {
    assertEquals(site - length, plan.movedAt);
    assertEquals(length, plan.movedLength);
  }

  private void assertCave(int distance, int length) {
    assertEquals(site + 2 + distance, plan.caveAt);
    assertEquals(length, plan.caveLength);
  }

  @Test
  void readOfGlibcHasACave() {
    // cmpb $0,...; je; xor %eax,%eax; syscall; cmp $-4096,%rax; ja; ret; nopw; sub; mov
    String read =
        "803d31330e0000 7417 31c0 0f05 483d00f0ffff 775b c3 662e0f1f840000000000"
            + "4883ec28 4889542418";
    assertEquals(SiteResult.CAVE, plan(read, 0));
    assertCave(9, 10);
  }

  @Test
  void closeOfGlibcHasItsNumber() {
    String close =
        "803df12b0e0000 7417 b803000000 0f05 483d00f0ffff 7748 c3 0f1f8000000000 4883ec18";
    assertEquals(SiteResult.MOV, plan(close, 3));
    assertMoved(5);
  }

  @Test
  void anotherNumberIsMovedAsAnyInstruction() {
    assertEquals(SiteResult.MOVED, plan("90 b803000000 0f05 c3", 4));
    assertMoved(5);
  }

  /** syscall(2): the last argument comes from the stack. */
  @Test
  void syscallOfGlibcHasAnArgumentToMove() {
    String syscall =
        "4889f8 4889f7 4889d6 4889ca 4d89c2 4d89c8 4c8b4c2408 0f05 483d01f0ffff 7301 c3";
    assertEquals(SiteResult.MOVED, plan(syscall, 8));
    assertMoved(5);
  }

  private static final String CANCELLABLE =
      "8b07 85c0 752b 4989fb 4889f0 4889d7 4889ce 4c89c2 4d89ca 4c8b442408 4c8b4c2410";

  /** __syscall_cp_asm, which is between two labels that a handler of SIGCANCEL compares with. */
  @Test
  void aCancellationPointOfMuslStaysWhereItIs() {
    assertEquals(SiteResult.MOVED, plan(CANCELLABLE + "4c895c2408 0f05 c3", 0));
    assertMoved(5);
  }

  @Test
  void aCancellationPointDoesNotGoToACave() {
    // Its start is not known, so what is before the call is in doubt: b8 may take all of it in.
    String doubtful = "48b8" + "4c895c2408 0f05 c3" + "cc".repeat(16) + "50";
    assertEquals(SiteResult.NO_FORM, plan(doubtful, 0));
    String other = "48b8" + "4c895c2409 0f05 c3" + "cc".repeat(16) + "50";
    assertEquals(SiteResult.CAVE, plan(other, 0));
  }

  /** Syscall6 of Go's runtime; what is behind its end are breakpoints. */
  @Test
  void syscall6OfGoHasACave() {
    String syscall6 =
        "4989f2 4889fa 4889ce 4889df 0f05 483d01f0ffff 7611 48f7d8 4889c1 48c7c0ffffffff 31db c3"
            + "4889d3 31c9 c3"
            + "cc".repeat(12)
            + "4883ec18";
    assertEquals(SiteResult.CAVE, plan(syscall6, 0));
    assertCave(30, 12);
  }

  @Test
  void aRexPrefixMakesItAnotherRegister() {
    // mov $3,%r8d: not the number, but may move as a whole
    assertEquals(SiteResult.MOVED, plan("90 41b803000000 0f05 c3", 3));
    assertMoved(6);
    // movabs: its last five bytes look like a mov
    assertEquals(SiteResult.MOVED, plan("90 48b8112233b803000000 0f05 c3", 3));
    assertMoved(10);
  }

  @Test
  void aDisplacementIsNoInstruction() {
    // movl $3,-0x48(%rbp)
    assertEquals(SiteResult.MOVED, plan("90 c745b803000000 0f05 c3", 3));
    assertMoved(7);
  }

  @Test
  void theImmediateOfWhatDoesNotMoveIsNoInstruction() {
    // addl $3,-0x47fffff0(%rip)
    assertEquals(SiteResult.NO_FORM, plan("90 8105100000b803000000 0f05 c3", 3));
    assertEquals(SiteResult.NO_FORM, plan("90 6803000000 0f05 c3", 3)); // pushq $3
    assertEquals(SiteResult.NO_FORM, plan("90 e803000000 0f05 c3", 3)); // call
    assertEquals(SiteResult.NO_FORM, plan("90 e903000000 0f05 c3", 3)); // jmp
    assertEquals(SiteResult.NO_FORM, plan("90 f0834c240801 0f05 c3", 3)); // lock orl $1,8(%rsp)
    assertEquals(SiteResult.NO_FORM, plan("90 488d0d03000000 0f05 c3", 3)); // lea 3(%rip),%rcx
  }

  @Test
  void whatIsBeforeIsJudgedFromManyPlaces() {
    String before = "4889d3 85c0 0fb6c9 4c8b4c2408".repeat(8);
    assertEquals(SiteResult.MOV, plan(before + "b803000000 0f05 c3", 3));
    assertEquals(SiteResult.MOVED, plan(before + "41b803000000 0f05 c3", 3));
    assertMoved(6);
    assertEquals(SiteResult.MOVED, plan(before + "c745b803000000 0f05 c3", 3));
    assertMoved(7);
  }

  private static final String CALL = "31c0 0f05 483d00f0ffff"; // 10 bytes

  @Test
  void aCaveIsPaddingBehindCodeThatDoesNotGoOn() {
    String next = "4883ec28";
    assertEquals(SiteResult.CAVE, plan(CALL + "c3 0f1f440000" + next, 0)); // to the 16th byte
    assertCave(7, 5);
    assertEquals(SiteResult.CAVE, plan(CALL + "c3 9090909090" + next, 0));
    assertEquals(SiteResult.CAVE, plan(CALL + "f4 0f1f440000" + next, 0)); // hlt
    assertEquals(SiteResult.CAVE, plan(CALL + "ebe0 6690 0f1f00" + next, 0, ADDRESS - 1));
    assertEquals(SiteResult.CAVE, plan(CALL + "ffe0 0f1f440000" + next, 0, ADDRESS - 1)); // jmp *
    // What is before goes on: a branch, a call, and the no-operations of a loop's head.
    assertEquals(SiteResult.NO_FORM, plan(CALL + "50 0f1f440000" + next, 0));
    assertEquals(SiteResult.NO_FORM, plan(CALL + "75e0 0f1f440000" + next, 0, ADDRESS - 1));
    assertEquals(SiteResult.NO_FORM, plan(CALL + "e800000000 0f1f440000" + next, 0, ADDRESS - 4));
    // Four bytes are too few.
    assertEquals(SiteResult.NO_FORM, plan(CALL + "c3 0f1f4000" + next, 0, ADDRESS + 1));
  }

  @Test
  void noOperationsThatBeginAFunctionAreNoPadding() {
    // endbr-less function with a place for a tracer, right behind the ret: begins aligned
    assertEquals(
        SiteResult.NO_FORM, plan(CALL + "c3 0f1f440000 4883ec28", 0, ADDRESS + 5)); // ends at 5
    assertEquals(SiteResult.NO_FORM, plan(CALL + "c3" + "90".repeat(16) + "50", 0, ADDRESS + 5));
  }

  @Test
  void aCaveThatIsJumpedToIsNone() {
    // jne to the padding; to its middle; to what is behind it
    assertEquals(SiteResult.NO_FORM, plan(CALL + "7501 c3 0f1f440000 50", 0, ADDRESS - 2));
    assertEquals(SiteResult.NO_FORM, plan(CALL + "7504 c3 0f1f440000 50", 0, ADDRESS - 2));
    assertEquals(SiteResult.CAVE, plan(CALL + "7506 c3 0f1f440000 50", 0, ADDRESS - 2));
    // From behind the padding, backwards.
    assertEquals(SiteResult.NO_FORM, plan(CALL + "c3 0f1f440000 50 ebf8", 0));
  }

  @Test
  void aCaveIsInReachOfAShortJump() {
    for (int distance = 120; distance < 135; distance++) {
      String code = CALL + "90".repeat(distance - 7) + "c3 0f1f440000 50";
      long aligned = ADDRESS + 16 - (4 + distance + 5) % 16;
      SiteResult expected = distance <= 127 ? SiteResult.CAVE : SiteResult.NO_FORM;
      assertEquals(expected, plan(code, 0, aligned), "distance=" + distance);
      if (distance <= 127) {
        assertCave(distance, 5);
      }
    }
  }

  @Test
  void codeMayEndAnywhere() {
    String code =
        "803d31330e0000 7417 31c0 0f05 483d00f0ffff 775b c3 662e0f1f840000000000 4883ec28";
    byte[] all = HexFormat.of().parseHex(code.replace(" ", ""));
    for (int end = 0; end <= all.length; end++) {
      SiteResult expected =
          end < 13 ? SiteResult.NO_CALL : end <= 32 ? SiteResult.NO_FORM : SiteResult.CAVE;
      // The byte of the next instruction that closes the padding has to be a whole instruction.
      expected = end > 32 && end < 36 ? SiteResult.NO_FORM : expected;
      assertEquals(expected, plan.make(all, end, ADDRESS, 11, 0), "end=" + end);
    }
    assertEquals(SiteResult.NO_CALL, plan.make(all, all.length, ADDRESS, -1, 0));
  }
}
