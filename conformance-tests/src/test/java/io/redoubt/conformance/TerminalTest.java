package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** {@code redoubt do -it}: a shell on a terminal feels as it does outside. */
final class TerminalTest {
  private static final String SCRIPTS = Guests.MODULE.resolve("src/test/terminal").toString();

  @BeforeAll
  static void checkSandbox() {
    Redoubt.assumeBuilt();
    assumeTrue(Guests.isOnPath("python3"), "python3 is missing");
  }

  private static Outcome python(String script, List<String> options, List<String> command) {
    List<String> words = new ArrayList<>(List.of("python3", SCRIPTS + "/" + script));
    if (options != null && !Redoubt.isBare()) {
      words.addAll(List.of(Redoubt.front().toString(), "do"));
      words.addAll(options);
      words.add("--");
    }
    words.addAll(command);
    return Command.of(words).run();
  }

  /** Line editing, history, Ctrl-C, Ctrl-Z, background jobs, Ctrl-D, window size, echo. */
  @Test
  void shell() {
    List<String> bash = List.of("bash", "--norc", "--noprofile", "-i");
    Outcome linux = python("session.py", null, bash);
    assertEquals("exit 12", linux.out().lines().toList().getLast(), linux::describe);
    Outcome sandbox = python("session.py", List.of("-it"), bash);
    assertEquals(linux.out(), sandbox.out(), sandbox::describe);
  }

  @Test
  void callersTerminalIsRestored() {
    Redoubt.assumeSandbox();
    Outcome outcome = python("restored.py", List.of("-it"), List.of("sh", "-c"));
    assertEquals("exit 3 True\nended by TERM True True\n", outcome.out(), outcome::describe);
  }
}
