package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The OCI commands as an ordinary user, who may not change control groups. */
final class OciRootlessTest {
  private static final String USER = "setpriv --reuid 23456 --regid 23456 --clear-groups ";

  @TempDir static Path directory;

  @BeforeAll
  static void check() throws IOException, InterruptedException {
    Redoubt.assumeSandbox();
    Redoubt.assumeRoot();
    assumeTrue(Guests.isOnPath("setpriv"), "setpriv is missing");
    new ProcessBuilder("chmod", "755", directory.toString()).start().waitFor();
    String probe = USER + Redoubt.front() + " --version";
    assumeTrue(
        Command.of("/bin/sh", "-c", probe).run().exit() == 0,
        "an ordinary user cannot reach " + Redoubt.front());
  }

  private static Outcome run(UnaryOperator<String> change, String script) throws IOException {
    Path bundle = OciRuntime.bundle(directory, change);
    Path runtimeDirectory = Files.createDirectories(bundle.resolve("run"));
    assertEquals(0, Command.of("chown", "-R", "23456:23456", bundle.toString()).run().exit());
    String body =
        """
        status() { $RT state "$1" | sed -n 's/.*"status": "\\(.*\\)".*/\\1/p'; }
        await() { n=0; until [ "$(status "$1")" = "$2" ]; do n=$((n+1)); [ $n -lt 200 ] || { echo "never $2"; return; }; sleep 0.05; done; }
        """
            + script;
    return Command.of(
            "python3", Guests.MODULE.resolve("src/test/oci/shim.py").toString(), "run", body)
        .environment("RT", USER + Redoubt.front())
        .environment("ROOTRT", Redoubt.front() + " --root " + runtimeDirectory.resolve("redoubt"))
        .environment("XDG_RUNTIME_DIR", runtimeDirectory.toString())
        .environment("EXITS", "/dev/null")
        .environment("B", bundle.toString())
        .run();
  }

  @Test
  void run() throws IOException {
    Outcome outcome =
        run(OciRuntime.runs("id -u; cat; exit 5"), "echo in | $RT run c1 -b $B; echo $?");
    assertEquals("0\nin\n5\n", outcome.out(), outcome::describe);
  }

  @Test
  void createExecKillDelete() throws IOException {
    Outcome outcome =
        run(
            UnaryOperator.identity(),
            """
            $RT create -b $B c1 </dev/null >/dev/null 2>&1; status c1
            $RT start c1; status c1
            $RT exec c1 sh -c 'echo exec; exit 3'; echo $?
            $RT kill c1 KILL; await c1 stopped
            $RT delete c1; echo $?
            """);
    assertEquals("created\nrunning\nexec\n3\n0\n", outcome.out(), outcome::describe);
  }

  /**
   * A control group that its user was given, as systemd gives one to a session (Delegate=yes): in
   * version 2, which on a machine with both has no controllers, but processes, freezing and
   * killing.
   */
  @Test
  void delegatedControlGroup() throws IOException {
    assumeTrue(
        Files.isWritable(Path.of("/sys/fs/cgroup/unified/cgroup.procs")),
        "no control groups of version 2 beside version 1");
    Outcome outcome =
        run(
            UnaryOperator.identity(),
            """
            export D=/sys/fs/cgroup/redoubt-delegated
            unshare -m sh -c 'mount --bind /sys/fs/cgroup/unified /sys/fs/cgroup
              mkdir -p $D/session && chown 23456:23456 $D $D/cgroup.procs $D/cgroup.subtree_control $D/session $D/session/cgroup.procs
              status() { $RT state $1 | sed -n "s/.*\\"status\\": \\"\\(.*\\)\\".*/\\1/p"; }
              home=$(sed -n s/^0:://p /proc/self/cgroup)
              echo $$ >$D/session/cgroup.procs
              $RT --rootless=false run -d -b $B --pid-file $B/pid c1 </dev/null >/dev/null 2>$B/err || cat $B/err
              sed -n s/^0:://p /proc/$(cat $B/pid)/cgroup
              $RT exec c1 sh -c "exit 7"; echo $?
              $RT pause c1; status c1; cat $D/session/c1/cgroup.freeze; $RT resume c1; status c1
              $RT delete -f c1; ls $D/session | grep c1
              echo $$ >/sys/fs/cgroup$home/cgroup.procs
              rmdir $D/session $D'
            """);
    assertEquals(
        "/redoubt-delegated/session/c1\n7\npaused\n1\nrunning\n", outcome.out(), outcome::describe);
  }

  /** Slurm asks as root for the state of a user's container; root then acts as that user. */
  @Test
  void rootAsksAboutAUsersContainer() throws IOException {
    Outcome outcome =
        run(
            UnaryOperator.identity(),
            """
            $RT run -d -b $B c1 </dev/null >/dev/null 2>&1
            $ROOTRT state c1 | grep -c '"status": "running"'
            sleep 100 & other=$!
            cp $XDG_RUNTIME_DIR/redoubt/c1/state $B/state
            sed -i "s/^pid .*/pid $other/; s/^pid.start .*/pid.start $(cut -d' ' -f22 /proc/$other/stat)/" $XDG_RUNTIME_DIR/redoubt/c1/state
            $ROOTRT kill c1 KILL 2>/dev/null; echo $?
            kill $other && echo "root's process was not killed"
            cat $B/state >$XDG_RUNTIME_DIR/redoubt/c1/state
            $RT delete -f c1
            """);
    assertEquals("1\n1\nroot's process was not killed\n", outcome.out(), outcome::describe);
  }

  private static UnaryOperator<String> mapped(String maps) {
    return c ->
        c.replace(
                "\"linux\": {",
                "\"linux\": {\"uidMappings\": [" + maps + "], \"gidMappings\": [" + maps + "], ")
            .replace("[{\"type\": \"pid\"}", "[{\"type\": \"user\"}, {\"type\": \"pid\"}");
  }

  /** runc spec --rootless makes such a configuration. */
  @Test
  void ownIdAlone() throws IOException {
    Outcome outcome =
        run(
            c ->
                OciRuntime.runs(
                        "busybox stat -c '%u %g' /etc; touch /new; busybox stat -c %u /new; busybox chown 5 /new 2>/dev/null || echo only one")
                    .apply(mapped("{\"containerID\": 0, \"hostID\": 23456, \"size\": 1}").apply(c)),
            "$RT run c1 -b $B </dev/null; stat -c %u $B/rootfs/new");
    assertEquals("0 0\n0\nonly one\n23456\n", outcome.out(), outcome::describe);
  }

  /** Ranges of /etc/subuid, which newuidmap(1) maps; files are given to them as well. */
  @Test
  void rangesOfIds() throws IOException {
    assumeTrue(Guests.isOnPath("newuidmap"), "newuidmap is missing");
    assumeTrue(
        Files.exists(Path.of("/etc/subuid")) && Files.exists(Path.of("/etc/subgid")),
        "/etc/subuid is missing");
    Outcome outcome =
        run(
            c ->
                OciRuntime.runs(
                        "busybox stat -c '%u %g' /etc; touch /new; busybox chown 1000:7 /new && busybox stat -c '%u %g' /new; sleep 1")
                    .apply(
                        mapped(
                                "{\"containerID\": 0, \"hostID\": 23456, \"size\": 1}, {\"containerID\": 1, \"hostID\": 400000, \"size\": 65536}")
                            .apply(c)),
            """
            unshare -m sh -c '
              printf "root:x:0:0::/:/bin/sh\\nsubtest:x:23456:23456::/:/bin/sh\\n" >$B/passwd
              echo subtest:400000:65536 >$B/subid
              mount --bind $B/passwd /etc/passwd && mount --bind $B/subid /etc/subuid && mount --bind $B/subid /etc/subgid
              $RT run -d -b $B c1 </dev/null >$B/out 2>&1
              $RT exec c1 id -u
              await c1 stopped
              cat $B/out; stat -c "%u %g" $B/rootfs/new
              $RT delete c1'
            """
                .replace(
                    "await c1 stopped",
                    "until $RT state c1 | grep -q stopped; do sleep 0.05; done"));
    assertEquals("0\n0 0\n1000 7\n400999 400006\n", outcome.out(), outcome::describe);
  }

  @Test
  void rangesThatAreNotOurs() throws IOException {
    assumeTrue(Guests.isOnPath("newuidmap"), "newuidmap is missing");
    Outcome outcome =
        run(
            mapped("{\"containerID\": 0, \"hostID\": 0, \"size\": 10}"),
            "$RT run c1 -b $B </dev/null 2>/dev/null; echo $?; $RT state c1 2>/dev/null || echo gone");
    assertEquals("1\ngone\n", outcome.out(), outcome::describe);
  }
}
