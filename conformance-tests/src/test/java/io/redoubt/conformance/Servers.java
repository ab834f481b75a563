package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.redoubt.seccomp.Syscalls;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** The sentry and the gofer of a sandbox that waits, as the host sees them, and their threads. */
final class Servers {
  private static final long CAP_CHOWN = 1L << 0;
  private static final long CAP_DAC_OVERRIDE = 1L << 1;
  private static final long CAP_DAC_READ_SEARCH = 1L << 2;
  private static final long CAP_FOWNER = 1L << 3;
  private static final long CAP_FSETID = 1L << 4;
  private static final long CAP_NET_BIND_SERVICE = 1L << 10;
  private static final long CAP_SYS_RESOURCE = 1L << 24;

  /** The root of a container that the tests run in may have fewer itself. */
  static final long OWN =
      Long.parseLong(ProcessTree.status(ProcessHandle.current().pid(), "CapBnd"), 16);

  static final long SENTRY = OWN & (CAP_DAC_OVERRIDE | CAP_NET_BIND_SERVICE | CAP_SYS_RESOURCE);
  static final long GOFER =
      OWN & (CAP_CHOWN | CAP_DAC_OVERRIDE | CAP_DAC_READ_SEARCH | CAP_FOWNER | CAP_FSETID);

  static final List<String> USER =
      List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups");

  static Process start(List<String> before, List<String> options) throws IOException {
    List<String> words = new ArrayList<>(before);
    words.add(Redoubt.front().toString());
    words.addAll(options);
    words.addAll(List.of("--", "/bin/sh", "-c", "echo ready; sleep 1000 & wait"));
    Process sandbox = Command.of(words).start();
    assertEquals("ready", sandbox.inputReader().readLine());
    return sandbox;
  }

  static long pid(String name, Process sandbox) {
    return name.equals("sentry")
        ? ProcessTree.sentry(sandbox.pid())
        : ProcessTree.gofer(sandbox.pid());
  }

  /** What a thread of another process gets for a system call: its value or the negative errno. */
  static String borrow(long thread, String call, String... arguments) {
    List<String> words = new ArrayList<>();
    words.add(Guests.compiled("isolation/borrow", true).toString());
    words.add(Long.toString(thread));
    words.add(Integer.toString(Syscalls.number(call)));
    words.addAll(List.of(arguments));
    Outcome outcome = Command.of(words).run();
    assertEquals(0, outcome.exit(), outcome::describe);
    return outcome.out().trim();
  }

  private Servers() {}
}
