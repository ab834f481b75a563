package io.redoubt.seccomp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/**
 * What the host kernel's part and the sentry's come to, for every call, is what the profile says.
 */
class ContainerProfileTest {
  private static OciSeccomp.Entry entry(String action, String names) {
    return new OciSeccomp.Entry(List.of(names.split(" ")), "SCMP_ACT_" + action, null, List.of());
  }

  private static ContainerProfile profile(String defaultAction, OciSeccomp.Entry... entries) {
    return new ContainerProfile(
        new OciSeccomp(
            "SCMP_ACT_" + defaultAction,
            null,
            List.of("SCMP_ARCH_X86_64"),
            null,
            null,
            null,
            List.of(entries)));
  }

  @Test
  void nativeNumbersAreThoseOfTheGuestsFilter() {
    var names = new TreeSet<String>();
    for (Rule r : NativeCalls.RULES) {
      if (r.action() instanceof Action.Allow) {
        names.add(Syscalls.name(r.number()));
      }
    }
    assertEquals(names, new TreeSet<>(ContainerProfile.NATIVE));
  }

  @Test
  void anOrdinaryProfileIsAllTheSentrys() {
    var p = profile("ERRNO", entry("ALLOW", String.join(" ", ContainerProfile.NATIVE) + " read"));
    assertEquals(0, p.sockFilters().length);
    assertTrue(p.allows(Syscalls.number("read")));
    assertEquals(new Action.Errno(1), p.decide(Syscalls.number("bpf")));
    assertEquals(new Action.Errno(38), p.decide(999));
  }

  /** Of two answers the kernel takes the stricter one. */
  private static Action together(ContainerProfile p, int number, long... arguments) {
    var call = SeccompData.call(number, arguments);
    Action kernel = p.kernelPart().decide(call);
    Action guest = GuestProfile.filter().decide(call);
    boolean isKernels =
        Integer.compare(kernel.returnValue(), guest.returnValue()) < 0; // signed, as the kernel
    Action first = isKernels ? kernel : guest;
    return first instanceof Action.Notify ? p.decide(number, arguments) : first;
  }

  @Test
  void bothPartsTogether() {
    for (String fallback : new String[] {"ALLOW", "ERRNO", "KILL_PROCESS", "TRAP", "KILL"}) {
      for (String action : new String[] {"ALLOW", "ERRNO", "KILL_PROCESS", "TRAP", "KILL"}) {
        var p = profile(fallback, entry(action, "getpid uname times sysinfo clone mseal"));
        for (String name : "getpid uname times sysinfo clone read getppid".split(" ")) {
          Action said = p.decide(Syscalls.number(name));
          Action done = together(p, Syscalls.number(name));
          assertEquals(said, done, fallback + " " + action + " " + name);
        }
        assertEquals(Action.NOTIFY, ofStub(p, GuestProfile.STUB_CALL));
      }
    }
  }

  private static Action ofStub(ContainerProfile p, int number) {
    var call = SeccompData.call(number);
    Action kernel = p.kernelPart().decide(call);
    assertTrue(kernel instanceof Action.Allow, kernel::describe);
    return GuestProfile.filter().decide(call);
  }

  @Test
  void sentencesAreCarriedOutByTheKernel() {
    var p = profile("ALLOW", entry("KILL_PROCESS", "execveat"));
    assertFalse(p.allows(Syscalls.number("execveat")));
    var filter = p.kernelPart();
    assertEquals(Action.ALLOW, filter.decide(SeccompData.call(Syscalls.number("execveat"))));
    assertEquals(
        Action.KILL_PROCESS, filter.decide(SeccompData.call(ContainerProfile.KILL_PROCESS_CALL)));
  }

  @Test
  void whatIsCompiledIsWhatIsMeant() {
    var p = profile("KILL_PROCESS", entry("ALLOW", "read write times uname mmap prctl"));
    var program = BpfProgram.parse(p.sockFilters());
    var filter = p.kernelPart();
    for (int i = 0; i < Syscalls.limit(); i++) {
      var call = SeccompData.call(i, 15, 0, 0, 0, ContainerProfile.STUB_MARK);
      assertEquals(filter.decide(call).returnValue(), BpfInterpreter.run(program, call));
    }
  }

  @Test
  void notifyIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> profile("ALLOW", entry("NOTIFY", "getpid")));
  }
}
