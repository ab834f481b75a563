package io.redoubt.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.launcher.OptionSet.Given;
import io.redoubt.sentry.StartFailure;
import java.util.List;
import org.junit.jupiter.api.Test;

class OptionSetTest {
  private static Given parse(String line) {
    return DoCommand.parse(line.isEmpty() ? List.of() : List.of(line.split(" ")));
  }

  private static String failure(String line) {
    return assertThrows(StartFailure.class, () -> parse(line)).getMessage();
  }

  @Test
  void valuesFollowOrAreJoined() {
    Given g = parse("--root /a --workdir=/b -e A=1 --env B=2 -eC=3 ls");
    assertEquals("/a", g.value("--root"));
    assertEquals("/b", g.value("--workdir"));
    assertEquals(List.of("A=1", "B=2", "C=3"), g.all("--env"));
    assertEquals(List.of("ls"), g.rest);
  }

  @Test
  void lettersMayBeJoined() {
    Given g = parse("-it -- bash");
    assertTrue(g.has("-i") && g.has("-t"));
    assertEquals(List.of("bash"), g.rest);
  }

  @Test
  void whatFollowsTheCommandIsTheCommands() {
    Given g = parse("ls --root -it -- x");
    assertFalse(g.has("--root") || g.has("-t"));
    assertEquals(List.of("ls", "--root", "-it", "--", "x"), g.rest);
    assertEquals(List.of("--version"), parse("-- --version").rest);
    assertEquals(List.of("-"), parse("-").rest);
  }

  @Test
  void anOptionalValueIsOnlyTakenAfterAnEqualsSign() {
    Given g = parse("--trace ls");
    assertEquals("", g.value("--trace"));
    assertEquals(List.of("ls"), g.rest);
    assertEquals("out", parse("--trace=out ls").value("--trace"));
    assertNull(parse("ls").value("--trace"));
  }

  @Test
  void mistakesAreNamedWithTheWayOut() {
    assertEquals("do: unknown option --rot; see redoubt do --help", failure("--rot /x ls"));
    assertEquals("do: unknown option -x; see redoubt do --help", failure("-ix ls"));
    assertEquals(
        "do: option --root needs a value: --root DIR; see redoubt do --help", failure("--root"));
    assertEquals(
        "do: option --writable takes no value; see redoubt do --help",
        failure("--writable=yes ls"));
  }
}
