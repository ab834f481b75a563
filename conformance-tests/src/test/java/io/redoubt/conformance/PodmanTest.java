package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Podman with --runtime, as root: the same scripts with runc, where it is installed, and with
 * redoubt.
 */
final class PodmanTest {
  private static final String PRELUDE =
      """
      podman() { timeout -s KILL 40 podman --root $W/storage --runroot $W/run --storage-driver vfs --network-config-dir $W/networks --runtime $RUNTIME "$@" </dev/null; }
      # conmon starts a `podman container cleanup` that outlives `podman run`, and writes to the storage.
      trap 'while pgrep -f -- "$W/storage" >/dev/null; do sleep 0.05; done' EXIT
      none() { podman run --rm --network none "$@"; }
      """;

  @TempDir static Path directory;
  private static Path root;

  @BeforeAll
  static void check() throws IOException {
    Redoubt.assumeSandbox();
    Redoubt.assumeRoot();
    assumeTrue(Guests.isOnPath("podman") && Guests.isOnPath("conmon"), "podman is not installed");
    root = OciRuntime.bundle(directory, UnaryOperator.identity()).resolve("rootfs");
    writeConfiguration(directory.resolve("containers.conf"));
  }

  /**
   * With limits of our own, because Podman's are higher than what a caller without CAP_SYS_RESOURCE
   * may set.
   */
  static void writeConfiguration(Path file) throws IOException {
    Files.writeString(
        file,
        """
        [containers]
        default_ulimits = ["nofile=1000:1000", "nproc=1000:1000"]
        [engine]
        cgroup_manager = "cgroupfs"
        events_logger = "file"
        runtime_supports_json = ["runc", "redoubt-front"]
        """);
  }

  private static Outcome run(String runtime, String script) throws IOException {
    Path work = directory.resolve(runtime.substring(runtime.lastIndexOf('/') + 1));
    Files.createDirectories(work);
    return Command.of("/bin/sh", "-c", PRELUDE + script)
        .environment("W", work.toString())
        .environment("ROOT", root.toString())
        .environment("RUNTIME", runtime)
        .environment("CONTAINERS_CONF", directory.resolve("containers.conf").toString())
        .timeout(Duration.ofSeconds(90))
        .run();
  }

  private static void prints(String expected, String script) throws IOException {
    Runtimes.print(expected, runtime -> run(runtime, script));
  }

  @Test
  void run() throws IOException {
    prints("out\n6\n", "none --rootfs $ROOT /bin/sh -c 'echo out; exit 6'; echo $?");
  }

  @Test
  void execLogsKillInspect() throws IOException {
    prints(
        "exec\n4\n5 6\nlog\n137 exited\n",
        """
        podman run -d --name p1 --network none --rootfs $ROOT /bin/sh -c 'echo log; sleep 1000' >/dev/null
        podman exec p1 /bin/sh -c 'echo exec; exit 4'; echo $?
        podman exec -u 5:6 p1 /bin/sh -c 'echo $(id -u) $(id -g)'
        podman logs p1
        podman kill -s KILL p1 >/dev/null; podman wait p1 >/dev/null
        podman inspect -f '{{.State.ExitCode}} {{.State.Status}}' p1
        podman rm -f p1 >/dev/null
        """);
  }

  @Test
  void stopStartPause() throws IOException {
    prints(
        "9 exited\nrunning\npaused\nrunning\n137\n",
        """
        state() { podman inspect -f '{{.State.Status}}' p2; }
        podman run -d --name p2 --network none --rootfs $ROOT /bin/sh -c 'trap "exit 9" TERM; echo up; while :; do sleep 0.1; done' >/dev/null
        until podman logs p2 | grep -q up; do sleep 0.1; done
        podman stop -t 10 p2 >/dev/null
        podman inspect -f '{{.State.ExitCode}} {{.State.Status}}' p2
        podman start p2 >/dev/null; state
        podman pause p2 >/dev/null; state
        podman unpause p2 >/dev/null; state
        podman kill p2 >/dev/null; podman wait p2
        podman rm -f p2 >/dev/null
        """);
  }

  @Test
  void volumesAndMemory() throws IOException {
    prints(
        "of the host\nnew\n",
        """
        mkdir -p $W/volume; echo of the host >$W/volume/a
        none --memory 128m -v $W/volume:/mnt --rootfs $ROOT /bin/sh -c 'cat /mnt/a; echo new >/mnt/b'
        cat $W/volume/b
        """);
  }

  @Test
  void moreMemoryThanAllowed() throws IOException {
    prints(
        "137\n",
        "none --memory 150m --rootfs $ROOT /bin/sh -c 'x=0123456789abcdef; while :; do x=$x$x; done'; echo $?");
  }

  @Test
  void tmpfsReadOnlyNamesDirectoryInit() throws IOException {
    prints(
        "box b /etc\nread-only\nwritable\n3\n",
        """
        none --tmpfs /tmp:size=1m --read-only --hostname box -e A=b -w /etc --rootfs $ROOT sh -c 'echo $(hostname) $A $(pwd); touch /x 2>/dev/null || echo read-only; touch /tmp/x && echo writable'
        none --init --rootfs $ROOT sh -c 'exit 3'; echo $?
        """);
  }

  @Test
  void programThatCannotBeRun() throws IOException {
    prints(
        "127\n126\n",
        """
        none --rootfs $ROOT /no/such 2>/dev/null; echo $?
        none --rootfs $ROOT /etc 2>/dev/null; echo $?
        """);
  }

  @Test
  void networkNamespaceByPath() throws IOException {
    assumeTrue(Guests.isOnPath("ip"), "iproute2 is not installed");
    prints(
        "1\n",
        """
        ns=redoubt-test-$$
        ip netns add $ns; trap "ip netns del $ns" EXIT
        ip -n $ns link set lo up; ip -n $ns addr add 10.99.0.1/32 dev lo
        podman run --rm --network ns:/run/netns/$ns --rootfs $ROOT /bin/sh -c 'busybox ip addr show lo | grep -c 10.99.0.1'
        """);
  }

  @Test
  void networkOfAnotherContainer() throws IOException {
    prints(
        "served\n",
        """
        podman run -d --name s1 --network none --rootfs $ROOT /bin/sh -c 'while :; do echo served | busybox nc -l -p 80; done' >/dev/null
        podman run --rm --network container:s1 --rootfs $ROOT /bin/sh -c 'until busybox nc 127.0.0.1 80 </dev/null 2>/dev/null; do sleep 0.1; done'
        podman rm -f -t 0 s1 >/dev/null
        """);
  }

  /** The pod's first container has no sockets, so that nobody but its runtime sets loopback up. */
  @Test
  void pod() throws IOException {
    assumeTrue(Files.exists(Path.of("/usr/libexec/podman/catatonit")), "catatonit is missing");
    prints(
        "served\npod1\n",
        """
        podman pod create --name pod1 --network none >/dev/null
        podman run -d --pod pod1 --rootfs $ROOT /bin/sh -c 'while :; do echo served | busybox nc -l -p 80; done' >/dev/null
        podman run --rm --pod pod1 --rootfs $ROOT /bin/sh -c 'until busybox nc 127.0.0.1 80 </dev/null 2>/dev/null; do sleep 0.1; done; hostname'
        podman pod rm -f -t 0 pod1 >/dev/null
        """);
  }

  /** In an enclosure, because the bridge and the rules of the firewall would stay. */
  @Test
  void bridge() throws IOException, InterruptedException {
    for (String program : List.of("ip", "unshare", "nsenter", "setpriv", "iptables")) {
      assumeTrue(Guests.isOnPath(program), () -> program + " is missing");
    }
    assumeTrue(
        Files.exists(Path.of("/usr/lib/cni/bridge"))
            || Files.exists(Path.of("/usr/lib/podman/netavark")),
        "neither CNI plugins nor netavark are installed");
    for (String runtime : List.of("/usr/sbin/runc", Redoubt.front().toString())) {
      if (!Files.exists(Path.of(runtime))) {
        continue;
      }
      Path work = Files.createDirectories(directory.resolve("bridge" + runtime.length()));
      String script =
          """
          W=%s ROOT=%s RUNTIME=%s; export CONTAINERS_CONF=%s
          """
                  .formatted(work, root, runtime, directory.resolve("containers.conf"))
              + PRELUDE
              + """
              podman run -d --name s1 -p 8080:80 --rootfs $ROOT /bin/sh -c 'while :; do echo served | busybox nc -l -p 80; done' >/dev/null
              address=$(podman inspect -f '{{.NetworkSettings.IPAddress}}' s1)
              n=0; until busybox nc $address 80 </dev/null 2>/dev/null; do n=$((n+1)); [ $n -lt 100 ] || break; sleep 0.1; done
              podman run --rm --rootfs $ROOT busybox nc $address 80 </dev/null
              podman rm -f -t 0 s1 >/dev/null
              echo over
              wait
              """;
      try (Enclosure enclosure = Enclosure.start(work, script)) {
        Enclosure.await(() -> enclosure.log().endsWith("over\n"));
        String log = enclosure.log();
        assertEquals("served\nserved\nover\n", log.replaceAll("time=.*level=warn.*\n", ""));
      }
    }
  }

  @Test
  void terminal() throws IOException {
    assumeTrue(Guests.isOnPath("script"), "script is missing");
    prints(
        "/dev/pts/0\n2\n",
        """
        timeout -s KILL 60 script -qec "podman --root $W/storage --runroot $W/run --storage-driver vfs --runtime $RUNTIME run -it --rm --network none --rootfs $ROOT /bin/sh -c 'tty; exit 2'" $W/typescript </dev/null >$W/out
        code=$?
        tr -cd '/a-z0-9\n' <$W/out
        echo $code
        """);
  }
}
