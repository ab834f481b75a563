package io.redoubt.sentry.trace;

import com.lmax.disruptor.EventHandler;
import com.lmax.disruptor.InsufficientCapacityException;
import com.lmax.disruptor.RingBuffer;
import com.lmax.disruptor.SleepingWaitStrategy;
import com.lmax.disruptor.TimeoutException;
import com.lmax.disruptor.dsl.Disruptor;
import com.lmax.disruptor.dsl.ProducerType;
import io.redoubt.sentry.kernel.CallObserver;
import io.redoubt.sentry.kernel.KernelThread;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import io.redoubt.sentry.limits.Limit;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * --trace: one line for each call that reaches the sentry. The threads that serve calls copy
 * arguments into a ring of events and go on; one other thread makes lines of them and writes. When
 * that one is too slow events are dropped and counted: a trace never holds up the guest's calls,
 * nor waits for the reader of its output on their path.
 */
public final class Tracer implements CallObserver {
  private static final int EVENTS = 4096; // 4 MiB
  private static final int FLUSH_CHARS = 32 * 1024;
  private static final long CLOSE_SECONDS = 5;

  // Nobody wakes the writer, so nobody who serves a call makes a system call for it: it looks every
  // half millisecond.
  private static final int RETRIES = 100;
  private static final long SLEEP_NANOS = 500_000;

  private final Disruptor<CallEvent> disruptor;
  private final RingBuffer<CallEvent> ring;
  private final Capture capture;
  private final CallFormatter formatter;
  private final Consumer<String> out;
  private final AtomicLong dropped = new AtomicLong();
  private boolean isFull; // the writer's
  private final StringBuilder lines = new StringBuilder(FLUSH_CHARS + 4096); // the writer's

  /**
   * @param out takes pieces of the trace, from one thread at a time
   */
  public Tracer(SyscallTable table, Consumer<String> out) {
    this.out = out;
    Signatures signatures = new Signatures(table);
    capture = new Capture(signatures);
    formatter = new CallFormatter(table, signatures);
    disruptor =
        new Disruptor<>(
            CallEvent::new,
            EVENTS,
            body -> new KernelThread(body, "trace"),
            ProducerType.MULTI,
            new SleepingWaitStrategy(RETRIES, SLEEP_NANOS));
    EventHandler<CallEvent> handler = this::write;
    disruptor.handleEventsWith(handler);
    ring = disruptor.start();
  }

  @Override
  public void blocked(Syscall c) {
    if (c.servedNanos() == 0) { // else it was told before
      publish(c, CallEvent.BLOCKED, 0);
    }
  }

  @Override
  public void answered(Syscall c, long result) {
    publish(c, CallEvent.ANSWERED, result);
  }

  @Override
  public void missing(int nr) {
    long at = claim();
    if (at >= 0) {
      CallEvent e = ring.get(at);
      e.clear(CallEvent.MISSING);
      e.nr = nr;
      ring.publish(at);
    }
  }

  private void publish(Syscall c, int kind, long result) {
    if (Capture.isLoading(c, result)) {
      return; // the stub's calls are the runtime's, not the program's
    }
    long at = claim();
    if (at < 0) {
      return;
    }
    try {
      capture.fill(ring.get(at), c, kind, result);
    } finally {
      ring.publish(at);
    }
  }

  private long claim() {
    try {
      return ring.tryNext();
    } catch (InsufficientCapacityException full) { // one object without a stack trace
      dropped.incrementAndGet();
      return -1;
    }
  }

  private void write(CallEvent e, long sequence, boolean endOfBatch) {
    formatter.append(lines, e);
    if (endOfBatch || lines.length() >= FLUSH_CHARS) {
      if (!isFull && !Limit.TRACE_BYTES.charge(lines.length())) {
        isFull = true;
        out.accept(
            "redoubt: trace: "
                + Limit.TRACE_BYTES.used()
                + " bytes written, as many as traceBytes of the configuration allows: the rest is dropped\n");
      }
      if (!isFull) {
        out.accept(lines.toString());
      }
      lines.setLength(0);
    }
  }

  @Override
  public void close() {
    try {
      disruptor.shutdown(CLOSE_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException slow) {
      disruptor.halt();
      out.accept("redoubt: trace: the reader of the trace is too slow, its end is missing\n");
    }
    if (dropped.get() > 0) {
      out.accept(
          "redoubt: trace: " + dropped.get() + " lines dropped, the writer could not keep up\n");
    }
  }
}
