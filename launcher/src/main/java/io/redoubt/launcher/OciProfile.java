package io.redoubt.launcher;

import io.redoubt.seccomp.ContainerProfile;
import io.redoubt.seccomp.OciSeccomp;
import io.redoubt.seccomp.OciSeccomp.Arg;
import io.redoubt.seccomp.OciSeccomp.Entry;
import io.redoubt.seccomp.Syscalls;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** {@code linux.seccomp} of an OCI configuration. Messages are runc's where it has any. */
final class OciProfile {
  private static final Set<String> ACTIONS =
      Set.of(
          "SCMP_ACT_KILL",
          "SCMP_ACT_KILL_THREAD",
          "SCMP_ACT_KILL_PROCESS",
          "SCMP_ACT_TRAP",
          "SCMP_ACT_ERRNO",
          "SCMP_ACT_TRACE",
          "SCMP_ACT_ALLOW",
          "SCMP_ACT_LOG",
          "SCMP_ACT_NOTIFY");

  private static final Set<String> OPERATORS =
      Set.of(
          "SCMP_CMP_NE",
          "SCMP_CMP_LT",
          "SCMP_CMP_LE",
          "SCMP_CMP_EQ",
          "SCMP_CMP_GE",
          "SCMP_CMP_GT",
          "SCMP_CMP_MASKED_EQ");

  private static final Set<String> ARCHITECTURES =
      Set.of(
          "X86",
          "X86_64",
          "X32",
          "ARM",
          "AARCH64",
          "MIPS",
          "MIPS64",
          "MIPS64N32",
          "MIPSEL",
          "MIPSEL64",
          "MIPSEL64N32",
          "PPC",
          "PPC64",
          "PPC64LE",
          "S390",
          "S390X",
          "RISCV64",
          "PARISC",
          "PARISC64",
          "LOONGARCH64",
          "NATIVE",
          "M68K",
          "SH",
          "SHEB");

  private static final int PRIVATE_ANONYMOUS_NORESERVE = 0x4022;
  private static final int PRIVATE_FIXED = 0x12;
  private static final int READ_EXECUTE = 5;

  private OciProfile() {}

  /**
   * Reads it.
   *
   * @return null for none
   */
  static ContainerProfile read(JsonFields linux) {
    JsonFields f = linux == null ? null : linux.object("seccomp");
    if (f == null) {
      return null;
    }
    List<JsonFields> syscalls = f.objects("syscalls");
    String fallback = f.string("defaultAction");
    if ((fallback == null || fallback.isEmpty()) && syscalls.isEmpty()) {
      return null;
    }
    if (f.string("listenerPath") != null) {
      throw f.failure(
          "listenerPath", "SCMP_ACT_NOTIFY is not supported: the sandbox's listener is its sentry");
    }
    List<Entry> entries = new ArrayList<>();
    for (JsonFields s : syscalls) {
      entries.add(entry(s));
    }
    OciSeccomp seccomp =
        new OciSeccomp(
            action(f, "defaultAction"),
            errno(f, "defaultErrnoRet"),
            architectures(f),
            f.strings("flags"),
            null,
            null,
            entries);
    f.accept("listenerMetadata");
    f.reportUnknown();
    ContainerProfile profile;
    try {
      profile = new ContainerProfile(seccomp);
    } catch (IllegalArgumentException e) {
      throw linux.failure("seccomp", e.getMessage());
    }
    check(linux, profile);
    return profile;
  }

  private static List<String> architectures(JsonFields f) {
    List<String> given = f.strings("architectures");
    for (String a : given) {
      if (!a.startsWith("SCMP_ARCH_") || !ARCHITECTURES.contains(a.substring(10))) {
        throw f.failure("architectures", "string " + a + " is not a valid arch for seccomp");
      }
    }
    return given;
  }

  private static String action(JsonFields f, String field) {
    String a = f.string(field);
    if (a == null || !ACTIONS.contains(a)) {
      throw f.failure(
          field, "string " + (a == null ? "" : a) + " is not a valid action for seccomp");
    }
    return a;
  }

  private static Integer errno(JsonFields f, String field) {
    if (!f.has(field)) {
      return null;
    }
    long n = f.unsigned(field, 0);
    if (n < 0 || n > 4095) {
      throw f.failure(field, "is no error number: at most 4095");
    }
    return (int) n;
  }

  private static Entry entry(JsonFields f) {
    List<Arg> args = new ArrayList<>();
    for (JsonFields a : f.objects("args")) {
      long index = a.unsigned("index", 0);
      if (index < 0 || index > 5) {
        throw a.failure("index", index + ": a system call has arguments 0 to 5");
      }
      String op = a.string("op");
      if (op == null || !OPERATORS.contains(op)) {
        throw a.failure(
            "op", "string " + (op == null ? "" : op) + " is not a valid operator for seccomp");
      }
      args.add(new Arg((int) index, a.unsigned("value", 0), a.unsigned("valueTwo", 0), op));
      a.reportUnknown();
    }
    List<String> names = f.strings("names");
    if (names.isEmpty()) {
      throw f.failure("names", "missing or empty");
    }
    Entry e = new Entry(names, action(f, "action"), errno(f, "errnoRet"), args);
    f.accept("comment");
    f.reportUnknown();
    return e;
  }

  /**
   * Linux loads a program inside of execve; here it is done with calls of the new process, and what
   * a filter would make of them would show only when there is no way back.
   */
  private static void check(JsonFields linux, ContainerProfile p) {
    long page = 4096;
    needs(linux, p, "mmap", 0, page, 0, PRIVATE_ANONYMOUS_NORESERVE, -1, 0);
    needs(linux, p, "mmap", page, page, READ_EXECUTE, PRIVATE_FIXED, 3, 0);
    needs(linux, p, "munmap", page, page);
    needs(linux, p, "mprotect", page, page, READ_EXECUTE);
  }

  private static void needs(JsonFields linux, ContainerProfile p, String name, long... arguments) {
    if (!p.allows(Syscalls.number(name), arguments)) {
      throw linux.failure("seccomp", "refuses " + name + ", by which programs are loaded here");
    }
  }
}
