package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Behind Docker's daemon, with an entry among its runtimes: the same scripts with runc and with
 * redoubt.
 */
final class DockerTest {
  private static final String PRELUDE =
      """
      docker() { timeout -s KILL 40 /usr/bin/docker -H unix://$W/sock "$@" </dev/null; }
      run() { docker run --runtime $RUNTIME "$@"; }
      state() { docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' $ID; }
      """;

  @TempDir static Path directory;
  private static Enclosure machine;
  private static int count;

  @BeforeAll
  static void startDocker() throws IOException, InterruptedException {
    Redoubt.assumeSandbox();
    Redoubt.assumeRoot();
    Guests.assumeInstalled("dockerd", "containerd", "runc", "ip", "unshare", "nsenter", "setpriv");
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/docker")), "docker is missing");
    Path image = TestImage.write(directory);
    Path configuration = directory.resolve("daemon.json");
    Files.writeString(
        configuration,
        """
        {"runtimes": {"redoubt": {"path": "%s"}}}
        """
            .formatted(Redoubt.front()));
    machine =
        Enclosure.start(
            directory,
            "dockerd --config-file %1$s/daemon.json --data-root %1$s/data --exec-root /run/docker -p /run/docker.pid -H unix://%1$s/sock --storage-driver vfs & wait $!; wait"
                .formatted(directory));
    boolean isUp =
        Enclosure.await(() ->
            Files.exists(directory.resolve("sock"))
                && machine
                        .command(
                            "/usr/bin/docker",
                            "-H",
                            "unix://" + directory.resolve("sock"),
                            "version")
                        .run()
                        .exit()
                    == 0);
    assumeTrue(isUp, () -> "Docker's daemon does not start here: " + machine.log());
    Outcome load = run("runc", "docker load -q -i " + image);
    assertEquals(0, load.exit(), load::describe);
  }

  @AfterAll
  static void stopDocker() throws IOException, InterruptedException {
    if (machine != null) {
      machine.close();
    }
  }

  private static Outcome run(String runtime, String script) {
    return machine
        .command("/bin/sh", "-c", PRELUDE + script)
        .environment("W", directory.toString())
        .environment("IMAGE", TestImage.NAME)
        .environment("ID", "c" + count++)
        .environment("RUNTIME", runtime)
        .timeout(Duration.ofSeconds(90))
        .run();
  }

  private static void prints(String expected, String script) throws IOException {
    for (String runtime : new String[] {"runc", "redoubt"}) { // names of the daemon's
      Runtimes.prints(runtime, expected, name -> run(name, script));
    }
  }

  @Test
  void isAmongTheRuntimes() {
    Outcome outcome =
        run("redoubt", "docker info -f '{{range $name, $_ := .Runtimes}}{{$name}} {{end}}'");
    assertTrue((" " + outcome.out()).contains(" redoubt "), outcome::describe);
  }

  @Test
  void run() throws IOException {
    prints("out\n6\n", "run --rm $IMAGE sh -c 'echo out; exit 6' 2>$W/err; echo $?; cat $W/err");
  }

  @Test
  void standardInput() throws IOException {
    prints(
        "in\n0\n",
        "echo in | timeout -s KILL 40 /usr/bin/docker -H unix://$W/sock run --runtime $RUNTIME -i --rm $IMAGE cat; echo $?");
  }

  @Test
  void execLogsKill() throws IOException {
    prints(
        "exec\n4\n5 6\nlog\nexited 137\n",
        """
        run -d --name $ID $IMAGE sh -c 'echo log; sleep 1000' >/dev/null
        docker exec $ID sh -c 'echo exec; exit 4'; echo $?
        docker exec -u 5:6 $ID sh -c 'echo $(id -u) $(id -g)'
        docker logs $ID
        docker kill $ID >/dev/null; docker wait $ID >/dev/null; state
        docker rm $ID >/dev/null
        """);
  }

  @Test
  void stopStartPause() throws IOException {
    prints(
        "exited 9\nrunning 0\npaused 0\nrunning 0\n2\n",
        """
        run -d --name $ID $IMAGE sh -c 'trap "exit 9" TERM; echo up; while :; do sleep 0.1; done' >/dev/null
        until docker logs $ID | grep -q up; do sleep 0.1; done
        docker stop -t 10 $ID >/dev/null; state
        docker start $ID >/dev/null; state
        docker pause $ID >/dev/null; state
        docker unpause $ID >/dev/null; state
        docker top $ID -o pid,args | grep -c -e 'trap' -e 'PID'
        docker rm -f $ID >/dev/null
        """);
  }

  @Test
  void programThatCannotBeRun() throws IOException {
    prints(
        "127\n127\n126\n",
        """
        for program in /no/such nosuch /etc; do
          run --rm $IMAGE $program 2>/dev/null; echo $?
        done
        """);
  }

  @Test
  void volumeTmpfsReadOnlyUserEnvironment() throws IOException {
    prints(
        "of the host b 33 /etc\nread-only\nnew\n",
        """
        mkdir -p $W/$ID; chmod 777 $W/$ID; echo of the host >$W/$ID/a
        run --rm -v $W/$ID:/mnt --tmpfs /scratch:mode=1777 --read-only -u 33 -e A=b -w /etc $IMAGE sh -c 'echo $(cat /mnt/a) $A $(id -u) $(pwd); touch /x 2>/dev/null || echo read-only; echo new >/scratch/b; busybox cp /scratch/b /mnt/b'
        cat $W/$ID/b
        """);
  }

  @Test
  void memoryLimit() throws IOException {
    prints(
        "137 true\n",
        """
        run --name $ID --memory 150m $IMAGE sh -c 'x=0123456789abcdef; while :; do x=$x$x; done' 2>/dev/null
        docker inspect -f '{{.State.ExitCode}} {{.State.OOMKilled}}' $ID
        docker rm $ID >/dev/null
        """);
  }

  @Test
  void networks() throws IOException {
    prints(
        "served\nserved\nlo\n",
        """
        run -d --name $ID $IMAGE sh -c 'while :; do echo served | busybox nc -l -p 80; done' >/dev/null
        address=$(docker inspect -f '{{.NetworkSettings.IPAddress}}' $ID)
        run --rm $IMAGE sh -c "n=0; until busybox nc $address 80 </dev/null 2>/dev/null; do n=\\$((n+1)); [ \\$n -lt 50 ] || break; sleep 0.1; done"
        run --rm --network container:$ID $IMAGE sh -c "n=0; until busybox nc 127.0.0.1 80 </dev/null 2>/dev/null; do n=\\$((n+1)); [ \\$n -lt 50 ] || break; sleep 0.1; done"
        run --rm --network none $IMAGE ls /sys/class/net | grep -v -e tunl -e sit
        docker rm -f $ID >/dev/null
        """);
  }

  @Test
  void terminal() throws IOException {
    assumeTrue(Guests.isOnPath("script"), "script is missing");
    prints(
        "/dev/pts/0\n2\n",
        """
        timeout -s KILL 60 script -qec "/usr/bin/docker -H unix://$W/sock run --runtime $RUNTIME -it --rm $IMAGE sh -c 'tty; exit 2'" $W/typescript </dev/null >$W/out
        code=$?
        tr -cd '/a-z0-9\n' <$W/out
        echo $code
        """);
  }
}
