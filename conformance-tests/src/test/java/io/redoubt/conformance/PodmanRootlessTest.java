package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Podman with --runtime, as an ordinary user: with one id, and with a range in /etc/subuid. The
 * user is made up, and known in a mount namespace of the test only, which also has his runtime
 * folder: its path must be short, as sockets are in it. The same scripts with runc, where it is
 * installed, and with redoubt.
 */
final class PodmanRootlessTest {
  private static final String USER = "23457";
  private static final String PRELUDE =
      """
      podman() { timeout -s KILL 40 podman --log-level error --storage-driver vfs --runtime $RUNTIME "$@" </dev/null; }
      none() { podman run --rm --network none "$@"; }
      """;

  @TempDir static Path directory;
  private static Path root;

  @BeforeAll
  static void check() throws IOException {
    Redoubt.assumeSandbox();
    Redoubt.assumeRoot();
    Guests.assumeInstalled("podman", "conmon", "setpriv", "unshare");
    sh("chmod 755 " + directory);
    String probe = "setpriv --reuid 23457 --regid 23457 --clear-groups " + Redoubt.front();
    assumeTrue(
        Command.of("/bin/sh", "-c", probe + " --version").run().exit() == 0,
        "an ordinary user cannot reach " + Redoubt.front());
    root = OciRuntime.bundle(directory, UnaryOperator.identity()).resolve("rootfs");
    PodmanTest.writeConfiguration(directory.resolve("containers.conf"));
    for (String name : new String[] {"passwd", "group"}) {
      String entry = name.equals("group") ? "x:23457:" : "x:23457:23457::/:/bin/sh";
      Files.writeString(
          directory.resolve(name),
          Files.readString(Path.of("/etc", name)) + "redoubt-test:" + entry + "\n");
    }
    Files.writeString(directory.resolve("subids"), "redoubt-test:300000:65536\n");
    Files.writeString(directory.resolve("no-subids"), "");
    sh("chmod 644 " + directory + "/*s* " + directory + "/group; chown -R 23457:23457 " + root);
  }

  private static void sh(String script) {
    Outcome outcome = Command.of("/bin/sh", "-c", script).run();
    assertEquals(0, outcome.exit(), outcome::describe);
  }

  private static Outcome run(String runtime, String ids, String script) throws IOException {
    Path work = directory.resolve(ids + runtime.substring(runtime.lastIndexOf('/') + 1));
    Files.createDirectories(work);
    sh("chown 23457:23457 " + work);
    return Command.of(
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "/bin/sh",
            "-c",
            """
            mount --bind $T/passwd /etc/passwd; mount --bind $T/group /etc/group
            for f in /etc/subuid /etc/subgid; do [ ! -e $f ] || mount --bind $T/$IDS $f; done
            mount -t tmpfs -o mode=755 tmpfs /run
            export XDG_RUNTIME_DIR=/run/user/$USER_ID HOME=/run/home
            mkdir -p $XDG_RUNTIME_DIR $HOME; chown $USER_ID:$USER_ID $XDG_RUNTIME_DIR $HOME
            exec setpriv --reuid $USER_ID --regid $USER_ID --clear-groups /bin/sh -c "$1"
            """,
            "sh",
            PRELUDE + script)
        .environment("T", directory.toString())
        .environment("USER_ID", USER)
        .environment("IDS", ids)
        .environment("W", work.toString())
        .environment("ROOT", root.toString())
        .environment("RUNTIME", runtime)
        .environment("CONTAINERS_CONF", directory.resolve("containers.conf").toString())
        .timeout(Duration.ofSeconds(90))
        .run();
  }

  private static void prints(String ids, String expected, String script) throws IOException {
    Runtimes.print(expected, runtime -> run(runtime, ids, script));
  }

  /** What both kinds of users can do. */
  private abstract static class Common {
    abstract String ids();

    @Test
    void run() throws IOException {
      prints(
          ids(),
          "0 out\n6\n",
          "none --rootfs $ROOT /bin/sh -c 'echo $(id -u) out; exit 6'; echo $?");
    }

    @Test
    void execLogsStopInspect() throws IOException {
      prints(
          ids(),
          "exec\n4\nlog\n9 exited\n137\n",
          """
          podman run -d --name p1 --network none --rootfs $ROOT /bin/sh -c 'trap "exit 9" TERM; echo log; while :; do sleep 0.1; done' >/dev/null
          podman exec p1 /bin/sh -c 'echo exec; exit 4'; echo $?
          podman logs p1
          podman stop -t 10 p1 >/dev/null
          podman inspect -f '{{.State.ExitCode}} {{.State.Status}}' p1
          podman start p1 >/dev/null; podman kill p1 >/dev/null; podman wait p1
          """);
    }

    @Test
    void volume() throws IOException {
      prints(
          ids(),
          "of the host\nnew 23457\n",
          """
          mkdir -p $W/volume; echo of the host >$W/volume/a
          none -v $W/volume:/mnt --rootfs $ROOT /bin/sh -c 'cat /mnt/a; echo new >/mnt/b'
          echo $(cat $W/volume/b) $(stat -c %u $W/volume/b)
          """);
    }

    @Test
    void programThatCannotBeRun() throws IOException {
      prints(
          ids(),
          "127\n126\n",
          """
          none --rootfs $ROOT /no/such 2>/dev/null; echo $?
          none --rootfs $ROOT /etc 2>/dev/null; echo $?
          """);
    }

    @Test
    void terminal() throws IOException {
      assumeTrue(Guests.isOnPath("script"), "script is missing");
      prints(
          ids(),
          "/dev/pts/0\n2\n",
          """
          timeout -s KILL 60 script -qec "podman --log-level fatal --storage-driver vfs --runtime $RUNTIME run -it --rm --network none --rootfs $ROOT /bin/sh -c 'tty; exit 2'" $W/typescript </dev/null >$W/out
          code=$?
          tr -cd '/a-z0-9\n' <$W/out
          echo $code
          """);
    }
  }

  @Nested
  final class OneId extends Common {
    @Override
    String ids() {
      return "no-subids";
    }
  }

  @Nested
  final class Ranges extends Common {
    @BeforeAll
    static void check() {
      assumeTrue(Guests.isOnPath("newuidmap"), "uidmap is not installed");
      assumeTrue(
          Files.exists(Path.of("/etc/subuid")) && Files.exists(Path.of("/etc/subgid")),
          "no /etc/subuid");
    }

    @Override
    String ids() {
      return "subids";
    }

    @Test
    void anotherUser() throws IOException {
      prints(
          ids(), "33 33\n", "none --user 33:33 --rootfs $ROOT /bin/sh -c 'echo $(id -u) $(id -g)'");
    }
  }
}
