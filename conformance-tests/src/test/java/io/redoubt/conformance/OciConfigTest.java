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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Fields of config.json: the same with runc, where it is installed, and with redoubt. */
final class OciConfigTest {
  private static final String RUN = "$RT run -b $B c1 </dev/null 2>$W/err; cat $W/err >&2";

  @TempDir static Path directory;

  @BeforeAll
  static void check() {
    Redoubt.assumeSandbox();
    Redoubt.assumeRoot();
  }

  private static UnaryOperator<String> linux(String members) {
    return config -> config.replace("\"linux\": {", "\"linux\": {" + members + ", ");
  }

  private static UnaryOperator<String> mount(String mount) {
    return config -> config.replace("\"mounts\": [", "\"mounts\": [" + mount + ", ");
  }

  private static UnaryOperator<String> top(String members) {
    return config -> config.replace("\"hostname\"", members + ", \"hostname\"");
  }

  private static Path bundle(UnaryOperator<String> change, String script) {
    return OciRuntime.bundle(directory, c -> OciRuntime.runs(script).apply(change.apply(c)));
  }

  private static void prints(String expected, UnaryOperator<String> change, String script) {
    OciRuntime.prints(directory, bundle(change, script), expected, RUN);
  }

  // ------------------------------------------------------------------------------ linux

  @Test
  void devices() {
    prints(
        "600 5 6\n10:c8\n644 fifo\nwritten\nENXIO or alike\n",
        linux(
            """
            "devices": [
              {"path": "/dev/net/tun9", "type": "c", "major": 10, "minor": 255, "fileMode": 384, "uid": 5, "gid": 6},
              {"path": "/dev/nothing", "type": "c", "major": 1, "minor": 3, "fileMode": 438},
              {"path": "/dev/queue", "type": "p", "fileMode": 420}]
            """),
        """
        busybox stat -c '%a %u %g' /dev/net/tun9
        echo 10:c8
        busybox stat -c '%a %F' /dev/queue
        echo x >/dev/nothing && echo written
        cat /dev/net/tun9 2>/dev/null || echo ENXIO or alike
        """);
  }

  @Test
  void maskedAndReadonlyPaths() throws IOException {
    Path bundle =
        bundle(
            linux(
                "\"maskedPaths\": [\"/etc/secret\", \"/hidden\", \"/no/such\"],"
                    + " \"readonlyPaths\": [\"/fixed\", \"/proc/sys\", \"/neither/this\"]"),
            """
            cat /etc/secret; busybox stat -c %F /etc/secret; ls /hidden
            touch /hidden/x 2>/dev/null || echo hidden stays empty
            touch /fixed/x 2>/dev/null || echo fixed
            touch /fixed/below/x 2>/dev/null || echo below too
            cat /fixed/below/f; touch /etc/x && echo etc is not
            echo x 2>/dev/null >/proc/sys/kernel/hostname || echo proc
            """);
    Path root = bundle.resolve("rootfs");
    Files.writeString(root.resolve("etc/secret"), "secret\n");
    Files.createDirectories(root.resolve("hidden"));
    Files.writeString(root.resolve("hidden/f"), "");
    Files.createDirectories(root.resolve("fixed/below"));
    Files.writeString(root.resolve("fixed/below/f"), "readable\n");
    OciRuntime.prints(
        directory,
        bundle,
        "character special file\nhidden stays empty\nfixed\nbelow too\nreadable\netc is not\nproc\n",
        RUN);
  }

  /** What a guest does to the names around them uncovers nothing. */
  @Test
  void masksStay() throws IOException {
    Path bundle =
        bundle(
            linux("\"maskedPaths\": [\"/etc/d/secret\"], \"readonlyPaths\": [\"/fixed\"]"),
            """
            alias mv='busybox mv' rm='busybox rm' ln='busybox ln'
            mv /etc/d /etc/e && cat /etc/e/secret
            mv /etc/e/secret /x 2>/dev/null || echo busy
            rm /etc/e/secret 2>/dev/null || echo busy
            ln /etc/e/secret /y 2>/dev/null || echo no link
            mv /fixed /loose 2>/dev/null || echo busy
            touch /fixed/f 2>/dev/null || echo fixed
            """);
    Path root = bundle.resolve("rootfs");
    OciRuntime.prints(
        directory,
        bundle,
        "busy\nbusy\nno link\nbusy\nfixed\n",
        "mkdir -p $B/rootfs/etc/d $B/rootfs/fixed; rm -rf $B/rootfs/etc/e; echo secret >$B/rootfs/etc/d/secret\n"
            + RUN);
    assertEquals(true, Files.exists(root.resolve("etc/e/secret")));
  }

  @Test
  void sysctl() {
    prints(
        "16000\n32001\t1024000001\t501\t1001\n33\nnis\n100\n1\n",
        linux(
            """
            "sysctl": {"kernel.msgmax": "16000", "kernel.sem": "32001\\t1024000001\\t501\\t1001", "fs.mqueue.msg_max": "33",
              "kernel.domainname": "nis", "net.ipv4.ip_unprivileged_port_start": "100", "net.ipv4.ip_forward": "1"}
            """),
        "cd /proc/sys; cat kernel/msgmax kernel/sem fs/mqueue/msg_max kernel/domainname"
            + " net/ipv4/ip_unprivileged_port_start net/ipv4/ip_forward");
  }

  /** The number is what the host kernel goes by: an ordinary user of the guest binds port 100. */
  @Test
  void sysctlOfTheNetworkIsReal() {
    prints(
        "bound\nrefused\n",
        config ->
            linux("\"sysctl\": {\"net.ipv4.ip_unprivileged_port_start\": \"100\"}")
                .apply(config)
                .replace("\"uid\": 0, \"gid\": 0", "\"uid\": 1000, \"gid\": 1000"),
        """
        busybox timeout 1 busybox nc -l -p 100; [ $? = 143 ] && echo bound
        busybox timeout 1 busybox nc -l -p 99 2>/dev/null; [ $? = 1 ] && echo refused
        """);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      value = {
        "\"sysctl\": {\"vm.swappiness\": \"1\"} | is not in a separate kernel namespace",
        "\"sysctl\": {\"kernel.pid_max\": \"1000\"} | is not in a separate kernel namespace",
        "\"sysctl\": {\"kernel.hostname\": \"x\"} | conflicts with the OCI",
        "\"rootfsPropagation\": \"sideways\" | rootfsPropagation=sideways",
        "\"intelRdt\": {\"closID\": \"x\"} | intelRdt is specified in config, but Intel RDT is not supported or enabled",
        "\"mountLabel\": \"system_u:object_r:x:s0\" | selinux label is specified in config, but selinux is disabled or not supported",
      })
  void isRefused(String members, String phrase) {
    if (phrase.startsWith("selinux")) {
      assumeTrue(!Files.exists(Path.of("/sys/fs/selinux/enforce")), "SELinux is on");
    }
    // runc 1.1 has other words, or none, where the machine has no such thing.
    boolean isOurs = phrase.startsWith("selinux") || phrase.startsWith("intelRdt");
    for (OciRuntime runtime :
        new OciRuntime[] {
          isOurs ? null : OciRuntime.runc(directory), OciRuntime.redoubt(directory)
        }) {
      if (runtime != null) {
        Outcome o =
            runtime.run(
                bundle(linux(members), "true"),
                "$RT run -b $B c1 </dev/null 2>/dev/null; echo $?; phrase");
        String said = o.out();
        assertEquals(true, said.startsWith("1\n"), o::describe);
        assertEquals(true, said.contains(phrase), o::describe);
      }
    }
  }

  /** What is ignored without harm is said, and the container runs. */
  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      value = {
        "\"rootfsPropagation\": \"rshared\" | rootfsPropagation: rshared: mounts of the sandbox and of the host do not reach each other",
        "\"timeOffsets\": {\"monotonic\": {\"secs\": 5}} | timeOffsets: not supported yet, ignored",
        "\"devices\": [{\"path\": \"/dev/sda\", \"type\": \"b\", \"major\": 8, \"minor\": 0}] | to open it is ENXIO",
      })
  void isWarnedAbout(String members, String phrase) {
    Outcome o =
        OciRuntime.redoubt(directory)
            .run(bundle(linux(members), "echo runs"), "$RT run -b $B c1 </dev/null");
    assertEquals("runs\n", o.out(), o::describe);
    assertEquals(true, o.err().contains(phrase), o::describe);
  }

  @Test
  void personality() {
    Outcome o =
        OciRuntime.redoubt(directory)
            .run(
                bundle(linux("\"personality\": {\"domain\": \"LINUX32\"}"), "busybox uname -m"),
                RUN);
    assertEquals("i686\n", o.out(), o::describe); // runc 1.1 does not know it
  }

  /** runc 1.1 knows neither. */
  @Test
  void schedulerAndIoPriority() {
    assumeTrue(Guests.isOnPath("chrt") && Guests.isOnPath("ionice"), "chrt is missing");
    UnaryOperator<String> change =
        c ->
            c.replace(
                "\"noNewPrivileges\"",
                "\"scheduler\": {\"policy\": \"SCHED_BATCH\", \"nice\": 3}, \"ioPriority\": {\"class\": \"IOPRIO_CLASS_IDLE\"}, \"noNewPrivileges\"");
    prints2(
        "SCHED_BATCH\n3\nidle\n",
        bundle(change, "sleep 100"),
        """
        $RT run -d -b $B --pid-file $W/pid c1 </dev/null >/dev/null 2>&1
        chrt -p $(cat $W/pid) | sed -n 's/.*policy: //p'; ps -o ni= -p $(cat $W/pid) | tr -d ' '; ionice -p $(cat $W/pid)
        $RT delete -f c1
        """);
  }

  // ------------------------------------------------------------------------------ mounts

  @Test
  void tmpfsOwner() {
    prints(
        "5 6 750\n",
        mount(
            "{\"destination\": \"/mnt\", \"type\": \"tmpfs\", \"source\": \"tmpfs\", \"options\": [\"uid=5\", \"gid=6\", \"mode=750\"]}"),
        "busybox stat -c '%u %g %a' /mnt");
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({"rro", "ro"})
  void readOnlyBinds(String option) {
    prints(
        "refused\n",
        mount(
            "{\"destination\": \"/mnt\", \"type\": \"bind\", \"source\": \"/tmp\", \"options\": [\"rbind\", \""
                + option
                + "\"]}"),
        "touch /mnt/x 2>/dev/null || echo refused");
  }

  private static final String WITH_A_MOUNT_BELOW =
      """
      mkdir -p $B/rootfs/src/sub
      unshare -m sh -c 'mount -t tmpfs tmpfs $B/rootfs/src/sub; echo inner >$B/rootfs/src/sub/file; $RT run -b $B c1 </dev/null 2>/dev/null'
      """;

  private static UnaryOperator<String> bindOfSrc(String options) {
    // The bundle is where the test is told: a source is relative to it.
    return mount(
        "{\"destination\": \"/mnt\", \"type\": \"bind\", \"source\": \"rootfs/src\", \"options\": ["
            + options
            + "]}");
  }

  /** What is mounted below the source comes along only if the configuration says so. */
  @ParameterizedTest(name = "{0}")
  @CsvSource({"rbind,inner", "bind,hidden"})
  void mountsBelowTheSourceOfABind(String option, String seen) {
    OciRuntime.prints(
        directory,
        bundle(
            bindOfSrc('"' + option + '"'),
            "cat /mnt/sub/file 2>/dev/null || echo hidden; cd /mnt; echo *"),
        seen + "\nsub\n",
        WITH_A_MOUNT_BELOW);
  }

  /** {@code ro} is about the bind itself, {@code rro} about what is mounted below it as well. */
  @ParameterizedTest(name = "{0}")
  @CsvSource({"ro,written", "rro,refused"})
  void readOnlyBindWithMountsBelow(String option, String below) {
    OciRuntime.prints(
        directory,
        bundle(
            bindOfSrc("\"rbind\", \"" + option + '"'),
            """
            (echo x >/mnt/x) 2>/dev/null || echo refused
            for d in /mnt/sub '/mnt/sub/a b/c'; do (echo x >"$d/x") 2>/dev/null && echo written || echo refused; done
            """),
        "refused\n" + below + "\n" + below + "\n",
        """
        mkdir -p $B/rootfs/src/sub
        unshare -m sh -c 'mount -t tmpfs tmpfs $B/rootfs/src/sub; mkdir -p "$B/rootfs/src/sub/a b/c"; mount -t tmpfs tmpfs "$B/rootfs/src/sub/a b/c"; $RT run -b $B c1 </dev/null 2>/dev/null'
        """);
  }

  @Test
  void nosuidNodevNoexec() {
    prints(
        "noexec\nnodev\n",
        mount(
            "{\"destination\": \"/mnt\", \"type\": \"tmpfs\", \"source\": \"tmpfs\", \"options\": [\"noexec\", \"nodev\"]}"),
        "cp /bin/busybox /mnt/true; /mnt/true 2>/dev/null || echo noexec; echo nodev"
            .replace("cp ", "busybox cp "));
  }

  // ------------------------------------------------------------------------------ ids

  private static final String MAPPED =
      "\"uidMappings\": [{\"containerID\": 0, \"hostID\": 200000, \"size\": 1000}, {\"containerID\": 1000, \"hostID\": 300000, \"size\": 10}],"
          + " \"gidMappings\": [{\"containerID\": 0, \"hostID\": 200000, \"size\": 1000}, {\"containerID\": 1000, \"hostID\": 300000, \"size\": 10}]";

  private static UnaryOperator<String> mapped() {
    return config ->
        linux(MAPPED)
            .apply(config)
            .replace("[{\"type\": \"pid\"}", "[{\"type\": \"user\"}, {\"type\": \"pid\"}")
            .replace(
                "[\"CAP_KILL\", \"CAP_CHOWN\"]",
                "[\"CAP_KILL\", \"CAP_CHOWN\", \"CAP_SETUID\", \"CAP_SETGID\", \"CAP_DAC_OVERRIDE\"]");
  }

  @Test
  void idMaps() throws IOException {
    Path bundle =
        bundle(
            mapped(),
            """
            busybox stat -c '%u %g' /data /data/of1000 /data/ofnobody
            touch /data/new; busybox chown 1001:5 /data/new && echo chowned
            busybox chown 5000 /data/new 2>/dev/null || echo no such id
            echo x >/data/of1000 && echo written
            """);
    Path work = Files.createDirectories(bundle.resolve("rootfs/data"));
    Files.writeString(work.resolve("of1000"), "");
    Files.writeString(work.resolve("ofnobody"), "");
    Command.of("chown", "-R", "200000:200000", bundle.resolve("rootfs").toString()).run();
    Command.of("chown", "300000:200007", work.resolve("of1000").toString()).run();
    Command.of("chown", "0:0", work.resolve("ofnobody").toString()).run();
    OciRuntime.prints(
        directory,
        bundle,
        "0 0\n1000 7\n65534 65534\nchowned\nno such id\nwritten\n300001 200005\n",
        "chmod 755 $B $B/..; $RT run -b $B c1 </dev/null; stat -c '%u %g' $B/rootfs/data/new; rm $B/rootfs/data/new");
  }

  @Test
  void processesHaveTheMappedIds() {
    OciRuntime.prints(
        directory,
        bundle(mapped(), "sleep 100"),
        "200000\n",
        """
        chown -R 200000:200000 $B/rootfs; chmod 755 $B $B/..
        $RT run -d -b $B c1 </dev/null >/dev/null 2>&1 || phrase
        stat -c %u /proc/$(pid c1)
        $RT delete -f c1
        """);
  }

  // ------------------------------------------------------------------------------ hooks

  private static UnaryOperator<String> startContainer(String path, String args, String more) {
    return top(
        "\"hooks\": {\"startContainer\": [{\"path\": \""
            + path
            + "\", \"args\": ["
            + args
            + "]"
            + more
            + "}]}");
  }

  @Test
  void startContainerHooks() {
    OciRuntime.prints(
        directory,
        bundle(
            startContainer(
                "/bin/sh",
                "\"sh\", \"-c\", \"echo $A ${TERM:-none} $(hostname) $(id -u) $0; grep -o 'status.:.[a-z]*' >&2; touch /made\"",
                ", \"env\": [\"A=b\", \"PATH=/bin\"]"),
            "ls /made"),
        "created\n/made\n0\n",
        """
        $RT create -b $B --pid-file $W/pid c1 </dev/null >$W/out 2>&1
        ls $B/rootfs/made 2>/dev/null; status c1
        $RT start c1
        exit_of $(cat $W/pid) >$W/code
        cat $W/out $W/code; rm -f $B/rootfs/made
        $RT delete c1
        """);
  }

  @Test
  void startContainerHookThatFails() {
    for (OciRuntime runtime :
        new OciRuntime[] {OciRuntime.runc(directory), OciRuntime.redoubt(directory)}) {
      if (runtime != null) {
        Outcome o =
            runtime.run(
                bundle(startContainer("/bin/sh", "\"sh\", \"-c\", \"exit 3\"", ""), "echo runs"),
                "$RT run -b $B c1 </dev/null 2>/dev/null; echo $?; $RT state c1 >/dev/null 2>&1 || echo gone");
        assertEquals("1\ngone\n", o.out(), o::describe);
      }
    }
  }

  // ------------------------------------------------------------------------------ exec --cgroup

  @Test
  void execInAGroupBelow() {
    assumeTrue(Files.isWritable(Path.of("/sys/fs/cgroup/pids")), "no control groups of version 1");
    OciRuntime.prints(
        directory,
        bundle(linux("\"cgroupsPath\": \"/redoubt-config\""), "sleep 100"),
        "/redoubt-config/below\n/redoubt-config\n255\n",
        """
        $RT run -d -b $B c1 </dev/null >/dev/null 2>&1
        mkdir /sys/fs/cgroup/pids/redoubt-config/below
        of() { sed -n "s/.*:pids:\\(.*\\)/\\1/p" /proc/$(cat $W/pid)/cgroup; }
        $RT exec -d --pid-file $W/pid --cgroup pids:below c1 sleep 50 </dev/null >/dev/null 2>&1; of
        $RT exec -d --pid-file $W/pid c1 sleep 50 </dev/null >/dev/null 2>&1; of
        $RT exec --cgroup pids:nowhere c1 true 2>/dev/null; echo $?
        $RT delete -f c1; rmdir /sys/fs/cgroup/pids/redoubt-config/below /sys/fs/cgroup/*/redoubt-config 2>/dev/null
        true
        """);
  }

  // ------------------------------------------------------------------------------ network

  private static final String ECHO =
      "busybox nc -l -p 5555 -e cat & sleep 0.3; echo hello | busybox nc -w 2 127.0.0.1 5555; sleep 100";

  @Test
  void socketsOfADetachedContainer() {
    prints2(
        "hello\nagain\n",
        bundle(UnaryOperator.identity(), ECHO),
        """
        $RT create -b $B c1 </dev/null >$W/out 2>&1; $RT start c1
        n=0; until grep -q hello $W/out || [ $n = 100 ]; do n=$((n+1)); sleep 0.1; done; cat $W/out
        $RT exec c1 sh -c 'busybox nc -l -p 5556 -e cat & sleep 0.3; echo again | busybox nc -w 2 127.0.0.1 5556'
        $RT delete -f c1
        """);
  }

  /** runc does not bring loopback up: that is left to whoever made the network namespace. */
  private static void prints2(String expected, Path bundle, String script) {
    Outcome o = OciRuntime.redoubt(directory).run(bundle, script);
    assertEquals(expected, o.out(), o::describe);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({"host, true, reached", "host, false, refused", "none, true, no"})
  void hostNetworkTakesTheWordOfTheOperator(String word, boolean isAllowed, String expected)
      throws java.io.IOException {
    java.nio.file.Files.writeString(
        directory.resolve("operator.json"),
        isAllowed ? "{\"allow\": {\"annotations\": [\"dev.redoubt.network=host\"]}}" : "{}");
    UnaryOperator<String> change =
        c ->
            top("\"annotations\": {\"dev.redoubt.network\": \"" + word + "\"}")
                .apply(c.replace(", {\"type\": \"network\"}", ""));
    prints2(
        expected + "\n",
        bundle(
            change,
            "busybox nc -w 2 127.0.0.1 18765 </dev/null 2>/dev/null && echo reached || echo no"),
        """
        python3 -c 'import socket; s=socket.create_server(("127.0.0.1", 18765)); print("up", flush=True); s.settimeout(10); s.accept()' >$W/up 2>/dev/null & server=$!
        until grep -q up $W/up; do sleep 0.05; done
        $RT --config $W/../operator.json run -b $B c1 </dev/null 2>$W/err
        grep -q 'annotations.dev.redoubt.network: host would weaken the sandbox.*operator.json' $W/err && echo refused
        kill $server 2>/dev/null; true
        """);
  }
}
