package io.redoubt.sentry.tty;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class LineDisciplineTest {
  private final LineDiscipline d = new LineDiscipline(16 * 1024);

  private void type(String s) {
    for (byte b : s.getBytes(ISO_8859_1)) {
      d.receive(b);
    }
  }

  private String read(int length) {
    byte[] b = new byte[length];
    return new String(b, 0, d.read(b, length), ISO_8859_1);
  }

  private String screen() {
    byte[] b = new byte[16 * 1024];
    return new String(b, 0, d.output.take(b, 0, b.length), ISO_8859_1);
  }

  @Test
  void aLineIsReadableAtItsEnd() {
    type("ls -l");
    assertFalse(d.hasInput(1));
    type("\r");
    assertTrue(d.hasInput(1));
    assertEquals(6, d.readable());
    assertEquals("ls -l\n", read(100));
    assertEquals("ls -l\r\n", screen());
  }

  @Test
  void aReadStopsAtTheEndOfALine() {
    type("one\ntwo\n");
    assertEquals("on", read(2));
    assertEquals("e\n", read(100));
    assertEquals("two\n", read(100));
  }

  @Test
  void eraseTakesBackCharactersAndTheirEcho() {
    type("ab\177c\177\177\177x\n");
    assertEquals("x\n", read(100));
    assertEquals("ab\b \bc\b \b\b \bx\r\n", screen());
  }

  @Test
  void eraseOfAControlCharacterTakesBothColumns() {
    type("\1\177\n");
    assertEquals("\n", read(100));
    assertEquals("^A\b \b\b \b\r\n", screen());
  }

  @Test
  void wordErase() {
    type("foo bar  \27baz\n");
    assertEquals("foo baz\n", read(100));
  }

  @Test
  void killRubsTheLineOut() {
    type("abc\25d\n");
    assertEquals("d\n", read(100));
    assertEquals("abc\b \b\b \b\b \bd\r\n", screen());
  }

  @Test
  void endOfFileAfterTextEndsTheReadAndAloneEndsTheFile() {
    type("abc\4");
    assertEquals("abc", read(100));
    assertFalse(d.hasInput(1));
    type("\4");
    assertTrue(d.hasInput(1));
    assertEquals("", read(100));
    assertFalse(d.hasInput(1));
  }

  @Test
  void endOfFileRightAfterAFullBufferIsNotAnEndOfFile() {
    type("abc\4");
    assertEquals("abc", read(3));
    assertFalse(d.hasInput(1));
  }

  @Test
  void literalNextKeepsSpecialCharacters() {
    type("a\26\3b\26\4\n");
    assertEquals("a\3b\4\n", read(100));
    assertEquals("a^\b^Cb^\b^D\r\n", screen());
    assertEquals(0, d.takeSignals());
  }

  @Test
  void signalCharactersFlushAndAreEchoed() {
    type("abc\3");
    assertEquals(1L << 1, d.takeSignals());
    assertFalse(d.hasInput(1));
    assertEquals("^C", screen());
    type("\34\32");
    assertEquals(1L << 2 | 1L << 19, d.takeSignals());
  }

  @Test
  void rawModeGivesBytesAtOnce() {
    d.modes.lflag &= ~(Termios.ICANON | Termios.ECHO | Termios.ISIG);
    d.modes.iflag = 0;
    type("a\r\3");
    assertTrue(d.hasInput(3));
    assertFalse(d.hasInput(4));
    assertEquals("a\r\3", read(100));
    assertEquals("", screen());
  }

  @Test
  void outputIsStoppedAndStarted() {
    type("\23");
    byte[] b = "hi\n".getBytes(ISO_8859_1);
    assertEquals(0, d.write(b, 0, 3));
    type("\21");
    assertEquals(3, d.write(b, 0, 3));
    assertEquals("hi\r\n", screen());
  }

  @Test
  void aLineThatIsTooLongStillEnds() {
    type("x".repeat(5000) + "\n");
    assertEquals("x".repeat(4095) + "\n", read(5000));
  }

  @Test
  void linesThatWaitStopTheTyping() {
    type("y\n");
    int room = d.room();
    assertTrue(room > 0 && room < 4096);
    type("z".repeat(room));
    assertEquals(0, d.room());
  }

  @Test
  void utf8IsErasedWhole() {
    d.modes.iflag |= Termios.IUTF8;
    type("a\303\244\177\n");
    assertEquals("a\n", read(100));
    assertEquals("a\303\244\b \b\r\n", screen());
  }

  @Test
  void switchingToCanonicalModeMakesALineOfWhatIsThere() {
    int local = d.modes.lflag;
    d.modes.lflag &= ~Termios.ICANON;
    d.modesChanged(local, d.modes.iflag);
    type("abc");
    int raw = d.modes.lflag;
    d.modes.lflag |= Termios.ICANON;
    d.modesChanged(raw, d.modes.iflag);
    assertTrue(d.hasInput(1));
    assertEquals("abc", read(10));
  }
}
