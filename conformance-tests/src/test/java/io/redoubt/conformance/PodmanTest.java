package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Podman with --runtime: the same scripts with runc, where it is installed, and with redoubt. With
 * limits of our own, because Podman's are higher than what a caller without CAP_SYS_RESOURCE may
 * set.
 */
final class PodmanTest {
  private static final String PRELUDE =
      """
      mkdir -p $W
      podman() { timeout -s KILL 40 podman --root $W/storage --runroot $W/run --storage-driver vfs --runtime $RUNTIME "$@" </dev/null; }
      # conmon starts a `podman container cleanup` that outlives `podman run`, and writes to the storage.
      trap 'while pgrep -f -- "$W/storage" >/dev/null; do sleep 0.05; done' EXIT
      """;

  @TempDir static Path directory;
  private static Path root;

  @BeforeAll
  static void check() throws IOException {
    Redoubt.assumeSandbox();
    Redoubt.assumeRoot();
    assumeTrue(Guests.isOnPath("podman") && Guests.isOnPath("conmon"), "podman is not installed");
    root = OciRuntime.bundle(directory, UnaryOperator.identity()).resolve("rootfs");
    Files.writeString(
        directory.resolve("containers.conf"),
        """
        [engine]
        cgroup_manager = "cgroupfs"
        events_logger = "file"
        runtime_supports_json = ["runc", "redoubt-front"]
        """);
  }

  private static Outcome run(String runtime, String script) {
    String name = runtime.substring(runtime.lastIndexOf('/') + 1);
    return Command.of("/bin/sh", "-c", PRELUDE + script)
        .environment("W", directory.resolve(name).toString())
        .environment("ROOT", root.toString())
        .environment("RUNTIME", runtime)
        .environment("CONTAINERS_CONF", directory.resolve("containers.conf").toString())
        .timeout(Duration.ofSeconds(90))
        .run();
  }

  private static void prints(String expected, String script) {
    if (Guests.isOnPath("runc")) {
      Outcome outcome = run("/usr/sbin/runc", script);
      assertEquals(expected, outcome.out(), () -> "runc: " + outcome.describe());
    }
    Outcome outcome = run(Redoubt.front().toString(), script);
    assertEquals(expected, outcome.out(), outcome::describe);
  }

  @Test
  void run() {
    prints(
        "out\n6\n",
        "podman run --ulimit nofile=1000:1000 --ulimit nproc=1000:1000 --rm --network none --rootfs $ROOT /bin/sh -c 'echo out; exit 6'; echo $?");
  }

  @Test
  void execLogsStopKillInspect() {
    prints(
        "exec\n4\nlog\n137 exited\n",
        """
        podman run --ulimit nofile=1000:1000 --ulimit nproc=1000:1000 -d --name p1 --network none --rootfs $ROOT /bin/sh -c 'echo log; sleep 1000' >/dev/null
        podman exec p1 /bin/sh -c 'echo exec; exit 4'; echo $?
        podman logs p1
        podman kill -s KILL p1 >/dev/null; podman wait p1 >/dev/null
        podman inspect -f '{{.State.ExitCode}} {{.State.Status}}' p1
        podman rm -f p1 >/dev/null
        """);
  }

  @Test
  void volumesAndMemory() {
    prints(
        "of the host\nnew\n",
        """
        mkdir -p $W/volume; echo of the host >$W/volume/a
        podman run --ulimit nofile=1000:1000 --ulimit nproc=1000:1000 --rm --network none --memory 128m -v $W/volume:/mnt --rootfs $ROOT /bin/sh -c 'cat /mnt/a; echo new >/mnt/b'
        cat $W/volume/b
        """);
  }

  @Test
  void programThatCannotBeRun() {
    prints(
        "127\n126\n",
        """
        podman run --ulimit nofile=1000:1000 --ulimit nproc=1000:1000 --rm --network none --rootfs $ROOT /no/such 2>/dev/null; echo $?
        podman run --ulimit nofile=1000:1000 --ulimit nproc=1000:1000 --rm --network none --rootfs $ROOT /etc 2>/dev/null; echo $?
        """);
  }

  @Test
  void terminal() {
    assumeTrue(Guests.isOnPath("script"), "script is missing");
    prints(
        "/dev/pts/0\n2\n",
        """
        timeout -s KILL 60 script -qec "podman --root $W/storage --runroot $W/run --storage-driver vfs --runtime $RUNTIME run --ulimit nofile=1000:1000 --ulimit nproc=1000:1000 -it --rm --network none --rootfs $ROOT /bin/sh -c 'tty; exit 2'" $W/typescript </dev/null >$W/out
        code=$?
        tr -cd '/a-z0-9\n' <$W/out
        echo $code
        """);
  }
}
