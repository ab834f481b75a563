package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.redoubt.host.Landlock;
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
  private static final long CAP_CHOWN = 1L << 0;
  private static final long CAP_DAC_OVERRIDE = 1L << 1;
  private static final long CAP_DAC_READ_SEARCH = 1L << 2;
  private static final long CAP_FOWNER = 1L << 3;
  private static final long CAP_FSETID = 1L << 4;
  private static final long CAP_NET_BIND_SERVICE = 1L << 10;
  private static final long CAP_SYS_RESOURCE = 1L << 24;

  /** The root of a container that the tests run in may have fewer itself. */
  private static final long OWN =
      Long.parseLong(ProcessTree.status(ProcessHandle.current().pid(), "CapBnd"), 16);

  private static final long SENTRY =
      OWN & (CAP_DAC_OVERRIDE | CAP_NET_BIND_SERVICE | CAP_SYS_RESOURCE);
  private static final long GOFER =
      OWN & (CAP_CHOWN | CAP_DAC_OVERRIDE | CAP_DAC_READ_SEARCH | CAP_FOWNER | CAP_FSETID);

  private static final List<String> USER =
      List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups");

  @BeforeAll
  static void check() {
    Redoubt.assumeSandbox();
    Redoubt.assumeRoot();
  }

  private static Process start(List<String> before, List<String> options) throws IOException {
    List<String> words = new ArrayList<>(before);
    words.add(Redoubt.front().toString());
    words.addAll(options);
    words.addAll(List.of("--", "/bin/sh", "-c", "echo ready; sleep 1000 & wait"));
    Process sandbox = Command.of(words).start();
    assertEquals("ready", sandbox.inputReader().readLine());
    return sandbox;
  }

  private static long pid(String name, Process sandbox) {
    return name.equals("sentry")
        ? ProcessTree.sentry(sandbox.pid())
        : ProcessTree.gofer(sandbox.pid());
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

  /** What a thread of another process gets for a system call: its value or the negative errno. */
  private static String borrow(long thread, String call, String... arguments) {
    List<String> words = new ArrayList<>();
    words.add(Guests.compiled("isolation/borrow", true).toString());
    words.add(Long.toString(thread));
    words.add(Integer.toString(Syscalls.number(call)));
    words.addAll(List.of(arguments));
    Outcome outcome = Command.of(words).run();
    assertEquals(0, outcome.exit(), outcome::describe);
    return outcome.out().trim();
  }

  /**
   * As the threads of sentry and gofer that spin before they sleep: each is borrowed in a call,
   * which has the result that it has without that.
   */
  @Test
  void aThreadIsBorrowedInItsNextCall(@TempDir Path directory) throws Exception {
    byte[] bytes = new byte[1 << 20]; // a minute's
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) i;
    }
    Path data = Files.write(directory.resolve("data"), bytes);
    String spins = Guests.compiled("isolation/spins", true).toString();
    Process process =
        Command.of("/bin/sh", "-c", "exec \"$0\" 3<\"$1\" 3", spins, data.toString()).start();
    try {
      assertEquals("ready", process.inputReader().readLine());
      for (int i = 0; i < 50; i++) {
        assertEquals(Long.toString(process.pid()), borrow(process.pid(), "getpid"));
      }
      borrow(process.pid(), "lseek", "3", "0", "2"); // to the end
      assertEquals(0, process.waitFor());
    } finally {
      Command.killAll(process);
    }
  }

  /** A sandbox with a root of its own, a directory that is only read and one that is written. */
  private static Process startWithTrees(List<String> before, List<String> options, Path trees)
      throws IOException {
    Path root = Files.createDirectories(trees.resolve("root"));
    Files.copy(Guests.compiled("isolation/waits", true), root.resolve("waits"));
    for (String name : new String[] {"read", "write"}) {
      Files.createDirectories(trees.resolve(name));
      Files.createDirectories(root.resolve(name));
      Files.writeString(trees.resolve(name).resolve("file"), "content");
    }
    Files.writeString(trees.resolve("secret"), "secret");
    Command.of("chmod", "-R", "a+rwX", trees.toString()).run();
    List<String> words = new ArrayList<>(before);
    words.add(Redoubt.front().toString());
    words.addAll(options);
    words.addAll(List.of("do", "--root", root.toString()));
    words.addAll(List.of("--bind", trees.resolve("read") + ":/read:ro"));
    words.addAll(List.of("--bind", trees.resolve("write") + ":/write", "--", "/waits"));
    Process sandbox = Command.of(words).start();
    assertEquals("ready", sandbox.inputReader().readLine());
    return sandbox;
  }

  @Test
  void rootsGoferSeesItsTreesAndNothingElse(@TempDir Path trees) throws IOException {
    Process sandbox = startWithTrees(List.of(), List.of(), trees);
    try {
      long gofer = pid("gofer", sandbox);
      List<String> mounts = ProcessTree.read(gofer, "mounts").lines().toList();
      assertEquals(2, mounts.size(), mounts::toString);
      for (String mount : mounts) {
        assertTrue(mount.split(" ")[3].startsWith("ro,nosuid,nodev,noexec"), mount);
      }
      for (String name : new String[] {"net", "mnt"}) {
        Path of = Path.of("/proc", Long.toString(gofer), "ns", name);
        assertFalse(
            Files.readSymbolicLink(of)
                .equals(Files.readSymbolicLink(Path.of("/proc/self/ns", name))),
            name);
      }
      String interfaces = ProcessTree.read(gofer, "net/dev");
      assertEquals(3, interfaces.lines().count(), interfaces); // two of headings, and the loopback
      int folders = 0;
      for (String fd : ProcessTree.list(gofer, "fd")) {
        Path file = Path.of("/proc", Long.toString(gofer), "fd", fd);
        if (Files.isDirectory(file)) {
          folders++;
          assertFalse(Files.exists(Path.of(file + "/../secret")), () -> fd + " leads out");
          assertFalse(Files.exists(Path.of(file + "/../status")), () -> fd + " leads to /proc");
        }
      }
      assertTrue(folders >= 4, "three trees and its descriptors: " + folders);
      // Any number will do for a directory: the path is an absolute one.
      assertEquals("-2", borrow(gofer, "openat", "4", "@" + trees.resolve("secret"), "0"));
      assertEquals("-2", borrow(gofer, "openat", "4", "@/proc/self/mem", "0"));
      assertEquals("-2", borrow(gofer, "openat", "4", "@/etc/passwd", "0"));
    } finally {
      Command.killAll(sandbox);
    }
  }

  /** Every thread: whoever can write to memory can have any of them do what he likes. */
  @Test
  void aUsersGoferOpensInItsTreesAlone(@TempDir Path trees) throws IOException {
    assumeTrue(Guests.isOnPath("setpriv"), "setpriv is missing");
    assumeTrue(Landlock.version() >= 2, "this kernel has no landlock");
    Command.of("chmod", "a+rx", trees.toString()).run();
    Process sandbox = startWithTrees(USER, List.of(), trees);
    try {
      List<String> threads = ProcessTree.list(pid("gofer", sandbox), "task");
      assertTrue(threads.size() > 4, threads::toString);
      for (String name : threads) {
        long thread = Long.parseLong(name);
        assertEquals("-13", borrow(thread, "openat", "4", "@" + trees.resolve("secret"), "0"));
        assertEquals("-13", borrow(thread, "openat", "4", "@/etc/passwd", "0"));
        assertEquals("-13", borrow(thread, "mkdirat", "4", "@" + trees + "/new", "0755"));
        String read = "@" + trees.resolve("read/file");
        assertTrue(Integer.parseInt(borrow(thread, "openat", "4", read, "0")) > 0);
        assertEquals("-13", borrow(thread, "openat", "4", read, "1")); // O_WRONLY
        String write = "@" + trees.resolve("write/file");
        assertTrue(Integer.parseInt(borrow(thread, "openat", "4", write, "1")) > 0);
      }
    } finally {
      Command.killAll(sandbox);
    }
  }

  /** The oracle of the two above: the same call, of a gofer that is not confined. */
  @Test
  void withoutConfinementItOpensEverything(@TempDir Path trees) throws IOException {
    Process sandbox = startWithTrees(List.of(), List.of("--no-confinement"), trees);
    try {
      long gofer = pid("gofer", sandbox);
      String secret = "@" + trees.resolve("secret");
      assertTrue(Integer.parseInt(borrow(gofer, "openat", "4", secret, "0")) > 0);
    } finally {
      Command.killAll(sandbox);
    }
  }

  /**
   * As whoever has taken root's sentry over, with its rights, and its descriptors of /proc and
   * /sys.
   */
  @Test
  void rootsSentrySeesItsGuestsInProcAndChangesNothing() throws IOException {
    assumeTrue(Guests.isOnPath("setpriv"), "setpriv is missing");
    Process sandbox = start(List.of(), List.of("do"));
    try {
      long sentry = pid("sentry", sandbox);
      int seen = 0;
      for (String fd : ProcessTree.list(sentry, "fd")) {
        Path file = Path.of("/proc", Long.toString(sentry), "fd", fd);
        if (!Files.isDirectory(file)) {
          continue;
        }
        String script =
            "cd /proc/%d/fd/%s && exec setpriv --bounding-set=-all,+dac_override,+sys_resource"
                    .formatted(sentry, fd)
                + " --inh-caps=-all --no-new-privs sh -c '"
                + "echo processes: $(for i in [1-9]*; do [ -e $i/status ] && grep -h ^NSpid: $i/status; done | wc -l);"
                + " [ ! -e 1/status ] || echo pid 1 is seen; [ ! -e "
                + sandbox.pid()
                + "/status ] || echo the front is seen;"
                // To open for writing is all that is tried: nothing is written.
                + " for f in sys/kernel/core_pattern sysrq-trigger kernel/uevent_helper kernel/mm/transparent_hugepage/enabled;"
                + " do [ ! -e $f ] || ! (: >>$f) 2>/dev/null || echo $f can be written; done'";
        Outcome outcome = Command.of("/bin/sh", "-c", script).run();
        assertEquals(0, outcome.exit(), outcome::describe);
        List<String> lines = outcome.out().lines().toList();
        assertTrue(
            lines.stream().noneMatch(line -> line.endsWith("can be written")), outcome::describe);
        // In one there are a shell and a sleep of the guest's, pid 1, and whoever looks: not those
        // of the host.
        int processes = Integer.parseInt(lines.get(0).substring("processes: ".length()));
        boolean isOfGuests = lines.size() == 1 && processes > 2;
        assertTrue(!isOfGuests || processes <= 12, outcome::describe);
        seen += isOfGuests ? 1 : 0;
      }
      assertTrue(seen >= 1, "no descriptor shows the guests");
    } finally {
      Command.killAll(sandbox);
    }
  }

  /** By name, through whatever it holds: of processes those that it may trace, and no more. */
  @Test
  void rootsSentrySeesNoOtherProcessOfTheHost() throws IOException {
    assumeTrue((OWN & ~SENTRY) != 0, "root's processes have no capability that a sentry has not");
    Process sandbox = start(List.of(), List.of("do"));
    try {
      long sentry = pid("sentry", sandbox);
      List<Long> others =
          List.of(1L, ProcessHandle.current().pid(), sandbox.pid(), pid("gofer", sandbox));
      List<Long> guests = ProcessTree.below(ProcessTree.await(sandbox.pid(), "redoubt-init"));
      assertEquals(2, guests.size(), "a shell and a sleep");
      int seen = 0;
      for (String fd : ProcessTree.list(sentry, "fd")) {
        if (!Files.isDirectory(Path.of("/proc", Long.toString(sentry), "fd", fd))) {
          continue;
        }
        for (long pid : others) {
          for (String file : new String[] {"status", "cmdline", "task/" + pid + "/children"}) {
            String name = pid + "/" + file;
            assertEquals("-2", borrow(sentry, "openat", fd, "@" + name, "0"), name);
          }
        }
        for (long pid : guests) {
          boolean isOpened =
              Integer.parseInt(borrow(sentry, "openat", fd, "@" + pid + "/status", "0")) > 0;
          seen += isOpened ? 1 : 0;
        }
      }
      assertTrue(seen >= 2, "no descriptor shows the guests");
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
