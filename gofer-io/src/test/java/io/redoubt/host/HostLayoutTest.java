package io.redoubt.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every constant, system call number and struct offset of this package against the C compiler.
 *
 * <p>A constant is compared if the headers define a macro of that name, so that new constants work
 * with old headers; struct fields and sizes always are.
 */
class HostLayoutTest {
  private static final Class<?>[] CLASSES = {
    Dir.class,
    Errno.class,
    Fcntl.class,
    Inotify.class,
    Ioctl.class,
    Mman.class,
    Mount.class,
    Poll.class,
    Process.class,
    Ptrace.class,
    Seccomp.class,
    Signals.class,
    Socket.class,
    Stat.class,
    Uio.class,
    Unistd.class,
    Wait.class,
    Xattr.class
  };

  /** What the kernel means by a name of which libc has its own idea. */
  private static final List<String> KERNEL_ONLY = List.of("SIGRTMAX", "RLIM_NLIMITS");

  private static final String HEADERS =
      """
      #define _GNU_SOURCE
      #include <stddef.h>
      #include <stdio.h>
      #include <errno.h>
      #include <fcntl.h>
      #include <unistd.h>
      #include <dirent.h>
      #include <limits.h>
      #include <signal.h>
      #include <poll.h>
      #include <sched.h>
      #include <time.h>
      #include <termios.h>
      #include <sys/epoll.h>
      #include <sys/eventfd.h>
      #include <sys/file.h>
      #include <sys/inotify.h>
      #include <sys/ioctl.h>
      #include <sys/mman.h>
      #include <sys/mount.h>
      #include <sys/prctl.h>
      #include <sys/ptrace.h>
      #include <sys/resource.h>
      #include <sys/socket.h>
      #include <sys/stat.h>
      #include <sys/statfs.h>
      #include <sys/syscall.h>
      #include <sys/sysinfo.h>
      #include <sys/timerfd.h>
      #include <sys/uio.h>
      #include <sys/user.h>
      #include <sys/utsname.h>
      #include <sys/wait.h>
      #include <sys/xattr.h>
      #include <linux/fs.h>
      #include <linux/futex.h>
      #include <linux/limits.h>
      #include <linux/magic.h>
      #include <linux/openat2.h>
      #include <linux/seccomp.h>
      struct linux_dirent64 {
        unsigned long long d_ino; long long d_off; unsigned short d_reclen;
        unsigned char d_type; char d_name[];
      };
      """;

  @TempDir static Path dir;
  private static Map<String, Long> inC;

  /** A Java value and the C expression that it must equal. */
  record Row(String java, String c, boolean isMacro, long value) {
    @Override
    public String toString() {
      return java + " = " + c;
    }
  }

  static Stream<Row> rows() throws IllegalAccessException {
    List<Row> rows = new ArrayList<>();
    for (Class<?> type : CLASSES) {
      for (Field field : constants(type)) {
        if (!KERNEL_ONLY.contains(field.getName())) {
          String name = type.getSimpleName() + "." + field.getName();
          rows.add(new Row(name, field.getName(), true, value(field)));
        }
      }
      for (Class<?> struct : type.getDeclaredClasses()) {
        if (Modifier.isPublic(struct.getModifiers())) {
          addStruct(rows, struct);
        }
      }
    }
    for (Field field : constants(Nr.class)) {
      String c = "SYS_" + field.getName().toLowerCase(Locale.ROOT);
      rows.add(new Row("Nr." + field.getName(), c, true, value(field)));
    }
    return rows.stream();
  }

  private static void addStruct(List<Row> rows, Class<?> struct) throws IllegalAccessException {
    String c = null;
    for (Field field : struct.getDeclaredFields()) {
      if (field.getName().equals("C_NAME")) {
        c = (String) field.get(null);
      }
    }
    for (Field field : constants(struct)) {
      String name = struct.getSimpleName() + "." + field.getName();
      String member = field.getName().toLowerCase(Locale.ROOT).replace("__", ".");
      boolean isSize = field.getName().equals("SIZEOF");
      String expression = isSize ? "sizeof(" + c + ")" : "offsetof(" + c + ", " + member + ")";
      rows.add(new Row(name, expression, false, value(field)));
    }
  }

  private static List<Field> constants(Class<?> type) {
    List<Field> fields = new ArrayList<>();
    for (Field field : type.getDeclaredFields()) {
      int wanted = Modifier.PUBLIC | Modifier.STATIC | Modifier.FINAL;
      if ((field.getModifiers() & wanted) == wanted && field.getType().isPrimitive()) {
        fields.add(field);
      }
    }
    return fields;
  }

  private static long value(Field field) throws IllegalAccessException {
    return ((Number) field.get(null)).longValue();
  }

  @BeforeAll
  static void compile() throws Exception {
    assumeTrue(isOnPath("gcc"), "gcc is not installed");
    StringBuilder source = new StringBuilder(HEADERS).append("int main(void) {\n");
    Map<String, Boolean> expressions = new LinkedHashMap<>();
    rows().forEach(row -> expressions.put(row.c, row.isMacro));
    expressions.forEach((c, isMacro) -> {
      // Enumerators (PTRACE_*, CLD_*) are no macros, but libc defines one of the same name.
      source.append(isMacro ? "#ifdef " + c + "\n" : "");
      source.append("printf(\"%s\\t%lld\\n\", \"" + c + "\", (long long)(" + c + "));\n");
      source.append(isMacro ? "#endif\n" : "");
    });
    Path c = dir.resolve("layout.c");
    Path log = dir.resolve("gcc.log");
    Files.writeString(c, source.append("return 0; }\n"));
    run(log, "gcc", "-w", "-o", dir.resolve("layout").toString(), c.toString());
    Path out = dir.resolve("layout.out");
    run(out, dir.resolve("layout").toString());
    inC = new TreeMap<>();
    for (String line : Files.readAllLines(out)) {
      String[] words = line.split("\t");
      inC.put(words[0], Long.parseLong(words[1]));
    }
  }

  private static boolean isOnPath(String command) {
    return Stream.of(System.getenv("PATH").split(":"))
        .anyMatch(d -> Files.isExecutable(Path.of(d, command)));
  }

  private static void run(Path output, String... command) throws IOException, InterruptedException {
    int code =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start()
            .waitFor();
    assertEquals(0, code, () -> readQuietly(output));
  }

  private static String readQuietly(Path path) {
    try {
      return Files.readString(path);
    } catch (IOException e) {
      return e.toString();
    }
  }

  @ParameterizedTest
  @MethodSource("rows")
  void agreesWithTheCompiler(Row row) {
    Long c = inC.get(row.c);
    assumeTrue(c != null || !row.isMacro, "these headers do not know " + row.c);
    // 32-bit flag words are int in Java whatever their sign is in C.
    boolean isSame = c == row.value || (row.isMacro && c.intValue() == (int) row.value);
    assertEquals(true, isSame, () -> "java=" + row.value + ", c=" + c);
  }
}
