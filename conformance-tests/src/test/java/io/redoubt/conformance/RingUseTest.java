package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * That calls do come by the ring. Everything else that is tested of it is equal to Linux when all
 * of them trap, too.
 */
class RingUseTest {
  private static final int CLOCK_NANOSLEEP = 230;

  private static final List<String> USER =
      List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups");

  private static final Pattern RING =
      Pattern.compile(
          "ring: (\\d+) processes, (\\d+) calls served, (\\d+) refused, (\\d+) with a payload,"
              + " (\\d+) from windows");

  @BeforeAll
  static void check() {
    Redoubt.assumeSandbox();
  }

  @ParameterizedTest
  @CsvSource({"root, true", "root, false", "user, true", "user, false"})
  void callsComeByTheRing(String who, boolean isStatic) {
    Path program = Guests.compiled("isolation/often", isStatic);
    Outcome o = command(who, List.of(), List.of(program.toString())).run();
    assertEquals(0, o.exit(), o::describe);
    assertEquals("good\n", o.out(), o::describe);
    Matcher m = RING.matcher(o.err());
    assertTrue(m.find(), o::describe);
    assertTrue(Long.parseLong(m.group(2)) >= 4000, o::describe);
    // Half of the calls have a pointer, and it is to the stack. PROCMAP_QUERY of Linux 6.11 tells
    // that.
    assertTrue(Long.parseLong(m.group(4)) >= 1000 || !hasProcmapQuery(), o::describe);
  }

  /**
   * Sites cannot be changed any more where there are threads: they are before the first is made.
   */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void callsOfThreadsComeByTheRing(boolean isStatic) {
    Path program = Guests.compiled("isolation/threaded", isStatic);
    Outcome o = command("root", List.of(), List.of(program.toString())).run();
    assertEquals(0, o.exit(), o::describe);
    assertEquals("good\n", o.out(), o::describe);
    assertTrue(byRing(o.err(), "lseek") >= 4000, o::describe);
  }

  /** --ring=…,off=PATH: that program traps, and others do not. */
  @Test
  void programsCanBeLeftOut() {
    Path program = Guests.compiled("isolation/often", true);
    for (String without : List.of(program.toString(), "/usr/bin/another")) {
      List<String> words = new ArrayList<>(sandbox(List.of(), List.of(program.toString())));
      words.set(words.indexOf("--ring=always"), "--ring=always,off=" + without);
      Outcome o = Command.of(words).run();
      assertEquals(0, o.exit(), o::describe);
      assertEquals("good\n", o.out(), o::describe);
      boolean isLeftOut = without.equals(program.toString());
      assertEquals(!isLeftOut, RING.matcher(o.err()).find(), o::describe);
    }
  }

  /** Each case reads or writes one file 20,000 times. */
  @ParameterizedTest
  @CsvSource({"root, by_position", "user, by_position", "root, written_over"})
  void filesInMemoryAreMapped(String who, String name) {
    assumeTrue(hasProcmapQuery(), "before Linux 6.11 nothing tells which buffers may be touched");
    Path program = Guests.compiled("ringwindows", true);
    Outcome o = command(who, List.of(), List.of(program.toString(), "--dir", "/tmp", name)).run();
    assertEquals(0, o.exit(), o::describe);
    Matcher m = RING.matcher(o.err());
    assertTrue(m.find(), o::describe);
    assertTrue(Long.parseLong(m.group(5)) >= 10_000, o::describe);
  }

  /**
   * A site whose first calls the host kernel makes itself is rewritten at the next that it does
   * not.
   */
  @Test
  void aSiteOfLargeReadsIsRewritten() {
    Path program = Guests.compiled("isolation/large", true);
    Outcome o = command("root", List.of(), List.of(program.toString())).run();
    assertEquals(0, o.exit(), o::describe);
    assertEquals("good\n", o.out(), o::describe);
    assertTrue(byRing(o.err(), "pread64") >= 10_000, o::describe);
  }

  /** Slots that handlers have left by siglongjmp are found and used again. */
  @Test
  void slotsThatWereLeftAreTakenOver() {
    Path program = Guests.compiled("isolation/leaves", true);
    Outcome o = command("root", List.of(), List.of(program.toString())).run();
    assertEquals(0, o.exit(), o::describe);
    assertEquals("good\n", o.out(), o::describe);
    assertTrue(byRing(o.err(), "lseek") >= 20_000, o::describe);
  }

  /** The directory is watched, also by a gofer that is confined, and a user's. */
  @ParameterizedTest
  @ValueSource(strings = {"root", "user"})
  void namesOfABoundDirectoryAreKnown(String who, @TempDir Path directory) throws IOException {
    Command.of("chmod", "a+rx", directory.toString()).run();
    assertTrue(hasQueue(command(who, List.of("--bind", directory.toString()), often(directory))));
  }

  /** Of the user's inotify queues 32 are left to others: then each look is a question. */
  @ParameterizedTest
  @ValueSource(ints = {128, 20})
  void namesAreAskedForWhereQueuesAreFew(int queues, @TempDir Path directory) throws IOException {
    Redoubt.assumeRoot();
    List<String> words =
        new ArrayList<>(List.of("unshare", "--user", "--map-root-user", "sh", "-c"));
    words.add("echo " + queues + " >/proc/sys/user/max_inotify_instances && exec \"$@\"");
    words.add("sh");
    words.addAll(sandbox(List.of("--bind", directory.toString()), often(directory)));
    assertEquals(queues > 32, hasQueue(Command.of(words)));
  }

  /** A program that looks at names of a directory, and then stays. */
  private static List<String> often(Path directory) throws IOException {
    Files.writeString(directory.resolve("file"), "four");
    Path program = Guests.compiled("isolation/often", true);
    return List.of("sh", "-c", program + " " + directory + " && exec sleep 60");
  }

  /** Whether the sentry of a sandbox has a queue of events when its program has said "good". */
  private static boolean hasQueue(Command command) throws IOException {
    Process sandbox = command.start();
    try {
      assertEquals("good", sandbox.inputReader().readLine());
      return hasQueue(ProcessTree.sentry(sandbox.pid()));
    } finally {
      Command.killAll(sandbox);
    }
  }

  /** Changes of names and attributes come by the ring, where no other process calls. */
  @Test
  void changesComeByTheRing(@TempDir Path directory) {
    Path program = Guests.compiled("isolation/changes", true);
    Outcome o =
        command(
                "root",
                List.of("--bind", directory.toString()),
                List.of(program.toString(), directory.toString()))
            .run();
    assertEquals(0, o.exit(), o::describe);
    assertEquals("good\n", o.out(), o::describe);
    for (String call :
        List.of("open", "rename", "chmod", "utimensat", "unlink", "mkdir", "rmdir")) {
      assertTrue(byRing(o.err(), call) >= 500, () -> call + ": " + o.describe());
    }
  }

  private static boolean hasQueue(long pid) throws IOException {
    for (String fd : ProcessTree.list(pid, "fd")) {
      Path link = Path.of("/proc", Long.toString(pid), "fd", fd);
      // A descriptor that has been closed since then was none of those that stay.
      if (Files.exists(link, LinkOption.NOFOLLOW_LINKS)
          && Files.readSymbolicLink(link).toString().equals("anon_inode:inotify")) {
        return true;
      }
    }
    return false;
  }

  /** In the default mode calls come by the ring, and who has called is not spun for afterwards. */
  @Test
  void thePollerSleepsWhenNobodyCalls() throws IOException {
    Redoubt.assumeRoot();
    assumeTrue(Runtime.getRuntime().availableProcessors() > 1, "on one CPU it never runs");
    Path program = Guests.compiled("isolation/often", true);
    List<String> words =
        List.of(Redoubt.front().toString(), "do", "--", "sh", "-c", program + " && exec sleep 60");
    Process sandbox = Command.of(words).start();
    try {
      assertEquals("good", sandbox.inputReader().readLine());
      ProcessTree.awaitCall(ProcessTree.await(sandbox.pid(), "sleep"), CLOCK_NANOSLEEP);
      long sentry = ProcessTree.sentry(sandbox.pid());
      ProcessTree.pause(500); // what is compiled behind the calls
      long before = cpuTicks(sentry);
      ProcessTree.pause(2000);
      long ticks = cpuTicks(sentry) - before;
      assertTrue(ticks <= 10, () -> "hundredths of a second in two: " + ticks);
    } finally {
      Command.killAll(sandbox);
    }
  }

  /** Time that a process has had, user and system: proc_pid_stat(5), 14 and 15. */
  private static long cpuTicks(long pid) {
    String stat = ProcessTree.read(pid, "stat");
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" "); // from the third on
    return Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
  }

  /** Poller and caller would take turns: on one CPU all calls trap, with two they do not. */
  @Test
  void onOneCpuItNeverRuns() {
    assumeTrue(Guests.isOnPath("taskset"), "taskset is missing");
    assumeTrue(Runtime.getRuntime().availableProcessors() > 1, "there is one CPU");
    Path program = Guests.compiled("isolation/often", true);
    for (boolean isOne : List.of(true, false)) {
      List<String> words = new ArrayList<>(isOne ? List.of("taskset", "-c", "0") : List.of());
      words.addAll(List.of(Redoubt.front().toString(), "do", "--stats", "--", program.toString()));
      Outcome o = Command.of(words).run();
      assertEquals("good\n", o.out(), o::describe);
      long served = byRing(o.err(), "lseek");
      assertTrue(isOne ? served == 0 : served >= 1000, o::describe);
    }
  }

  /** How many of a call came by the ring, as {@code --stats} says: a column that may be empty. */
  private static long byRing(String stats, String call) {
    String title = "by ring";
    List<String> lines = stats.lines().toList();
    String head = lines.stream().filter(l -> l.contains(title)).findFirst().orElseThrow();
    int end = head.indexOf(title) + title.length();
    String line = lines.stream().filter(l -> l.endsWith(" " + call)).findFirst().orElseThrow();
    String number = line.substring(end - title.length() - 2, end).strip();
    return number.isEmpty() ? 0 : Long.parseLong(number);
  }

  /** A program in a sandbox whose poller never sleeps. @param who root or user */
  private static Command command(String who, List<String> options, List<String> program) {
    List<String> words = new ArrayList<>();
    if (who.equals("user")) {
      Redoubt.assumeRoot();
      assumeTrue(Guests.isOnPath("setpriv"), "setpriv is missing");
      words.addAll(USER);
    }
    words.addAll(sandbox(options, program));
    return Command.of(words);
  }

  private static List<String> sandbox(List<String> options, List<String> program) {
    List<String> words =
        new ArrayList<>(List.of(Redoubt.front().toString(), "do", "--ring=always", "--stats"));
    words.addAll(options);
    words.add("--");
    words.addAll(program);
    return words;
  }

  private static boolean hasProcmapQuery() {
    String[] version = System.getProperty("os.version").split("[.-]");
    int major = Integer.parseInt(version[0]);
    return major > 6 || (major == 6 && Integer.parseInt(version[1]) >= 11);
  }
}
