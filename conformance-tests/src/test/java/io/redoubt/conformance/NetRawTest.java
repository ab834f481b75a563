package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Who gets raw and packet sockets. What they then do is in the families {@code raw} and {@code
 * packets}.
 */
final class NetRawTest {
  private static final String REFUSED = "EPERM\n".repeat(4);
  private static final String MADE = "made\n".repeat(4);

  @TempDir static Path directory;

  @BeforeAll
  static void check() {
    Redoubt.assumeSandbox();
    Redoubt.assumeRoot();
  }

  private static Outcome frames(String... options) {
    return Redoubt.command(
            List.of(options), List.of(Guests.compiled("network/frames", true) + "", "refused"))
        .run();
  }

  @Test
  void theyTakeTheOptionAndTheCapability() {
    assertEquals(REFUSED, frames().out());
    assertEquals(MADE, frames("--net-raw").out());
    assertEquals(MADE, frames("--net-raw", "--network=none").out());
    assertEquals(REFUSED, frames("--net-raw", "--user=1000").out());
  }

  @Test
  void notInTheHostsNetwork() throws IOException {
    Outcome outcome = frames("--net-raw", "--network=host");
    assertEquals(1, outcome.exit(), outcome::describe);
    assertEquals(
        "redoubt: --net-raw: not with --network host, where raw sockets would see and forge what other processes of this host send; leave out one of the two\n",
        outcome.err());
    // Nor when all sandboxes have them.
    Path config = Files.writeString(directory.resolve("all.json"), "{\"netRaw\": true}");
    assertEquals(MADE, frames("--config=" + config).out());
    assertEquals(REFUSED, frames("--config=" + config, "--network=host").out());
  }

  @Test
  void anOrdinaryUserHasThemToo() {
    Guests.assumeInstalled("setpriv");
    Outcome outcome =
        Command.of(
                "setpriv",
                "--reuid=1000",
                "--regid=1000",
                "--clear-groups",
                Redoubt.front().toString(),
                "do",
                "--net-raw",
                "--user=0",
                "--workdir=/",
                "--",
                Guests.compiled("network/frames", true).toString(),
                "refused")
            .run();
    assertEquals(MADE, outcome.out(), outcome::describe);
  }

  /** By a raw socket, which busybox tries first. */
  @Test
  void ping() throws IOException {
    Guests.assumeInstalled("busybox");
    Path trace = directory.resolve("trace");
    Outcome outcome =
        Redoubt.command(
                List.of("--net-raw", "--trace=" + trace),
                List.of("busybox", "ping", "-c", "2", "-i", "0.1", "127.0.0.1"))
            .run();
    assertEquals(0, outcome.exit(), outcome::describe);
    assertTrue(
        outcome.out().contains("2 packets transmitted, 2 packets received, 0% packet loss"),
        outcome::describe);
    String calls = Files.readString(trace);
    assertTrue(calls.contains("SOCK_RAW"), calls);
    assertTrue(!calls.contains("EPERM"), calls);
  }

  /** What libpcap takes for a kernel without rings; and nothing that runs eBPF. */
  @Test
  void noRings() {
    Guests.assumeInstalled("python3");
    String program =
        """
        import errno, socket, struct
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        def what(call):
            try: call(); return "done"
            except OSError as e: return errno.errorcode[e.errno]
        ring = struct.pack("7I", 4096, 1, 2048, 2, 0, 0, 0)
        # RX_RING, VERSION, RESERVE, TX_RING, VNET_HDR, FANOUT, QDISC_BYPASS, FANOUT_DATA
        print(*{what(lambda: s.setsockopt(263, o, ring)) for o in (5, 10, 12, 13, 15, 18, 20, 22)})
        # VERSION, HDRLEN, RESERVE, FANOUT, ROLLOVER_STATS
        print(*{what(lambda: s.getsockopt(263, o, 4)) for o in (10, 11, 12, 18, 21)})
        # SO_ATTACH_BPF, ATTACH_REUSEPORT_CBPF, ATTACH_REUSEPORT_EBPF
        print(*{what(lambda: s.setsockopt(1, o, ring[:16])) for o in (50, 51, 52)})
        # SO_ATTACH_FILTER, of a socket that is not raw
        print(what(lambda: socket.socket().setsockopt(1, 26, ring[:16])))
        """;
    Outcome outcome =
        Redoubt.command(List.of("--net-raw"), List.of("python3", "-c", program)).run();
    assertEquals("ENOPROTOOPT\n".repeat(4), outcome.out(), outcome::describe);
  }

  /** The host kernel has no limit of its own. */
  @Test
  void membershipsAreBounded() {
    Guests.assumeInstalled("python3");
    String program =
        """
        import errno, socket, struct
        lo = socket.if_nametoindex("lo")
        def change(s, option, n):
            s.setsockopt(263, option, struct.pack("=iHH8s", lo, 0, 6, struct.pack(">HI", 0x0333, n)))
        def add(s, first):
            for n in range(first, 10000):
                try: change(s, 1, n)
                except OSError as e: return n - first, errno.errorcode[e.errno]
        a = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        b = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        change(a, 1, 0); change(a, 1, 0)
        print(*add(a, 0))
        print(*add(b, 0))
        for n in range(3): change(a, 2, 5)
        change(a, 2, 9999)
        change(a, 2, 0)
        print(*add(b, 0))
        a.close()
        print(*add(b, 1))
        """;
    Outcome outcome =
        Redoubt.command(List.of("--net-raw"), List.of("python3", "-c", program)).run();
    assertEquals(
        "4096 ENOBUFS\n0 ENOBUFS\n1 ENOBUFS\n4095 ENOBUFS\n", outcome.out(), outcome::describe);
  }

  /** Every option of every level with values of any length: the sentry's own filter kills it. */
  @Test
  void noOptionIsTheSentrysEnd() {
    Guests.assumeInstalled("python3");
    String program =
        """
        import random, socket
        random.seed(1)
        kinds = (2, 3, 1), (2, 3, 255), (10, 3, 58), (10, 3, 253), (17, 3, 0x300), (17, 2, 0)
        calls = 0
        for kind in kinds:
            s = socket.socket(*kind)
            s.setblocking(False)
            for level in 0, 1, 6, 17, 41, 58, 255, 256, 263, 270:
                for option in range(90):
                    for length in 0, 4, 16, 40, 5000:
                        value = random.choice((b"\\0", b"\\1\\0\\0\\0", b"\\xff", random.randbytes(8))) * length
                        for call in (lambda: s.setsockopt(level, option, value[:length])), (lambda: s.getsockopt(level, option, min(length, 1024))):
                            try: call()
                            except OSError: pass
                            calls += 1
            for name in (), ("lo", 3), ("lo", 3, 1, 772, random.randbytes(8)):
                for call in (lambda: s.bind(name)), (lambda: s.sendto(random.randbytes(99), name)), (lambda: s.recv(99)):
                    try: call()
                    except (OSError, TypeError): pass
        print(calls)
        """;
    Outcome outcome =
        Redoubt.command(List.of("--net-raw"), List.of("python3", "-c", program)).run();
    assertEquals("54000\n", outcome.out(), outcome::describe);
  }

  /** A bundle that runs a shell script in a network namespace that is there. */
  private static Path bundle(String namespace, boolean asks, boolean hasCapability, String script)
      throws IOException {
    Path bundle =
        OciRuntime.bundle(
            directory,
            config -> {
              String c =
                  OciRuntime.runs(script)
                      .apply(config)
                      .replace(
                          "{\"type\": \"network\"}",
                          "{\"type\": \"network\", \"path\": \"/run/netns/" + namespace + "\"}");
              c = hasCapability ? c.replace("\"CAP_CHOWN\"", "\"CAP_CHOWN\", \"CAP_NET_RAW\"") : c;
              return asks
                  ? c.replace(
                      "\"root\":",
                      "\"annotations\": {\"dev.redoubt.net-raw\": \"true\"}, \"root\":")
                  : c;
            });
    Files.copy(Guests.compiled("network/frames", true), bundle.resolve("rootfs/bin/frames"));
    Files.createSymbolicLink(bundle.resolve("rootfs/bin/ping"), Path.of("busybox"));
    return bundle;
  }

  /** Runs a script where there are namespaces left and right with a pair of veth devices. */
  private static String between(String name, String script, Object... arguments) throws Exception {
    Guests.assumeInstalled("ip", "unshare", "nsenter", "setpriv");
    Path work = Files.createDirectories(directory.resolve(name));
    Files.writeString(
        work.resolve("operator.json"),
        "{\"allow\": {\"annotations\": [\"dev.redoubt.net-raw=true\"]}}");
    String all =
        """
        ip netns add left; ip netns add right
        ip link add veth0 address 02:00:00:00:00:01 netns left type veth peer name veth0 address 02:00:00:00:00:02 netns right
        ip -n left addr add 10.78.0.1/24 dev veth0; ip -n left link set veth0 up
        ip -n right addr add 10.78.0.2/24 dev veth0; ip -n right link set veth0 up
        cd %s
        RT="%s --root state --config operator.json"
        """
            .formatted(work, Redoubt.front());
    try (Enclosure enclosure =
        Enclosure.start(work, all + script.formatted(arguments) + "echo over\nwait\n")) {
      assertTrue(
          Enclosure.await(Duration.ofSeconds(60), () -> enclosure.log().endsWith("over\n")),
          enclosure::log);
      return enclosure.log().replace("over\n", "");
    }
  }

  /**
   * The namespaces belong to a user namespace further out than the containers': the socket makers
   * stay there, as the users that the guests' roots are there, with one capability.
   */
  @Test
  void framesBetweenTwoContainers() throws Exception {
    assertEquals(
        "4 bytes to all: one\nseen from 02:02 to one\n1 packets received\nNoNewPrivs: 1\nSeccomp: 2\n"
            + "CapInh: 0000000000000000\nCapPrm: 0000000000002000\nCapEff: 0000000000002000\n"
            + "CapBnd: 0000000000000000\nCapAmb: 0000000000000000\nUid: 100000\nGid: 100000\n",
        between(
            "frames",
            """
            $RT run -b %s right >right.out 2>&1 & right=$!
            $RT run -b %s left >left.out 2>&1 & left=$!
            until grep -q received left.out || ! kill -0 $left; do sleep 0.05; done
            cat right.out; grep -v -e ping -e PING -e round-trip -e '^$' left.out | sed 's/.*transmitted, \\(. packets received\\).*/\\1/'
            for maker in /proc/[0-9]*; do
              [ "$(cat $maker/comm 2>/dev/null)" != redoubt-net ] || { cat $maker/status >status; break; }
            done
            for field in NoNewPrivs Seccomp CapInh CapPrm CapEff CapBnd CapAmb Uid Gid; do
              sed -n "s/^$field:\\t\\([0-9a-f]*\\).*/$field: \\1/p" status
            done
            $RT kill left KILL; wait
            """,
            bundle("right", true, true, "exec /bin/frames answer veth0"),
            bundle(
                "left",
                true,
                true,
                "/bin/frames ask veth0 one; /bin/ping -c 1 -q 10.78.0.2; exec sleep 100")));
  }

  @ParameterizedTest(name = "annotation {0}, capability {1}: {2}")
  @CsvSource({"true, true, made", "true, false, EPERM", "false, true, EPERM"})
  void aContainerTakesTheAnnotationAndTheCapability(
      boolean asks, boolean hasCapability, String expected) throws Exception {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      lines.add(expected);
    }
    Path bundle = bundle("left", asks, hasCapability, "exec /bin/frames refused");
    assertEquals(
        String.join("\n", lines) + "\n",
        between(asks + "-" + hasCapability, "$RT run -b %s c1 </dev/null\n", bundle));
  }

  /** By its path, which the configuration is allowed to name: without raw sockets. */
  @Test
  void aContainerInTheHostsNetwork() throws Exception {
    Path bundle = bundle("../../proc/1/ns/net", true, true, "exec /bin/frames refused");
    assertEquals(REFUSED, between("host", "$RT run -b %s c1 </dev/null\n", bundle));
  }

  @Test
  void theAnnotationTakesTheWordOfTheOperator() throws Exception {
    Path bundle = bundle("left", true, true, "exec /bin/frames refused");
    String log =
        between(
            "refused", "echo '{}' >operator.json; $RT run -b %s c1 </dev/null; echo $?\n", bundle);
    assertTrue(
        log.contains(
            "annotations.dev.redoubt.net-raw: true would weaken the sandbox, which the operator has not allowed"),
        log);
    assertTrue(log.endsWith("1\n"), log);
  }
}
