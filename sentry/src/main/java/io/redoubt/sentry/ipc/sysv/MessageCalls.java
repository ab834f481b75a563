package io.redoubt.sentry.ipc.sysv;

import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;
import static io.redoubt.sentry.kernel.SyscallTable.Support.PARTIAL;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.sentry.ipc.sysv.MessageQueue.Message;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** msgget, msgsnd, msgrcv, msgctl. */
public final class MessageCalls {
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

  /** MSGMAX: bytes of a message. */
  private static final int MAX_MESSAGE = 8192;

  private static final int LARGEST_MESSAGE = 64 << 10; // what a worker's buffer takes

  /** Of all queues together, so that small messages cannot fill the sentry: some 100 bytes each. */
  private static final int MAX_TOTAL_MESSAGES = 1 << 16;

  private static final int MAX_QUEUE_BYTES = 1 << 20;
  private static final int IPC_NOWAIT = 04000;
  private static final int MSG_COPY = 040000;
  private static final int MSG_STAT = 11;
  private static final int MSG_INFO = 12;
  private static final int MSG_STAT_ANY = 13;

  // struct msqid64_ds, asm-generic/msgbuf.h, after the perm
  private static final int MSG_STIME = 48; // __kernel_long_t
  private static final int MSG_RTIME = 56; // __kernel_long_t
  private static final int MSG_CTIME = 64; // __kernel_long_t
  private static final int MSG_CBYTES = 72; // unsigned long
  private static final int MSG_QNUM = 80; // unsigned long
  private static final int MSG_QBYTES = 88; // unsigned long
  private static final int MSG_LSPID = 96; // __kernel_pid_t
  private static final int MSG_LRPID = 100; // __kernel_pid_t
  private static final int MSQID_DS_SIZEOF = 120;

  private static final int MSGINFO_SIZEOF = 32; // seven ints and an unsigned short

  private MessageCalls() {}

  public static void register(SyscallTable t) {
    t.on(68, "msgget", 2, MessageCalls::msgget, FULL);
    t.on(69, "msgsnd", 4, MessageCalls::msgsnd, FULL);
    t.on(70, "msgrcv", 5, MessageCalls::msgrcv, PARTIAL, "no MSG_COPY");
    t.on(71, "msgctl", 3, MessageCalls::msgctl, FULL);
  }

  private static IpcTable<MessageQueue> queues(Syscall c) {
    return c.task.kernel.sysv().queues;
  }

  private static long msgget(Syscall c) {
    int key = (int) c.arg0;
    int flags = (int) c.arg1;
    return queues(c)
        .get(
            c,
            key,
            flags,
            new IpcTable.Kind<>() {
              @Override
              public int check(MessageQueue existing) {
                return 0;
              }

              @Override
              public MessageQueue create() {
                MessageQueue q = new MessageQueue(key, c.task.credentials, flags);
                q.maxBytes = defaultBytes(c);
                return q;
              }
            });
  }

  private static long defaultBytes(Syscall c) {
    return c.task.kernel.sysctls.of("kernel.msgmnb", MessageQueue.DEFAULT_BYTES, MAX_QUEUE_BYTES);
  }

  private static long largest(Syscall c) {
    return c.task.kernel.sysctls.of("kernel.msgmax", MAX_MESSAGE, LARGEST_MESSAGE);
  }

  /** What a blocked call has read: the queue, and for msgsnd the message. */
  private record Pending(MessageQueue queue, Message message) {}

  private static long msgsnd(Syscall c) {
    Pending p = (Pending) c.state;
    if (p == null) {
      p = readMessage(c);
      if (p == null) {
        return c.error();
      }
      c.state = p;
    }
    int r = p.queue.send(p.message, c.task.process.pid);
    if (r != -Errno.EAGAIN || (c.arg3 & IPC_NOWAIT) != 0) {
      return r;
    }
    return c.block(p.queue.waitQueue, PollEvents.OUT, Syscall.ERESTARTNOHAND);
  }

  private static Pending readMessage(Syscall c) {
    long size = c.arg2;
    MemorySegment s = c.scratch().bulk;
    if (c.memory().read(c.arg1, s, 8) < 0) {
      return c.fail(-Errno.EFAULT);
    }
    long type = Memory.getLong(s, 0);
    if (size < 0 || size > largest(c) || type < 1 || (int) c.arg0 < 0) {
      return c.fail(-Errno.EINVAL);
    }
    byte[] text = new byte[(int) size];
    if (c.memory().readBytes(c.arg1 + 8, text, 0, text.length) < 0) {
      return c.fail(-Errno.EFAULT);
    }
    MessageQueue q = queues(c).byId((int) c.arg0);
    if (q == null) {
      return c.fail(-Errno.EINVAL);
    }
    int r = q.access(c.task.credentials, IpcObject.WRITE);
    if (r == 0 && totalMessages(queues(c)) >= MAX_TOTAL_MESSAGES) {
      r = -Errno.ENOMEM;
    }
    return r < 0 ? c.fail(r) : new Pending(q, new Message(type, text));
  }

  private static int totalMessages(IpcTable<MessageQueue> queues) {
    int n = 0;
    for (int i = queues.highestIndex(); i >= 0; i--) {
      MessageQueue q = queues.byIndex(i);
      n += q == null ? 0 : q.count();
    }
    return n;
  }

  private static long msgrcv(Syscall c) {
    long size = c.arg2;
    int flags = (int) c.arg4;
    if ((int) c.arg0 < 0 || size < 0) {
      return -Errno.EINVAL;
    }
    if ((flags & MSG_COPY) != 0) {
      return -Errno.ENOSYS; // as without CONFIG_CHECKPOINT_RESTORE
    }
    Pending p = (Pending) c.state;
    if (p == null) {
      MessageQueue q = queues(c).byId((int) c.arg0);
      if (q == null) {
        return -Errno.EINVAL;
      }
      int r = q.access(c.task.credentials, IpcObject.READ);
      if (r < 0) {
        return r;
      }
      p = new Pending(q, null);
      c.state = p;
    }
    int[] error = new int[1];
    Message m = p.queue.receive(c.arg3, size, flags, c.task.process.pid, error);
    if (m == null) {
      boolean waits = error[0] == -Errno.ENOMSG && (flags & IPC_NOWAIT) == 0;
      return waits ? c.block(p.queue.waitQueue, PollEvents.IN, Syscall.ERESTARTNOHAND) : error[0];
    }
    int n = (int) Math.min(size, m.text().length);
    if (c.memory().writeLong(c.arg1, m.type()) < 0
        || c.memory().writeBytes(c.arg1 + 8, m.text(), 0, n) < 0) {
      return -Errno.EFAULT; // the message is lost, as on Linux
    }
    return n;
  }

  private static long msgctl(Syscall c) {
    int id = (int) c.arg0;
    int command = (int) c.arg1;
    if (id < 0) {
      return -Errno.EINVAL;
    }
    IpcTable<MessageQueue> queues = queues(c);
    if (command == SemaphoreControl.IPC_INFO || command == MSG_INFO) {
      return info(c, queues, command == MSG_INFO);
    }
    MessageQueue q =
        command == MSG_STAT || command == MSG_STAT_ANY ? queues.byIndex(id) : queues.byId(id);
    if (q == null) {
      return -Errno.EINVAL;
    }
    return switch (command) {
      case SemaphoreControl.IPC_STAT, MSG_STAT, MSG_STAT_ANY -> stat(c, q, command);
      case SemaphoreControl.IPC_SET -> change(c, q);
      case SemaphoreControl.IPC_RMID -> {
        int r = q.ownership(c.task.credentials);
        if (r == 0) {
          queues.remove(q);
          q.remove();
        }
        yield r;
      }
      default -> -Errno.EINVAL;
    };
  }

  private static long info(Syscall c, IpcTable<MessageQueue> queues, boolean ofNow) {
    long bytes = 0;
    for (int i = queues.highestIndex(); i >= 0; i--) {
      MessageQueue q = queues.byIndex(i);
      bytes += q == null ? 0 : q.bytes;
    }
    int[] fields = {
      ofNow ? queues.count() : IpcTable.MAX_OBJECTS * MessageQueue.DEFAULT_BYTES / 1024, // msgpool
      ofNow ? totalMessages(queues) : MessageQueue.DEFAULT_BYTES, // msgmap
      (int) largest(c), // msgmax
      (int) defaultBytes(c), // msgmnb
      IpcTable.MAX_OBJECTS, // msgmni
      16, // msgssz
      ofNow ? (int) bytes : MessageQueue.DEFAULT_BYTES, // msgtql
      0xffff, // msgseg
    };
    MemorySegment s = c.scratch().small;
    for (int i = 0; i < fields.length; i++) {
      Memory.setInt(s, i * 4L, fields[i]);
    }
    return c.memory().write(c.arg2, s, MSGINFO_SIZEOF) < 0 ? -Errno.EFAULT : queues.highestIndex();
  }

  private static long stat(Syscall c, MessageQueue q, int command) {
    int r = command == MSG_STAT_ANY ? 0 : q.access(c.task.credentials, IpcObject.READ);
    if (r < 0) {
      return r;
    }
    MemorySegment s = c.scratch().small;
    s.asSlice(0, MSQID_DS_SIZEOF).fill((byte) 0);
    synchronized (q) {
      q.putPerm(s, 0);
      Memory.setLong(s, MSG_STIME, q.sendSeconds);
      Memory.setLong(s, MSG_RTIME, q.receiveSeconds);
      Memory.setLong(s, MSG_CTIME, q.changeSeconds);
      Memory.setLong(s, MSG_CBYTES, q.bytes);
      Memory.setLong(s, MSG_QNUM, q.count());
      Memory.setLong(s, MSG_QBYTES, q.maxBytes);
      Memory.setInt(s, MSG_LSPID, q.lastSender);
      Memory.setInt(s, MSG_LRPID, q.lastReceiver);
    }
    return c.memory().write(c.arg2, s, MSQID_DS_SIZEOF) < 0
        ? -Errno.EFAULT
        : command == SemaphoreControl.IPC_STAT ? 0 : q.id;
  }

  private static long change(Syscall c, MessageQueue q) {
    MemorySegment s = c.scratch().small;
    if (c.memory().read(c.arg2, s, MSQID_DS_SIZEOF) < 0) {
      return -Errno.EFAULT;
    }
    int r = q.ownership(c.task.credentials);
    if (r < 0) {
      return r;
    }
    long bytes = Memory.getLong(s, MSG_QBYTES);
    if (Long.compareUnsigned(bytes, defaultBytes(c)) > 0
        && !c.task.credentials.has(Credentials.CAP_SYS_RESOURCE)) {
      return -Errno.EPERM;
    }
    synchronized (q) {
      r =
          q.setPerm(
              Memory.getInt(s, IpcObject.PERM_UID),
              Memory.getInt(s, IpcObject.PERM_GID),
              Memory.getInt(s, IpcObject.PERM_MODE));
      if (r == 0) {
        q.maxBytes = Long.compareUnsigned(bytes, MAX_QUEUE_BYTES) > 0 ? MAX_QUEUE_BYTES : bytes;
        q.waitQueue.wake(PollEvents.OUT);
      }
    }
    return r;
  }
}
