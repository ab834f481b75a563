package io.redoubt.sentry.ipc.mq;

import io.redoubt.host.Errno;
import io.redoubt.sentry.fs.Access;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.ResourceLimits;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.limits.Limit;
import java.util.HashMap;

/** The queues of a sandbox by name. Lock: its own monitor. */
public final class QueueTable {
  // /proc/sys/fs/mqueue, and the bounds for those with CAP_SYS_RESOURCE
  private static final int MAX_QUEUES = 256;
  private static final int MAX_MESSAGES = 10;
  private static final int MAX_BYTES = 8192;
  private static final int HARD_MAX_MESSAGES = 65536;
  private static final int HARD_MAX_BYTES = 16 << 20;

  private final HashMap<String, PosixQueue> queues = new HashMap<>();
  private final HashMap<Integer, Long> charged = new HashMap<>(); // by uid

  /** The queue with one more use, or null with -ENOENT. */
  synchronized PosixQueue get(Syscall c, String name) {
    PosixQueue q = queues.get(name);
    if (q == null) {
      return c.fail(-Errno.ENOENT);
    }
    q.uses++;
    return q;
  }

  /** Makes a queue if there is none. @return it with one more use, or null with an errno */
  synchronized PosixQueue create(
      Syscall c, String name, int permissions, long maxMessages, long maxBytes) {
    Credentials me = c.task.credentials;
    boolean isFree = me.has(Credentials.CAP_SYS_RESOURCE);
    if (maxMessages <= 0
        || maxBytes <= 0
        || maxMessages > (isFree ? HARD_MAX_MESSAGES : max(c, "msg_max", MAX_MESSAGES))
        || maxBytes > (isFree ? HARD_MAX_BYTES : max(c, "msgsize_max", MAX_BYTES))
        || maxMessages > HARD_MAX_MESSAGES
        || maxBytes > HARD_MAX_BYTES) {
      return c.fail(-Errno.EINVAL);
    }
    if (queues.size() >= max(c, "queues_max", MAX_QUEUES) && !isFree) {
      return c.fail(-Errno.ENOSPC);
    }
    long charge = PosixQueue.charge((int) maxMessages, (int) maxBytes);
    long limit = c.task.process.limits.soft(ResourceLimits.MSGQUEUE);
    long mine = charged.getOrDefault(me.uid(), 0L) + charge;
    if (Long.compareUnsigned(mine, limit) > 0 || !Limit.MESSAGE_BYTES.charge(charge)) {
      return c.fail(-Errno.EMFILE);
    }
    PosixQueue q = new PosixQueue(c, permissions, (int) maxMessages, (int) maxBytes);
    charged.put(me.uid(), mine);
    queues.put(name, q);
    q.uses++;
    return q;
  }

  /** A parameter of fs.mqueue. */
  static long max(Syscall c, String name, long otherwise) {
    return c.task.kernel.sysctls.of("fs.mqueue." + name, otherwise, Integer.MAX_VALUE);
  }

  /** Takes a name away; the queue goes with its last use. @return 0 or a negative errno */
  synchronized int unlink(Syscall c, String name) {
    PosixQueue q = queues.get(name);
    if (q == null) {
      return -Errno.ENOENT;
    }
    // The directory of the names is root's and sticky.
    var st = new io.redoubt.sentry.fs.Stat();
    q.getattr(c, st);
    if (c.task.credentials.fsuid() != 0 && !Access.ownerOrCapable(c, st)) {
      return -Errno.EPERM;
    }
    queues.remove(name);
    release(q);
    return 0;
  }

  /** One use less. */
  synchronized void release(PosixQueue q) {
    if (--q.uses == 0) {
      long charge = PosixQueue.charge(q.maxMessages, q.maxBytes);
      Limit.MESSAGE_BYTES.release(charge);
      charged.merge(q.owner, -charge, Long::sum);
    }
  }
}
