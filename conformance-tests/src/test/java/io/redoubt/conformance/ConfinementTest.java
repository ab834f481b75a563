package io.redoubt.conformance;

import static io.redoubt.conformance.Servers.GOFER;
import static io.redoubt.conformance.Servers.SENTRY;
import static io.redoubt.conformance.Servers.USER;
import static io.redoubt.conformance.Servers.borrow;
import static io.redoubt.conformance.Servers.pid;
import static io.redoubt.conformance.Servers.start;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.redoubt.seccomp.Action;
import io.redoubt.seccomp.BpfInterpreter;
import io.redoubt.seccomp.BpfProgram;
import io.redoubt.seccomp.SeccompData;
import io.redoubt.seccomp.SocketMakerProfile;
import io.redoubt.seccomp.Syscalls;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What the sentry and the gofer have given up: seen from the host, and tried by a thread of theirs.
 */
final class ConfinementTest {
  @BeforeAll
  static void check() {
    Redoubt.assumeSandbox();
    Redoubt.assumeRoot();
  }

  private static void assertConfined(long pid, long capabilities) throws IOException {
    List<String> threads = ProcessTree.list(pid, "task");
    assertTrue(threads.size() > 4, threads::toString);
    for (String thread : threads) {
      String status = ProcessTree.read(pid, "task/" + thread + "/status");
      if (status.isEmpty()) {
        continue; // ended meanwhile
      }
      assertTrue(status.contains("\nNoNewPrivs:\t1\n"), status);
      assertTrue(status.contains("\nSeccomp:\t2\n"), status);
      for (String set : new String[] {"CapEff", "CapPrm"}) {
        assertTrue(status.contains(String.format("\n%s:\t%016x\n", set, capabilities)), status);
      }
      for (String set : new String[] {"CapInh", "CapAmb"}) {
        assertTrue(status.contains(String.format("\n%s:\t%016x\n", set, 0)), status);
      }
    }
  }

  @Test
  void everyThreadOfRootsHasGivenUpItsRights() throws IOException {
    Process sandbox = start(List.of(), List.of("do"));
    try {
      assertConfined(pid("sentry", sandbox), SENTRY);
      assertConfined(pid("gofer", sandbox), GOFER);
      assertEquals(
          SENTRY, Long.parseLong(ProcessTree.status(pid("sentry", sandbox), "CapBnd"), 16));
      assertEquals(GOFER, Long.parseLong(ProcessTree.status(pid("gofer", sandbox), "CapBnd"), 16));
    } finally {
      Command.killAll(sandbox);
    }
  }

  @Test
  void everyThreadOfAUsersHasNone() throws IOException {
    assumeTrue(Guests.isOnPath("setpriv"), "setpriv is missing");
    List<String> probe = new ArrayList<>(USER);
    probe.addAll(List.of("test", "-x", Redoubt.front().toString()));
    assumeTrue(Command.of(probe).run().exit() == 0, "an ordinary user cannot read the build");
    Process sandbox = start(USER, List.of("do"));
    try {
      for (String name : new String[] {"sentry", "gofer"}) {
        long pid = pid(name, sandbox);
        assertConfined(pid, 0);
        // proc(5): of a process that others of its user may not look into, the files are root's.
        assertEquals(0, Files.getAttribute(Path.of("/proc/" + pid + "/mem"), "unix:uid"), name);
      }
    } finally {
      Command.killAll(sandbox);
    }
  }

  @Test
  void onTheHostsNetworkToo() throws IOException {
    Process sandbox = start(List.of(), List.of("do", "--network", "host"));
    try {
      assertConfined(pid("sentry", sandbox), SENTRY);
    } finally {
      Command.killAll(sandbox);
    }
  }

  @Test
  void theRootOfRootsSentryIsEmptyButForTheInstallation() throws IOException {
    Process sandbox = start(List.of(), List.of("do"));
    try {
      long sentry = pid("sentry", sandbox);
      Path root = Path.of("/proc", Long.toString(sentry), "root");
      Path home = Redoubt.front().toRealPath().getParent().getParent();
      for (int i = 0; i < home.getNameCount(); i++) {
        assertEquals(
            List.of(home.getName(i).toString()), ProcessTree.list(sentry, "root/" + sub(home, i)));
      }
      assertTrue(Files.isRegularFile(Path.of(root + home.toString(), "bin/stub")));
      List<String> mounts = ProcessTree.read(sentry, "mounts").lines().toList();
      assertEquals(2, mounts.size(), mounts::toString);
      for (String mount : mounts) {
        assertTrue(mount.split(" ")[3].startsWith("ro,nosuid,nodev,noexec"), mount);
      }
      assertEquals("/", Files.readSymbolicLink(root.resolveSibling("cwd")).toString());
      int folders = 0;
      for (String fd : ProcessTree.list(sentry, "fd")) {
        Path file = Path.of("/proc", Long.toString(sentry), "fd", fd);
        if (Files.isDirectory(file)) {
          folders++;
          assertFalse(Files.exists(Path.of(file + "/../etc")), () -> fd + " leads out");
        }
      }
      assertTrue(folders >= 2, "/proc and /sys: " + folders);
    } finally {
      Command.killAll(sandbox);
    }
  }

  /**
   * The filter that it has loaded, against the one that people can read: the same whether raw
   * sockets are there or not. With them it has CAP_NET_RAW, in the sandbox's user namespace.
   */
  @ParameterizedTest(name = "{0}")
  @CsvSource({"'--network=none', 0000000000000000", "--net-raw, 0000000000002000"})
  void theSocketMakerDoesWhatItsProfileSays(
      String option, String capabilities, @TempDir Path directory) throws IOException {
    List<String> words =
        List.of(
            Redoubt.front().toString(),
            "do",
            option,
            "--",
            "python3",
            "-c",
            "import socket,time; s=socket.socket(); print('ready',flush=True); time.sleep(1000)");
    assumeTrue(Guests.isOnPath("python3"), "python3 is missing");
    Process sandbox = Command.of(words).start();
    try {
      assertEquals("ready", sandbox.inputReader().readLine());
      long maker = ProcessTree.await(sandbox.pid(), "redoubt-net");
      for (String set : new String[] {"CapBnd", "CapInh", "CapAmb"}) {
        assertEquals("0000000000000000", ProcessTree.status(maker, set), set);
      }
      for (String set : new String[] {"CapEff", "CapPrm"}) {
        assertEquals(capabilities, ProcessTree.status(maker, set), set);
      }
      Path namespace = Path.of("/proc/self/ns/user");
      assertFalse(Files.isSameFile(namespace, Path.of("/proc/" + maker + "/ns/user")));
      assertEquals("1", ProcessTree.status(maker, "NoNewPrivs"));
      assertEquals("2", ProcessTree.status(maker, "Seccomp"));
      // The socket that it has just made it closes when the sentry has got it.
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
      while (ProcessTree.list(maker, "fd").size() > 1 && System.nanoTime() < deadline) {
        Thread.onSpinWait();
      }
      assertEquals(List.of("3"), ProcessTree.list(maker, "fd"));
      Path file = directory.resolve("filter");
      Outcome outcome =
          Command.of(
                  Guests.compiled("isolation/filter", true).toString(),
                  Long.toString(maker),
                  file.toString())
              .run();
      assertEquals(0, outcome.exit(), outcome::describe);
      BpfProgram loaded = BpfProgram.parse(Files.readAllBytes(file));
      int allowed = 0;
      for (int number = 0; number <= Syscalls.limit() + 1; number++) {
        for (long first : new long[] {0, 2, 3, 4, -1, 3 | 1L << 32}) {
          SeccompData call = SeccompData.call(number, first);
          int expected = SocketMakerProfile.filter().decide(call).returnValue();
          assertEquals(expected, BpfInterpreter.run(loaded, call), Syscalls.name(number));
          allowed += expected == Action.ALLOW.returnValue() ? 1 : 0;
        }
      }
      assertEquals(3 * 6 + 2 * 2, allowed); // an int has no upper half
    } finally {
      Command.killAll(sandbox);
    }
  }

  private static Path sub(Path path, int count) {
    return count == 0 ? Path.of("") : path.subpath(0, count);
  }

  /** By any thread that code could be brought into: one that is not in Java all the time. */
  private static void inject(long pid, String call) throws IOException {
    for (String thread : ProcessTree.list(pid, "task")) {
      if (ProcessTree.read(pid, "task/" + thread + "/comm").startsWith("VM Thread")) {
        borrow(Long.parseLong(thread), call);
        return;
      }
    }
    throw new AssertionError("no such thread: " + pid);
  }

  @ParameterizedTest(name = "{1} of the {0}")
  @CsvSource({
    "sentry, execve",
    "sentry, socket",
    "sentry, fork",
    "sentry, clone",
    "sentry, unlinkat",
    "sentry, mount",
    "sentry, io_uring_setup",
    "sentry, alarm",
    "gofer, execve",
    "gofer, socket",
    "gofer, connect",
    "gofer, ptrace",
    "gofer, process_vm_readv",
    "gofer, kill",
    "gofer, ioctl",
    "gofer, mount",
    "gofer, alarm",
    "gofer, landlock_create_ruleset",
    "gofer, fchdir"
  })
  void aForbiddenCallEndsTheSandbox(String victim, String call) throws Exception {
    Process sandbox = start(List.of(), List.of("do"));
    try {
      List<Long> all = new ArrayList<>(ProcessTree.below(sandbox.pid()));
      all.add(sandbox.pid());
      inject(pid(victim, sandbox), call);
      assertEquals(List.of(), ProcessTree.survivors(all, 1000), "a second later");
      String text =
          new String(sandbox.getErrorStream().readAllBytes(), StandardCharsets.ISO_8859_1);
      assertTrue(
          text.contains(
              "redoubt: system call "
                  + Syscalls.number(call)
                  + " is not in this process's seccomp filter"),
          text);
      assertTrue(
          text.contains("the " + victim + " was killed by its own seccomp filter (SIGSYS)"), text);
      assertTrue(text.contains("; the sandbox was killed"), text);
      assertEquals(1, sandbox.waitFor());
    } finally {
      Command.killAll(sandbox);
    }
  }

  /** The oracle of the test above: without its filter the process lives on. */
  @ParameterizedTest
  @ValueSource(strings = {"sentry", "gofer"})
  void withoutConfinementItDoesNot(String victim) throws Exception {
    List<String> words =
        List.of(
            Redoubt.front().toString(),
            "--no-confinement",
            "do",
            "--",
            "/bin/sh",
            "-c",
            "echo ready; read x; echo $x");
    Process sandbox = Command.of(words).input(new byte[0]).start();
    try {
      assertEquals("ready", sandbox.inputReader().readLine());
      long pid = pid(victim, sandbox);
      assertEquals("0", ProcessTree.status(pid, "Seccomp"));
      inject(pid, "alarm"); // alarm(0) does nothing
      assertFalse(sandbox.waitFor(1, TimeUnit.SECONDS));
      sandbox.getOutputStream().write("done\n".getBytes(StandardCharsets.US_ASCII));
      sandbox.getOutputStream().flush();
      assertEquals("done", sandbox.inputReader().readLine());
      assertEquals(0, sandbox.waitFor());
      String text =
          new String(sandbox.getErrorStream().readAllBytes(), StandardCharsets.ISO_8859_1);
      assertTrue(text.startsWith("redoubt: --no-confinement: "), text);
    } finally {
      Command.killAll(sandbox);
    }
  }

  /** Standard error of a sandbox whose sentry or gofer got a signal, and which then ended. */
  private static String after(String signal, String victim) throws Exception {
    Process sandbox = start(List.of(), List.of("do"));
    try {
      long pid = pid(victim, sandbox);
      Command.of("kill", "-" + signal, Long.toString(pid)).run();
      String text =
          new String(sandbox.getErrorStream().readAllBytes(), StandardCharsets.ISO_8859_1);
      assertEquals(1, sandbox.waitFor());
      return text;
    } finally {
      Command.killAll(sandbox);
    }
  }

  /**
   * The rarest of what a JVM does, and with the most calls: its report ends with a line of its own.
   */
  @ParameterizedTest
  @ValueSource(strings = {"sentry", "gofer"})
  void aCrashIsReportedToTheEnd(String victim) throws Exception {
    String text = after("SEGV", victim);
    assertTrue(text.contains("SIGSEGV (0xb)"), text);
    assertTrue(text.contains("\nEND.\n"), text);
    assertFalse(text.contains("seccomp filter"), text);
  }

  /** The other one leaves by itself, and is not stopped by its filter on the way. */
  @ParameterizedTest
  @ValueSource(strings = {"sentry", "gofer"})
  void theOtherOneEndsInOrder(String victim) throws Exception {
    assertFalse(after("KILL", victim).contains("seccomp filter"));
  }

  /** A dump of the stacks of all threads, to nowhere. */
  @ParameterizedTest
  @ValueSource(strings = {"sentry", "gofer"})
  void sigquitDoesNoHarm(String victim) throws Exception {
    Process sandbox =
        Redoubt.command("/bin/sh", "-c", "echo ready; read x; ls /etc >/dev/null && echo done")
            .input(new byte[0])
            .start();
    try {
      assertEquals("ready", sandbox.inputReader().readLine());
      Command.of("kill", "-QUIT", Long.toString(pid(victim, sandbox))).run();
      sandbox.getOutputStream().write('\n');
      sandbox.getOutputStream().flush();
      assertEquals("done", sandbox.inputReader().readLine());
      assertEquals(0, sandbox.waitFor());
    } finally {
      Command.killAll(sandbox);
    }
  }

  /**
   * An installation that could not train: there are no compiled filters, and the class of
   * everything that a start does not do comes from a jar, which a confined sentry opens.
   */
  @Test
  void withoutACacheOfClasses(@TempDir Path directory) {
    Path home = Redoubt.front().getParent().getParent();
    String script =
        "cp -a $0/bin $0/lib $0/etc $0/runtime $1 && cd / && $1/bin/redoubt-front do -- sh -c '"
            + "cd $(mktemp -d); i=0; while [ $i -lt 300 ]; do echo $i >f$i; i=$((i+1)); done; ls | wc -l;"
            + " mkdir a; mv f1 a; ln a/f1 g; ln -s a l; cat l/f1; rm -r a; cat /proc/self/maps | wc -l >/dev/null;"
            + " (sleep 0.1 & wait); seq 1000 | sort | tail -n 1; timeout 5 cat /dev/zero | head -c 9 | wc -c'";
    Outcome outcome =
        Command.of("/bin/sh", "-c", script, home.toString(), directory.toString()).run();
    assertEquals("300\n1\n999\n9\n", outcome.out(), outcome::describe);
    assertEquals("", outcome.err(), outcome::describe);
  }
}
