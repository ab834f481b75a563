package io.redoubt.sentry.ipc.mq;

import io.redoubt.host.Errno;
import io.redoubt.sentry.fs.AnonInode;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Process;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.WaitQueue;
import java.util.ArrayDeque;
import java.util.TreeMap;

/**
 * One queue, as ipc/mqueue.c has it: messages by priority, the oldest of the highest first. Guarded
 * by its own monitor where nothing else is said.
 */
final class PosixQueue extends AnonInode {
  private static final int FILE_BYTES = 80; // FILENT_SIZE

  /** A message on its way. */
  record Message(byte[] text, int priority) {}

  /**
   * Who is to hear of the next message on an empty queue.
   *
   * @param signal 0: nobody, the place is only taken
   */
  record Notification(Process owner, int signal, long value) {}

  final int maxMessages;
  final int maxBytes;
  final int owner; // whom the space is charged to

  /** Blocked receivers; pollers and senders wait on {@link #changes}. */
  final WaitQueue receivers = new WaitQueue();

  final WaitQueue changes = new WaitQueue();

  private final TreeMap<Integer, ArrayDeque<byte[]>> messages = new TreeMap<>();
  private int count;
  private long bytes;
  private Notification notification;

  /** Open files, and one for the name; guarded by the table. */
  int uses = 1;

  PosixQueue(Syscall c, int permissions, int maxMessages, int maxBytes) {
    super(Stat.S_IFREG | permissions);
    this.maxMessages = maxMessages;
    this.maxBytes = maxBytes;
    owner = c.task.credentials.uid();
    var ids = new io.redoubt.sentry.fs.SetAttr();
    ids.mask = io.redoubt.sentry.fs.SetAttr.UID | io.redoubt.sentry.fs.SetAttr.GID;
    ids.uid = c.task.credentials.fsuid();
    ids.gid = c.task.credentials.fsgid();
    setattr(c, ids);
  }

  /** What the queue may come to hold, with what the kernel counts for keeping it. */
  static long charge(int maxMessages, int maxBytes) {
    long tree = maxMessages * 48L + Math.min(maxMessages, 32768) * 48L;
    return tree + (long) maxMessages * maxBytes;
  }

  @Override
  public int getattr(Syscall c, Stat out) {
    int r = super.getattr(c, out);
    out.size = FILE_BYTES;
    return r;
  }

  /** Adds a message. @return 0, or -EAGAIN when the queue is full */
  int send(Syscall c, Message m) {
    Notification told = null;
    synchronized (this) {
      if (count >= maxMessages) {
        return -Errno.EAGAIN;
      }
      messages.computeIfAbsent(m.priority, p -> new ArrayDeque<>(4)).add(m.text);
      bytes += m.text.length;
      count++;
      if (count == 1 && notification != null && receivers.isEmpty()) {
        told = notification;
        notification = null;
      }
    }
    receivers.wake(PollEvents.READABLE);
    changes.wake(PollEvents.READABLE);
    if (told != null && told.signal != 0) {
      tell(c, told);
    }
    return 0;
  }

  private static void tell(Syscall c, Notification n) {
    Process p = n.owner;
    if (!p.exited) {
      int uid = c.task.credentials.uid();
      io.redoubt.host.Signals.sigqueue(
          p.hostPid, n.signal, io.redoubt.host.Signals.SI_MESGQ, c.task.process.pid, uid, n.value);
      p.kernel.signals.look(p);
    }
  }

  /** Takes the oldest of the most urgent messages, or null. */
  Message receive() {
    Message m;
    synchronized (this) {
      if (count == 0) {
        return null;
      }
      var last = messages.lastEntry();
      m = new Message(last.getValue().poll(), last.getKey());
      if (last.getValue().isEmpty()) {
        messages.remove(last.getKey());
      }
      count--;
      bytes -= m.text.length;
    }
    changes.wake(PollEvents.WRITABLE);
    return m;
  }

  synchronized int count() {
    return count;
  }

  /** mq_notify(3). @param n null: no more */
  synchronized int notify(Process caller, Notification n) {
    if (n == null) {
      forget(caller);
      return 0;
    }
    if (notification != null && !notification.owner.exited) {
      return -Errno.EBUSY;
    }
    notification = n;
    return 0;
  }

  /** A process closes the queue, or wants no notification any more. */
  synchronized void forget(Process caller) {
    if (notification != null && notification.owner == caller) {
      notification = null;
    }
  }

  /** What a read of the file gives. */
  synchronized String status() {
    Notification n = notification;
    boolean signals = n != null && n.signal != 0;
    return pad("QSIZE:", bytes, 10)
        + pad(" NOTIFY:", n == null || signals ? 0 : 1, 5)
        + pad(" SIGNO:", signals ? n.signal : 0, 5)
        + pad(" NOTIFY_PID:", n == null ? 0 : n.owner.pid, 6)
        + "\n";
  }

  private static String pad(String name, long value, int width) {
    String s = Long.toString(value);
    return name + s + " ".repeat(Math.max(0, width - s.length()));
  }
}
