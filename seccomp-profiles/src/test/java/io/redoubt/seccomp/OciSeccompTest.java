package io.redoubt.seccomp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class OciSeccompTest {
  private static OciSeccomp of(String defaultAction, OciSeccomp.Entry... entries) {
    return new OciSeccomp(defaultAction, null, null, null, null, null, List.of(entries));
  }

  private static OciSeccomp.Entry entry(String action, String name, OciSeccomp.Arg... args) {
    return new OciSeccomp.Entry(List.of(name), action, null, List.of(args));
  }

  private static Action decide(OciSeccomp seccomp, String name, long... arguments) {
    Filter filter = seccomp.toFilter();
    var call = SeccompData.call(Syscalls.number(name), arguments);
    Action action = filter.decide(call);
    int value = BpfInterpreter.run(FilterCompiler.compile(filter), call);
    assertEquals(action.returnValue(), value);
    return action;
  }

  private static boolean holds(String op, long value, long valueTwo, long argument) {
    var arg = new OciSeccomp.Arg(1, value, valueTwo, op);
    var seccomp = of("SCMP_ACT_ERRNO", entry("SCMP_ACT_ALLOW", "socket", arg));
    return decide(seccomp, "socket", 0, argument).equals(Action.ALLOW);
  }

  @Test
  void operators() {
    for (long argument : new long[] {0, 39, 40, 41, 1L << 32 | 40, -1L}) {
      int order = Long.compareUnsigned(argument, 40);
      assertEquals(order == 0, holds("SCMP_CMP_EQ", 40, 0, argument));
      assertEquals(order != 0, holds("SCMP_CMP_NE", 40, 0, argument));
      assertEquals(order < 0, holds("SCMP_CMP_LT", 40, 0, argument));
      assertEquals(order <= 0, holds("SCMP_CMP_LE", 40, 0, argument));
      assertEquals(order > 0, holds("SCMP_CMP_GT", 40, 0, argument));
      assertEquals(order >= 0, holds("SCMP_CMP_GE", 40, 0, argument));
    }
    assertTrue(holds("SCMP_CMP_MASKED_EQ", 0x7e020000L, 0, 0x11));
    assertEquals(false, holds("SCMP_CMP_MASKED_EQ", 0x7e020000L, 0, 0x10000011));
    assertEquals(false, holds("SCMP_CMP_LT", 0, 0, 0));
    assertTrue(holds("SCMP_CMP_LE", -1L, 0, -1L));
    assertEquals(false, holds("SCMP_CMP_GT", -1L, 0, -1L));
    assertTrue(holds("SCMP_CMP_GE", 0, 0, 0));
  }

  @Test
  void argumentsOfDifferentIndexMustAllHold() {
    var seccomp =
        of(
            "SCMP_ACT_ERRNO",
            entry(
                "SCMP_ACT_ALLOW",
                "socket",
                new OciSeccomp.Arg(0, 1, 0, "SCMP_CMP_EQ"),
                new OciSeccomp.Arg(1, 2, 0, "SCMP_CMP_EQ")));
    assertEquals(Action.ALLOW, decide(seccomp, "socket", 1, 2));
    assertEquals(new Action.Errno(1), decide(seccomp, "socket", 1, 3));
  }

  @Test
  void argumentsOfTheSameIndexAreAlternatives() {
    var seccomp =
        of(
            "SCMP_ACT_ERRNO",
            entry(
                "SCMP_ACT_ALLOW",
                "personality",
                new OciSeccomp.Arg(0, 0, 0, "SCMP_CMP_EQ"),
                new OciSeccomp.Arg(0, 8, 0, "SCMP_CMP_EQ")));
    assertEquals(Action.ALLOW, decide(seccomp, "personality", 0));
    assertEquals(Action.ALLOW, decide(seccomp, "personality", 8));
    assertEquals(new Action.Errno(1), decide(seccomp, "personality", 4));
  }

  @Test
  void actions() {
    String[] names = {
      "SCMP_ACT_LOG",
      "SCMP_ACT_NOTIFY",
      "SCMP_ACT_ERRNO",
      "SCMP_ACT_TRACE",
      "SCMP_ACT_TRAP",
      "SCMP_ACT_KILL",
      "SCMP_ACT_KILL_THREAD",
      "SCMP_ACT_KILL_PROCESS"
    };
    int[] values = {0x7ffc0000, 0x7fc00000, 0x00050001, 0x7ff00001, 0x00030000, 0, 0, 0x80000000};
    for (int i = 0; i < names.length; i++) {
      var seccomp = of("SCMP_ACT_ALLOW", entry(names[i], "read"));
      assertEquals(values[i], decide(seccomp, "read").returnValue());
      assertEquals(Action.ALLOW, decide(seccomp, "write"));
    }
    var errno = new OciSeccomp.Entry(List.of("read"), "SCMP_ACT_ERRNO", 38, null);
    assertEquals(new Action.Errno(38), decide(of("SCMP_ACT_ALLOW", errno), "read"));
    var byDefault = new OciSeccomp("SCMP_ACT_ERRNO", 38, null, null, null, null, null);
    assertEquals(new Action.Errno(38), decide(byDefault, "read"));
  }

  @Test
  void aCallWithoutConditionsYieldsToOneWith() {
    var seccomp =
        of(
            "SCMP_ACT_KILL",
            entry("SCMP_ACT_ALLOW", "clone"),
            entry("SCMP_ACT_ERRNO", "clone", new OciSeccomp.Arg(0, 1, 1, "SCMP_CMP_MASKED_EQ")));
    assertEquals(new Action.Errno(1), decide(seccomp, "clone", 3));
    assertEquals(Action.ALLOW, decide(seccomp, "clone", 2));
  }

  @Test
  void unknownNamesAreIgnoredAndNamed() {
    var seccomp = of("SCMP_ACT_ERRNO", entry("SCMP_ACT_ALLOW", "_llseek"));
    assertEquals(List.of(), seccomp.toFilter().rules());
    assertEquals(List.of("_llseek"), seccomp.unknownNames());
  }

  @Test
  void wrongValuesAreNamed() {
    for (OciSeccomp bad :
        List.of(
            of("SCMP_ACT_WHATEVER"),
            of(null),
            of("SCMP_ACT_ALLOW", entry("ALLOW", "read")),
            of(
                "SCMP_ACT_ALLOW",
                new OciSeccomp.Entry(List.of("read"), "SCMP_ACT_ERRNO", 4096, null)),
            of(
                "SCMP_ACT_ERRNO",
                entry("SCMP_ACT_ALLOW", "read", new OciSeccomp.Arg(0, 0, 0, "EQ"))),
            of(
                "SCMP_ACT_ERRNO",
                entry("SCMP_ACT_ALLOW", "read", new OciSeccomp.Arg(0, 0, 0, null))),
            of(
                "SCMP_ACT_ERRNO",
                entry("SCMP_ACT_ALLOW", "read", new OciSeccomp.Arg(6, 0, 0, "SCMP_CMP_EQ"))))) {
      var refusal = assertThrows(IllegalArgumentException.class, bad::toFilter);
      assertEquals(-1, refusal.getMessage().indexOf('\n'));
    }
  }

  @Test
  void aProfileOfTheUsualShapeCompiles() {
    var names = new java.util.ArrayList<String>();
    for (int number = 0; number < Syscalls.limit(); number++) {
      if (Syscalls.name(number) != null && number % 7 != 0) {
        names.add(Syscalls.name(number));
      }
    }
    names.removeAll(List.of("clone", "personality", "socket"));
    var seccomp =
        of(
            "SCMP_ACT_ERRNO",
            new OciSeccomp.Entry(names, "SCMP_ACT_ALLOW", null, null),
            entry("SCMP_ACT_ALLOW", "socket", new OciSeccomp.Arg(0, 40, 0, "SCMP_CMP_NE")),
            entry("SCMP_ACT_ALLOW", "personality", new OciSeccomp.Arg(0, 0, 0, "SCMP_CMP_EQ")),
            entry(
                "SCMP_ACT_ALLOW", "personality", new OciSeccomp.Arg(0, 0x20008, 0, "SCMP_CMP_EQ")),
            entry(
                "SCMP_ACT_ALLOW",
                "clone",
                new OciSeccomp.Arg(0, 0x7e020000, 0, "SCMP_CMP_MASKED_EQ")));
    Filter filter = seccomp.toFilter();
    FilterCompilerTest.compare(filter, FilterCompiler.compile(filter), new Random(7));
  }
}
