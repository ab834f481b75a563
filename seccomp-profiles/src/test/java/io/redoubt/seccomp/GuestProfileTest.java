package io.redoubt.seccomp;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the guest profile promises, written down a second time and by hand. */
class GuestProfileTest {
  private static final int ALLOW = Action.ALLOW.returnValue();
  private static final int NOTIFY = Action.NOTIFY.returnValue();

  /** FIXED, ANONYMOUS, 32BIT, NORESERVE, POPULATE, STACK, FIXED_NOREPLACE. */
  private static final long FLAGS_OF_ANONYMOUS =
      0x10 | 0x20 | 0x40 | 0x4000 | 0x8000 | 0x20000 | 0x100000;

  private static final long GARBAGE = 0xdead_beef_0000_0000L;

  private static int run(String name, long... arguments) {
    return BpfInterpreter.run(
        GuestProfile.program(), SeccompData.call(Syscalls.number(name), arguments));
  }

  private static int errno(int number) {
    return new Action.Errno(number).returnValue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "munmap",
        "brk",
        "rt_sigprocmask",
        "rt_sigreturn",
        "rt_sigpending",
        "rt_sigsuspend",
        "rt_sigtimedwait",
        "pause",
        "sigaltstack",
        "sched_yield",
        "nanosleep",
        "gettimeofday",
        "time",
        "times",
        "getrusage",
        "gettid",
        "getpid",
        "getppid",
        "set_tid_address",
        "set_robust_list",
        "rseq",
        "getrandom",
        "restart_syscall",
        "getcpu"
      })
  void nativeWhateverTheArguments(String name) {
    assertTrue(BpfInterpreter.isConstantAllow(GuestProfile.program(), Syscalls.number(name)));
    assertEquals(ALLOW, run(name, -1, -1, -1, -1, -1, -1));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "exit",
        "exit_group",
        "clone",
        "fork",
        "vfork",
        "execve",
        "execveat",
        "kill",
        "tkill",
        "tgkill",
        "wait4",
        "waitid",
        "read",
        "write",
        "openat",
        "close",
        "ioctl",
        "msync",
        "mincore",
        "mlock",
        "mlockall",
        "get_robust_list",
        "alarm",
        "setitimer",
        "getitimer",
        "timer_create",
        "sched_getaffinity",
        "ptrace",
        "process_vm_readv",
        "process_vm_writev",
        "pidfd_getfd",
        "seccomp",
        "rt_sigqueueinfo",
        "getuid",
        "process_madvise",
        "unshare",
        "setns",
        "mount"
      })
  void trappedWhateverTheArguments(String name) {
    assertEquals(NOTIFY, run(name));
    assertEquals(NOTIFY, run(name, -1, -1, -1, -1, -1, -1));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "clone3", "io_uring_setup", "io_uring_enter", "io_uring_register", "userfaultfd", "keyctl",
        "add_key", "request_key", "futex_waitv", "lookup_dcookie", "nfsservctl", "modify_ldt"
      })
  void asIfTheKernelHadNoSuchCall(String name) {
    assertEquals(errno(38), run(name, -1, -1, -1, -1, -1, -1));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "bpf",
        "kexec_load",
        "kexec_file_load",
        "init_module",
        "finit_module",
        "delete_module",
        "iopl",
        "ioperm",
        "swapon",
        "swapoff",
        "reboot"
      })
  void notForAnOrdinaryUser(String name) {
    assertEquals(errno(1), run(name));
  }

  /** A call that takes a file descriptor must never be native: the guest's host fds are scratch. */
  @Test
  void noNativeCallTakesAFileDescriptor() {
    Set<String> fdless =
        Set.of(
            "mmap",
            "mprotect",
            "mremap",
            "madvise",
            "futex",
            "membarrier",
            "arch_prctl",
            "prctl",
            "clock_gettime",
            "clock_getres",
            "clock_nanosleep",
            "munmap",
            "brk",
            "rt_sigaction",
            "rt_sigprocmask",
            "rt_sigreturn",
            "rt_sigpending",
            "rt_sigsuspend",
            "rt_sigtimedwait",
            "pause",
            "sigaltstack",
            "sched_yield",
            "nanosleep",
            "gettimeofday",
            "time",
            "times",
            "getrusage",
            "gettid",
            "getpid",
            "getppid",
            "set_tid_address",
            "set_robust_list",
            "rseq",
            "getrandom",
            "restart_syscall",
            "getcpu");
    for (Rule rule : GuestProfile.filter().rules()) {
      if (rule.action().equals(Action.ALLOW)) {
        assertTrue(fdless.contains(Syscalls.name(rule.number())), Syscalls.name(rule.number()));
      }
      assertFalse(rule.reason().isBlank());
    }
  }

  @Test
  void mmapIsNativeOnlyWithoutAFile() {
    long anonymous = 0x20;
    long privately = 0x02;
    assertEquals(ALLOW, run("mmap", 0, 4096, 3, privately | anonymous, -1, 0));
    assertEquals(ALLOW, run("mmap", 0, 4096, 7, 0x01 | anonymous, 5, 0));
    assertEquals(ALLOW, run("mmap", 0, 4096, 0, privately | anonymous | 0x4000 | 0x20000, -1, 0));
    assertEquals(ALLOW, run("mmap", 0, 4096, 3, 0x08 | anonymous, -1, 0)); // MAP_DROPPABLE
    for (int type :
        new int[] {0, 3, 4, 5, 6, 7, 9, 10, 15}) { // SHARED_VALIDATE 3, none of the rest
      assertEquals(NOTIFY, run("mmap", 0, 4096, 3, type | anonymous, -1, 0));
    }
    for (int bit = 0; bit < 64; bit++) { // every flag that is not said to be native
      long flag = 1L << bit;
      boolean isKnown = (FLAGS_OF_ANONYMOUS & flag) != 0;
      if (bit >= 4) {
        int expected = isKnown ? ALLOW : NOTIFY;
        assertEquals(
            expected, run("mmap", 0, 4096, 3, privately | anonymous | flag, -1, 0), "bit " + bit);
      }
    }
    assertEquals(NOTIFY, run("mmap", 0, 4096, 3, privately, 3, 0));
    assertEquals(
        NOTIFY, run("mmap", 0, 4096, 3, privately | anonymous | 0x40000, -1, 0)); // HUGETLB
    assertEquals(
        NOTIFY, run("mmap", 0, 4096, 3, privately | anonymous | 0x100, -1, 0)); // GROWSDOWN
    assertEquals(NOTIFY, run("mmap", 0, 4096, 3, privately | anonymous | 0x2000, -1, 0)); // LOCKED
    assertEquals(NOTIFY, run("mmap", 0, 4096, 3, privately | anonymous | GARBAGE, -1, 0));
    assertEquals(NOTIFY, run("mmap", 0, 4096, 3, privately | anonymous << 32, -1, 0));
    assertEquals(NOTIFY, run("mmap", 0, 4096, 3 | 0x0100_0000, privately | anonymous, -1, 0));
  }

  @Test
  void otherMemoryCalls() {
    assertEquals(ALLOW, run("mprotect", 0, 4096, 7));
    assertEquals(NOTIFY, run("mprotect", 0, 4096, 0x0100_0007)); // PROT_GROWSDOWN
    assertEquals(NOTIFY, run("mprotect", 0, 4096, GARBAGE | 7));
    for (int flags = 0; flags < 16; flags++) {
      assertEquals(flags < 4 ? ALLOW : NOTIFY, run("mremap", 0, 4096, 8192, flags));
    }
    assertEquals(NOTIFY, run("mremap", 0, 4096, 8192, GARBAGE | 1));
    var advices = Set.of(0, 1, 2, 3, 4, 8, 10, 11, 14, 15, 16, 17, 18, 19, 22, 23);
    var refused = Set.of(12, 13, 20, 21, 24, 25, 102, 103);
    for (int advice = -1; advice < 300; advice++) {
      int expected =
          advices.contains(advice) ? ALLOW : refused.contains(advice) ? errno(22) : NOTIFY;
      assertEquals(expected, run("madvise", 0, 4096, advice), "advice " + advice);
      long garbage = GARBAGE | advice & 0xffff_ffffL; // the kernel reads an int
      assertEquals(expected, run("madvise", 0, 4096, garbage), "advice " + advice);
    }
  }

  @Test
  void futexWithoutPriorityInheritance() {
    for (int operation : new int[] {0, 1, 3, 4, 5, 9, 10}) {
      for (int flags : new int[] {0, 128, 256, 384}) {
        assertEquals(ALLOW, run("futex", 0, operation | flags));
        assertEquals(ALLOW, run("futex", 0, GARBAGE | operation | flags));
      }
      assertEquals(errno(38), run("futex", 0, operation | 512));
    }
    var operations = Set.of(0, 1, 3, 4, 5, 9, 10);
    for (int operation = 0; operation < 128; operation++) { // 6 to 8 and 11 to 13: with inheritance
      int expected = operations.contains(operation) ? ALLOW : errno(38);
      assertEquals(expected, run("futex", 0, operation | 128), "operation " + operation);
      assertEquals(errno(38), run("futex", 0, operation | 1 << 31), "operation " + operation);
    }
  }

  @Test
  void clocksWithoutFileDescriptor() {
    int pid = 4711;
    int fd = 3;
    for (String name : new String[] {"clock_gettime", "clock_getres", "clock_nanosleep"}) {
      boolean sleeps = name.equals("clock_nanosleep");
      var clocks = sleeps ? Set.of(0, 1, 7, 11) : Set.of(0, 1, 2, 3, 4, 5, 6, 7, 11);
      for (int clock = 0; clock < 300; clock++) { // ALARM 8 and 9, AUX from 16 on
        assertEquals(clocks.contains(clock) ? ALLOW : NOTIFY, run(name, clock), name + clock);
      }
      assertEquals(ALLOW, run(name, GARBAGE | 1));
      int ofCpu = sleeps ? NOTIFY : ALLOW;
      assertEquals(ofCpu, run(name, ~pid << 3 | 2)); // CPU clock of a process
      assertEquals(ofCpu, run(name, ~pid << 3 | 6)); // and of a thread
      assertEquals(NOTIFY, run(name, ~fd << 3 | 3)); // FD_TO_CLOCKID
      assertEquals(NOTIFY, run(name, 0xffff_ffffL & (~fd << 3 | 3)));
    }
  }

  @Test
  void processAttributes() {
    for (int option = -1; option < 300; option++) { // 15: PR_SET_NAME
      assertEquals(option == 15 ? ALLOW : NOTIFY, run("prctl", option), "option " + option);
    }
    assertEquals(ALLOW, run("prctl", 0x53564d41, 0)); // PR_SET_VMA
    assertEquals(NOTIFY, run("prctl", 0x53564d41, 1));
    assertEquals(NOTIFY, run("prctl", 0x53564d41, 1L << 32));
    var options = Set.of(0x1001, 0x1002, 0x1003, 0x1004, 0x1021, 0x1022, 0x1023);
    for (int option = 0x0fff; option < 0x5100; option++) {
      int expected = options.contains(option) ? ALLOW : errno(22);
      assertEquals(expected, run("arch_prctl", option), "option " + option);
    }
    var commands = Set.of(0, 1, 8, 16, 32, 64, 128, 256, 512);
    for (int command = -1; command < 2048; command++) {
      int expected = commands.contains(command) ? ALLOW : NOTIFY;
      assertEquals(expected, run("membarrier", command), "command " + command);
    }
    assertEquals(ALLOW, run("arch_prctl", 0x1002)); // ARCH_SET_FS
    assertEquals(errno(22), run("arch_prctl", 0x1012)); // ARCH_SET_CPUID
    assertEquals(errno(22), run("arch_prctl", 0x3001)); // ARCH_CET_STATUS
    assertEquals(errno(22), run("arch_prctl", 0x5001)); // ARCH_SHSTK_ENABLE
    assertEquals(ALLOW, run("membarrier", 8));
    assertEquals(NOTIFY, run("membarrier", 2)); // GLOBAL_EXPEDITED
  }

  @Test
  void otherNumbers() {
    var program = GuestProfile.program();
    int kill = Action.KILL_PROCESS.returnValue();
    assertEquals(NOTIFY, BpfInterpreter.run(program, SeccompData.call(GuestProfile.STUB_CALL)));
    assertEquals(NOTIFY, BpfInterpreter.run(program, SeccompData.call(400)));
    assertEquals(NOTIFY, BpfInterpreter.run(program, SeccompData.call(470)));
    assertEquals(NOTIFY, BpfInterpreter.run(program, SeccompData.call(0x3fff_ffff)));
    assertEquals(kill, BpfInterpreter.run(program, SeccompData.call(0x4000_0000)));
    assertEquals(kill, BpfInterpreter.run(program, SeccompData.call(0x4000_0000 | 39)));
    assertEquals(kill, BpfInterpreter.run(program, SeccompData.call(0x7fff_ffff)));
    assertEquals(NOTIFY, BpfInterpreter.run(program, SeccompData.call(-1)));
    assertEquals(NOTIFY, BpfInterpreter.run(program, SeccompData.call(Integer.MIN_VALUE)));
  }

  @Test
  void signalActionsAreNativeOnlyWithTheSentrysMark() {
    assertEquals(NOTIFY, run("rt_sigaction", 17, 4096, 0, 8));
    assertEquals(NOTIFY, run("rt_sigaction", 17, 4096, 0, 8, 0, -1));
    assertEquals(ALLOW, run("rt_sigaction", 17, 4096, 0, 8, 0, 0x72656462));
  }

  @Test
  void theProfileIsSmall() {
    int length = GuestProfile.program().length();
    assertTrue(length <= 185, "instructions: " + length);
    var counts = ProfilePrinter.count(GuestProfile.filter());
    assertEquals(36, counts.allowed());
    assertEquals(24, counts.allowedByNumber());
    assertEquals(63, counts.denied());
    assertEquals(Syscalls.count(), counts.allowed() + counts.denied() + counts.trapped());
  }

  @Test
  void theFileIsTheProgram(@TempDir Path directory) throws Exception {
    Path file = directory.resolve("guest.bpf");
    WriteProgram.main(new String[] {directory.toString(), "guest"});
    assertArrayEquals(GuestProfile.program().toBytes(), Files.readAllBytes(file));
  }

  @Test
  void whatTheBuildHasWrittenIsTheProgram() throws Exception {
    assertNotNull(GuestProfile.class.getResource(GuestProfile.RESOURCE), "not built by Maven");
    assertArrayEquals(GuestProfile.program().toBytes(), GuestProfile.sockFilters());
  }

  @Test
  void thePrintedProfileSaysItAll() throws Exception {
    var text = new StringBuilder();
    ProfilePrinter.print(GuestProfile.filter(), GuestProfile.program(), text);
    String all = text.toString();
    assertTrue(all.startsWith("profile guest: 36 native (24 whatever their arguments), 63 denied"));
    for (int number = 0; number < Syscalls.limit(); number++) {
      if (Syscalls.name(number) != null) {
        assertTrue(all.contains(" " + Syscalls.name(number)), Syscalls.name(number));
      }
    }
    for (Rule rule : GuestProfile.filter().rules()) {
      assertTrue(all.contains(rule.reason()), rule.reason());
    }
  }
}
