package io.redoubt.launcher;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.sentry.SandboxConfig;
import io.redoubt.sentry.SandboxConfig.MountSpec;
import io.redoubt.sentry.SandboxConfig.RootMode;
import io.redoubt.sentry.StartFailure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BundleTest {
  private static final String PROCESS =
      "'process':{'args':['/bin/sh','-c','x'],'cwd':'/','env':['PATH=/p','A=é']}";

  @TempDir Path dir;

  @BeforeEach
  void rootfs() throws IOException {
    Files.createDirectory(dir.resolve("rootfs"));
  }

  private Bundle read(String json) {
    try {
      Files.writeString(dir.resolve("config.json"), json.replace('\'', '"'));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return Bundle.read(dir.toString());
  }

  private Bundle with(String fields) {
    return read("{'ociVersion':'1.0.2','root':{'path':'rootfs'}," + PROCESS + fields + "}");
  }

  private String failure(String json) {
    return assertThrows(StartFailure.class, () -> read(json)).getMessage();
  }

  private String processFailure(String process) {
    return failure("{'ociVersion':'1.0.2','root':{'path':'rootfs'},'process':{" + process + "}}");
  }

  @Test
  void theLeastThatIsNeeded() {
    Bundle b = with("");
    SandboxConfig c = b.config();
    assertEquals(List.of(), b.warnings());
    assertEquals(List.of("/bin/sh", "-c", "x"), c.args());
    assertEquals(List.of("PATH=/p", "A=\u00c3\u00a9", "HOME=/"), c.env());
    assertEquals("/p", c.searchPath());
    assertEquals(dir + "/rootfs", c.root().path());
    assertEquals(RootMode.WRITABLE, c.root().mode());
    assertEquals(List.of(StandardMounts.DEV), c.mounts());
    assertFalse(c.hasShim());
    assertEquals(0, c.capabilities().bounding());
  }

  @Test
  void everythingThatIsActedOn() {
    Bundle b =
        read(
            """
            {"ociVersion":"1.1.0","hostname":"h","domainname":"d","annotations":{"x":"y"},
             "root":{"path":"rootfs","readonly":true},
             "process":{"terminal":true,"args":["a"],"cwd":"/w","noNewPrivileges":true,
               "user":{"uid":5,"gid":6,"additionalGids":[7,4294967294],"umask":63},
               "capabilities":{"bounding":["CAP_KILL"],"effective":["CAP_CHOWN","CAP_CHECKPOINT_RESTORE"],
                 "permitted":["CAP_CHOWN","CAP_CHECKPOINT_RESTORE"],"ambient":["CAP_CHOWN"]},
               "rlimits":[{"type":"RLIMIT_NOFILE","soft":10,"hard":18446744073709551615}],"oomScoreAdj":0},
             "mounts":[{"destination":"/dev","type":"tmpfs","source":"tmpfs","options":["nosuid","strictatime","mode=755","size=65536k"]},
               {"destination":"/t","type":"tmpfs","source":"tmpfs","options":["nosuid","size=1m","ro"]},
               {"destination":"/b","source":"rootfs","options":["rbind","rro"]},
               {"destination":"/sys/fs/cgroup","type":"cgroup","source":"cgroup"}],
             "linux":{"namespaces":[{"type":"pid"},{"type":"network"}],"resources":{"devices":[{"allow":false}]},"maskedPaths":["/proc/kcore"]}}
            """);
    assertEquals(List.of(), b.warnings());
    SandboxConfig c = b.config();
    assertEquals(5, c.uid());
    assertEquals(6, c.gid());
    assertArrayEquals(new int[] {7, -2}, c.groups());
    assertEquals(077, c.umask());
    assertTrue(c.tty() && c.noNewPrivs());
    assertEquals("h", c.hostname());
    assertEquals("d", c.domainname());
    assertEquals(RootMode.READ_ONLY, c.root().mode());
    assertEquals(1L << 5, c.capabilities().bounding());
    assertEquals(1L | 1L << 40, c.capabilities().effective());
    assertEquals(0, c.capabilities().ambient());
    assertEquals(10, c.rlimits()[3 * 7 + 1]);
    assertEquals(-1, c.rlimits()[3 * 7 + 2]);
    assertEquals(
        List.of(
            StandardMounts.DEV,
            new MountSpec("tmpfs", "tmpfs", "/t", List.of("nosuid", "size=1m", "ro")),
            new MountSpec("bind", dir + "/rootfs", "/b", List.of("ro"))),
        c.mounts());
  }

  @Test
  void whatTheFrontDoes() {
    assertEquals(
        List.of(
            "ociVersion",
            "1.0.2",
            "rootfs",
            dir + "/rootfs",
            "annotations",
            "{\"a\":\"b\\n\"}",
            "hook",
            "poststop\t5\t/bin/x",
            "hook.arg",
            "x",
            "hook.env",
            "A=B",
            "console.size",
            "10:20",
            "oom.score",
            "7",
            "namespace",
            "network\t/n",
            "cgroup.path",
            "/c"),
        read("{'ociVersion':'1.0.2','root':{'path':'rootfs'},'annotations':{'a':'b\\n'},"
                + "'hooks':{'poststop':[{'path':'/bin/x','args':['x'],'env':['A=B'],'timeout':5}]},"
                + "'process':{'args':['a'],'cwd':'/','oomScoreAdj':7,'consoleSize':{'height':10,'width':20}},"
                + "'linux':{'cgroupsPath':'/c','namespaces':[{'type':'network','path':'/n'},{'type':'pid'}]}}")
            .plan());
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(
      strings = {
        "'linux':{'devices':[{'path':'/dev/x','type':'z'}]}",
        "'linux':{'devices':[{'path':'x','type':'c'}]}",
        "'linux':{'sysctl':{'vm.swappiness':'1'}}",
        "'linux':{'sysctl':{'net.ipv4.ip_forward':'1'}}",
        "'linux':{'sysctl':{'net.../../kernel.x':'1'},'namespaces':[{'type':'network'}]}",
        "'linux':{'sysctl':{'kernel.shm_rmid_forced':'1'},'namespaces':[{'type':'ipc'}]}",
        "'linux':{'maskedPaths':['etc']}",
        "'linux':{'personality':{'domain':'VAX'}}",
        "'linux':{'uidMappings':[{'containerID':1,'hostID':1,'size':1}],'namespaces':[{'type':'user'}]}",
        "'linux':{'seccomp':{'defaultAction':'SCMP_ACT_NOTIFY'}}",
        "'linux':{'seccomp':{'defaultAction':'SCMP_ACT_ALLOW','flags':['X']}}",
        "'linux':{'seccomp':{'defaultAction':'SCMP_ACT_ERRNO'}}",
        "'mounts':[{'destination':'/a','type':'tmpfs','options':['nosymfollow']}]",
        "'mounts':[{'destination':'/a','type':'bind','source':'/','options':['bind','idmap']}]",
        "'hooks':{'prestart':[{'path':'x'}]}",
        "'hooks':{'prestart':[{'path':'/x','timeout':0}]}",
        "'linux':{'namespaces':[{'type':'pid'},{'type':'pid'}]}",
        "'linux':{'resources':{'memory':{'limit':10,'swap':5}}}",
      })
  void whatCannotBeHonouredIsRefused(String fields) {
    assertThrows(
        StartFailure.class,
        () ->
            read(
                "{'ociVersion':'1.0.2','root':{'path':'rootfs'},'process':{'args':['a'],'cwd':'/'},"
                    + fields
                    + "}"));
  }

  @Test
  void whatIsUnknownOrNotDoneIsSaid() {
    assertEquals(
        List.of(
            "config.json: process.capabilities.bounding: CAP_X: unknown capability, ignored",
            "config.json: linux.namespaces: no network namespace: the sandbox has one of its own with nothing but loopback; the annotation dev.redoubt.network=host gives it the host's",
            "config.json: linux.namespaces[0].path: a sandbox shows no control groups, so that it has its own",
            "config.json: linux.resources.memory.odd: unknown field, ignored",
            "config.json: x: unknown field, ignored",
            "config.json: process.colour: unknown field, ignored"),
        read("{'ociVersion':'1.0.2','root':{'path':'rootfs'},'x':1,'hooks':{'prestart':[{'path':'/x'}]},"
                + "'process':{'args':['a'],'cwd':'/','colour':1,'capabilities':{'bounding':['CAP_X']}},"
                + "'linux':{'namespaces':[{'type':'cgroup','path':'/n'}],'resources':{'memory':{'limit':1,'odd':2}},'seccomp':{}}}")
            .warnings());
  }

  @Test
  void annotationsOnlyTighten() {
    assertEquals(
        RootMode.READ_ONLY,
        with(",'annotations':{'dev.redoubt.readonly':'true'}").config().root().mode());
    assertEquals(
        List.of(
            "config.json: annotations.dev.redoubt.limit.mounts: 999999999 is more than the operator allows, which is "
                + io.redoubt.sentry.limits.Limit.MOUNTS.most()),
        with(",'annotations':{'dev.redoubt.limit.mounts':'999999999'}").warnings());
    assertEquals(
        io.redoubt.sentry.ring.Ring.Mode.OFF,
        with(",'annotations':{'dev.redoubt.ring':'off'}").config().ring().mode());
    assertEquals(
        new io.redoubt.sentry.ring.RingUse(
            io.redoubt.sentry.ring.Ring.Mode.AUTO, java.util.Set.of("/a b", "/usr/bin/c")),
        with(",'annotations':{'dev.redoubt.ring':'auto,off=/usr/bin/c,off=/a b'}").config().ring());
    for (String wrong : List.of("", "on", "auto,", "auto,/x", "auto,off=x", "auto,off=")) {
      assertThrows(
          StartFailure.class,
          () -> with(",'annotations':{'dev.redoubt.ring':'" + wrong + "'}"),
          wrong);
    }
    for (String refused :
        List.of(
            "'dev.redoubt.ring':'always'",
            "'dev.redoubt.readonly':'false'",
            "'dev.redoubt.limit.mounts':'-1'",
            "'dev.redoubt.limit.mount':'1'",
            "'dev.redoubt.nework':'host'")) {
      assertThrows(StartFailure.class, () -> with(",'annotations':{" + refused + "}"), refused);
    }
    String weak =
        ",'linux':{'namespaces':[{'type':'pid'}]},'annotations':{'dev.redoubt.network':'host'}";
    assertEquals(
        "config.json: annotations.dev.redoubt.network: host would weaken the sandbox, which the operator has not allowed: "
            + "put {\"allow\": {\"annotations\": [\"dev.redoubt.network=host\"]}} into /etc/redoubt/redoubt.json",
        assertThrows(StartFailure.class, () -> with(weak)).getMessage());
    OperatorConfig allows =
        new OperatorConfig(
            "/c",
            io.redoubt.sentry.ring.RingUse.of(io.redoubt.sentry.ring.Ring.Mode.AUTO),
            false,
            null,
            List.of("dev.redoubt.network=host"),
            new long[0]);
    assertEquals(
        SandboxConfig.Network.HOST, Bundle.read(dir.toString(), allows).config().network());
  }

  /** What an operator's file allows, and whether it has the sandboxes have raw sockets. */
  private static OperatorConfig operator(boolean netRaw, String... allowed) {
    return new OperatorConfig(
        "/c",
        io.redoubt.sentry.ring.RingUse.of(io.redoubt.sentry.ring.Ring.Mode.AUTO),
        netRaw,
        null,
        List.of(allowed),
        new long[0]);
  }

  private SandboxConfig.Network network(String fields, OperatorConfig operator) {
    String json = "{'ociVersion':'1.0.2','root':{'path':'rootfs'}," + PROCESS + fields + "}";
    try {
      Files.writeString(dir.resolve("config.json"), json.replace('\'', '"'));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return Bundle.read(dir.toString(), operator).config().network();
  }

  @Test
  void rawSocketsTakeTheWordOfTheOperator() {
    String asks = ",'annotations':{'dev.redoubt.net-raw':'true'}";
    String host =
        ",'linux':{'namespaces':[{'type':'pid'}]},'annotations':{'dev.redoubt.network':'host'";
    assertEquals(SandboxConfig.Network.OWN, network("", operator(false)));
    assertEquals(
        SandboxConfig.Network.OWN, network("", operator(false, "dev.redoubt.net-raw=true")));
    assertEquals(
        SandboxConfig.Network.OWN_RAW, network(asks, operator(false, "dev.redoubt.net-raw=true")));
    assertEquals(SandboxConfig.Network.OWN_RAW, network(asks, operator(true)));
    assertEquals(SandboxConfig.Network.OWN_RAW, network("", operator(true)));
    assertEquals(
        "config.json: annotations.dev.redoubt.net-raw: true would weaken the sandbox, which the operator has not allowed: "
            + "put {\"allow\": {\"annotations\": [\"dev.redoubt.net-raw=true\"]}} into /c",
        assertThrows(StartFailure.class, () -> network(asks, operator(false))).getMessage());
    assertEquals(
        "config.json: annotations.dev.redoubt.net-raw: false: must be true, or left out",
        assertThrows(
                StartFailure.class, () -> network(asks.replace("true", "false"), operator(true)))
            .getMessage());
    // In the host's network there are none, whoever says so.
    OperatorConfig both = operator(true, "dev.redoubt.network=host", "dev.redoubt.net-raw=true");
    assertEquals(SandboxConfig.Network.HOST, network(host + "}", both));
    assertTrue(
        assertThrows(
                StartFailure.class, () -> network(host + ",'dev.redoubt.net-raw':'true'}", both))
            .getMessage()
            .startsWith(
                "config.json: annotations.dev.redoubt.net-raw: true: not in the host's network"));
  }

  @Test
  void badJsonSaysWhere() {
    assertEquals(
        "config.json: invalid JSON: Expected ':' at line 2 column 7", failure("{\n 'a' 1}"));
    assertEquals(
        "config.json: invalid JSON: more text after the end of the object", failure("{} {}"));
    assertEquals(
        "config.json: invalid JSON: unexpected text at line 2 column 2", failure("{'a':1,\nb:2}"));
    assertEquals("config.json: invalid JSON: must hold one object", failure("[]"));
    assertTrue(failure("").startsWith("config.json: invalid JSON: "));
    assertTrue(failure("{'a':").contains("line 1 column"));
    assertTrue(failure("[".repeat(100_000)).startsWith("config.json: invalid JSON: "));
  }

  @Test
  void whatIsMissingOrOfTheWrongKindIsNamed() {
    assertEquals(
        "config.json: ociVersion: missing; this is not an OCI configuration", failure("{}"));
    assertEquals("config.json: ociVersion: must be a string", failure("{'ociVersion':1}"));
    assertEquals(
        "config.json: process: missing; it says what to run", failure("{'ociVersion':'1.0.0'}"));
    assertEquals(
        "config.json: root.path: missing; it names the directory with the root file system",
        failure("{'ociVersion':'1.0.0','process':{}}"));
    assertEquals(
        "config.json: root.path: " + dir + "/no: no such directory",
        failure("{'ociVersion':'1.0.0','root':{'path':'no'},'process':{}}"));
    assertEquals(
        "config.json: process.args: missing or empty; it is the command to run",
        processFailure(""));
    assertEquals(
        "config.json: process.args[1]: must be a string", processFailure("'args':['a',1]"));
    assertEquals(
        "config.json: process.cwd: not an absolute path: tmp",
        processFailure("'args':['a'],'cwd':'tmp'"));
    assertEquals("config.json: process.cwd: missing", processFailure("'args':['a']"));
    assertEquals(
        "config.json: process.user.uid: must be a whole number, not negative",
        processFailure("'args':['a'],'cwd':'/','user':{'uid':-1}"));
    assertEquals(
        "config.json: process.user.uid: is larger than any id",
        processFailure("'args':['a'],'cwd':'/','user':{'uid':4294967295}"));
    assertEquals(
        "config.json: process.rlimits[0].type: RLIMIT_X is no resource limit, see getrlimit(2)",
        processFailure("'args':['a'],'cwd':'/','rlimits':[{'type':'RLIMIT_X','soft':1,'hard':1}]"));
  }

  @Test
  void mountsAreChecked() {
    assertEquals(
        "config.json: mounts[0].source: /no/such: no such file or directory",
        assertThrows(
                StartFailure.class,
                () -> with(",'mounts':[{'destination':'/a','type':'bind','source':'/no/such'}]"))
            .getMessage());
    assertEquals(
        "config.json: mounts[0].destination: not an absolute path: a",
        assertThrows(
                StartFailure.class, () -> with(",'mounts':[{'destination':'a','type':'tmpfs'}]"))
            .getMessage());
    assertEquals(
        List.of(
            "config.json: mounts[0].type: overlay: not a file system of the sandbox, not mounted",
            "config.json: mounts[1].options: fast: unknown option, ignored"),
        with(",'mounts':[{'destination':'/a','type':'overlay'},{'destination':'/b','type':'tmpfs','options':['fast']}]")
            .warnings());
  }

  @Test
  void aBundleThatIsNotThere() {
    assertTrue(
        assertThrows(StartFailure.class, () -> Bundle.read("/no/such"))
            .getMessage()
            .startsWith("bundle /no/such: no such directory"));
    assertTrue(
        assertThrows(StartFailure.class, () -> Bundle.read(dir.toString()))
            .getMessage()
            .startsWith(dir + "/config.json: no such file"));
  }
}
