package io.redoubt.sentry.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/** What objdump of binutils says of code, by index in it. */
final class Disassembly {
  /** It is none, or prefixes of one. */
  static final int BAD = -1;

  final byte[] code;
  final long address;
  final byte[] lengths; // 0: none begins here
  final byte[] kinds; // as InstructionLength has them, and BAD
  final int[] targets; // of jumps and branches
  final BitSet isRipRelative = new BitSet();
  final BitSet calls = new BitSet(); // to the system
  final BitSet isTarget = new BitSet(); // of jumps, branches and calls

  private Disassembly(byte[] code, long address) {
    this.code = code;
    this.address = address;
    lengths = new byte[code.length];
    kinds = new byte[code.length];
    targets = new int[code.length];
  }

  /** Disassembles section .text of a program. */
  static Disassembly of(ElfText text) throws IOException, InterruptedException {
    Disassembly d = new Disassembly(text.code(), text.address());
    d.run(
        List.of(
            "-d",
            "-j",
            ".text",
            "--stop-address=0x" + Long.toHexString(text.address() + text.code().length),
            text.file().toString()));
    return d;
  }

  /** Disassembles bytes. */
  static Disassembly of(byte[] code, Path directory) throws IOException, InterruptedException {
    Path file = directory.resolve("code");
    Files.write(file, code);
    Disassembly d = new Disassembly(code, 0);
    d.run(List.of("-D", "-b", "binary", "-m", "i386:x86-64", file.toString()));
    return d;
  }

  private void run(List<String> arguments) throws IOException, InterruptedException {
    Path objdump = Path.of("/usr/bin/objdump");
    assumeTrue(Files.isExecutable(objdump), "needs objdump, which comes with gcc");
    List<String> command = new ArrayList<>(List.of(objdump.toString(), "-z", "--insn-width=16"));
    command.addAll(arguments);
    Process p = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    try (BufferedReader lines = p.inputReader(StandardCharsets.UTF_8)) {
      String line;
      while ((line = lines.readLine()) != null) {
        parse(line);
      }
      assertEquals(0, p.waitFor(), "objdump");
    } finally {
      p.destroyForcibly();
    }
  }

  /** A line such as {@code " 8048:\t48 89 e5 \tmov %rsp,%rbp"}. */
  private void parse(String line) {
    int colon = line.indexOf(":\t");
    int tab = colon < 0 ? -1 : line.indexOf('\t', colon + 2);
    if (colon < 0 || line.charAt(0) != ' ') {
      return; // a heading
    }
    int at = (int) (Long.parseLong(line, line.lastIndexOf(' ', colon) + 1, colon, 16) - address);
    String bytes = line.substring(colon + 2, tab < 0 ? line.length() : tab).strip();
    if (at < 0 || at >= code.length) {
      return;
    }
    lengths[at] = (byte) ((bytes.length() + 1) / 3);
    kinds[at] = (byte) (tab < 0 ? BAD : kind(at, line.substring(tab + 1)));
  }

  private static final List<String> PREFIXES =
      List.of(
          "bnd",
          "notrack",
          "repz",
          "repnz",
          "lock",
          "data16",
          "addr32",
          "cs",
          "ds",
          "es",
          "ss",
          "fs",
          "gs",
          "xacquire",
          "xrelease");

  private int kind(int at, String text) {
    int from = 0;
    String word;
    do {
      if (from >= text.length()) {
        return BAD;
      }
      int blank = text.indexOf(' ', from);
      word = text.substring(from, blank < 0 ? text.length() : blank);
      from += word.length() + 1;
    } while (PREFIXES.contains(word) || word.startsWith("rex"));
    String rest = from < text.length() ? text.substring(from).strip() : "";
    isRipRelative.set(at, rest.contains("(%rip)") || rest.contains("(%eip)"));
    if (text.contains("(bad)") || word.startsWith(".")) { // or .byte
      return BAD;
    }
    switch (word) {
      case "nop", "nopw", "nopl", "nopq" -> {
        return InstructionLength.NOP;
      }
      case "xchg" -> {
        boolean isNothing = rest.equals("%ax,%ax") || rest.equals("%rax,%rax");
        boolean isShort = code[at + lengths[at] - 1] == (byte) 0x90;
        return isNothing && isShort ? InstructionLength.NOP : InstructionLength.OTHER;
      }
      case "int3" -> {
        return InstructionLength.BREAKPOINT;
      }
      case "ret", "retw", "lret", "lretl", "lretq", "lretw", "iret", "iretl", "iretq", "iretw" -> {
        return InstructionLength.END;
      }
      case "hlt", "ud2", "ljmp", "ljmpl", "ljmpw", "rex.W" -> {
        return InstructionLength.END;
      }
      case "syscall" -> calls.set(at);
      case "call" -> {
        if (!rest.startsWith("*")) {
          target(rest);
        }
      }
      case "jmp" -> {
        if (rest.startsWith("*")) {
          return InstructionLength.END;
        }
        targets[at] = target(rest);
        return InstructionLength.JUMP;
      }
      default -> {
        if (rest.startsWith("*")) {
          return word.startsWith("jmp") ? InstructionLength.END : InstructionLength.OTHER;
        }
        if (word.startsWith("j") || word.startsWith("loop")) {
          targets[at] = target(rest);
          return InstructionLength.BRANCH;
        }
      }
    }
    return InstructionLength.OTHER;
  }

  /** Parses {@code "f82c0 <read+0x20>"}. */
  private int target(String rest) {
    int blank = rest.indexOf(' ');
    String hex = blank < 0 ? rest : rest.substring(0, blank);
    long to = Long.parseUnsignedLong(hex.startsWith("0x") ? hex.substring(2) : hex, 16) - address;
    if (to >= 0 && to < code.length) {
      isTarget.set((int) to);
    }
    return (int) to;
  }

  /** The index of the instruction before one; negative if there is none. */
  int before(int at) {
    for (int i = at - 1; i >= 0; i--) {
      if (lengths[i] > 0) {
        return i;
      }
    }
    return -1;
  }
}
