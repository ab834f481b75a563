package io.redoubt.sentry.trace;

import io.redoubt.seccomp.GuestProfile;
import io.redoubt.sentry.kernel.CallObserver;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.Consumer;

/**
 * --stats: how often each call was made, and what the sentry spent on it, printed as {@code strace
 * -c} does. The time is that of the sentry's own work: neither the waits of calls that block nor
 * the way there and back are in it.
 */
public final class CallStatistics implements CallObserver {
  private static final int SLOTS =
      SyscallTable.SIZE + 1; // the last: the stub, and numbers past the table
  private static final long MAX_ERRNO = 4095;

  private final SyscallTable table;
  private final Consumer<String> out;
  private final AtomicLongArray calls = new AtomicLongArray(SLOTS);
  private final AtomicLongArray errors = new AtomicLongArray(SLOTS);
  private final AtomicLongArray host = new AtomicLongArray(SLOTS);
  private final AtomicLongArray nanos = new AtomicLongArray(SLOTS);

  public CallStatistics(SyscallTable table, Consumer<String> out) {
    this.table = table;
    this.out = out;
  }

  @Override
  public void answered(Syscall c, long result) {
    int slot = c.nr >= 0 && c.nr < SyscallTable.SIZE ? c.nr : SLOTS - 1;
    calls.incrementAndGet(slot);
    nanos.addAndGet(slot, c.servedNanos());
    if (result == Syscall.CONTINUE) {
      host.incrementAndGet(slot);
    } else if (result < 0 && result >= -MAX_ERRNO) {
      errors.incrementAndGet(slot);
    }
  }

  @Override
  public void blocked(Syscall c) {}

  @Override
  public void missing(int nr) {}

  @Override
  public void close() {
    out.accept(report());
  }

  private static final class Sum {
    long calls;
    long errors;
    long nanos;
  }

  String report() {
    List<Integer> slots = new ArrayList<>();
    Sum all = new Sum();
    for (int i = 0; i < SLOTS; i++) {
      if (calls.get(i) > 0) {
        slots.add(i);
        all.calls += calls.get(i);
        all.errors += errors.get(i);
        all.nanos += nanos.get(i);
      }
    }
    slots.sort((a, b) -> Long.compare(nanos.get(b), nanos.get(a)));
    StringBuilder b = new StringBuilder();
    b.append("% time     seconds  usecs/call     calls    errors tier        syscall\n");
    b.append("------ ----------- ----------- --------- --------- ----------- ----------------\n");
    for (int slot : slots) {
      long hostRuns = host.get(slot);
      String tier =
          hostRuns == 0 ? "notify" : hostRuns == calls.get(slot) ? "notify,host" : "notify,both";
      String name = CallNames.of(table, slot == SLOTS - 1 ? GuestProfile.STUB_CALL : slot);
      row(b, nanos.get(slot), all.nanos, calls.get(slot), errors.get(slot), tier, name);
    }
    b.append("------ ----------- ----------- --------- --------- ----------- ----------------\n");
    row(b, all.nanos, all.nanos, all.calls, all.errors, "", "total");
    b.append(
        "tier: notify = answered by the sentry, host = let through by it to the host kernel; calls that the filter allows\n");
    b.append("(memory, futexes, clocks, ...) never come here and are not counted\n");
    return b.toString();
  }

  private static void row(
      StringBuilder b,
      long nanos,
      long allNanos,
      long calls,
      long errors,
      String tier,
      String name) {
    right(b, decimal(allNanos == 0 ? 0 : nanos * 10_000 / allNanos, 2), 6);
    right(b, decimal(nanos / 1000, 6), 12);
    right(b, Long.toString(nanos / 1000 / Math.max(1, calls)), 12);
    right(b, Long.toString(calls), 10);
    right(b, errors == 0 ? "" : Long.toString(errors), 10);
    b.append(' ')
        .append(tier)
        .repeat(' ', Math.max(1, 12 - tier.length()))
        .append(name)
        .append('\n');
  }

  private static void right(StringBuilder b, String s, int width) {
    b.repeat(' ', Math.max(0, width - s.length())).append(s);
  }

  /** {@code n} with its last {@code places} digits behind a point. */
  private static String decimal(long n, int places) {
    String digits = Long.toString(n);
    String padded = "0".repeat(Math.max(0, places + 1 - digits.length())) + digits;
    int point = padded.length() - places;
    return padded.substring(0, point) + "." + padded.substring(point);
  }
}
