package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/**
 * A runtime that shell scripts are run with: runc, the reference, or ours. A script finds it as
 * {@code $RT}, with a state root and a log of its own, a bundle in {@code $B}, and a shim around it
 * that reaps what it leaves.
 */
final class OciRuntime {
  private static final String PRELUDE =
      """
      exit_of() { n=0; until grep -q "^$1 " "$EXITS"; do n=$((n+1)); [ $n -lt 200 ] || { echo none; return; }; sleep 0.05; done; sed -n "s/^$1 //p" "$EXITS"; }
      phrase() { sed -n 's/.*"level":"error","msg":"\\(.*\\)","time.*/\\1/p' "$LOG" | tail -n 1; }
      status() { $RT state "$1" | sed -n 's/.*"status": "\\(.*\\)".*/\\1/p'; }
      pid() { $RT state "$1" | sed -n 's/.*"pid": \\([0-9]*\\).*/\\1/p'; }
      await() { n=0; until [ "$(status "$1")" = "$2" ]; do n=$((n+1)); [ $n -lt 200 ] || { echo "never $2"; return; }; sleep 0.05; done; }
      """;

  private static final Pattern VARYING =
      Pattern.compile("\"(pid|created|bundle|rootfs|ociVersion)\": (\"[^\"]*\"|\\d+)");
  private static int count;

  private final String program;
  private final Path directory;

  private OciRuntime(String program, Path directory) {
    this.program = program;
    this.directory = directory;
  }

  static OciRuntime redoubt(Path directory) {
    return new OciRuntime(Redoubt.front().toString(), directory);
  }

  /** The reference; null where it is not installed or this machine cannot run it. */
  static OciRuntime runc(Path directory) {
    return Guests.isOnPath("runc") && Redoubt.isRoot() ? new OciRuntime("runc", directory) : null;
  }

  /** A directory with config.json and a root with busybox. */
  static Path bundle(Path directory, UnaryOperator<String> change) {
    try {
      Path bundle = Files.createDirectories(directory.resolve("bundle" + count++));
      Path root = BusyboxRoot.make(bundle, "rootfs");
      for (String name :
          "sh cat id ls sleep true env tty stty hostname grep touch kill tail head ps mkdir readlink"
              .split(" ")) {
        Files.createSymbolicLink(root.resolve("bin").resolve(name), Path.of("busybox"));
      }
      for (String name : new String[] {"proc", "dev", "sys", "etc"}) {
        Files.createDirectories(root.resolve(name));
      }
      Files.writeString(bundle.resolve("config.json"), change.apply(CONFIG));
      return bundle;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static final String CONFIG =
      """
      {"ociVersion": "1.0.2",
       "process": {"terminal": false, "user": {"uid": 0, "gid": 0},
         "args": ["/bin/sh", "-c", "sleep 100"], "env": ["PATH=/bin", "TERM=xterm"], "cwd": "/",
         "capabilities": {"bounding": ["CAP_KILL", "CAP_CHOWN"], "effective": ["CAP_KILL", "CAP_CHOWN"],
           "permitted": ["CAP_KILL", "CAP_CHOWN"]},
         "noNewPrivileges": true},
       "root": {"path": "rootfs"},
       "hostname": "box",
       "mounts": [
         {"destination": "/proc", "type": "proc", "source": "proc"},
         {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=65536k"]},
         {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["nosuid", "noexec", "newinstance"]}],
       "linux": {"namespaces": [{"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}, {"type": "network"}]}}
      """;

  /** Changes the script that the container runs. */
  static UnaryOperator<String> runs(String script) {
    return config -> config.replace("\"sleep 100\"", quoted(script));
  }

  static String quoted(String text) {
    return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + '"';
  }

  /** Runs a script to its end. */
  Outcome run(Path bundle, String script) {
    return run(null, bundle, script);
  }

  /** Runs a script to its end, in an enclosure if there is one. */
  Outcome run(Enclosure enclosure, Path bundle, String script) {
    assumeTrue(Guests.isOnPath("python3"), "python3 is missing");
    String name = "run" + count++;
    try {
      Path work = Files.createDirectories(directory.resolve(name));
      Files.createFile(work.resolve("exits"));
      Files.createFile(work.resolve("log"));
      String rt =
          program
              + " --root "
              + work.resolve("state")
              + " --log "
              + work.resolve("log")
              + " --log-format json";
      String shim = Guests.MODULE.resolve("src/test/oci/shim.py").toString();
      String[] words = {"python3", shim, "run", PRELUDE + script};
      return (enclosure == null ? Command.of(words) : enclosure.command(words))
          .environment("RT", rt)
          .environment("B", bundle.toString())
          .environment("W", work.toString())
          .environment("EXITS", work.resolve("exits").toString())
          .environment("LOG", work.resolve("log").toString())
          .environment("SHIM", shim)
          .timeout(Duration.ofSeconds(40))
          .run();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What a script prints, without what differs from run to run. */
  static String fixed(Outcome outcome) {
    return VARYING.matcher(outcome.out()).replaceAll("\"$1\": X");
  }

  /**
   * Runs a script with ours and expects this on its stdout; and with runc, where that is installed.
   */
  static void prints(Path directory, Path bundle, String expected, String script) {
    OciRuntime reference = runc(directory);
    if (reference != null) {
      Outcome outcome = reference.run(bundle, script);
      assertEquals(expected, fixed(outcome), () -> "runc: " + outcome.describe());
    }
    Outcome outcome = redoubt(directory).run(bundle, script);
    assertEquals(expected, fixed(outcome), outcome::describe);
  }

  /** A command must fail with this exit code, and with a log whose last error holds this phrase. */
  static void refuses(Path directory, Path bundle, int code, String phrase, String script) {
    String whole = script + "\necho \"exit $?\"; phrase";
    for (OciRuntime runtime : new OciRuntime[] {runc(directory), redoubt(directory)}) {
      if (runtime != null) {
        Outcome outcome = runtime.run(bundle, whole);
        assertTrue(
            outcome.out().contains("exit " + code + "\n") && outcome.out().contains(phrase),
            () -> runtime.program + " should say: " + phrase + "\n" + outcome.describe());
      }
    }
  }
}
