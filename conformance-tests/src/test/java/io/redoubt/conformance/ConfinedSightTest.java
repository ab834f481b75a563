package io.redoubt.conformance;

import static io.redoubt.conformance.Servers.OWN;
import static io.redoubt.conformance.Servers.SENTRY;
import static io.redoubt.conformance.Servers.USER;
import static io.redoubt.conformance.Servers.borrow;
import static io.redoubt.conformance.Servers.pid;
import static io.redoubt.conformance.Servers.start;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.redoubt.host.Landlock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What of the host's files and processes is in reach of a sentry or a gofer that was taken over:
 * tried by a thread of theirs.
 */
final class ConfinedSightTest {
  @BeforeAll
  static void check() {
    Redoubt.assumeSandbox();
    Redoubt.assumeRoot();
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
}
