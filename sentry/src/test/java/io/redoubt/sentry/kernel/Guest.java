package io.redoubt.sentry.kernel;

import io.redoubt.sentry.fs.FdTable;
import io.redoubt.sentry.fs.FsContext;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.mem.MemFs;
import io.redoubt.sentry.syscalls.FileCalls;
import io.redoubt.sentry.syscalls.PathCalls;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A guest thread without a host: makes calls through the real dispatcher, on memory that is an
 * array.
 *
 * <p>A call answers at once or is {@link #PARKED}; then something that another guest does completes
 * it, and {@link #result} has the answer.
 */
public final class Guest {
  /** The call waits. */
  public static final long PARKED = Syscall.BLOCKED;

  public static final long BAD_POINTER = 1;

  private static final class Results implements CallObserver {
    final ConcurrentHashMap<Syscall, Long> map = new ConcurrentHashMap<>();

    @Override
    public void blocked(Syscall c) {}

    @Override
    public void answered(Syscall c, long result) {
      map.put(c, result);
    }

    @Override
    public void missing(int nr) {}

    @Override
    public void close() {}
  }

  public final Task task;
  public final ArrayMemory memory;
  private final Results results;

  private Guest(Kernel kernel, Results results, Process process, FdTable files, int tid) {
    this.results = results;
    memory = new ArrayMemory(8 << 20);
    Path root = kernel.vfs.root();
    task =
        new Task(
            process, tid, 0, memory, files, new FsContext(root, root, 022), Credentials.of(0, 0));
  }

  /** The first thread of a new sandbox, with no open files and an empty tmpfs for a root. */
  public static Guest first() {
    Kernel kernel = new Kernel();
    kernel.vfs.mountRoot(MemFs.tmpfs(0, 0755), "tmpfs", "none", 0);
    SyscallTable table = new SyscallTable();
    FileCalls.register(table);
    PathCalls.register(table);
    kernel.dispatcher.install(table, -1, c -> -38);
    Results results = new Results();
    kernel.dispatcher.observer = results;
    return new Guest(
        kernel, results, new Process(kernel, 1, 0, new ResourceLimits()), new FdTable(), 1);
  }

  /** Another process with a copy of the fd table. */
  public Guest fork() {
    int pid = task.process.pid + 1;
    Process child = new Process(task.kernel, pid, 0, task.process.limits.copy());
    return new Guest(task.kernel, results, child, task.files.copy(), pid);
  }

  /** Another thread of this process. */
  public Guest thread() {
    return new Guest(task.kernel, results, task.process, task.files.share(), task.tid + 100);
  }

  /** Makes a call. @return its answer or {@link #PARKED} */
  public long call(int nr, long... args) {
    Syscall c = task.call;
    long[] a = java.util.Arrays.copyOf(args, 6);
    c.arg0 = a[0];
    c.arg1 = a[1];
    c.arg2 = a[2];
    c.arg3 = a[3];
    c.arg4 = a[4];
    c.arg5 = a[5];
    c.begin(-1, 1, nr);
    c.startNanos = 1;
    results.map.remove(c);
    task.kernel.dispatcher.resume(c);
    KernelThread.drain();
    return result();
  }

  /**
   * Makes a call of three arguments, for those who count what it allocates: the answer is in {@link
   * #result}.
   */
  public void callOnly(int nr, long a, long b, long d) {
    Syscall c = task.call;
    c.arg0 = a;
    c.arg1 = b;
    c.arg2 = d;
    c.begin(-1, 1, nr);
    c.startNanos = 1;
    task.kernel.dispatcher.resume(c);
    KernelThread.drain();
  }

  /** The answer of the last call, or {@link #PARKED} while there is none. */
  public long result() {
    return results.map.getOrDefault(task.call, PARKED);
  }

  /** Whether the last call waits, or another thread is just running it. */
  public boolean isInFlight() {
    return task.call.isInFlight();
  }

  /**
   * A signal interrupts the parked call. @return its answer: a restart code, or what was done so
   * far
   */
  public long interrupt() {
    task.call.interrupt();
    KernelThread.drain();
    return result();
  }

  /** Ends the call that is parked, or that another thread is just running. */
  public void settle() {
    while (task.call.isInFlight()) {
      task.call.interrupt();
      KernelThread.drain();
      Thread.onSpinWait();
    }
  }

  /** Runs the timers that are due. */
  public void runTimers() {
    task.kernel.timers.runDue();
    KernelThread.drain();
  }

  /** Room in memory. @return its address */
  public long room(long bytes) {
    return memory.allocate(bytes);
  }

  /** Text in memory, without a final NUL. */
  public long text(String s) {
    return memory.bytes(s.getBytes(StandardCharsets.ISO_8859_1));
  }

  /** Bytes of memory as text. */
  public String text(long address, long length) {
    return new String(memory.read(address, (int) length), StandardCharsets.ISO_8859_1);
  }

  /** Ints in memory. */
  public long ints(int... values) {
    long at = room(4L * values.length);
    for (int i = 0; i < values.length; i++) {
      memory.putInt(at + 4L * i, values[i]);
    }
    return at;
  }

  /** Longs in memory. */
  public long longs(long... values) {
    long at = room(8L * values.length);
    for (int i = 0; i < values.length; i++) {
      memory.putLong(at + 8L * i, values[i]);
    }
    return at;
  }

  public int intAt(long address) {
    return memory.intAt(address);
  }

  public long longAt(long address) {
    return memory.longAt(address);
  }

  public int shortAt(long address) {
    return (short) memory.intAt(address);
  }

  // ---- calls that nearly every test makes ----

  public long write(long fd, String s) {
    return call(1, fd, text(s), s.length());
  }

  /**
   * What a read of up to {@code length} bytes gives: text, or the negative errno as text, or
   * "parked".
   */
  public String read(long fd, int length) {
    long at = room(length);
    long n = call(0, fd, at, length);
    return n == PARKED ? "parked" : n < 0 ? Long.toString(n) : text(at, n);
  }

  public long close(long fd) {
    return call(3, fd);
  }

  /** pipe2(2). @return the two ends */
  public int[] pipe(int flags) {
    long at = room(8);
    long r = call(293, at, flags);
    if (r != 0) {
      throw new AssertionError("pipe2: " + r);
    }
    return new int[] {intAt(at), intAt(at + 4)};
  }

  /** socketpair(2) of AF_UNIX. */
  public int[] pair(int type) {
    long at = room(8);
    long r = call(53, 1, type, 0, at);
    if (r != 0) {
      throw new AssertionError("socketpair: " + r);
    }
    return new int[] {intAt(at), intAt(at + 4)};
  }
}
