package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which network a sandbox has, and what it may do there. */
final class NetworkTest {
  private static final String MAKER = "redoubt-net";

  @BeforeAll
  static void check() {
    Redoubt.assumeSandbox();
    assumeTrue(Guests.isOnPath("python3"), "python3 is missing");
  }

  private static Outcome python(List<String> options, String program) {
    return Redoubt.command(options, List.of("/usr/bin/python3", "-c", program)).run();
  }

  private static String connectTo(int port) {
    return "import socket\n"
        + "try: socket.create_connection(('127.0.0.1', "
        + port
        + "), 5); print('connected')\n"
        + "except OSError as e: print(e.strerror)";
  }

  @Test
  void loopbackOfTheHostIsAnotherOne() throws IOException {
    try (ServerSocket host = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      String program = connectTo(host.getLocalPort());
      assertEquals("Connection refused\n", python(List.of(), program).out());
      assertEquals("Connection refused\n", python(List.of("--network=none"), program).out());
      assertEquals("connected\n", python(List.of("--network=host"), program).out());
    }
  }

  @Test
  void portOfTheSandboxIsNotOneOfTheHost() throws IOException {
    try (ServerSocket host = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      String program =
          "import socket; socket.create_server(('127.0.0.1', "
              + host.getLocalPort()
              + ")); print('bound')";
      assertEquals("bound\n", python(List.of(), program).out());
    }
  }

  @Test
  void unknownNetworkIsRefused() {
    Outcome outcome = Redoubt.command(List.of("--network=bridge"), List.of("true")).run();
    assertEquals(1, outcome.exit(), outcome::describe);
    assertEquals("redoubt: --network: bridge: neither none nor host\n", outcome.err());
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(
      strings = {
        "socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)",
        "socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)",
        "socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)",
        "socket.socket().setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'lo')",
        "fcntl.ioctl(socket.socket(), 0x8914, struct.pack('16sh22x', b'lo', 0))", // SIOCSIFFLAGS
        "fcntl.ioctl(socket.socket(socket.AF_UNIX), 0x8914, struct.pack('16sh22x', b'lo', 0))",
      })
  void whatReachesFurtherIsNotPermitted(String call) {
    Outcome outcome =
        python(
            List.of(),
            "import fcntl, socket, struct\ntry: "
                + call
                + "; print('done')\nexcept OSError as e: print(e.errno)");
    assertEquals("1\n", outcome.out(), outcome::describe);
  }

  /** RTM_NEWLINK that would set loopback down, hidden behind a question. */
  @Test
  void netlinkOnlyAnswersQuestions() {
    String program =
        """
        import socket, struct
        s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        s.bind((0, 0))
        link = struct.pack("BxHiII", 0, 0, 1, 0, 1)
        ask = struct.pack("IHHII", 16 + len(link), 18, 1, 1, 0) + link
        set = struct.pack("IHHII", 16 + len(link), 16, 5, 2, 0) + link
        s.send(ask + set)
        kind = struct.unpack_from("H", s.recv(65536), 4)[0]
        answer = s.recv(65536)
        print(kind, struct.unpack_from("H", answer, 4)[0], struct.unpack_from("i", answer, 16)[0] < 0)
        t = socket.create_server(("127.0.0.1", 0))
        socket.create_connection(t.getsockname())
        print("still up")
        """;
    Outcome outcome = python(List.of(), program);
    assertEquals("16 2 True\nstill up\n", outcome.out(), outcome::describe);
  }

  @Test
  void programWithoutSocketsHasNoSocketMaker() throws Exception {
    assertFalse(names("import sys; print('ready', flush=True); sys.stdin.read()").contains(MAKER));
  }

  @Test
  void socketMakerGoesWithTheSandbox() throws Exception {
    assertTrue(
        names("import socket, sys; socket.socket(); print('ready', flush=True); sys.stdin.read()")
            .contains(MAKER));
  }

  /** Runs a program until it is ready, kills the front, and checks that nothing is left. */
  private static List<String> names(String program) throws Exception {
    Process process =
        new ProcessBuilder(
                Redoubt.front().toString(), "do", "--", "/usr/bin/python3", "-c", program)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try {
      assertEquals("ready", process.inputReader().readLine());
      List<Long> all = new ArrayList<>(ProcessTree.below(process.pid()));
      List<String> names = all.stream().map(ProcessTree::name).toList();
      process.destroyForcibly();
      assertEquals(List.of(), ProcessTree.survivors(all, 2000));
      return names;
    } finally {
      Command.killAll(process);
    }
  }

  @Test
  void ordinaryUserHasANetworkToo() {
    Redoubt.assumeRoot();
    assumeTrue(Guests.isOnPath("setpriv"), "setpriv is missing");
    String program =
        """
        import os, socket
        s = socket.create_server(("127.0.0.1", 0))
        c = socket.create_connection(s.getsockname())
        s.accept()[0].send(b"hello")
        print(os.getuid(), c.recv(9))
        try:
            socket.create_server(("127.0.0.1", 80))
        except OSError as e:
            print(e.errno)
        """;
    Outcome outcome =
        Command.of(
                "setpriv",
                "--reuid=1000",
                "--regid=1000",
                "--clear-groups",
                Redoubt.front().toString(),
                "do",
                "--workdir=/",
                "--",
                "/usr/bin/python3",
                "-c",
                program)
            .run();
    assertEquals("1000 b'hello'\n13\n", outcome.out(), outcome::describe);
  }
}
