package io.redoubt.sentry.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.redoubt.host.Fcntl;
import io.redoubt.host.Unistd;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Real programs with as many sites of their C library rewritten as there is room for do what they
 * did.
 */
class RewrittenProgramsTest {
  private static final String PYTHON =
      """
      import os, sys, signal, socket, tempfile, threading, time, subprocess
      d = tempfile.mkdtemp()
      def work(n):
          for i in range(50):
              with open(f'{d}/{n}-{i}', 'w+') as f:
                  f.write('x' * i); f.seek(i // 2); f.truncate(); f.flush(); os.fsync(f.fileno())
                  assert os.fstat(f.fileno()).st_size == i // 2
      threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
      [t.start() for t in threads]; [t.join() for t in threads]
      print(len(os.listdir(d)), sum(os.stat(f'{d}/{n}').st_size for n in os.listdir(d)))
      a, b = socket.socketpair(); a.sendall(b'hello'); print(b.recv(9))
      ticks = []
      signal.signal(signal.SIGALRM, lambda *_: ticks.append(1))
      signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
      while len(ticks) < 20: os.stat(d); os.read(os.open('/dev/zero', 0), 9); os.closerange(20, 900)
      signal.setitimer(signal.ITIMER_REAL, 0, 0)
      print(subprocess.run(['/bin/echo', 'child'], capture_output=True).stdout)
      pid = os.fork()
      if pid == 0: os._exit(len(os.listdir(d)) % 100)
      print(os.waitpid(pid, 0)[1])
      try: os.close(-1)
      except OSError as e: print(e)
      for n in os.listdir(d): os.unlink(f'{d}/{n}')
      os.rmdir(d)
      print(os.path.exists(d), os.getppid() > 1, os.getcwd())
      """;

  private static final String SHELL =
      """
      cd /usr/include || exit
      for f in *.h; do [ -r $f ] && n=$((n + 1)); done; echo $n
      cat std*.h | while read -r line; do echo "$line"; done | sort | uniq -c | md5sum
      trap 'echo usr1' USR1; kill -USR1 $$
      (cd /; pwd; exit 3); echo $? $(echo inner | tr a-z A-Z)
      read -r a b < <(echo one two); echo $b
      exec 5<stdio.h; read -r x <&5; echo "$x"; read -r x <&5; echo "$x"
      """;

  record Program(String... command) {
    @Override
    public String toString() {
      return command[0];
    }
  }

  @TempDir static Path directory;
  private static Path preload;
  private static int procFd;

  static Stream<Program> programs() {
    return Stream.of(
            new Program("/usr/bin/python3", "-c", PYTHON),
            new Program("/bin/bash", "-c", SHELL),
            new Program("/usr/bin/find", "/usr/include", "-type", "f", "-size", "+1"),
            new Program("/bin/ls", "-lR", "/usr/include/linux"),
            new Program(
                "/usr/bin/perl", "-e", "opendir D,'/usr/include';print join $\\,sort readdir D"),
            new Program("/bin/tar", "-cf", "-", "--sort=name", "/usr/include/linux"))
        .filter(p -> Files.isExecutable(Path.of(p.command[0])));
  }

  @BeforeAll
  static void compile() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/gcc")), "needs gcc");
    procFd = Fcntl.open("/proc", Fcntl.O_PATH | Fcntl.O_DIRECTORY | Fcntl.O_CLOEXEC, 0);
    preload = directory.resolve("preload.so");
    Path source = directory.resolve("preload.c");
    try (InputStream resource = RewrittenProgramsTest.class.getResourceAsStream("preload.c")) {
      Files.copy(resource, source);
    }
    Process gcc =
        new ProcessBuilder(
                "/usr/bin/gcc",
                "-O1",
                "-Wall",
                "-shared",
                "-fPIC",
                "-o",
                preload.toString(),
                source.toString())
            .inheritIO()
            .start();
    assertTrue(gcc.waitFor(60, TimeUnit.SECONDS), "gcc hangs");
    assertEquals(0, gcc.exitValue(), "gcc");
  }

  @AfterAll
  static void close() {
    Unistd.close(procFd);
  }

  private record Output(int status, String text, long entered) {}

  /** Runs it; with {@code random} after rewriting sites of it, in an order that depends on that. */
  private Output run(Program program, Random random) throws Exception {
    Path out = Files.createTempFile(directory, "out", null);
    Path count = Files.createTempFile(directory, "count", null);
    Files.write(count, new byte[4096]);
    ProcessBuilder b = new ProcessBuilder(program.command);
    b.environment().put("LD_PRELOAD", preload.toString());
    b.environment().put("REWRITTEN_BY", Long.toString(ProcessHandle.current().pid()));
    b.environment().put("REWRITTEN_COUNT", count.toString());
    b.environment().put("LC_ALL", "C");
    b.environment().put("PYTHONDONTWRITEBYTECODE", "1");
    b.redirectInput(Path.of("/dev/null").toFile());
    Process p = b.redirectErrorStream(true).redirectOutput(out.toFile()).start();
    try {
      waitUntilStopped((int) p.pid());
      if (random != null) {
        rewrite((int) p.pid(), random);
      }
      signal(p, "CONT");
      assertTrue(p.waitFor(60, TimeUnit.SECONDS), "hangs");
      String text = Files.readString(out, StandardCharsets.ISO_8859_1);
      long entered =
          ByteBuffer.wrap(Files.readAllBytes(count)).order(ByteOrder.LITTLE_ENDIAN).getLong();
      return new Output(p.exitValue(), text, entered);
    } finally {
      p.destroyForcibly();
    }
  }

  private static void waitUntilStopped(int pid) throws Exception {
    long deadline = System.nanoTime() + 30_000_000_000L;
    String stat;
    do {
      Thread.sleep(1);
      stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
      assertTrue(System.nanoTime() < deadline, stat);
    } while (!stat.substring(stat.lastIndexOf(')') + 2).startsWith("T"));
  }

  private static void signal(Process p, String name) throws Exception {
    assertEquals(0, new ProcessBuilder("/bin/kill", "-" + name, "" + p.pid()).start().waitFor());
  }

  private static void rewrite(int pid, Random random) throws Exception {
    Disassembly libc = Programs.disassembly(Programs.libc());
    long base = base(pid, Programs.libc());
    List<Integer> calls = new ArrayList<>(libc.calls.stream().boxed().toList());
    Collections.shuffle(calls, random);
    SiteRewriter rewriter = new SiteRewriter(procFd);
    int[] counts = new int[SiteResult.values().length];
    for (int call : calls) {
      int before = libc.before(call);
      boolean isNumber = libc.lengths[before] == 5 && libc.code[before] == (byte) 0xb8;
      int nr = isNumber ? SitePlan.int32(libc.code, before + 1) : -1;
      long ip = base + libc.address + call + SitePlan.CALL_BYTES;
      counts[rewriter.rewrite(pid, ip, nr, -1, 0).ordinal()]++;
    }
    assertTrue(counts[SiteResult.MOV.ordinal()] > 20);
    assertTrue(counts[SiteResult.CAVE.ordinal()] > 1);
    assertTrue(counts[SiteResult.NO_ROOM.ordinal()] > 0);
  }

  private static long base(int pid, Path file) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/maps"))) {
      if (line.endsWith(file.toString()) && line.contains(" 00000000 ")) {
        return Long.parseLong(line.substring(0, line.indexOf('-')), 16);
      }
    }
    throw new IllegalStateException(file + " is not mapped");
  }

  @ParameterizedTest
  @MethodSource("programs")
  void aRewrittenProgramDoesWhatItDid(Program program) throws Exception {
    Output expected = run(program, null);
    assertEquals(0, expected.entered);
    assertEquals(0, expected.status, expected.text);
    assertFalse(expected.text.isEmpty());
    long entered = 0;
    for (int seed = 1; seed <= 3; seed++) {
      Output o = run(program, new Random(seed));
      assertEquals(expected.status, o.status);
      assertEquals(expected.text, o.text);
      entered += o.entered;
    }
    assertTrue(entered > 10, "entered=" + entered);
  }
}
