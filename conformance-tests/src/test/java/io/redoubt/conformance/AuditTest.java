package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The audit log: one line for each thing that it is to tell of, in the schema of
 * docs/operations/audit.md; to a file or a socket, and never at the cost of a call.
 */
final class AuditTest {
  /** A limit that a program reaches soon. */
  private static final String FEW_FILES = "{\"limits\": {\"openFiles\": 200}}";

  /** Binds a datagram socket, and prints what comes: when it is told to, or from the start. */
  private static final String READER =
      """
      import socket, sys
      s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
      s.bind(sys.argv[1])
      print("bound", flush=True)
      if sys.argv[2] == "late":
          sys.stdin.readline()
      while True:
          line = s.recv(1 << 16).decode()
          assert line.endswith("\\n") and line.count("\\n") == 1, line
          print(line, end="", flush=True)
      """;

  @TempDir static Path directory;
  private static int logs;
  private static Set<String> members;
  private static Set<String> events;

  @BeforeAll
  static void check() throws IOException {
    Redoubt.assumeSandbox();
    Guests.assumeInstalled("python3");
    String schema = Files.readString(Redoubt.ROOT.resolve("docs/operations/audit.md"));
    String[] tables = schema.split("\\| event \\| when \\|");
    members = names(tables[0]);
    events = names(tables[1]);
    assertTrue(members.contains("suppressed") && events.contains("gofer"), () -> schema);
  }

  /** What stands in the first column of a table. */
  private static Set<String> names(String table) {
    Set<String> names = new TreeSet<>();
    for (String row : table.split("\n")) {
      if (row.startsWith("| `")) {
        for (String name : row.substring(2, row.indexOf('|', 2)).split(",")) {
          names.add(name.strip().replace("`", ""));
        }
      }
    }
    return names;
  }

  private static Path newLog() {
    return directory.resolve("log" + logs++);
  }

  private static Command guest(List<String> options, String... what) {
    List<String> words = new ArrayList<>(List.of("/guest/audited"));
    words.addAll(List.of(what));
    Path program = Guests.compiled("isolation/audited", true);
    List<String> all = new ArrayList<>(List.of("--bind", program.getParent() + ":/guest:ro"));
    all.addAll(List.of("--bind", directory + ":/mnt:ro"));
    all.addAll(options);
    return Redoubt.command(all, words);
  }

  /** The lines of a log, each of which is in the schema. */
  private static List<JsonObject> lines(String text) {
    List<JsonObject> lines = new ArrayList<>();
    for (String line : text.lines().toList()) {
      JsonObject o = JsonParser.parseString(line).getAsJsonObject();
      assertEquals(1, o.get("v").getAsInt(), line);
      assertTrue(o.get("sandbox").getAsString().matches("do-[1-9][0-9]*"), line);
      String time = o.get("time").getAsString();
      assertTrue(time.matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z"), line);
      long ago = Instant.now().toEpochMilli() - Instant.parse(time).toEpochMilli();
      assertTrue(ago >= 0 && ago < 300_000, line);
      assertTrue(events.contains(o.get("event").getAsString()), line);
      assertTrue(members.containsAll(o.keySet()), line);
      lines.add(o);
    }
    return lines;
  }

  /** What a line says besides when and in which sandbox; its threads are the first of theirs. */
  private static String essence(JsonObject line) {
    for (String member : List.of("v", "time", "sandbox")) {
      line.remove(member);
    }
    if (line.has("pid")) {
      assertTrue(line.get("pid").getAsInt() > 0, line::toString);
      assertEquals(line.remove("pid"), line.remove("tid"));
    }
    return line.toString();
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "denied | {'event':'denied-call','uid':0,'call':'ptrace','nr':101,'errno':'EPERM','args':['0x0','0x1','0x2','0x3','0x4','0x5']}",
        "missing | {'event':'denied-call','uid':0,'call':'syscall_1000','nr':1000,'errno':'ENOSYS','args':['0x6','0x5','0x4','0x3','0x2','0x1']}",
        "flags | {'event':'refused-flags','uid':0,'call':'unshare','nr':272,'errno':'EPERM','args':['0x20000',...]}",
        "limit | {'event':'limit','limit':'openFiles','usage':200,'most':200}",
        "set-id | {'event':'set-id-exec','uid':0,'path':'/tmp/set\\\"id','mode':'6755','honoured':true}",
        "set-id-in-vain | {'event':'set-id-exec','uid':0,'path':'/tmp/vain','mode':'2755','honoured':false}",
        "ring-state | {'event':'malformed-ring','uid':0,'detail':'slot in state 77 while it was served'}",
        "ring-number | {'event':'malformed-ring','uid':0,'detail':'call 43981 with a number or a payload of no trampoline\\u0027s'}",
        "ring-payload | {'event':'malformed-ring','uid':0,'detail':'call 17 with a number or a payload of no trampoline\\u0027s'}",
      })
  void tellsOnceOf(String what, String expected) throws IOException {
    Redoubt.assumeRoot();
    Path log = newLog();
    Path config = Files.writeString(directory.resolve("few-files.json"), FEW_FILES);
    List<String> options =
        List.of("--config", config.toString(), "--audit-log", log.toString(), "--ring=always");
    Outcome o = guest(options, what).run();
    assertEquals(0, o.exit(), o::describe);
    List<JsonObject> lines = lines(Files.readString(log));
    assertEquals(1, lines.size(), lines::toString);
    String said = essence(lines.getFirst()).replaceAll("(\"args\":\\[\"0x20000\").*\\]", "$1,...]");
    assertEquals(expected.replace('\'', '"').replace("\\u0027", "'"), said.replace("\\u0027", "'"));
  }

  @Test
  void theFileIsItsOwnersAlone() throws IOException {
    Path log = newLog();
    for (int runs = 1; runs <= 2; runs++) {
      guest(List.of("--audit-log", log.toString()), "denied").run();
      assertEquals(runs, lines(Files.readString(log)).size(), "appended to");
    }
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(log)));
  }

  // ---- a gofer that is gone, or not sane ----

  /** A sandbox whose guest asks the gofer all the time. */
  private static Process busy(Path log) throws IOException {
    List<String> options = List.of("--bind", directory + ":/mnt:ro", "--audit-log", log.toString());
    Process sandbox = guest(options, "wait").start();
    assertEquals("here", sandbox.inputReader().readLine());
    return sandbox;
  }

  private static void ends(Process sandbox) throws IOException {
    try {
      assertTrue(sandbox.waitFor(20, java.util.concurrent.TimeUnit.SECONDS), "the sandbox goes on");
    } catch (InterruptedException e) {
      throw new IOException(e);
    } finally {
      Command.killAll(sandbox);
    }
  }

  @Test
  void aGoferThatIsGone() throws IOException {
    Path log = newLog();
    Process sandbox = busy(log);
    Command.of("kill", "-KILL", Long.toString(ProcessTree.gofer(sandbox.pid()))).run();
    ends(sandbox);
    List<JsonObject> lines = lines(Files.readString(log));
    assertEquals(1, lines.size(), lines::toString);
    assertEquals("{\"event\":\"gofer\",\"detail\":\"gofer has gone\"}", essence(lines.getFirst()));
  }

  /** Answers that no gofer gives, written into the memory that it shares with its sentry. */
  @Test
  void aGoferThatBreaksTheProtocol() throws IOException {
    Redoubt.assumeRoot();
    Path log = newLog();
    Process sandbox = busy(log);
    long gofer = ProcessTree.gofer(sandbox.pid());
    String region =
        ProcessTree.read(gofer, "maps")
            .lines()
            .filter(line -> line.contains("/memfd:") && line.contains("rw-s"))
            .findFirst()
            .orElseThrow();
    long start = Long.parseLong(region.substring(0, region.indexOf('-')), 16);
    // RegionLayout: the sequence number of the answer of slot 0.
    long reply = start + 4096 + 128;
    ByteBuffer seven = ByteBuffer.wrap(new byte[] {7, 7, 7, 7});
    try (FileChannel memory =
        FileChannel.open(Path.of("/proc/" + gofer + "/mem"), StandardOpenOption.WRITE)) {
      while (sandbox.isAlive()) {
        memory.write(seven.rewind(), reply);
      }
    } catch (IOException e) {
      // The gofer ends with its sandbox.
    }
    ends(sandbox);
    List<JsonObject> lines = lines(Files.readString(log));
    assertEquals(1, lines.size(), lines::toString);
    String said = essence(lines.getFirst());
    assertTrue(
        Pattern.matches(
            "\\{\"event\":\"gofer\",\"detail\":\"gofer: malformed reply: seq\\S+ expected\\S+\"\\}",
            said.replace("\\u003d", "=")),
        said);
  }

  // ---- sockets ----

  private static Process reader(Path socket, String when) throws IOException {
    Process reader =
        new ProcessBuilder("python3", "-c", READER, socket.toString(), when)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    assertEquals("bound", reader.inputReader().readLine());
    return reader;
  }

  @Test
  void aSocketGetsALineADatagram() throws IOException {
    Path socket = newLog();
    Process reader = reader(socket, "at once");
    try {
      // By the operator's configuration, as well as by the command line.
      Path config = directory.resolve("socket.json");
      Files.writeString(config, "{\"audit\": \"unix:" + socket + "\"}");
      for (List<String> options :
          List.of(
              List.of("--config", config.toString()), List.of("--audit-log", "unix:" + socket))) {
        Outcome o = guest(options, "denied", "flags", "denied").run();
        assertEquals(0, o.exit(), o::describe);
        for (String event : List.of("denied-call", "refused-flags", "denied-call")) {
          JsonObject line = lines(reader.inputReader().readLine()).getFirst();
          assertEquals(event, line.get("event").getAsString());
        }
      }
    } finally {
      reader.destroyForcibly();
    }
  }

  /**
   * Nobody reads while 4,999 calls are denied: none of them waits. Then somebody does, and each
   * call is in a line or counted in one as left out.
   */
  @Test
  void nobodyWaitsForAReader() throws IOException {
    Path socket = newLog();
    Process reader = reader(socket, "late");
    Process sandbox = guest(List.of("--audit-log", "unix:" + socket), "flood").start();
    try (BufferedReader out = sandbox.inputReader();
        BufferedReader told = reader.inputReader()) {
      assertEquals("flooded", out.readLine());
      reader.outputWriter().append('\n').flush();
      JsonObject first = lines(told.readLine()).getFirst();
      assertTrue(!first.has("suppressed"), first::toString);
      long calls = 1;
      Files.createFile(directory.resolve("go"));
      while (calls < 5000) {
        JsonObject line = lines(told.readLine()).getFirst();
        calls += 1 + (line.has("suppressed") ? line.get("suppressed").getAsLong() : 0);
      }
      assertEquals(5000, calls);
    } finally {
      Files.deleteIfExists(directory.resolve("go"));
      Command.killAll(sandbox);
      reader.destroyForcibly();
    }
  }

  /** Who has read does no more: the sandbox goes on. */
  @Test
  void nobodyNeedsAReader() throws IOException, InterruptedException {
    Path socket = newLog();
    Process reader = reader(socket, "late");
    Process sandbox = guest(List.of("--audit-log", "unix:" + socket), "flood", "denied").start();
    try (BufferedReader out = sandbox.inputReader()) {
      assertEquals("flooded", out.readLine());
      reader.destroyForcibly().waitFor();
      Files.createFile(directory.resolve("go"));
      assertTrue(sandbox.waitFor(20, java.util.concurrent.TimeUnit.SECONDS));
      assertEquals(0, sandbox.exitValue());
    } finally {
      Files.deleteIfExists(directory.resolve("go"));
      Command.killAll(sandbox);
    }
  }

  @Test
  void whatCannotBeOpenedIsNamed() throws IOException {
    Path stream = newLog();
    Path fifo = newLog();
    Command.of("mkfifo", fifo.toString()).run();
    Process listener =
        new ProcessBuilder(
                "python3",
                "-c",
                "import socket, sys\n"
                    + "s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()\n"
                    + "print('bound', flush=True); s.accept()",
                stream.toString())
            .start();
    try {
      assertEquals("bound", listener.inputReader().readLine());
      for (String[] bad :
          new String[][] {
            {"unix:" + directory + "/nowhere", "No such file or directory"},
            {"unix:" + stream, "Protocol wrong type for socket"},
            {"unix:/" + "x".repeat(120), "File name too long"},
            {fifo.toString(), "No such device or address"},
            {directory + "/no/log", "No such file or directory"},
          }) {
        Outcome o = guest(List.of("--audit-log", bad[0]), "denied").run();
        assertEquals(1, o.exit(), o::describe);
        assertEquals(
            "redoubt: --audit-log: cannot open the audit log "
                + bad[0]
                + ": "
                + bad[1]
                + "; name a file in a directory that exists, or unix:PATH of a datagram socket that"
                + " somebody reads\n",
            o.err());
      }
    } finally {
      listener.destroyForcibly();
    }
  }
}
