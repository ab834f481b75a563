package io.redoubt.sentry.kernel;

/**
 * The system calls that the sentry serves: number, name, arity, handler, support, note. {@code
 * docs/syscalls.md} is printed from it.
 */
public final class SyscallTable {
  /** How much of a call is there. */
  public enum Support {
    FULL,
    PARTIAL,
    NONE
  }

  /** One row. */
  public record Entry(
      int nr, String name, int arity, SyscallHandler handler, Support support, String note) {}

  /** Numbers past this are unknown to the kernel that Redoubt imitates. */
  public static final int SIZE = 512;

  private final Entry[] entries = new Entry[SIZE];

  /** Registers a handler. */
  public void on(int nr, String name, int arity, SyscallHandler handler, Support support) {
    on(nr, name, arity, handler, support, "");
  }

  /** Registers a handler with a note for the published table. */
  public void on(
      int nr, String name, int arity, SyscallHandler handler, Support support, String note) {
    if (entries[nr] != null) {
      throw new IllegalStateException("registered twice: nr=" + nr + ", name=" + name);
    }
    entries[nr] = new Entry(nr, name, arity, handler, support, note);
  }

  /** The row of {@code nr}, or null. */
  public Entry get(int nr) {
    return nr >= 0 && nr < SIZE ? entries[nr] : null;
  }
}
