package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a guest's process has and can reach: looked at from the host, and tried from inside. */
final class IsolationTest {
  private static final int CLOCK_NANOSLEEP = 230;
  private static Process sandbox;
  private static long guest;

  @BeforeAll
  static void startSandbox() throws IOException {
    Redoubt.assumeSandbox();
    Redoubt.assumeRoot();
    sandbox =
        Redoubt.command("/bin/sh", "-c", "exec 7</etc/passwd 8>/tmp/x; echo ready; sleep 1000")
            .start();
    assertEquals("ready", sandbox.inputReader().readLine());
    guest = ProcessTree.await(sandbox.pid(), "sleep");
    ProcessTree.awaitCall(guest, CLOCK_NANOSLEEP); // a file that it maps is lent to it meanwhile
  }

  @AfterAll
  static void stopSandbox() {
    if (sandbox != null) {
      Command.killAll(sandbox);
    }
  }

  // ------------------------------------------------------------------------------ from the host

  @Test
  void holdsNoDescriptorOfTheHost() throws IOException {
    assertEquals(List.of(), ProcessTree.list(guest, "fd"));
  }

  @Test
  void rootIsEmptyAndReadOnly() throws IOException {
    assertEquals(List.of(), ProcessTree.list(guest, "root"));
    assertEquals(List.of(), ProcessTree.list(guest, "cwd"));
    List<String> mounts = ProcessTree.read(guest, "mounts").lines().toList();
    assertEquals(1, mounts.size(), mounts::toString);
    String options = "," + mounts.getFirst().split(" ")[3] + ",";
    for (String option : List.of("ro", "nosuid", "nodev", "noexec")) {
      assertTrue(options.contains("," + option + ","), () -> option + " in " + options);
    }
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"})
  void hasNoCapabilities(String set) {
    assertEquals("0000000000000000", ProcessTree.status(guest, set));
  }

  @Test
  void isFiltered() {
    assertEquals("1", ProcessTree.status(guest, "NoNewPrivs"));
    assertEquals("2", ProcessTree.status(guest, "Seccomp"));
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"user", "pid", "mnt", "net", "ipc", "uts", "cgroup"})
  void hasItsOwnNamespace(String kind) throws IOException {
    assertNotEquals(
        Files.readSymbolicLink(Path.of("/proc/self/ns", kind)),
        Files.readSymbolicLink(Path.of("/proc", Long.toString(guest), "ns", kind)));
  }

  @Test
  void networkNamespaceHasNoWayOut() {
    List<String> devices =
        ProcessTree.read(guest, "net/dev")
            .lines()
            .skip(2)
            .map(line -> line.trim().split(":")[0])
            .toList();
    assertTrue(devices.isEmpty() || devices.equals(List.of("lo")), devices::toString);
    assertTrue(ProcessTree.read(guest, "net/route").lines().count() <= 1);
  }

  @Test
  void goferCannotAnswerForTheGuest() throws IOException {
    long gofer = ProcessTree.gofer(sandbox.pid());
    for (String fd : ProcessTree.list(gofer, "fd")) {
      String target = target(gofer, fd);
      assertFalse(target.contains("seccomp notify"), () -> "fd " + fd + " is " + target);
    }
  }

  private static String target(long pid, String fd) {
    try {
      return Files.readSymbolicLink(Path.of("/proc", Long.toString(pid), "fd", fd)).toString();
    } catch (IOException e) {
      return ""; // closed meanwhile
    }
  }

  // ------------------------------------------------------------------------------ from inside

  private static String inside(String script) {
    Outcome outcome = Redoubt.command("/bin/sh", "-c", script).run();
    assertFalse(outcome.timedOut(), outcome::describe);
    return outcome.out().trim();
  }

  @Test
  void seesOnlyItsOwnProcesses() {
    long here = ProcessHandle.current().pid();
    assertEquals(
        "1",
        inside("ls /proc/" + here + " 2>/dev/null | wc -l; [ -e /proc/" + here + " ] || echo 1")
            .lines()
            .toList()
            .getLast());
    int count = Integer.parseInt(inside("ls /proc | grep -c '^[0-9]'"));
    assertTrue(count <= 5, () -> count + " processes in /proc");
  }

  @Test
  void cannotSignalTheHost() {
    long here = ProcessHandle.current().pid();
    assertEquals("1", inside("kill -0 " + here + " 2>/dev/null; echo $?"));
    assertEquals("1", inside("kill -KILL " + sandbox.pid() + " 2>/dev/null; echo $?"));
    assertTrue(sandbox.isAlive());
  }

  @Test
  void procHasNoWayToTheHost() {
    assertEquals(
        "",
        inside(
            "for f in /proc/sysrq-trigger /proc/kcore /proc/kmem /proc/1/root/proc/sysrq-trigger; do"
                + " (head -c 1 $f >/dev/null) 2>/dev/null && echo \"$f can be read\"; (echo h >$f) 2>/dev/null && echo \"$f can be written\"; done;"
                + " (echo x >/proc/sys/kernel/core_pattern) 2>/dev/null && echo core_pattern; true"));
  }

  @Test
  void devHasOnlyHarmlessDevices() {
    assertEquals(
        "",
        inside(
            "for f in /dev/mem /dev/kmem /dev/port /dev/vda /dev/sda /dev/loop0 /dev/kmsg /dev/fuse /dev/net/tun /dev/kvm; do"
                + " (head -c 1 $f >/dev/null) 2>/dev/null && echo $f; done; true"));
    // A node may be made, but never opens a device of the host.
    assertEquals(
        "",
        inside(
            "mknod /tmp/mem c 1 1 2>/dev/null; (head -c 1 /tmp/mem >/dev/null) 2>/dev/null && echo opened; true"));
  }

  /**
   * Processes and open files cost the sentry descriptors: a guest that has had them all goes on.
   */
  @Test
  void survivesHavingHadAllDescriptors() {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/python3")), "no python3");
    String take =
        "import os, signal, sys\n"
            + "children = []\n"
            + "try:\n"
            + "  for i in range(400):\n"
            + "    child = os.fork()\n"
            + "    if child == 0:\n"
            + "      os.getuid(); signal.pause(); os._exit(0)\n"
            + "    children.append(child)\n"
            + "except BlockingIOError: pass\n"
            + "files = []\n"
            + "try:\n"
            + "  for i in range(400): files.append(open('/tmp/%d' % i, 'w'))\n"
            + "  names = [d + '/' + n for d, _, ns in os.walk('/usr/include') for n in ns]\n"
            + "  for n in names[:1000]: files.append(open(n))\n"
            + "except OSError as e: print(e.errno in (23, 24))\n"
            + "for child in children: os.kill(child, 9)\n"
            + "for child in children: os.waitpid(child, 0)\n"
            + "del files\n"
            + "print(os.system('true'))\n";
    Outcome outcome =
        Command.of(
                List.of(
                    "/usr/bin/prlimit",
                    "--nofile=512:512",
                    Redoubt.front().toString(),
                    "do",
                    "--",
                    "/usr/bin/python3",
                    "-c",
                    take))
            .run();
    assertEquals("True\n0\n", outcome.out(), outcome::describe);
    assertEquals(0, outcome.exit(), outcome::describe);
  }

  /** Calls that a guest never gets, as {@code denied.c} prints them: none may succeed. */
  @TestFactory
  Stream<DynamicTest> deniedCalls() {
    Path program = Guests.compiled("isolation/denied", true);
    Outcome outcome = Redoubt.command(program.toString(), "--in-a-sandbox").run();
    List<DynamicTest> tests =
        outcome
            .out()
            .lines()
            .map(line ->
                dynamicTest(
                    line.substring(0, Math.max(0, line.indexOf(':'))),
                    () ->
                        assertTrue(
                            line.matches("[^:]+: (-1 E[A-Z0-9]+|killed by SIG[A-Z]+)"), line)))
            .toList();
    return Stream.concat(
        tests.stream(),
        Stream.of(
            dynamicTest(
                "all of them were tried",
                () -> assertTrue(tests.size() >= 40 && outcome.exit() == 0, outcome::describe))));
  }
}
