package io.redoubt.sentry.ipc;

import static io.redoubt.host.Errno.EAGAIN;
import static io.redoubt.host.Errno.EFAULT;
import static io.redoubt.host.Errno.EINVAL;

import io.redoubt.host.Memory;
import io.redoubt.sentry.fs.AnonInode;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.UserBuffer;
import io.redoubt.sentry.kernel.WaitQueue;
import java.lang.foreign.MemorySegment;

/** eventfd(2): an unsigned 64-bit counter. Lock: its own monitor. */
public final class EventFile extends OpenFile {
  private final boolean semaphore;
  private final WaitQueue queue = new WaitQueue();
  private long count; // unsigned, at most 2^64-2; guarded by this

  /**
   * @param semaphore EFD_SEMAPHORE: a read takes one
   */
  public EventFile(int flags, long initial, boolean semaphore) {
    super(AnonInode.path("anon_inode:[eventfd]", 0600), O_RDWR | flags);
    this.count = initial;
    this.semaphore = semaphore;
  }

  @Override
  public long read(Syscall c, UserBuffer dst) {
    if (dst.remaining() < 8) {
      return -EINVAL;
    }
    long value;
    synchronized (this) {
      if (count == 0) {
        return -EAGAIN;
      }
      value = semaphore ? 1 : count;
      count -= value;
    }
    queue.wake(PollEvents.WRITABLE);
    MemorySegment s = c.scratch().small;
    Memory.setLong(s, 0, value);
    return dst.copyOut(s, 0, 8) == 8 ? 8 : -EFAULT;
  }

  @Override
  public long write(Syscall c, UserBuffer src) {
    if (src.remaining() < 8) {
      return -EINVAL;
    }
    MemorySegment s = c.scratch().small;
    if (src.copyIn(s, 0, 8) != 8) {
      return -EFAULT;
    }
    long add = Memory.getLong(s, 0);
    if (add == -1) {
      return -EINVAL;
    }
    synchronized (this) {
      if (Long.compareUnsigned(-1 - count, add) <= 0) {
        return -EAGAIN;
      }
      count += add;
    }
    queue.wake(PollEvents.READABLE);
    return 8;
  }

  @Override
  public synchronized int poll(int interest) {
    int ready = count != 0 ? PollEvents.READABLE : 0;
    return Long.compareUnsigned(count, -2) < 0 ? ready | PollEvents.WRITABLE : ready;
  }

  @Override
  public long seek(Syscall c, long offset, int whence) {
    return 0; // noop_llseek()
  }

  @Override
  public WaitQueue waitQueue() {
    return queue;
  }

  @Override
  public synchronized String fdinfo() {
    String hex = Long.toHexString(count);
    return "eventfd-count: " + " ".repeat(16 - hex.length()) + hex + "\n";
  }

  @Override
  public String linkText() {
    return "anon_inode:[eventfd]";
  }
}
