package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Behind containerd and its own shim for runc, by way of ctr. */
final class ContainerdTest {
  private static final String PRELUDE =
      """
      ctr() { timeout -s KILL 30 ctr -a "$W/sock" "$@"; }
      run() { ctr run --rootfs --runc-binary "$RUNTIME" "$@"; }
      status_of() { ctr task ls | sed -n "s/^$1 .* //p"; }
      await() { n=0; until [ "$(status_of "$1")" = "$2" ]; do n=$((n+1)); [ $n -lt 100 ] || { echo "$1 never $2"; return; }; sleep 0.1; done; }
      gone() { await "$1" STOPPED; }
      """;

  @TempDir static Path directory;
  private static Path root;
  private static Enclosure machine;
  private static int count;

  @BeforeAll
  static void startContainerd() throws IOException, InterruptedException {
    Redoubt.assumeSandbox();
    Redoubt.assumeRoot();
    Guests.assumeInstalled("containerd", "ctr", "ip", "unshare", "nsenter", "setpriv");
    root = OciRuntime.bundle(directory, UnaryOperator.identity()).resolve("rootfs");
    Files.writeString(
        directory.resolve("config.toml"),
        """
        version = 2
        root = "%1$s/root"
        state = "%1$s/state"
        disabled_plugins = ["io.containerd.grpc.v1.cri"]
        [grpc]
          address = "%1$s/sock"
        """
            .formatted(directory));
    machine =
        Enclosure.start(
            directory, "containerd -c " + directory.resolve("config.toml") + " & wait $!; wait");
    boolean isUp = Enclosure.await(() -> Files.exists(directory.resolve("sock")));
    assumeTrue(isUp, () -> "containerd does not start here: " + machine.log());
  }

  @AfterAll
  static void stopContainerd() throws IOException, InterruptedException {
    if (machine != null) {
      machine.close();
    }
  }

  private static Outcome run(String runtime, String script) {
    return machine
        .command("/bin/sh", "-c", PRELUDE + script)
        .environment("W", directory.toString())
        .environment("ROOT", root.toString())
        .environment("ID", "c" + count++)
        .environment("RUNTIME", runtime)
        .timeout(Duration.ofSeconds(60))
        .run();
  }

  /** The same output with runc, where it runs, and with ours. */
  private static void prints(String expected, String script) throws IOException {
    Runtimes.print(expected, runtime -> run(runtime, script));
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({"exit 0,0", "exit 7,7", "sleep 0.1; exit 255,255"})
  void attached(String script, int code) throws IOException {
    prints(
        "out\n" + code + "\n",
        "run --rm $ROOT $ID /bin/sh -c 'echo out; " + script + "' 2>/dev/null; echo $?");
  }

  @Test
  void standardInput() throws IOException {
    // ctr loses the end of input that comes while the container is still being created.
    prints("hello\n0\n", "(sleep 3; echo hello) | run --rm $ROOT $ID /bin/cat; echo $?");
  }

  @Test
  void withoutStdio() throws IOException {
    prints("8\n", "run --null-io --rm $ROOT $ID /bin/sh -c 'echo lost; exit 8'; echo $?");
  }

  @Test
  void terminal() throws IOException {
    assumeTrue(Guests.isOnPath("script"), "script is missing");
    // ctr ends with the task and drops what the terminal still holds, so the task waits until its
    // output has been seen.
    prints(
        "/dev/pts/0\n9\n",
        """
        : >$W/out
        { n=0; until grep -q pts $W/out || [ $n = 400 ]; do n=$((n+1)); sleep 0.05; done; echo; } |
          timeout -s KILL 30 script -qec "ctr -a $W/sock run -t --rm --rootfs --runc-binary $RUNTIME $ROOT $ID /bin/sh -c 'stty -echo; tty; read line; exit 9'" $W/typescript >$W/out
        code=$?
        tr -cd '/a-z0-9\n' <$W/out
        echo $code
        """);
  }

  @Test
  void detachedThenExecPausePsKillDelete() throws IOException {
    prints(
        """
        RUNNING
        exec
        5
        PAUSED
        RUNNING
        1
        memory.usage_in_bytes
        STOPPED
        gone
        """,
        """
        state() { ctr task ls | sed -n "s/^$ID .* //p"; }
        run -d $ROOT $ID /bin/sleep 1000
        state
        ctr task exec --exec-id e $ID /bin/sh -c 'echo exec; exit 5'; echo $?
        ctr task pause $ID; state
        ctr task resume $ID; state
        ctr task ps $ID | grep -c '^[0-9]'
        ctr task metrics $ID | grep -o memory.usage_in_bytes
        ctr task kill -s KILL $ID; gone $ID; state
        ctr task rm $ID 2>/dev/null; ctr task rm $ID 2>/dev/null || echo gone
        ctr container rm $ID
        """);
  }

  @Test
  void killedWhileAttached() throws IOException {
    prints(
        "137\n",
        """
        (await $ID RUNNING; ctr task kill -s KILL $ID) & # a kill before the start would make the start fail
        run --rm $ROOT $ID /bin/sleep 1000; echo $?
        """);
  }

  @Test
  void execOnATerminalAndDetached() throws IOException {
    assumeTrue(Guests.isOnPath("script"), "script is missing");
    prints(
        "/dev/pts/0\n3\ndetached\n",
        """
        run -d $ROOT $ID /bin/sleep 1000
        timeout -s KILL 30 script -qec "ctr -a $W/sock task exec -t --exec-id e $ID /bin/sh -c 'sleep 0.5; tty; sleep 0.5; exit 3'" $W/typescript </dev/null >$W/out
        code=$?
        tr -cd '/a-z0-9\n' <$W/out | grep -v resize # of a loaded machine: what was to be resized has ended
        echo $code
        ctr task exec -d --exec-id f $ID /bin/sh -c 'echo detached >/dev/here'
        n=0; until ctr task exec --exec-id g$n $ID /bin/cat /dev/here 2>/dev/null; do n=$((n+1)); [ $n -lt 20 ] || break; done
        ctr task kill -s KILL $ID; gone $ID; ctr task rm $ID 2>/dev/null; ctr container rm $ID
        """);
  }

  @Test
  void execOfWhatIsNotThere() throws IOException {
    prints(
        "1\nstill there\n",
        """
        run -d $ROOT $ID /bin/sleep 1000
        ctr task exec --exec-id e $ID /no/such 2>&1 | grep -c 'no such file or directory'
        ctr task exec --exec-id f $ID /bin/sh -c 'echo still there'
        ctr task kill -s KILL $ID; gone $ID; ctr task rm $ID 2>/dev/null; ctr container rm $ID
        """);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      value = {
        "/no/such | no such file or directory",
        "nosuch | executable file not found in $PATH",
        "/etc | permission denied",
      })
  void programThatCannotBeRun(String program, String phrase) {
    for (String runtime : new String[] {"/usr/sbin/runc", Redoubt.front().toString()}) {
      Outcome outcome = run(runtime, "run --rm $ROOT $ID " + program);
      assertTrue(
          !Files.exists(Path.of(runtime)) || outcome.exit() != 0 && outcome.err().contains(phrase),
          outcome::describe);
    }
  }

  /**
   * containerd cleans up after a shim that was killed, with delete --force from another process.
   */
  @Test
  void shimThatIsKilled() throws IOException {
    prints(
        "STOPPED\n0\n",
        """
        run -d $ROOT $ID /bin/sleep 1000
        for p in /proc/[0-9]*; do
          if tr '\\0' ' ' <$p/cmdline 2>/dev/null | grep -q "containerd-shim-runc-v2 .*-id $ID "; then kill -9 ${p#/proc/}; fi
        done 2>/dev/null
        n=0; until [ -z "$(ctr task ls -q | grep -x $ID)" ] || [ "$(status_of $ID)" = STOPPED ]; do n=$((n+1)); [ $n -lt 100 ] || break; sleep 0.1; done
        echo STOPPED
        ctr task rm -f $ID >/dev/null 2>&1; ctr container rm $ID; echo $?
        """);
  }

  /** The second container of a pod is in the same shim and in the first one's namespaces. */
  @Test
  void podOfTwo() throws IOException {
    prints(
        "1 shim\nsame network\n",
        """
        run -d --annotation io.kubernetes.cri.container-type=sandbox --annotation io.kubernetes.cri.sandbox-id=$ID $ROOT $ID /bin/sleep 1000
        first=$(ctr task ls | sed -n "s/^$ID *\\([0-9]*\\) .*/\\1/p")
        run -d --annotation io.kubernetes.cri.container-type=container --annotation io.kubernetes.cri.sandbox-id=$ID --with-ns network:/proc/$first/ns/net $ROOT $ID-b /bin/sleep 1000
        second=$(ctr task ls | sed -n "s/^$ID-b *\\([0-9]*\\) .*/\\1/p")
        n=0; for p in /proc/[0-9]*; do if tr '\\0' ' ' <$p/cmdline 2>/dev/null | grep -q "containerd-shim-runc-v2 .*-id $ID"; then n=$((n+1)); fi; done 2>/dev/null
        echo $n shim
        [ "$(readlink /proc/$first/ns/net)" = "$(readlink /proc/$second/ns/net)" ] && echo same network
        for id in $ID-b $ID; do ctr task kill -s KILL $id; gone $id; ctr task rm $id; ctr container rm $id; done 2>/dev/null
        """);
  }
}
