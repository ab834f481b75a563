package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * ELF files of any number of loadable segments, up to as many headers as fit into 64 KiB
 * (load_elf_phdrs() in fs/binfmt_elf.c): 1,170. Each is made here, executed on Linux and in the
 * sandbox, and does the same.
 */
final class ManySegmentsTest {
  private static final int PHDR = 56;
  private static final int TEXT = 0x12000; // behind the largest table
  private static final int DATA = 0x14000; // in the file; and in memory
  private static final int STEP = 0x3000; // in memory; in the file a page
  private static final int EXEC = 2;
  private static final int DYN = 3;

  @TempDir static Path directory;

  @BeforeAll
  static void check() {
    Redoubt.assumeSandbox();
  }

  /** The segments of data; everything that a test spoils. */
  private static final class Spec {
    int type = EXEC;
    int count;
    int headers; // in e_phnum; the rest of the table is PT_NULL
    String interpreter;
    boolean isOverlapping;
    boolean hasEmpty;

    Spec(int type, int count) {
      this.type = type;
      this.count = count;
      headers = count + 1;
    }
  }

  /** What the program prints: the sum of the first words of all its data. */
  private static long sum(Spec s) {
    long sum = 0;
    for (int k = 0; k < s.count; k++) {
      sum += s.isOverlapping ? word(s.count - 1) : isFilled(k) ? word(k) : 0;
    }
    return sum;
  }

  private static long word(int k) {
    return 1_000_003L * k + 1;
  }

  /** Of three one is read-only, one has zeroes behind its bytes, one is nothing but zeroes. */
  private static boolean isFilled(int k) {
    return k % 3 != 2;
  }

  private static void write(String name, Spec s) throws IOException {
    long base = s.type == EXEC ? 0x400000 : 0;
    ByteBuffer b = ByteBuffer.allocate(DATA + (s.count + 1) * 4096).order(ByteOrder.LITTLE_ENDIAN);
    b.putInt(0x464c457f).put(new byte[] {2, 1, 1}).position(16);
    b.putShort((short) s.type).putShort((short) 62).putInt(1);
    b.putLong(base + TEXT).putLong(64).putLong(0).putInt(0);
    b.putShort((short) 64).putShort((short) PHDR).putShort((short) s.headers);
    b.position(64);
    if (s.interpreter != null) {
      byte[] path = (s.interpreter + "\0").getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
      header(b, 3, 4, TEXT + 0x1000, 0, path.length, path.length);
      b.put(TEXT + 0x1000, path);
    }
    header(b, 1, 5, 0, base, TEXT + 0x1000, TEXT + 0x1000);
    for (int k = 0; k < s.count; k++) {
      int offset = DATA + k * 4096;
      long at = base + DATA + (s.isOverlapping ? 0 : (long) k * STEP);
      b.putLong(offset, word(k));
      if (s.isOverlapping) {
        header(b, 1, 6, offset, at, 8, 8 + 100L * (s.count - k));
      } else if (s.hasEmpty && !isFilled(k)) {
        header(b, 1, 6, offset, at, 0, 0);
      } else {
        header(b, 1, k % 3 == 0 ? 4 : 6, offset, at, isFilled(k) ? 8 : 0, k % 3 == 0 ? 8 : 0x2000);
      }
    }
    b.position(TEXT);
    b.put(code(DATA - TEXT, s.hasEmpty ? 1 : s.count, s.isOverlapping ? 0 : STEP));
    Path file = Files.write(directory.resolve(name), b.array());
    file.toFile().setExecutable(true, false);
  }

  private static void header(
      ByteBuffer b, int type, int flags, long offset, long address, long inFile, long inMemory) {
    b.putInt(type).putInt(flags).putLong(offset).putLong(address).putLong(address);
    b.putLong(inFile).putLong(inMemory).putLong(4096);
  }

  /** Adds {@code count} words up, writes the sum and leaves with 7. */
  private static byte[] code(int toData, int count, int step) {
    ByteBuffer b = ByteBuffer.allocate(80).order(ByteOrder.LITTLE_ENDIAN);
    put(b, 0x48, 0x8d, 0x1d).putInt(toData - 7); // lea toData(%rip),%rbx
    put(b, 0xb9).putInt(count); // mov $count,%ecx
    put(b, 0x31, 0xed); // xor %ebp,%ebp
    put(b, 0x48, 0x03, 0x2b); // add (%rbx),%rbp
    put(b, 0x48, 0x81, 0xc3).putInt(step); // add $step,%rbx
    put(b, 0xff, 0xc9); // dec %ecx
    put(b, 0x75, -14); // jnz to the first add
    put(b, 0x55); // push %rbp
    put(b, 0xb8).putInt(1); // write(1, %rsp, 8)
    put(b, 0xbf).putInt(1);
    put(b, 0x48, 0x89, 0xe6);
    put(b, 0xba).putInt(8);
    put(b, 0x0f, 0x05);
    put(b, 0xb8).putInt(60); // exit(7)
    put(b, 0xbf).putInt(7);
    put(b, 0x0f, 0x05);
    return b.array();
  }

  private static ByteBuffer put(ByteBuffer b, int... bytes) {
    for (int one : bytes) {
      b.put((byte) one);
    }
    return b;
  }

  /** A line for each: its exit code and what it wrote. */
  private static List<String> run(boolean isInside, List<String> names) {
    String script =
        "cd "
            + directory
            + "; for f in "
            + String.join(" ", names)
            + "; do\n"
            + "env ./$f >/tmp/out 2>/dev/null; echo $f $? $(od -An -tu8 /tmp/out); done";
    Command command =
        isInside
            ? Redoubt.command("sh", "-c", script)
            : Command.of("sh", "-c", script.replace("/tmp/out", directory + "/out"));
    Outcome o = command.run();
    assertEquals(0, o.exit(), o::describe);
    return o.out().lines().toList();
  }

  @Test
  void runAsOnLinux() throws IOException {
    List<String> names = new ArrayList<>();
    List<String> expected = new ArrayList<>();
    for (int count : new int[] {1, 7, 8, 9, 15, 16, 40, 1168}) {
      for (int type : new int[] {EXEC, DYN}) {
        Spec s = new Spec(type, count);
        String name = (type == EXEC ? "fixed" : "pie") + count;
        write(name, s);
        names.add(name);
        expected.add(name + " 7 " + sum(s));
        if (type == DYN) {
          Spec program = new Spec(DYN, 1);
          program.interpreter = directory.resolve(name).toString();
          program.headers = 3;
          write("by-" + name, program);
          names.add("by-" + name);
          expected.add("by-" + name + " 7 " + sum(s));
        }
      }
    }
    assertEquals(expected, run(false, names), "on Linux");
    assertEquals(expected, run(true, names));
  }

  /** What Linux kills, when it had given up the old program, does not run here. */
  @Test
  void hostileOnesFailAsOnLinux() throws IOException {
    List<String> names = new ArrayList<>();
    for (int type : new int[] {EXEC, DYN}) {
      String kind = type == EXEC ? "fixed-" : "pie-";
      Spec tooMany = new Spec(type, 1170); // and the text's
      write(kind + "too-many", tooMany);
      names.add(kind + "too-many");
      Spec most = new Spec(type, 1169);
      write(kind + "most", most);
      names.add(kind + "most");
      Spec overlapping = new Spec(type, 1169);
      overlapping.isOverlapping = true;
      write(kind + "overlapping", overlapping);
      names.add(kind + "overlapping");
      Spec empty = new Spec(type, 1169);
      empty.hasEmpty = true;
      write(kind + "empty", empty);
      names.add(kind + "empty");
      Spec none = new Spec(type, 1);
      none.headers = 0;
      write(kind + "none", none);
      names.add(kind + "none");
      Spec cut = new Spec(type, 2);
      cut.headers = 1170; // what lies behind the table is no header: type 0
      write(kind + "cut", cut);
      names.add(kind + "cut");
    }
    List<String> linux = run(false, names);
    List<String> inside = run(true, names);
    for (int i = 0; i < names.size(); i++) {
      String[] words = linux.get(i).split(" ");
      if (Integer.parseInt(words[1]) > 128) {
        assertFalse(inside.get(i).contains(" 7"), inside.get(i));
      } else {
        assertEquals(linux.get(i), inside.get(i));
      }
    }
    String all = String.join("\n", linux);
    // ENOEXEC: env(1) gives them to a shell.
    assertEquals(4, linux.stream().filter(line -> line.endsWith(" 2")).count(), all);
    assertEquals(8, all.split(" 7 ").length - 1, () -> "run: " + all);
  }
}
