package io.redoubt.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class RawArgumentsTest {
  @Test
  void bytesSurvive() {
    byte[] line = "java\0Main\0do\0\u00ff\u00e9\0\0".getBytes(StandardCharsets.ISO_8859_1);
    assertEquals(List.of("do", "\u00ff\u00e9", ""), RawArguments.last(line, 3));
  }

  @Test
  void textBecomesItsUtf8Bytes() {
    assertEquals("\u00c3\u00a9", RawArguments.raw("\u00e9"));
  }
}
