package io.redoubt.sentry.kernel;

import io.redoubt.sentry.CallTable;
import io.redoubt.sentry.fs.FdTable;
import io.redoubt.sentry.fs.FsContext;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.mem.MemFs;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/**
 * A guest thread without a guest: the whole system call table over an in-memory root, and a memory
 * that is an array. In this package because calls are begun and ended by the dispatcher only.
 */
public final class BenchGuest {
  /** Where the guest's memory begins. */
  public static final long BASE = 0x10000;

  public final Task task;
  private final MemorySegment memory = Arena.global().allocate(1 << 20, 16);
  private final SyscallTable table = CallTable.create();

  public BenchGuest() {
    Kernel kernel = new Kernel();
    Path root = kernel.vfs.mountRoot(MemFs.tmpfs(0, 0755), "tmpfs", "none", 0);
    Process p = new Process(kernel, 1, 1, new ResourceLimits());
    task =
        new Task(
            p,
            1,
            1,
            new ArrayMemory(memory),
            new FdTable(),
            new FsContext(root, root, 022),
            Credentials.of(0, 0));
  }

  /** A guest's memory that lies in this process: one range, all else faults. */
  private static final class ArrayMemory extends GuestMemory {
    private final MemorySegment bytes;

    ArrayMemory(MemorySegment bytes) {
      this.bytes = bytes;
    }

    @Override
    public long copyIn(long address, MemorySegment local, long offset, long length) {
      long n = room(address, length);
      if (n > 0) {
        MemorySegment.copy(bytes, address - BASE, local, offset, n);
      }
      return n;
    }

    @Override
    public long copyOut(long address, MemorySegment local, long offset, long length) {
      long n = room(address, length);
      if (n > 0) {
        MemorySegment.copy(local, offset, bytes, address - BASE, n);
      }
      return n;
    }

    private long room(long address, long length) {
      long at = address - BASE;
      return at < 0 || at >= bytes.byteSize() ? -14 : Math.min(length, bytes.byteSize() - at);
    }
  }

  /** Puts a C string at an offset of the guest's memory. @return its address */
  public long string(long offset, String s) {
    byte[] b = (s + '\0').getBytes(StandardCharsets.ISO_8859_1);
    MemorySegment.copy(b, 0, memory, ValueLayout.JAVA_BYTE, offset, b.length);
    return BASE + offset;
  }

  /**
   * What the dispatcher does between a notification and its answer: arguments, begin, table,
   * handler, end.
   */
  public long call(int nr, long a0, long a1, long a2, long a3) {
    Syscall c = task.call;
    c.arg0 = a0;
    c.arg1 = a1;
    c.arg2 = a2;
    c.arg3 = a3;
    c.arg4 = 0;
    c.arg5 = 0;
    c.begin(-1, 1, nr);
    long r = table.get(nr).handler().call(c);
    c.end();
    return r;
  }

  /** As {@link #call}, for the preparation of a benchmark. */
  public long must(int nr, long a0, long a1, long a2, long a3) {
    long r = call(nr, a0, a1, a2, a3);
    if (r < 0) {
      throw new IllegalStateException("call failed: nr=" + nr + ", result=" + r);
    }
    return r;
  }

  /** The call object, for code below the handlers that wants one. */
  public Syscall syscall() {
    task.call.begin(-1, 1, 4);
    return task.call;
  }

  /** Guest memory of another process, as the sentry has it of its guests. */
  public static GuestMemory memoryOf(int pid) {
    return new HostGuestMemory(pid);
  }
}
