package io.redoubt.launcher;

import java.io.FileInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The command line byte for byte. What {@code main} gets has gone through a charset, which loses
 * what is not UTF-8.
 */
final class RawArguments {
  private RawArguments() {}

  /** The last {@code args.length} arguments of this process, as Latin-1. */
  static List<String> of(String[] args) {
    try (FileInputStream in = new FileInputStream("/proc/self/cmdline")) {
      return last(in.readAllBytes(), args.length);
    } catch (IOException e) {
      List<String> decoded = new ArrayList<>();
      for (String a : args) {
        decoded.add(raw(a));
      }
      return decoded;
    }
  }

  /** The last {@code count} of NUL-terminated strings. */
  static List<String> last(byte[] commandLine, int count) {
    List<String> all = new ArrayList<>();
    int from = 0;
    for (int i = 0; i < commandLine.length; i++) {
      if (commandLine[i] == 0) {
        all.add(new String(commandLine, from, i - from, StandardCharsets.ISO_8859_1));
        from = i + 1;
      }
    }
    return all.subList(Math.max(0, all.size() - count), all.size());
  }

  /** Text as its UTF-8 bytes in Latin-1: how everything below the launcher keeps names. */
  static String raw(String text) {
    return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
  }
}
