package io.redoubt.sentry.kernel;

import java.util.ArrayDeque;

/**
 * A thread of the sentry: the workers that receive calls, the reactor, the exec thread.
 *
 * <p>Each has scratch memory and a run queue of its own. Whoever completes what a parked call waits
 * for puts that call on its own run queue and runs it after it has answered its own call and let go
 * of every lock: no thread waits inside the sentry for a guest, and no wake-up crosses cores.
 */
public class KernelThread extends Thread {
  private final Scratch scratch = new Scratch();
  private final ArrayDeque<Syscall> runQueue = new ArrayDeque<>();

  public KernelThread(Runnable body, String name) {
    super(null, body, name, 512 * 1024);
    setDaemon(true);
  }

  // Threads that are not ours (tests, the main thread) get theirs here.
  private static final ThreadLocal<Foreign> FOREIGN = ThreadLocal.withInitial(Foreign::new);

  private static final class Foreign {
    final Scratch scratch = new Scratch();
    final ArrayDeque<Syscall> runQueue = new ArrayDeque<>();
  }

  /** Scratch of the current thread. */
  public static Scratch scratch() {
    return Thread.currentThread() instanceof KernelThread t ? t.scratch : FOREIGN.get().scratch;
  }

  /** Puts a woken call on the current thread's run queue. */
  static void runLater(Syscall call) {
    queue().add(call);
  }

  /**
   * Runs the woken calls. Every sentry thread calls this at the end of each round of its loop, with
   * no lock held.
   */
  public static void drain() {
    ArrayDeque<Syscall> q = queue();
    for (Syscall c = q.poll(); c != null; c = q.poll()) {
      c.task.kernel.dispatcher.resume(c);
    }
  }

  private static ArrayDeque<Syscall> queue() {
    return Thread.currentThread() instanceof KernelThread t ? t.runQueue : FOREIGN.get().runQueue;
  }
}
