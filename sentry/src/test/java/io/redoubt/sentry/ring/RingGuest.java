package io.redoubt.sentry.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The program ringguest.c, which waits in a system call while it is rewritten. */
final class RingGuest implements AutoCloseable {
  /** Where a call was made, and which. */
  record Site(long ip, int nr) {}

  final Process process;
  final int pid;
  final Map<String, Site> sites = new HashMap<>();
  private final BufferedReader out;

  RingGuest(Path directory) throws IOException, InterruptedException {
    this(directory, "-pie");
  }

  /**
   * @param link -pie, or -no-pie for a program at an address of its linker's choice
   */
  RingGuest(Path directory, String link) throws IOException, InterruptedException {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/gcc")), "needs gcc");
    assumeTrue(System.getProperty("os.arch").equals("amd64"), "needs x86-64");
    Path source = directory.resolve("ringguest.c");
    if (!Files.exists(source)) {
      try (InputStream resource = RingGuest.class.getResourceAsStream("ringguest.c")) {
        Files.copy(resource, source);
      }
    }
    String program = directory.resolve("ringguest").toString();
    Process gcc =
        new ProcessBuilder("/usr/bin/gcc", "-O1", "-Wall", link, "-o", program, source.toString())
            .inheritIO()
            .start();
    assertTrue(gcc.waitFor(60, TimeUnit.SECONDS), "gcc hangs");
    assertEquals(0, gcc.exitValue(), "gcc");
    process = new ProcessBuilder(program).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    pid = (int) process.pid();
    out = process.inputReader(StandardCharsets.US_ASCII);
    for (String line = line(); !line.equals("ready"); line = line()) {
      String[] words = line.split(" ");
      assertEquals("site", words[0], line);
      sites.put(words[1], new Site(Long.parseLong(words[2], 16), Integer.parseInt(words[3])));
    }
  }

  String line() throws IOException {
    String line = out.readLine();
    assertNotNull(line, "the guest has died");
    return line;
  }

  /** Waits until it is in read(2) for its next command. */
  void waitForRead() throws IOException, InterruptedException {
    while (readIp() != sites.get("read").ip()) {}
  }

  /** Waits until it is in read(2). @return where that goes on */
  long readIp() throws IOException, InterruptedException {
    long deadline = System.nanoTime() + 10_000_000_000L;
    for (; ; ) {
      // number, six arguments, stack pointer and instruction pointer; or "running"
      String s = Files.readString(Path.of("/proc/" + pid + "/syscall")).strip();
      if (s.startsWith("0 ")) {
        return Long.decode(s.substring(s.lastIndexOf(' ') + 1));
      }
      assertTrue(System.nanoTime() < deadline, s);
      Thread.sleep(1);
    }
  }

  void send(char letter) throws IOException {
    process.getOutputStream().write(letter);
    process.getOutputStream().flush();
  }

  /**
   * Has it run a command.
   *
   * @return two results of it, and how often its trampoline was entered
   */
  String command(char letter) throws IOException {
    send(letter);
    return line();
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
