package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a guest can make its sentry hold, and what an operator is told of it. */
final class ResourceLimitTest {
  private static final String LIMITS =
      """
      {"limits": {"openFiles": 200, "epollItems": 100, "inotifyInstances": 10, "inotifyWatches": 50,
        "timers": 20, "unixSockets": 40, "tasks": 40, "memoryInodes": 300, "bufferBytes": 8388608,
        "fileLocks": 30, "filesInFlight": 12, "messageBytes": 200000, "descriptorSlots": 20000,
        "mounts": 40}}
      """;

  @TempDir static Path directory;

  @BeforeAll
  static void check() {
    Redoubt.assumeSandbox();
    assumeTrue(Guests.isOnPath("python3"), "python3 is missing");
  }

  private static String program() throws IOException {
    return Files.readString(Guests.MODULE.resolve("src/test/resources/limits.py"));
  }

  private static Path config(String json) throws IOException {
    return Files.writeString(Files.createTempFile(directory, "redoubt", ".json"), json);
  }

  private static Outcome python(List<String> options, String program) {
    return Redoubt.command(options, List.of("/usr/bin/python3", "-c", program))
        .timeout(Duration.ofSeconds(120))
        .run();
  }

  /**
   * The errnos are those of the man pages: open(2), epoll_ctl(2), inotify_init(2),
   * inotify_add_watch(2), timerfd_create(2), socket(2), mkdir(2), link(2), fcntl(2), unix(7),
   * write(2), msgop(2), fork(2), mount(2).
   */
  @Test
  void everyKindHasItsErrnoAndIsGivenBack() throws IOException {
    Path log = directory.resolve("limits.log");
    Outcome o =
        python(
            List.of("--config", config(LIMITS).toString(), "--audit-log", log.toString()),
            program());
    String exact =
        """
        openFiles ENFILE N
        epollItems ENOSPC 100
        inotifyInstances EMFILE 10
        inotifyWatches ENOSPC 50
        timers ENOMEM 20
        unixSockets ENFILE 40
        memoryInodes ENOSPC N
        links ENOSPC N
        fileLocks ENOLCK 30
        filesInFlight ETOOMANYREFS 12
        bufferBytes ENOMEM N
        messageBytes ENOMEM 12
        tasks EAGAIN N
        descriptorSlots ENOMEM N
        mounts ENOSPC N
        """;
    // How many there were before depends on the machine; lists, of two that differ, stay.
    String counts =
        o.out()
            .replaceAll(
                "(?m)^(openFiles|memoryInodes|links|bufferBytes|tasks|descriptorSlots|mounts) (\\w+) \\d+$",
                "$1 $2 N");
    assertEquals(exact, counts, o::describe);
    assertEquals(0, o.exit(), o::describe);
    TreeSet<String> told = new TreeSet<>();
    Matcher m =
        Pattern.compile("\"event\":\"limit\",\"limit\":\"(\\w+)\"").matcher(Files.readString(log));
    while (m.find()) {
      told.add(m.group(1));
    }
    for (String kind : exact.split("\n")) {
      String name = kind.substring(0, kind.indexOf(' '));
      assertTrue(name.equals("links") || told.contains(name), () -> name + " is not in " + told);
    }
  }

  /** What an attack took is gone from the figures when its processes are. */
  @Test
  void figuresShowUsageAndHitsAndNothingStays() throws IOException {
    Redoubt.assumeRoot();
    Path bundle =
        OciRuntime.bundle(
            directory,
            c ->
                c.replace("\"path\": \"rootfs\"", "\"path\": \"/\", \"readonly\": true")
                    .replace(
                        "{\"destination\": \"/proc\"",
                        "{\"destination\": \"/tmp\", \"type\": \"tmpfs\", \"source\": \"t\"},\n"
                            + " {\"destination\": \"/proc\""));
    Files.writeString(directory.resolve("limits.json"), LIMITS);
    Files.writeString(directory.resolve("limits.py"), program());
    Outcome o =
        OciRuntime.redoubt(directory)
            .run(
                bundle,
                """
                usage() { $RT events --stats c1 | python3 -c '
                import json, sys
                r = json.load(sys.stdin)["data"]["redoubt"]
                skip = ("cachedNames", "memoryBytes", "memoryInodes", "listingBytes")
                print({k: v["usage"] for k, v in r["limits"].items() if k not in skip})
                if len(sys.argv) > 1:
                    print("hit:", sorted(k for k, v in r["limits"].items() if v["hits"]))
                    print("ring:", sorted(r.get("ring", {})))
                ' $1; }
                $RT --config $W/../limits.json run -d -b $B c1 </dev/null >/dev/null
                before=; until [ "$(usage)" = "$before" ]; do before=$(usage); sleep 0.5; done
                $RT exec c1 /usr/bin/python3 -c "$(cat $W/../limits.py)" >$W/out 2>&1
                n=0; until [ "$(usage)" = "$before" ] || [ $n -ge 50 ]; do n=$((n+1)); sleep 0.1; done
                [ "$(usage)" = "$before" ] && echo same || { echo "$before"; usage; }
                usage x | sed 1d
                $RT delete -f c1
                """);
    assertEquals(
        """
        same
        hit: ['bufferBytes', 'descriptorSlots', 'epollItems', 'fileLocks', 'filesInFlight', 'inotifyInstances', 'inotifyWatches', 'memoryInodes', 'messageBytes', 'openFiles', 'tasks', 'timers', 'unixSockets']
        ring: ['doorbells', 'hits', 'processes', 'refused', 'refusedSites', 'rewrittenSites', 'sleeps', 'spins']
        """,
        o.out(),
        o::describe);
  }

  /** Kibibytes of memory that the sentry has had at most, while and after something was done. */
  private static long peakOfSentry(String program) throws IOException {
    Process sandbox =
        Redoubt.command(
                List.of(),
                List.of(
                    "/usr/bin/python3",
                    "-c",
                    program + "\nprint('alive', flush=True)\ntime.sleep(60)"))
            .start();
    try (var out = sandbox.inputReader()) {
      assertEquals("alive", out.readLine());
      long sentry = ProcessTree.sentry(sandbox.pid());
      return Long.parseLong(ProcessTree.status(sentry, "VmHWM").replaceAll("[^0-9]", ""));
    } finally {
      Command.killAll(sandbox);
    }
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      value = {
        "missing names | [os.path.lexists('/tmp/' + '%0200d' % n) for n in range(150000)]",
        "long paths | [os.path.lexists('/' + '%0250d/' % n * 15) for n in range(10000)]",
        "settings of a timer | [signal.setitimer(signal.ITIMER_REAL, 3600) for n in range(100000)]",
        "children with timers | [(signal.alarm(3600), os._exit(0)) if os.fork() == 0 else os.wait() for n in range(500)]",
        "tables of descriptors | resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2); os.dup2(0, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 1 << 20) - 1); [fork() for n in range(100)]",
      })
  void sentryStaysSmall(String name, String attack) throws IOException {
    long kib =
        peakOfSentry(
            """
            import os, resource, signal, time
            def fork():
                try:
                    if os.fork() == 0: time.sleep(100)
                except OSError: pass
            """
                + attack.strip());
    assertTrue(kib < 400_000, () -> name + ": the sentry has taken " + kib + " KiB");
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"limit\": {}} | limit: unknown key; there are: limits, ring, netRaw, audit, allow",
        "{\"limits\": {\"files\": 1}} | limits.files: unknown key; there are: tasks, ",
        "{\"limits\": {\"tasks\": -1}} | limits.tasks: must be a whole number, not negative",
        "{\"audit\": \"log\"} | audit: log: must be an absolute path, or unix: and one",
        "{\"ring\": \"on\"} | ring: on: must be auto, off or always",
        "{\"allow\": {\"annotations\": [\"x\"]}} | allow.annotations[0]: x is none that weakens",
        "{ | invalid JSON: ",
      })
  void mistakesInTheConfigurationAreNamed(String json, String expected) throws IOException {
    Path file = config(json);
    Outcome o = Redoubt.command(List.of("--config", file.toString()), List.of("true")).run();
    assertEquals(1, o.exit(), o::describe);
    assertTrue(o.err().startsWith("redoubt: " + file + ": " + expected), o::describe);
  }
}
