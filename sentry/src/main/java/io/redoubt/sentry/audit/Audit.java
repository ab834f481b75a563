package io.redoubt.sentry.audit;

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
import io.redoubt.sentry.kernel.Task;
import io.redoubt.sentry.limits.Limit;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * The audit log of a sandbox. Whoever sees something worth a line fills an event in a ring and goes
 * on; one other thread writes. Nobody ever waits: an event that finds the ring full, or comes after
 * so many of its kind within a second, is counted, and the next line of its kind says how many.
 */
public final class Audit implements CallObserver {
  private static final int EVENTS = 1024;

  /** Lines of one kind in a second: enough to see what happens, too few to fill a disk with. */
  private static final int MOST_A_SECOND = 20;

  private static final long CLOSE_SECONDS = 2;

  // Nobody wakes the writer: it looks some times a second, and an idle sandbox stays idle.
  private static final long SLEEP_NANOS = 50_000_000;

  private static final int EPERM = 1;
  private static final int ENOSYS = 38;

  private static volatile Audit current;

  private final AuditSink sink;
  private final AuditLine format;
  private final Disruptor<AuditEvent> disruptor;
  private final RingBuffer<AuditEvent> ring;

  /** Of each kind of event, and then of each limit: one that is hit all the time hides no other. */
  private final AtomicLongArray windows =
      new AtomicLongArray(AuditKind.values().length + Limit.values().length);

  private final AtomicLongArray suppressed = new AtomicLongArray(AuditKind.values().length);
  private final StringBuilder line = new StringBuilder(1024); // the writer's
  private boolean isFull; // the writer's

  private Audit(AuditSink sink, String sandbox) {
    this.sink = sink;
    format = new AuditLine(sandbox);
    disruptor =
        new Disruptor<>(
            AuditEvent::new,
            EVENTS,
            body -> new KernelThread(body, "audit"),
            ProducerType.MULTI,
            new SleepingWaitStrategy(0, SLEEP_NANOS));
    EventHandler<AuditEvent> handler = this::write;
    disruptor.handleEventsWith(handler);
    ring = disruptor.start();
  }

  /**
   * Begins to audit; once, before the sentry is confined.
   *
   * @param destination a file, or "unix:" and a datagram socket
   * @param sandbox what the lines call it
   * @return 0 or the negative errno of opening it
   */
  public static int start(String destination, String sandbox) {
    int[] error = new int[1];
    AuditSink sink = AuditSink.open(destination, error);
    if (sink != null) {
      current = new Audit(sink, sandbox);
      Limit.listen(current::limit);
    }
    return error[0];
  }

  /** What hears of every call, or null: nobody audits. @param table for the names of calls */
  public static CallObserver observer(SyscallTable table) {
    Audit a = current;
    if (a != null) {
      a.format.setTable(table);
    }
    return a;
  }

  // ---- events ----

  @Override
  public void blocked(Syscall c) {}

  @Override
  public void missing(int nr) {}

  @Override
  public void answered(Syscall c, long result) {
    if (result == -EPERM || result == -ENOSYS) {
      boolean isFlags = result == -EPERM && FlagCalls.has(c.nr);
      long at = claim(isFlags ? AuditKind.REFUSED_FLAGS : AuditKind.DENIED_CALL);
      if (at < 0) {
        return;
      }
      AuditEvent e = of(at, c.task);
      e.nr = c.nr;
      e.errno = (int) -result;
      e.arguments[0] = c.arg0;
      e.arguments[1] = c.arg1;
      e.arguments[2] = c.arg2;
      e.arguments[3] = c.arg3;
      e.arguments[4] = c.arg4;
      e.arguments[5] = c.arg5;
      ring.publish(at);
    }
  }

  private void limit(Limit kind) {
    long at = claim(AuditKind.LIMIT, AuditKind.values().length + kind.ordinal());
    if (at >= 0) {
      AuditEvent e = of(at, null);
      e.text = kind.key;
      e.usage = kind.used();
      e.most = kind.most();
      ring.publish(at);
    }
  }

  /**
   * A set-id program is executed.
   *
   * @param path as the guest sees it, raw bytes as Latin-1
   * @param mode its permission bits
   * @param isHonoured whether the bits had an effect
   */
  public static void setIdExec(Task task, String path, int mode, boolean isHonoured) {
    Audit a = current;
    long at = a == null ? -1 : a.claim(AuditKind.SET_ID_EXEC);
    if (at >= 0) {
      AuditEvent e = a.of(at, task);
      e.text = path;
      e.mode = mode;
      e.isHonoured = isHonoured;
      a.ring.publish(at);
    }
  }

  /** A slot of a guest's ring was found as no trampoline makes it. @param what was wrong */
  public static void malformedRing(Task task, String what) {
    tell(AuditKind.MALFORMED_RING, task, what);
  }

  /** The connection with the gofer is over, and so is the sandbox: waits until that is written. */
  public static void gofer(String reason) {
    tell(AuditKind.GOFER, null, reason);
    Audit a = current;
    if (a != null) {
      a.close();
    }
  }

  private static void tell(AuditKind kind, Task task, String text) {
    Audit a = current;
    long at = a == null ? -1 : a.claim(kind);
    if (at >= 0) {
      a.of(at, task).text = text;
      a.ring.publish(at);
    }
  }

  // ---- the way to the writer ----

  /** A place for an event of a kind, with the kind set; negative: there is none. */
  private long claim(AuditKind kind) {
    return claim(kind, kind.ordinal());
  }

  private long claim(AuditKind kind, int window) {
    if (isWithinRate(window)) {
      try {
        long at = ring.tryNext();
        ring.get(at).kind = kind;
        return at;
      } catch (InsufficientCapacityException full) { // one object without a stack trace
        // counted below
      }
    }
    suppressed.incrementAndGet(kind.ordinal());
    return -1;
  }

  /** A window is the second in the upper half, and how many came in it. */
  private boolean isWithinRate(int window) {
    long second = System.nanoTime() / 1_000_000_000L;
    for (; ; ) {
      long w = windows.get(window);
      long count = w >>> 32 == (second & 0xffffffffL) ? w & 0xffffffffL : 0;
      if (count >= MOST_A_SECOND) {
        return false;
      }
      if (windows.compareAndSet(window, w, second << 32 | (count + 1))) {
        return true;
      }
    }
  }

  private AuditEvent of(long at, Task task) {
    AuditEvent e = ring.get(at);
    e.millis = System.currentTimeMillis();
    e.pid = task == null ? 0 : task.process.pid;
    e.tid = task == null ? 0 : task.tid;
    e.uid = task == null ? 0 : task.credentials.uid();
    e.text = "";
    e.suppressed = suppressed.getAndSet(e.kind.ordinal(), 0);
    return e;
  }

  private void write(AuditEvent e, long sequence, boolean endOfBatch) {
    line.setLength(0);
    format.append(line, e);
    boolean isWritten = false;
    if (!isFull) {
      isFull = !Limit.AUDIT_BYTES.charge(line.length());
      isWritten = !isFull && sink.write(line);
    }
    if (!isWritten) {
      suppressed.addAndGet(e.kind.ordinal(), e.suppressed + 1);
    }
  }

  @Override
  public void close() {
    try {
      disruptor.shutdown(CLOSE_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException slow) {
      disruptor.halt();
    }
  }
}
