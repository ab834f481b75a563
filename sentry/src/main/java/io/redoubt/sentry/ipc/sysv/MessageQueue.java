package io.redoubt.sentry.ipc.sysv;

import io.redoubt.host.Errno;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.WaitQueue;
import io.redoubt.sentry.limits.Limit;
import java.util.Iterator;
import java.util.LinkedList;

/** A message queue, msgop(2). Guarded by its own monitor. */
final class MessageQueue extends IpcObject {
  /** MSGMNB: bytes that a queue holds, unless its owner changes that. */
  static final int DEFAULT_BYTES = 16384;

  static final int MSG_NOERROR = 010000;
  static final int MSG_EXCEPT = 020000;

  private static final int MESSAGE_BYTES = 64; // of each besides its text

  /** A message. */
  record Message(long type, byte[] text) {}

  private final LinkedList<Message> messages = new LinkedList<>();
  long bytes;
  long maxBytes = DEFAULT_BYTES;
  int lastSender;
  int lastReceiver;
  long sendSeconds;
  long receiveSeconds;

  /** IN: a message came, or the queue is gone. OUT: there is room. */
  final WaitQueue waitQueue = new WaitQueue();

  MessageQueue(int key, Credentials maker, int mode) {
    super(key, maker, mode);
  }

  int count() {
    return messages.size();
  }

  /** Puts a message at the end. @return 0, -EAGAIN when it is full, -EIDRM, -ENOMEM */
  synchronized int send(Message m, int pid) {
    if (removed) {
      return -Errno.EIDRM;
    }
    if (bytes + m.text.length > maxBytes || messages.size() + 1 > maxBytes) {
      return -Errno.EAGAIN;
    }
    if (!Limit.MESSAGE_BYTES.charge(MESSAGE_BYTES + m.text.length)) {
      return -Errno.ENOMEM;
    }
    messages.add(m);
    bytes += m.text.length;
    lastSender = pid;
    sendSeconds = now();
    waitQueue.wake(PollEvents.IN);
    return 0;
  }

  /**
   * Takes a message out.
   *
   * @param type 0: the first; positive: the first of that type, or with MSG_EXCEPT of another;
   *     negative: the first of the lowest type up to its absolute value
   * @param error its only element is set when there is no result: -ENOMSG, -E2BIG, -EIDRM
   */
  synchronized Message receive(long type, long size, int flags, int pid, int[] error) {
    if (removed) {
      error[0] = -Errno.EIDRM;
      return null;
    }
    Message found = find(type, flags);
    if (found == null) {
      error[0] = -Errno.ENOMSG;
      return null;
    }
    if (found.text.length > size && (flags & MSG_NOERROR) == 0) {
      error[0] = -Errno.E2BIG;
      return null;
    }
    for (Iterator<Message> i = messages.iterator(); i.hasNext(); ) {
      if (i.next() == found) {
        i.remove();
        break;
      }
    }
    bytes -= found.text.length;
    Limit.MESSAGE_BYTES.release(MESSAGE_BYTES + found.text.length);
    lastReceiver = pid;
    receiveSeconds = now();
    waitQueue.wake(PollEvents.OUT);
    return found;
  }

  private Message find(long type, int flags) {
    Message best = null;
    for (Message m : messages) {
      if (type >= 0) {
        if (type == 0 || ((m.type == type) != ((flags & MSG_EXCEPT) != 0))) {
          return m;
        }
      } else if (m.type <= -type && (best == null || m.type < best.type)) {
        best = m;
      }
    }
    return best;
  }

  /** IPC_RMID. @return how many messages are gone with it */
  synchronized int remove() {
    removed = true;
    int n = messages.size();
    Limit.MESSAGE_BYTES.release((long) n * MESSAGE_BYTES + bytes);
    messages.clear();
    bytes = 0;
    waitQueue.wake(PollEvents.IN | PollEvents.OUT);
    return n;
  }
}
