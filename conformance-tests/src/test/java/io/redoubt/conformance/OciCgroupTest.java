package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
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

  /** Of both versions, where a machine has both. */
  @Test
  void theGroupIsInEveryHierarchy() {
    prints(
        "",
        bundle("sleep 100", "{}"),
        """
        $RT create -b $B --pid-file $W/pid c1 </dev/null >/dev/null 2>&1
        grep -v ':/redoubt-test/c1$' /proc/$(cat $W/pid)/cgroup
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

  /**
   * Version 2 as far as a machine with both has it: the file system is there, without controllers.
   */
  @Test
  void version2() {
    assumeTrue(
        Files.isWritable(Path.of("/sys/fs/cgroup/unified/cgroup.procs")),
        "no control groups of version 2 beside version 1");
    Outcome o =
        OciRuntime.redoubt(directory)
            .run(
                bundle("sleep 100", "{}"),
                """
                export G=/sys/fs/cgroup/redoubt-test/c1
                unshare -m sh -c 'mount --bind /sys/fs/cgroup/unified /sys/fs/cgroup
                  state() { $RT state c1 | sed -n "s/.*\\"status\\": \\"\\(.*\\)\\".*/\\1/p"; }
                  $RT run -d -b $B --pid-file $W/pid c1 </dev/null >/dev/null 2>&1
                  sed -n s/^0:://p /proc/$(cat $W/pid)/cgroup
                  grep -cx $(cat $W/pid) $G/cgroup.procs
                  $RT exec c1 sh -c "exit 7"; echo $?
                  $RT pause c1; state; cat $G/cgroup.freeze; $RT resume c1; state
                  $RT kill c1 KILL
                  until [ "$(state)" = stopped ]; do sleep 0.05; done
                  $RT delete c1; ls -d $G 2>/dev/null; rmdir /sys/fs/cgroup/redoubt-test'
                """);
    assertEquals("/redoubt-test/c1\n1\n7\npaused\n1\nrunning\n", o.out(), o::describe);
  }

  /** What systemd is asked, of a busctl that does what systemd would. */
  @Test
  void systemdUnit() {
    Outcome o =
        OciRuntime.redoubt(directory)
            .run(
                OciRuntime.bundle(
                    directory,
                    c ->
                        c.replace(
                            "\"linux\": {",
                            "\"linux\": {\"cgroupsPath\": \"a-b.slice:pre:c1\", \"resources\": {\"memory\": {\"limit\": 100000000}, \"cpu\": {\"quota\": 50000, \"period\": 100000}, \"pids\": {\"limit\": 99}}, ")),
                """
                mkdir $W/bin
                cat >$W/bin/busctl <<'END'
                #!/bin/sh
                echo "$@" >>$W/calls
                case "$*" in *" StartTransientUnit "*) ;; *) exit 0 ;; esac
                mkdir -p /sys/fs/cgroup/pids/a.slice/a-b.slice/pre-c1.scope
                for p in $(echo "$@" | sed 's/.* PIDs au [0-9]* \\([0-9 ]*\\) D.*/\\1/'); do
                  echo $p >/sys/fs/cgroup/pids/a.slice/a-b.slice/pre-c1.scope/cgroup.procs
                done
                END
                chmod 755 $W/bin/busctl
                export PATH=$W/bin:$PATH W
                unshare -m sh -c '
                  mount -t tmpfs tmpfs /run; mkdir -p /run/systemd/system
                  $RT --systemd-cgroup run -d -b $B --pid-file $W/pid c1 </dev/null >/dev/null 2>$W/err || cat $W/err
                  sed -n "s/.*:memory://p; s/.*:pids://p" /proc/$(cat $W/pid)/cgroup
                  cat /sys/fs/cgroup/pids/a.slice/a-b.slice/pre-c1.scope/pids.max
                  $RT update --memory 128m --cpu-quota 33333 c1
                  $RT update --pids-limit -1 --cpu-quota -1 c1
                  cat /sys/fs/cgroup/pids/a.slice/a-b.slice/pre-c1.scope/pids.max
                  echo "{\\"blockIO\\": {}}" | $RT update -r - c1
                  $RT delete -f c1'
                sed 's/ PIDs au 4 [0-9 ]* D/ PIDs au 4 ... D/' $W/calls
                ls -d /sys/fs/cgroup/*/a.slice/a-b.slice/*.scope 2>/dev/null
                rmdir /sys/fs/cgroup/*/a.slice/a-b.slice /sys/fs/cgroup/*/a.slice
                """);
    String manager =
        "--system --quiet call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager ";
    assertEquals(
        "/a.slice/a-b.slice/pre-c1.scope\n/a.slice/a-b.slice/pre-c1.scope\n99\nmax\n"
            + manager
            + "StartTransientUnit ssa(sv)a(sa(sv)) pre-c1.scope replace 11 Description s redoubt container c1 Slice s a-b.slice"
            + " DefaultDependencies b false PIDs au 4 ... Delegate b true MemoryAccounting b true CPUAccounting b true"
            + " TasksAccounting b true MemoryLimit t 100000000 TasksMax t 99 CPUQuotaPerSecUSec t 500000 0\n"
            + manager
            + "SetUnitProperties sba(sv) pre-c1.scope true 2 MemoryLimit t 134217728 CPUQuotaPerSecUSec t 340000\n"
            + manager
            + "SetUnitProperties sba(sv) pre-c1.scope true 2 TasksMax t 18446744073709551615 CPUQuotaPerSecUSec t 18446744073709551615\n"
            + manager
            + "StopUnit ss pre-c1.scope replace\n",
        o.out(),
        o::describe);
  }

  @Test
  void systemdThatIsNotThere() {
    assumeTrue(!Files.exists(Path.of("/run/systemd/system")), "systemd runs this machine");
    OciRuntime.refuses(
        directory,
        OciRuntime.bundle(directory, OciRuntime.runs("true")),
        1,
        "systemd not running on this host, cannot use systemd cgroups manager",
        "$RT --systemd-cgroup run -b $B c1 </dev/null 2>/dev/null");
  }
}
