package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a start costs, in what can be counted: times are for the harness. */
final class StartTest {
  @TempDir static Path directory;

  @BeforeAll
  static void check() {
    Redoubt.assumeSandbox();
  }

  /**
   * In place of java: the same with a log of the classes that it loads. The front hands on what it
   * finds in REDOUBT_JAVA and in other variables of that prefix.
   */
  private static Command logged(Path log, String... words) throws IOException {
    Path java = directory.resolve("java.sh");
    Files.writeString(
        java,
        """
        #!/bin/sh
        case "$*" in *GoferMain*) name=gofer ;; *) name=sentry ;; esac
        n=$#
        while [ $n -gt 0 ]; do
          word=$1; shift; n=$((n-1))
          [ "$word" != -cp ] || set -- "$@" "-Xlog:class+load:file=$REDOUBT_LOG.$name"
          set -- "$@" "$word"
        done
        exec "$REDOUBT_JVM" "$@"
        """);
    Command.of("chmod", "755", java.toString()).run();
    return Redoubt.front(words)
        .environment("REDOUBT_JAVA", java.toString())
        .environment("REDOUBT_JVM", Redoubt.front().resolveSibling("redoubt-jvm").toString())
        .environment("REDOUBT_LOG", log.toString());
  }

  /** Each class from a jar, or made at run time, is some milliseconds of each start. */
  private static void assertAllCached(Path log) throws IOException {
    for (String name : new String[] {"sentry", "gofer"}) {
      try (Stream<String> lines = Files.lines(Path.of(log + "." + name))) {
        List<String> all = lines.toList();
        assertTrue(all.size() > 500, () -> name + " logged " + all.size() + " classes");
        assertEquals(
            List.of(),
            all.stream()
                .filter(l -> l.contains(" source: ") && !l.contains("shared objects file"))
                .toList(),
            () -> name + " has classes that its cache does not: see launcher/src/build/aot.sh");
      }
    }
  }

  @Test
  void allClassesOfASandboxAreCached() throws IOException {
    Path log = directory.resolve("do");
    Outcome outcome = logged(log, "do", "--", "/bin/true").run();
    assertEquals(0, outcome.exit(), outcome::describe);
    assertAllCached(log);
  }

  @Test
  void allClassesOfAContainerAreCached() throws IOException {
    Redoubt.assumeRoot();
    Path bundle = OciRuntime.bundle(directory, OciRuntime.runs("true"));
    Path log = directory.resolve("run");
    Outcome outcome =
        logged(
                log,
                "--root",
                directory.resolve("state").toString(),
                "run",
                "--bundle",
                bundle.toString(),
                "cached")
            .run();
    assertEquals(0, outcome.exit(), outcome::describe);
    assertAllCached(log);
  }

  /** Where the cache was made for: moved, each of its pages is a private one of each JVM. */
  @Test
  void theCacheIsNotMoved() {
    Outcome outcome =
        sandbox(
            """
            for p in $jvms; do
              grep '\\.aot$' /proc/$p/maps | head -n 2 | cut -c1-60 | awk '{print $2, $3}'
            done
            """);
    String own = "rw-p 00001000\nr--p ";
    assertTrue(
        outcome.out().matches("(?s)" + own + "[0-9a-f]+\n" + own + "[0-9a-f]+\n"),
        outcome::describe);
  }

  @Test
  void anIdleSandboxTakesAtMost90Megabytes() {
    Outcome outcome =
        sandbox(
            """
            for p in $(ps -o pid= -s $(ps -o sess= $front)) $jvms $front; do
              sed -n 's/^Pss: *\\([0-9]*\\) kB/\\1/p' /proc/$p/smaps_rollup
            done | awk '{ all += $1 } END { print all }'
            """);
    String pss = outcome.out().trim();
    assertFalse(pss.isEmpty(), outcome::describe);
    assertTrue(Long.parseLong(pss) < 90_000, () -> "PSS is " + pss + " kB");
  }

  /** A script that sees an idle sandbox: $front, and $jvms. */
  private static Outcome sandbox(String script) {
    return Command.of(
            "/bin/sh",
            "-c",
            Redoubt.front()
                + " do -- /bin/sh -c 'echo there; exec sleep 100' >"
                + directory.resolve("there")
                + """
                 & front=$!
                n=0; until grep -q there "$0" 2>/dev/null || [ $n -gt 200 ]; do n=$((n+1)); sleep 0.1; done
                sleep 2
                jvms=$(pgrep -P $front redoubt-jvm)
                """
                + script
                + "\nkill -9 $front\n",
            directory.resolve("there").toString())
        .run();
  }
}
