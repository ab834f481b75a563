package io.redoubt.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The names and conversions are runc's; see the kernel's documents of cgroup v1 and v2. */
class ResourcesTest {
  private static List<String> settings(String json, boolean unified) {
    JsonFields fields =
        new JsonFields(Bundle.parse(json.replace('\'', '"')), "", new ArrayList<>());
    List<String> out = new ArrayList<>();
    for (String s : Resources.settings(fields, unified)) {
      out.add(s.replace('\t', ' '));
    }
    return out;
  }

  private static final String ALL =
      "{'memory':{'limit':100,'swap':300,'reservation':50},'cpu':{'shares':1024,'quota':5000,'period':10000,'cpus':'0-1'},"
          + "'pids':{'limit':-1},'blockIO':{'weight':500,'throttleReadBpsDevice':[{'major':8,'minor':0,'rate':7}]},"
          + "'hugepageLimits':[{'pageSize':'2MB','limit':9}]}";

  @Test
  void versionOne() {
    assertEquals(
        List.of(
            "memory memory.limit_in_bytes 100",
            "memory memory.memsw.limit_in_bytes 300",
            "memory memory.soft_limit_in_bytes 50",
            "cpu cpu.shares 1024",
            "cpu cpu.cfs_period_us 10000",
            "cpu cpu.cfs_quota_us 5000",
            "cpuset cpuset.cpus 0-1",
            "pids pids.max max",
            "blkio blkio.weight 500",
            "blkio blkio.throttle.read_bps_device 8:0 7",
            "hugetlb hugetlb.2MB.limit_in_bytes 9"),
        settings(ALL, false));
  }

  @Test
  void versionTwo() {
    assertEquals(
        List.of(
            "memory memory.max 100",
            "memory memory.swap.max 200",
            "memory memory.low 50",
            "cpu cpu.weight 39",
            "cpu cpu.max 5000 10000",
            "cpuset cpuset.cpus 0-1",
            "pids pids.max max",
            "io io.weight default 4950",
            "io io.max 8:0 rbps=7",
            "hugetlb hugetlb.2MB.max 9"),
        settings(ALL, true));
  }

  @Test
  void noLimit() {
    assertEquals(
        List.of("memory memory.max max", "memory memory.swap.max max", "cpu cpu.max max 100000"),
        settings("{'memory':{'limit':-1,'swap':-1},'cpu':{'quota':-1}}", true));
  }
}
