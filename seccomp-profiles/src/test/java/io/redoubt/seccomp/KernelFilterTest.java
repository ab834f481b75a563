package io.redoubt.seccomp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.redoubt.fuzz.Fuzz;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The interpreter against the kernel that the test runs on. */
class KernelFilterTest {
  private static final int ENOSYS = 38;
  private static final int SIGSYS = 31;

  /** What {@code int $0x80} gives where the kernel has no 32-bit gate at all. */
  private static final int SIGSEGV = 11;

  /** In the probe: not a number but the 32-bit gate. */
  private static final int I386_GETPID = 0xffff0080;

  @TempDir Path directory;
  private Path probe;

  @BeforeEach
  void compileTheProbe() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/gcc")), "needs gcc");
    assumeTrue(System.getProperty("os.arch").equals("amd64"), "needs x86-64");
    Path source = directory.resolve("probe.c");
    try (InputStream resource = KernelFilterTest.class.getResourceAsStream("probe.c")) {
      Files.copy(resource, source);
    }
    probe = directory.resolve("probe");
    int status =
        run("/usr/bin/gcc", "-O1", "-Wall", "-Werror", "-o", probe.toString(), source.toString());
    assertEquals(0, status, "gcc");
  }

  private static int run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).inheritIO().start();
    try {
      assertTrue(process.waitFor(60, TimeUnit.SECONDS), command[0] + " hangs");
      return process.exitValue();
    } finally {
      process.destroyForcibly();
    }
  }

  private record Outcome(int status, int[] errnos) {}

  private Outcome probe(BpfProgram program, List<SeccompData> calls) throws Exception {
    var words = ByteBuffer.allocate(calls.size() * 7 * 8).order(ByteOrder.LITTLE_ENDIAN);
    for (SeccompData call : calls) {
      words.putLong(Integer.toUnsignedLong(call.number()));
      for (long argument : call.arguments()) {
        words.putLong(argument);
      }
    }
    Path filterFile = Files.write(directory.resolve("filter"), program.toBytes());
    Path callsFile = Files.write(directory.resolve("calls"), words.array());
    Path resultsFile = Files.write(directory.resolve("results"), new byte[4 * calls.size()]);
    int status =
        run(probe.toString(), filterFile.toString(), callsFile.toString(), resultsFile.toString());
    var errnos = new int[calls.size()];
    ByteBuffer.wrap(Files.readAllBytes(resultsFile))
        .order(ByteOrder.LITTLE_ENDIAN)
        .asIntBuffer()
        .get(errnos);
    return new Outcome(status, errnos);
  }

  /**
   * The same program with every answer turned into an error number of its own, so that any call can
   * be tried without being made: 1000 and up for what is not an error in the original.
   */
  private static BpfProgram harmless(BpfProgram program, List<Integer> answers) {
    long[] instructions = program.toLongs();
    for (int i = 0; i < instructions.length; i++) {
      int value = Bpf.k(instructions[i]);
      if (Bpf.code(instructions[i]) == Bpf.RETURN) {
        if (!answers.contains(value)) {
          answers.add(value);
        }
        var errno = new Action.Errno(1000 + answers.indexOf(value));
        instructions[i] = Bpf.instruction(Bpf.RETURN, errno.returnValue());
      }
    }
    return new BpfProgram(instructions);
  }

  private void compare(Filter filter, int maxCallsPerNumber, Random random) throws Exception {
    var program = FilterCompiler.compile(filter);
    var calls = new ArrayList<SeccompData>();
    for (int number : Calls.numbers(filter)) {
      // seccomp never sees these two: seccomp_uprobe_exception in kernel/seccomp.c
      if (number == Syscalls.number("uretprobe") || number == Syscalls.number("uprobe")) {
        continue;
      }
      var choice = Calls.calls(filter, number, random);
      for (int i = Math.min(choice.size(), maxCallsPerNumber); i > 0; i--) {
        calls.add(choice.remove(random.nextInt(choice.size())));
      }
    }
    var answers = new ArrayList<Integer>();
    Outcome outcome = probe(harmless(program, answers), calls);
    assertEquals(0, outcome.status());
    for (int i = 0; i < calls.size(); i++) {
      SeccompData call = calls.get(i);
      int expected = 1000 + answers.indexOf(BpfInterpreter.run(program, call));
      assertEquals(expected, outcome.errnos()[i], () -> "number=" + call.number());
    }
  }

  @Test
  void theKernelAnswersCallsOfTheGuestProfileAsTheInterpreterDoes() throws Exception {
    compare(GuestProfile.filter(), 5_000, new Random(1));
  }

  @Test
  void theKernelAnswersCallsOfRandomFiltersAsTheInterpreterDoes() throws Exception {
    var random = new Random(2);
    for (int i = 0; i < 5; i++) {
      compare(new RandomFilters(random).next(), 100, random);
    }
  }

  /** The rules, the interpreter of what they were compiled to, and the kernel, of one filter. */
  private void round(Random random) throws Exception {
    Filter filter = new RandomFilters(random).next();
    BpfProgram program;
    try {
      program = FilterCompiler.compile(filter);
    } catch (IllegalArgumentException tooLong) {
      return;
    }
    FilterCompilerTest.compare(filter, program, 200, random);
    compare(filter, 50, random);
  }

  @Test
  void rulesInterpreterAndKernelAgree() {
    Fuzz.briefly(2, this::round);
  }

  @Test
  @Tag("slow")
  void forTenMinutes() {
    Fuzz.atLength(600, this::round);
  }

  @Test
  void theGuestProfileInEarnest() throws Exception {
    var outcome =
        probe(
            GuestProfile.program(),
            List.of(
                SeccompData.call(Syscalls.number("getpid")),
                SeccompData.call(Syscalls.number("mmap"), 0, 4096, 3, 0x22, -1, 0),
                SeccompData.call(Syscalls.number("clone3")),
                SeccompData.call(Syscalls.number("bpf")),
                SeccompData.call(Syscalls.number("read")), // no listener: ENOSYS
                SeccompData.call(GuestProfile.STUB_CALL)));
    assertEquals(0, outcome.status());
    assertEquals(
        List.of(0, 0, ENOSYS, 1, ENOSYS, ENOSYS),
        java.util.Arrays.stream(outcome.errnos()).boxed().toList());
  }

  @Test
  void callsOfTheX32TableKill() throws Exception {
    int x32 = SeccompData.X32_BIT | Syscalls.number("getpid");
    var outcome = probe(GuestProfile.program(), List.of(SeccompData.call(x32)));
    assertEquals(128 + SIGSYS, outcome.status());
    assertEquals(-1, outcome.errnos()[0]);
  }

  @Test
  void callsByTheI386GateKill() throws Exception {
    var outcome = probe(GuestProfile.program(), List.of(SeccompData.call(I386_GETPID)));
    assumeTrue(outcome.status() != 128 + SIGSEGV, "needs a kernel with IA32 emulation");
    assertEquals(128 + SIGSYS, outcome.status());
    assertEquals(-1, outcome.errnos()[0]);
  }
}
