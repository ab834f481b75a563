package io.redoubt.seccomp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What a filter means against what its program does. */
class FilterCompilerTest {
  private static final long SEED = 20250610;

  /** As {@link #compare(Filter, BpfProgram, Random)} with so many calls of each number at most. */
  static void compare(Filter filter, BpfProgram program, int most, Random random) {
    assertNull(BpfChecker.fault(program));
    for (int number : Calls.numbers(filter)) {
      var calls = Calls.calls(filter, number, random);
      for (int sample = Math.min(most, calls.size()); sample > 0; sample--) {
        assertSame(filter, program, calls.get(random.nextInt(calls.size())));
      }
    }
  }

  /** Tries a program with the calls that its filter makes interesting; returns how many. */
  static int compare(Filter filter, BpfProgram program, Random random) {
    assertNull(BpfChecker.fault(program));
    int count = 0;
    for (int number : Calls.numbers(filter)) {
      for (SeccompData call : Calls.calls(filter, number, random)) {
        assertSame(filter, program, call);
        count++;
      }
    }
    return count;
  }

  private static void assertSame(Filter filter, BpfProgram program, SeccompData call) {
    int expected = filter.decide(call).returnValue();
    int actual = BpfInterpreter.run(program, call);
    if (expected != actual) {
      assertEquals(
          Integer.toHexString(expected),
          Integer.toHexString(actual),
          () ->
              "number="
                  + call.number()
                  + ", arguments="
                  + List.of(
                      call.arguments()[0],
                      call.arguments()[1],
                      call.arguments()[2],
                      call.arguments()[3],
                      call.arguments()[4],
                      call.arguments()[5]));
    }
  }

  @Test
  void everyCallOfTheGuestProfileIsAnsweredAsItsRulesSay() {
    Filter filter = GuestProfile.filter();
    int count = compare(filter, GuestProfile.program(), new Random(SEED));
    assertTrue(count > 10_000, "calls tried: " + count);
  }

  @Test
  void everyNumberIsAnsweredAsTheRulesSay() {
    Filter filter = GuestProfile.filter();
    for (int number = 0; number < 0x10000; number++) {
      assertSame(filter, GuestProfile.program(), SeccompData.call(number));
      assertSame(filter, GuestProfile.program(), SeccompData.call(number, -1, -1, -1, -1, -1, -1));
    }
  }

  @Test
  void otherArchitecturesAreKilled() {
    int kill = Action.KILL_PROCESS.returnValue();
    for (int number : Calls.numbers(GuestProfile.filter())) {
      for (int architecture : new int[] {SeccompData.ARCH_I386, 0, -1, 0xc00000b7}) {
        var call = new SeccompData(number, architecture, 0, new long[6]);
        assertEquals(kill, BpfInterpreter.run(GuestProfile.program(), call));
      }
    }
  }

  @Test
  void randomFiltersKeepTheirMeaning() {
    var random = new Random(SEED);
    var filters = new RandomFilters(random);
    for (int i = 0; i < 60; i++) {
      Filter filter = filters.next();
      BpfProgram program;
      try {
        program = FilterCompiler.compile(filter);
      } catch (IllegalArgumentException tooLong) {
        continue;
      }
      compare(filter, program, 200, random);
    }
  }

  @Test
  void onlyConstantAllowsAreLeftToTheKernelsBitmap() {
    Filter filter = GuestProfile.filter();
    int constant = 0;
    for (int number = 0; number < Syscalls.limit(); number++) {
      boolean isConstant = BpfInterpreter.isConstantAllow(GuestProfile.program(), number);
      constant += isConstant ? 1 : 0;
      if (isConstant) {
        assertEquals(Action.ALLOW, filter.decide(SeccompData.call(number)));
      }
    }
    assertEquals(ProfilePrinter.count(filter).allowedByNumber(), constant);
  }

  @Test
  void jumpsFurtherThan255InstructionsKeepTheirMeaning() {
    var rules = new ArrayList<Rule>();
    for (int number = 0; number < 150; number++) {
      var argument = Argument.longArg(number % 6, "a");
      rules.add(
          new Rule(
              3 * number,
              Condition.anyOf(
                  Condition.between(argument, 100L * number, 1L << 40 | number),
                  Condition.oneOf(argument, 1, 3, 5, 7, 9, number << 20)),
              new Action.Errno(number),
              "long"));
    }
    var filter = new Filter("long", rules, Action.NOTIFY, List.of(0, 300));
    BpfProgram program = FilterCompiler.compile(filter);
    assertTrue(program.length() > 1500, "instructions: " + program.length());
    assertTrue(program.toString().contains(": ja "), "no long jump in the program");
    compare(filter, program, new Random(SEED));
  }

  @Test
  void aSharedTailFarAwayIsReachedByLongJumps() {
    var rules = new ArrayList<Rule>();
    var shared =
        Condition.allOf(
            Condition.is(Argument.longArg(5, "f"), 0x1234_5678_9abcL),
            Condition.is(Argument.longArg(4, "e"), 77));
    for (int number = 0; number < 400; number += 2) {
      var own = Condition.is(Argument.longArg(0, "a"), number << 8);
      rules.add(new Rule(number, Condition.allOf(own, shared), Action.ALLOW, "tail"));
    }
    var filter = new Filter("tail", rules, new Action.Errno(38), List.of());
    BpfProgram program = FilterCompiler.compile(filter);
    compare(filter, program, new Random(SEED));
    assertTrue(program.length() < 1600, "tail not shared, instructions: " + program.length());
  }

  @Test
  void aFilterThatDoesNotFitIsRefused() {
    var rules = new ArrayList<Rule>();
    for (int value = 0; value < 5000; value++) {
      var is = Condition.is(Argument.longArg(value % 6, "a"), 3L * value);
      rules.add(new Rule(1, is, new Action.Errno(value % 4000), "too many"));
    }
    var filter = new Filter("huge", rules, Action.ALLOW, List.of());
    var refusal =
        assertThrows(IllegalArgumentException.class, () -> FilterCompiler.compile(filter));
    assertTrue(refusal.getMessage().startsWith("filter too long"), refusal.getMessage());
  }

  @Test
  void aFilterJustBelowTheLimitFits() {
    // four instructions a rule but for the last number's: number, two loads with a test each
    var rules = new ArrayList<Rule>();
    for (int number = 0; number < 600; number++) {
      var is = Condition.is(Argument.longArg(number % 6, "a"), (long) number << 32 | number);
      rules.add(new Rule(number, is, new Action.Errno(number % 4000), "many"));
    }
    var filter = new Filter("large", rules, Action.ALLOW, List.of());
    BpfProgram program = FilterCompiler.compile(filter);
    assertTrue(program.length() <= Bpf.MAX_INSTRUCTIONS);
    assertTrue(program.length() > 3000, "instructions: " + program.length());
    compare(filter, program, new Random(SEED));
  }

  /** Bits are known independently of each other, so ways through these rules know 2^n things. */
  @Test
  void knowingMoreNeverMakesAProgramLonger() {
    var rules = new ArrayList<Rule>();
    for (int bit = 0; bit < 16; bit++) {
      var condition =
          Condition.allOf(
              Condition.has(Argument.longArg(0, "a"), 1L << bit),
              Condition.has(Argument.longArg(1, "b"), 1L << bit * 7 % 16),
              Condition.has(Argument.longArg(0, "a"), 1L << (bit * 5 + 1) % 16));
      rules.add(new Rule(1, condition, new Action.Errno(bit), "bits"));
    }
    var filter = new Filter("bits", rules, Action.ALLOW, List.of());
    BpfProgram program = FilterCompiler.compile(filter);
    assertTrue(program.length() < 130, "instructions: " + program.length());
    compare(filter, program, new Random(SEED));
  }

  @Test
  void whatOneRuleTestsIsNotTestedAgainByTheNext() {
    var option = Argument.longArg(0, "option");
    var rules = new ArrayList<Rule>();
    for (int value = 0; value < 8; value++) {
      rules.add(new Rule(1, Condition.is(option, value), Action.ALLOW, "one by one"));
    }
    var oneByOne = new Filter("one by one", rules, Action.NOTIFY, List.of());
    // ld arch, jeq, ld nr, jge, jge, jeq, ld high, jeq, ld low, 8 x jeq or fewer, 3 x ret
    int length = FilterCompiler.compile(oneByOne).length();
    assertTrue(length <= 20, "instructions: " + length);
  }
}
