package io.redoubt.sentry.trace;

import io.redoubt.seccomp.GuestProfile;
import io.redoubt.sentry.kernel.CallObserver;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * --stats: how often each call was made, and what the sentry spent on it, printed as {@code strace
 * -c} does. The time is that of the sentry's own work: neither the waits of calls that block nor
 * the way there and back are in it.
 */
public final class CallStatistics implements CallObserver {
  private static final int SLOTS =
      SyscallTable.SIZE + 1; // the last: the stub, and numbers past the table
  private static final long MAX_ERRNO = 4095;
  private static final String HEAD =
      "% time     seconds  usecs/call     calls   by ring    errors tier        syscall\n";
  private static final String LINE =
      "------ ----------- ----------- --------- --------- --------- ----------- ----------------\n";

  private final SyscallTable table;
  private final Supplier<String> ringReport;
  private final Consumer<String> out;
  private final AtomicLongArray calls = new AtomicLongArray(SLOTS);
  private final AtomicLongArray errors = new AtomicLongArray(SLOTS);
  private final AtomicLongArray host = new AtomicLongArray(SLOTS);
  private final AtomicLongArray ring = new AtomicLongArray(SLOTS);
  private final AtomicLongArray nanos = new AtomicLongArray(SLOTS);

  /**
   * @param ringReport what the ring tier has to say at the end
   */
  public CallStatistics(SyscallTable table, Supplier<String> ringReport, Consumer<String> out) {
    this.table = table;
    this.ringReport = ringReport;
    this.out = out;
  }

  @Override
  public void answered(Syscall c, long result) {
    int slot = c.nr >= 0 && c.nr < SyscallTable.SIZE ? c.nr : SLOTS - 1;
    calls.incrementAndGet(slot);
    nanos.addAndGet(slot, c.servedNanos());
    if (c.listener() < 0) {
      ring.incrementAndGet(slot);
    }
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
    out.accept(report() + ringReport.get());
  }

  private static final class Sum {
    long calls;
    long errors;
    long ring;
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
        all.ring += ring.get(i);
        all.nanos += nanos.get(i);
      }
    }
    slots.sort((a, b) -> Long.compare(nanos.get(b), nanos.get(a)));
    StringBuilder b = new StringBuilder();
    b.append(HEAD).append(LINE);
    for (int slot : slots) {
      long hostRuns = host.get(slot);
      String tier =
          hostRuns == 0 ? "notify" : hostRuns == calls.get(slot) ? "notify,host" : "notify,both";
      String name = CallNames.of(table, slot == SLOTS - 1 ? GuestProfile.STUB_CALL : slot);
      row(
          b,
          nanos.get(slot),
          all.nanos,
          calls.get(slot),
          ring.get(slot),
          errors.get(slot),
          tier,
          name);
    }
    b.append(LINE);
    row(b, all.nanos, all.nanos, all.calls, all.ring, all.errors, "", "total");
    b.append(
        "tier: notify = answered by the sentry, host = let through by it to the host kernel; by ring: how many of the calls\n");
    b.append(
        "came through shared memory, without an entry into the kernel (docs/ring-tier.md); calls that the filter allows\n");
    b.append("(memory, futexes, clocks, ...) never come here and are not counted\n");
    return b.toString();
  }

  private static void row(
      StringBuilder b,
      long nanos,
      long allNanos,
      long calls,
      long ring,
      long errors,
      String tier,
      String name) {
    right(b, decimal(allNanos == 0 ? 0 : nanos * 10_000 / allNanos, 2), 6);
    right(b, decimal(nanos / 1000, 6), 12);
    right(b, Long.toString(nanos / 1000 / Math.max(1, calls)), 12);
    right(b, Long.toString(calls), 10);
    right(b, ring == 0 ? "" : Long.toString(ring), 10);
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
