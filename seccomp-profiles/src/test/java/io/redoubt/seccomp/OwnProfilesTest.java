package io.redoubt.seccomp;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the filters of sentry and gofer promise, written down a second time and by hand. */
class OwnProfilesTest {
  private static final int ALLOW = Action.ALLOW.returnValue();
  private static final int TRAP = Action.TRAP.returnValue();
  private static final int ENOSYS = new Action.Errno(38).returnValue();
  private static final int EPERM = new Action.Errno(1).returnValue();
  private static final int EACCES = new Action.Errno(13).returnValue();
  private static final long GARBAGE = 0xdead_beef_0000_0000L;
  private static final int SIGSYS = 31;

  private static final BpfProgram GOFER = GoferProfile.program();
  private static final BpfProgram SENTRY = SentryProfile.program(SentryProfile.Sockets.OWN);
  private static final BpfProgram SENTRY_WITH_RAW =
      SentryProfile.program(SentryProfile.Sockets.RAW);
  private static final BpfProgram SENTRY_ON_HOST_NETWORK =
      SentryProfile.program(SentryProfile.Sockets.HOST);
  private static final List<BpfProgram> ALL = List.of(GOFER, SENTRY, SENTRY_ON_HOST_NETWORK);

  private static int run(BpfProgram program, String name, long... arguments) {
    return BpfInterpreter.run(program, SeccompData.call(Syscalls.number(name), arguments));
  }

  private static void inAll(int expected, String name, long... arguments) {
    for (BpfProgram program : ALL) {
      assertEquals(expected, run(program, name, arguments), name);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "execve",
        "execveat",
        "fork",
        "vfork",
        "unshare",
        "setns",
        "mount",
        "umount2",
        "pivot_root",
        "chroot",
        "chdir",
        "fchdir",
        "open",
        "creat",
        "unlink",
        "rename",
        "mkdir",
        "rmdir",
        "link",
        "symlink",
        "chmod",
        "chown",
        "mknod",
        "open_by_handle_at",
        "name_to_handle_at",
        "open_tree",
        "move_mount",
        "fsopen",
        "fsmount",
        "mount_setattr",
        "bpf",
        "perf_event_open",
        "io_uring_setup",
        "io_uring_enter",
        "io_uring_register",
        "userfaultfd",
        "keyctl",
        "add_key",
        "request_key",
        "init_module",
        "finit_module",
        "delete_module",
        "kexec_load",
        "reboot",
        "seccomp",
        "setuid",
        "setgid",
        "setresuid",
        "setresgid",
        "setgroups",
        "capset",
        "setfsuid",
        "personality",
        "syslog",
        "swapon",
        "acct",
        "quotactl",
        "iopl",
        "ioperm",
        "modify_ldt",
        "arch_prctl",
        "sched_setscheduler",
        "pidfd_getfd",
        "kcmp",
        "process_madvise",
        "memfd_secret",
        "shmget",
        "shmat",
        "msgget",
        "semget",
        "inotify_init1",
        "fanotify_init",
        "timer_create",
        "setitimer",
        "mlock",
        "mlockall",
        "landlock_create_ruleset",
        "pkey_mprotect",
        "remap_file_pages",
        "vmsplice",
        "splice",
        "tee"
      })
  void nobodyNeeds(String name) {
    inAll(TRAP, name);
    inAll(TRAP, name, -1, -1, -1, -1, -1, -1);
  }

  @Test
  void unknownNumbersAndOtherTables() {
    for (BpfProgram program : ALL) {
      assertEquals(TRAP, BpfInterpreter.run(program, SeccompData.call(Syscalls.limit() + 7)));
      assertEquals(TRAP, BpfInterpreter.run(program, SeccompData.call(0x7465)));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "socket",
        "socketpair",
        "connect",
        "bind",
        "listen",
        "accept4",
        "setsockopt",
        "ioctl",
        "ptrace",
        "process_vm_readv",
        "process_vm_writev",
        "kill",
        "pidfd_open",
        "pidfd_send_signal",
        "rt_sigqueueinfo",
        "memfd_create",
        "wait4"
      })
  void theGoferDoesNot(String name) {
    assertEquals(TRAP, run(GOFER, name));
    assertEquals(TRAP, run(GOFER, name, -1, -1, -1, -1, -1, -1));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "unlinkat",
        "renameat2",
        "mkdirat",
        "mknodat",
        "symlinkat",
        "linkat",
        "fchmod",
        "fchmodat",
        "fchownat",
        "utimensat",
        "setxattr",
        "removexattr"
      })
  void theSentryDoesNot(String name) {
    assertEquals(TRAP, run(SENTRY, name));
    assertEquals(TRAP, run(SENTRY_ON_HOST_NETWORK, name));
  }

  @Test
  void whatOnlyAsksIsRefused() {
    inAll(EPERM, "readlink", 1, 2, 3);
    inAll(EPERM, "access", 1, 2);
    assertEquals(EPERM, run(GOFER, "prlimit64", 0, 7, 1, 0));
    assertEquals(EPERM, run(GOFER, "read", 5, 1, 1));
    assertEquals(EPERM, run(SENTRY, "getdents64", 5, 1, 1));
  }

  @Test
  void memoryIsNotMadeExecutable() {
    // PROT_READ | PROT_EXEC of a file, private, as dlopen(3) does it
    inAll(TRAP, "mmap", 0, 4096, 5, 2, 3, 0);
    inAll(TRAP, "mmap", 0, 4096, 7, 0x22, -1, 0); // not MAP_FIXED
    inAll(TRAP, "mmap", 0, 4096, 7, 0x12, 3, 0); // a file
    inAll(TRAP, "mmap", 0, 4096, 4 | GARBAGE, 0x32, -1, 0);
    inAll(TRAP, "mprotect", 0, 4096, 5);
    inAll(TRAP, "mprotect", 0, 4096, 7 | GARBAGE);
    inAll(ALLOW, "mmap", 0x7000_0000_0000L, 65536, 7, 0x32, -1, 0); // the JIT's
    inAll(ALLOW, "mmap", 0, 4096, 3, 0x22, -1, 0);
    inAll(ALLOW, "mmap", 0, 4096, 3, 1, 9, 0); // a shared file
    inAll(ALLOW, "mprotect", 0, 4096, 0);
  }

  @Test
  void clonesAreThreads() {
    for (BpfProgram program : List.of(SENTRY, SENTRY_ON_HOST_NETWORK)) {
      assertEquals(ALLOW, run(program, "clone", 0x3d0f00, 1, 2, 3, 4));
      assertEquals(TRAP, run(program, "clone", 0x3d0f00 | 0x1000_0000, 1, 2)); // CLONE_NEWUSER
      assertEquals(TRAP, run(program, "clone", 17)); // fork(2)
      assertEquals(TRAP, run(program, "clone", 0x4111)); // vfork(2)
      assertEquals(TRAP, run(program, "clone", 0));
      assertEquals(ENOSYS, run(program, "clone3", 1, 88));
    }
  }

  @Test
  void theGofersThreadsAreAllThere() {
    assertEquals(TRAP, run(GOFER, "clone", 0x3d0f00, 1, 2, 3, 4));
    assertEquals(TRAP, run(GOFER, "clone3", 1, 88));
  }

  @Test
  void theHandlerOfForbiddenCallsStays() {
    inAll(TRAP, "rt_sigaction", SIGSYS, 1, 1, 8);
    inAll(TRAP, "rt_sigaction", SIGSYS | GARBAGE, 1, 1, 8);
    inAll(ALLOW, "rt_sigaction", 11, 1, 1, 8);
  }

  @Test
  void futexesWithoutPriorities() {
    for (int operation : new int[] {0, 1, 128, 129, 137, 265, 393}) {
      inAll(ALLOW, "futex", 1, operation, 0);
    }
    for (int operation : new int[] {2, 6, 7, 8, 11, 12, 13, 134, 139}) {
      inAll(TRAP, "futex", 1, operation, 0);
    }
  }

  @Test
  void theGoferOpensBelowDescriptorsAlone() {
    assertEquals(ALLOW, run(GOFER, "openat", 7, 1, 0, 0));
    assertEquals(EACCES, run(GOFER, "openat", -100, 1, 0, 0));
    assertEquals(EACCES, run(GOFER, "openat", 0xffff_ff9cL, 1, 0, 0));
    assertEquals(EACCES, run(GOFER, "openat", 0xffff_ff9cL | GARBAGE, 1, 0, 0));
  }

  @Test
  void theGoferMakesNoDevices() {
    assertEquals(ALLOW, run(GOFER, "mknodat", 7, 1, 0010644, 0));
    assertEquals(ALLOW, run(GOFER, "mknodat", 7, 1, 0100644, 0));
    assertEquals(ALLOW, run(GOFER, "mknodat", 7, 1, 0140644, 0));
    assertEquals(TRAP, run(GOFER, "mknodat", 7, 1, 0020644, 0x103));
    assertEquals(TRAP, run(GOFER, "mknodat", 7, 1, 0060644, 0x800));
    assertEquals(TRAP, run(GOFER, "mknodat", 7, 1, 0020644 | GARBAGE, 0x103));
    assertEquals(TRAP, run(GOFER, "renameat2", 7, 1, 7, 2, 4)); // RENAME_WHITEOUT
  }

  @Test
  void theGoferTalksToTheSentryAlone() {
    assertEquals(ALLOW, run(GOFER, "sendto", 4, 1, 8, 0x4000, 0, 0));
    assertEquals(TRAP, run(GOFER, "sendto", 4, 1, 8, 0x4000, 1, 16));
    assertEquals(TRAP, run(GOFER, "tgkill", 10, 10, 9));
    assertEquals(TRAP, run(GOFER, "fcntl", 4, 8, 1)); // F_SETOWN
    assertEquals(TRAP, run(GOFER, "fcntl", 4, 1024, 1)); // F_SETLEASE
  }

  @Test
  void theSentryMakesNoFiles() {
    for (BpfProgram program : List.of(SENTRY, SENTRY_ON_HOST_NETWORK)) {
      assertEquals(ALLOW, run(program, "openat", 9, 1, 02000000, 0));
      assertEquals(ALLOW, run(program, "openat", 9, 1, 02, 0));
      assertEquals(TRAP, run(program, "openat", 9, 1, 0102, 0600)); // O_CREAT
      assertEquals(TRAP, run(program, "openat", 9, 1, 020200002, 0600)); // O_TMPFILE
    }
  }

  @Test
  void theSentryAsksOfDevicesAndListeners() {
    for (long request :
        new long[] {0xc0502100L, 0xc0182101L, 0x5401, 0x5413, 0x541b, 0x8912, 0xc0686611L}) {
      assertEquals(ALLOW, run(SENTRY, "ioctl", 5, request, 1));
    }
    // TCSETS, TIOCSTI, TIOCSCTTY, TIOCLINUX, SIOCSIFADDR, SIOCBRADDBR, FS_IOC_SETFLAGS,
    // KVM_CREATE_VM
    for (long request :
        new long[] {0x5402, 0x5412, 0x540e, 0x541c, 0x8916, 0x89a0, 0x40086602L, 0xae01}) {
      assertEquals(TRAP, run(SENTRY, "ioctl", 5, request, 1));
    }
  }

  @Test
  void ptraceForWhatTheSentryDoesWithIt() {
    for (long request : new long[] {9, 0xc, 0xd, 0x11, 0x4206, 0x4207}) {
      assertEquals(ALLOW, run(SENTRY, "ptrace", request, 100));
    }
    // TRACEME, PEEKTEXT, POKETEXT, POKEUSER, ATTACH, SETOPTIONS, SETREGSET
    for (long request : new long[] {0, 1, 4, 6, 16, 0x4200, 0x4205}) {
      assertEquals(TRAP, run(SENTRY, "ptrace", request, 100));
    }
  }

  @Test
  void theGofersAffinityIsOfItsOwnThread() {
    assertEquals(ALLOW, run(SENTRY, "sched_setaffinity", 17, 8, 1));
    assertEquals(ALLOW, run(GOFER, "sched_setaffinity", 0, 8, 1));
    assertEquals(TRAP, run(GOFER, "sched_setaffinity", 17, 8, 1));
  }

  @Test
  void socketsOnTheHostsNetworkAlone() {
    assertEquals(TRAP, run(SENTRY, "socket", 2, 1, 0));
    assertEquals(ALLOW, run(SENTRY_ON_HOST_NETWORK, "socket", 2, 0x80801, 0));
    assertEquals(ALLOW, run(SENTRY_ON_HOST_NETWORK, "socket", 10, 0x80802, 17));
    assertEquals(ALLOW, run(SENTRY_ON_HOST_NETWORK, "socket", 16, 0x80803, 0));
    assertEquals(TRAP, run(SENTRY_ON_HOST_NETWORK, "socket", 17, 0x80803, 0)); // AF_PACKET
    assertEquals(TRAP, run(SENTRY_ON_HOST_NETWORK, "socket", 1, 1, 0)); // AF_UNIX
    assertEquals(TRAP, run(SENTRY_ON_HOST_NETWORK, "socket", 40, 1, 0)); // AF_VSOCK
    assertEquals(ALLOW, run(SENTRY, "socketpair", 1, 5, 0, 1));
    assertEquals(TRAP, run(SENTRY, "socketpair", 2, 1, 0, 1));
    assertEquals(TRAP, run(SENTRY, "setsockopt", 5, 1, 26, 1, 16)); // SO_ATTACH_FILTER
    assertEquals(TRAP, run(SENTRY, "setsockopt", 5, 6, 31, 1, 4)); // TCP_ULP
    assertEquals(TRAP, run(SENTRY, "setsockopt", 5, 263, 5, 1, 4)); // SOL_PACKET
    assertEquals(ALLOW, run(SENTRY, "setsockopt", 5, 1, 2, 1, 4)); // SO_REUSEADDR
  }

  /** A call more is a decision: the numbers of docs/security.md, and no higher. */
  @Test
  void howMany() {
    assertTrue(ProfilePrinter.count(GoferProfile.filter()).allowed() <= 55);
    assertTrue(allowed(SentryProfile.Sockets.OWN) <= 77);
    assertTrue(allowed(SentryProfile.Sockets.RAW) <= 77);
    assertTrue(allowed(SentryProfile.Sockets.HOST) <= 78);
  }

  private static int allowed(SentryProfile.Sockets sockets) {
    return ProfilePrinter.count(SentryProfile.filter(sockets)).allowed();
  }

  /** setsockopt(2) of raw and packet sockets, and no socket(2): that is the socket maker's. */
  @Test
  void rawOptionsWithTheOptionAlone() {
    long[][] ofRaw = {
      {1, 26}, {1, 44}, // SO_ATTACH_FILTER, SO_LOCK_FILTER
      {263, 1}, {263, 2}, {263, 8}, {263, 9}, {263, 17}, {263, 23}, // SOL_PACKET
      {255, 1}, {255, 7}, {58, 1}, // ICMP_FILTER, IPV6_CHECKSUM, ICMPV6_FILTER
    };
    for (long[] o : ofRaw) {
      String name = o[0] + ", " + o[1];
      assertEquals(ALLOW, run(SENTRY_WITH_RAW, "setsockopt", 5, o[0], o[1], 1, 16), name);
      assertEquals(TRAP, run(SENTRY, "setsockopt", 5, o[0], o[1], 1, 16), name);
      assertEquals(TRAP, run(SENTRY_ON_HOST_NETWORK, "setsockopt", 5, o[0], o[1], 1, 16), name);
    }
    long[][] ofNobody = {
      {1, 25}, {1, 50}, {1, 51}, {1, 52}, {1, 62}, // devices, eBPF, reuseport programs
      {263, 3}, {263, 5}, {263, 10}, {263, 12}, {263, 13}, {263, 15}, {263, 18}, {263, 20},
      {263, 22}, {255, 2}, {58, 2}, {6, 31}, {256, 1},
    };
    for (long[] o : ofNobody) {
      String name = o[0] + ", " + o[1];
      assertEquals(TRAP, run(SENTRY_WITH_RAW, "setsockopt", 5, o[0], o[1], 1, 16), name);
    }
    assertEquals(TRAP, run(SENTRY_WITH_RAW, "socket", 17, 0x80803, 0));
    assertEquals(TRAP, run(SENTRY_WITH_RAW, "socket", 2, 0x80803, 1));
    // All else is as without it.
    for (int number = 0; number <= Syscalls.limit(); number++) {
      if (number != Syscalls.number("setsockopt")) {
        for (long argument : new long[] {0, 1, 2, 17}) {
          SeccompData call = SeccompData.call(number, argument, argument, argument);
          assertEquals(
              BpfInterpreter.run(SENTRY, call),
              BpfInterpreter.run(SENTRY_WITH_RAW, call),
              Syscalls.name(number));
        }
      }
    }
  }

  @Test
  void everyRuleHasItsReason() {
    for (Filter filter :
        List.of(
            GoferProfile.filter(),
            SentryProfile.filter(SentryProfile.Sockets.RAW),
            SentryProfile.filter(SentryProfile.Sockets.HOST))) {
      for (Rule rule : filter.rules()) {
        assertTrue(rule.reason().length() > 5, () -> Syscalls.name(rule.number()));
      }
    }
  }

  @Test
  void theFilesAreThePrograms(@TempDir Path directory) throws Exception {
    WriteProgram.main(
        new String[] {
          directory.toString(), "sentry", "sentry-net-raw", "sentry-host-network", "gofer"
        });
    assertArrayEquals(
        SENTRY_WITH_RAW.toBytes(), Files.readAllBytes(directory.resolve("sentry-net-raw.bpf")));
    assertArrayEquals(SENTRY.toBytes(), Files.readAllBytes(directory.resolve("sentry.bpf")));
    assertArrayEquals(
        SENTRY_ON_HOST_NETWORK.toBytes(),
        Files.readAllBytes(directory.resolve("sentry-host-network.bpf")));
    assertArrayEquals(GOFER.toBytes(), Files.readAllBytes(directory.resolve("gofer.bpf")));
  }
}
