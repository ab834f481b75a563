package io.redoubt.conformance;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Control groups: where processes are, limits, update, and the end of memory. */
final class OciCgroupTest {
  @TempDir static Path directory;

  @BeforeAll
  static void check() {
    Redoubt.assumeSandbox();
    Redoubt.assumeRoot();
    assumeTrue(
        Files.isWritable(Path.of("/sys/fs/cgroup/memory"))
            && Files.isWritable(Path.of("/sys/fs/cgroup/pids")),
        "no writable control groups of version 1");
  }

  private static Path bundle(String script, String resources) {
    return OciRuntime.bundle(
        directory,
        c ->
            OciRuntime.runs(script)
                .apply(c)
                .replace(
                    "\"linux\": {",
                    "\"linux\": {\"cgroupsPath\": \"/redoubt-test/c1\", \"resources\": "
                        + resources
                        + ", "));
  }

  private static void prints(String expected, Path bundle, String script) {
    OciRuntime.prints(
        directory,
        bundle,
        expected,
        script
            + "\nrmdir /sys/fs/cgroup/*/redoubt-test 2>/dev/null; ls -d /sys/fs/cgroup/*/redoubt-test 2>/dev/null");
  }

  @Test
  void limitsAreSetAndUpdated() {
    prints(
        "67108864 100 512 50000 0\n134217728 50\n200\n",
        bundle(
            "sleep 100",
            "{\"memory\": {\"limit\": 67108864}, \"pids\": {\"limit\": 100}, \"cpu\": {\"shares\": 512, \"quota\": 50000, \"period\": 100000, \"cpus\": \"0\"}}"),
        """
        G=/sys/fs/cgroup
        $RT run -d -b $B c1 </dev/null >/dev/null 2>&1 || phrase
        echo $(cat $G/memory/redoubt-test/c1/memory.limit_in_bytes $G/pids/redoubt-test/c1/pids.max $G/cpu/redoubt-test/c1/cpu.shares $G/cpu/redoubt-test/c1/cpu.cfs_quota_us $G/cpuset/redoubt-test/c1/cpuset.cpus)
        $RT update --memory 128m --pids-limit 50 c1
        echo $(cat $G/memory/redoubt-test/c1/memory.limit_in_bytes $G/pids/redoubt-test/c1/pids.max)
        echo '{"cpu": {"shares": 200}}' | $RT update --resources=- c1
        cat $G/cpu/redoubt-test/c1/cpu.shares
        $RT delete -f c1
        """);
  }

  @Test
  void theFirstProcessIsInTheGroupWhenCreateReturns() {
    prints(
        "in it\n",
        bundle("sleep 100", "{}"),
        """
        $RT create -b $B --pid-file $W/pid c1 </dev/null >/dev/null 2>&1
        grep -q ':memory:/redoubt-test/c1$' /proc/$(cat $W/pid)/cgroup && echo in it
        $RT delete -f c1
        """);
  }

  /** Most of what a group may have is left to the guest: it dies, who serves it does not. */
  @Test
  void guestThatUsesUpItsMemoryIsKilled() {
    prints(
        "killed\n",
        bundle("tail /dev/zero", "{\"memory\": {\"limit\": 134217728, \"swap\": 134217728}}"),
        """
        $RT run -d -b $B --pid-file $W/pid c1 </dev/null >$W/out 2>&1
        [ $(exit_of $(cat $W/pid)) = 137 ] && [ $(sed -n 's/oom_kill //p' /sys/fs/cgroup/memory/redoubt-test/c1/memory.oom_control) -gt 0 ] && echo killed
        $RT delete c1
        """);
  }

  @Test
  void eventsPrintFigures() {
    prints(
        "stats\n",
        bundle("sleep 100", "{}"),
        """
        $RT run -d -b $B c1 </dev/null >/dev/null 2>&1
        $RT events --stats c1 | grep -q '"type":"stats","id":"c1","data":{.*"memory":{"usage":{"limit":' || $RT events --stats c1 | grep -q '"type":"stats"' && echo stats
        $RT delete -f c1
        """);
  }
}
