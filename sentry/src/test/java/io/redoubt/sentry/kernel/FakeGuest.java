package io.redoubt.sentry.kernel;

import io.redoubt.sentry.fs.FdTable;
import io.redoubt.sentry.fs.FsContext;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.Path;
import java.util.concurrent.TimeUnit;

/** A guest thread that is none: its calls are handed to the handlers directly. */
public final class FakeGuest {
  public final Kernel kernel;
  public final Task task;
  public final ArrayMemory memory = new ArrayMemory(4 << 20);
  private final SyscallTable table;

  /** The first process of a sandbox with {@code root} as its root directory. */
  public FakeGuest(Inode root, SyscallTable table) {
    this(new Kernel(), root, table);
  }

  /** The first process of a sandbox whose kernel the test has made. */
  public FakeGuest(Kernel kernel, Inode root, SyscallTable table) {
    this.kernel = kernel;
    this.table = table;
    Path at = kernel.vfs.mountRoot(root, "tmpfs", "none", 0);
    Process p = new Process(kernel, 1, 1, new ResourceLimits());
    task =
        new Task(p, 1, 1, memory, new FdTable(), new FsContext(at, at, 022), Credentials.of(0, 0));
  }

  /** Another thread of nobody, which shares what {@code other} has. */
  public FakeGuest(FakeGuest other, Credentials credentials) {
    kernel = other.kernel;
    table = other.table;
    task =
        new Task(
            other.task.process, 2, 2, memory, other.task.files, other.task.fs.copy(), credentials);
  }

  /** Makes a call. @return its answer; {@link Syscall#BLOCKED} where it would wait */
  public long call(int nr, long... args) {
    Syscall c = task.call;
    c.begin(-1, 1, nr);
    c.arg0 = args.length > 0 ? args[0] : 0;
    c.arg1 = args.length > 1 ? args[1] : 0;
    c.arg2 = args.length > 2 ? args[2] : 0;
    c.arg3 = args.length > 3 ? args[3] : 0;
    c.arg4 = args.length > 4 ? args[4] : 0;
    c.arg5 = args.length > 5 ? args[5] : 0;
    try {
      return table.get(nr).handler().call(c);
    } finally {
      c.end();
      KernelThread.drain();
    }
  }

  /** A C string in guest memory. */
  public long str(String s) {
    return memory.string(s);
  }

  /** Runs all timers, each when it is due. */
  public void awaitTimers() throws InterruptedException {
    for (long left; (left = kernel.timers.runDue()) > 0; ) {
      TimeUnit.NANOSECONDS.sleep(left);
    }
  }
}
