package io.redoubt.sentry.ipc.mq;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.sentry.fs.AnonInode;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Process;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.UserBuffer;
import io.redoubt.sentry.kernel.WaitQueue;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** An open message queue: a file, so that it can be polled and handed on. */
final class QueueFile extends OpenFile {
  final PosixQueue queue;
  private final QueueTable table;
  private final Process opener;

  /** Takes over a use of {@code queue}. */
  QueueFile(QueueTable table, PosixQueue queue, String name, Process opener, int flags) {
    super(AnonInode.path("/" + name, queue), flags);
    this.table = table;
    this.queue = queue;
    this.opener = opener;
  }

  @Override
  public boolean isSeekable() {
    return true;
  }

  @Override
  public long seek(Syscall c, long offset, int whence) {
    long to = whence == 0 ? offset : whence == 1 ? position + offset : -1;
    if (to < 0) {
      return -Errno.EINVAL;
    }
    synchronized (positionLock) {
      position = to;
    }
    return to;
  }

  @Override
  public long readAt(Syscall c, UserBuffer dst, long offset) {
    byte[] status = queue.status().getBytes(StandardCharsets.ISO_8859_1);
    if (offset >= status.length) {
      return 0;
    }
    int n = (int) Math.min(dst.remaining(), status.length - offset);
    MemorySegment s = c.scratch().small;
    Memory.copy(status, (int) offset, s, 0, n);
    return n == 0 ? 0 : dst.copyOut(s, 0, n);
  }

  @Override
  public long writeAt(Syscall c, UserBuffer src, long offset) {
    return -Errno.EINVAL;
  }

  @Override
  public int poll(int interest) {
    int n = queue.count();
    return (n > 0 ? PollEvents.READABLE : 0) | (n < queue.maxMessages ? PollEvents.WRITABLE : 0);
  }

  @Override
  public WaitQueue waitQueue() {
    return queue.changes;
  }

  @Override
  protected void release() {
    queue.forget(opener);
    table.release(queue);
  }

  @Override
  public String linkText() {
    return path().dentry().name();
  }
}
