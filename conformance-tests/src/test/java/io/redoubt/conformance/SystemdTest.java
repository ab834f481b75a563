package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code --systemd-cgroup} with a systemd and its bus, as runc does it. */
final class SystemdTest {
  @TempDir static Path directory;

  @BeforeAll
  static void canRunSystemd() {
    assumeTrue(Redoubt.isRoot(), "needs root");
    for (String program :
        new String[] {
          "/lib/systemd/systemd", "/usr/bin/dbus-daemon", "/lib/systemd/system/dbus.socket"
        }) {
      assumeTrue(Files.exists(Path.of(program)), program + " is missing");
    }
  }

  private static final String SCRIPT =
      """
      U=redoubt-c1.scope
      properties() { systemctl show $U -p Slice,Delegate,MemoryMax,MemoryLimit,CPUQuotaPerSecUSec,CPUShares,TasksMax,ActiveState; }
      groups() { grep -v :devices: /proc/$(cat $W/pid)/cgroup | cut -d : -f 2-; }
      $RT --systemd-cgroup run -d -b $B --pid-file $W/pid c1 </dev/null >/dev/null 2>&1; echo "run $?"
      properties; groups
      $RT --systemd-cgroup update --memory 128m --pids-limit 50 c1; echo "update $?"
      properties
      systemctl daemon-reload; groups # it looks at all units again, and sets what they should be
      cat /sys/fs/cgroup/memory/test.slice/$U/memory.limit_in_bytes /sys/fs/cgroup/pids/test.slice/$U/pids.max 2>&1
      $RT --systemd-cgroup exec c1 true; echo "exec $?"
      $RT --systemd-cgroup pause c1; status c1; $RT --systemd-cgroup resume c1; status c1
      $RT --systemd-cgroup delete -f c1; echo "delete $?"
      n=0; while systemctl is-active -q $U && [ $n -lt 100 ]; do n=$((n+1)); sleep 0.05; done
      systemctl list-units --all --no-legend | grep -c redoubt
      find /sys/fs/cgroup -name $U
      """;

  private static String hostsGroups() {
    return Command.of("sh", "-c", "grep cgroup /proc/mounts; ls /sys/fs/cgroup").run().out();
  }

  @Test
  void scopeOfAContainer() throws IOException, InterruptedException {
    Path bundle =
        OciRuntime.bundle(
            directory,
            c ->
                c.replace(
                    "\"linux\": {",
                    "\"linux\": {\"cgroupsPath\": \"test.slice:redoubt:c1\", \"resources\": {\"memory\": {\"limit\": 67108864}, \"cpu\": {\"shares\": 512, \"quota\": 50000, \"period\": 100000}, \"pids\": {\"limit\": 100}}, "));
    String start = Files.readString(Guests.MODULE.resolve("src/test/oci/systemd.sh"));
    String groups = hostsGroups();
    try (Enclosure enclosure = Enclosure.start(directory, start)) {
      boolean isUp =
          Enclosure.await(() ->
              enclosure
                  .command("systemctl", "is-active", "bus.target")
                  .run()
                  .out()
                  .equals("active\n"));
      assumeTrue(isUp, "systemd does not start here: " + enclosure.log());
      OciRuntime reference = OciRuntime.runc(directory);
      assumeTrue(reference != null, "runc is missing");
      Outcome expected = reference.run(enclosure, bundle, SCRIPT);
      Outcome outcome = OciRuntime.redoubt(directory).run(enclosure, bundle, SCRIPT);
      assertEquals(expected.out(), outcome.out(), outcome::describe);
      String[] lines = outcome.out().split("\n");
      assertEquals("run 0", lines[0], outcome::describe);
      assertEquals("0", lines[lines.length - 1], outcome::describe);
    }
    assertEquals(groups, hostsGroups(), "systemd has changed what the machine has mounted");
  }
}
