package io.redoubt.sentry.ipc.mq;

import static io.redoubt.sentry.kernel.SyscallTable.Support.FULL;
import static io.redoubt.sentry.kernel.SyscallTable.Support.PARTIAL;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Opening;
import io.redoubt.sentry.ipc.Clocks;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** mq_open, mq_unlink, mq_timedsend, mq_timedreceive, mq_notify, mq_getsetattr: ipc/mqueue.c. */
public final class QueueCalls {
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

  private static final int MAX_PRIORITY = 32768;
  private static final int NAME_MAX = 255;
  private static final int DEFAULT_MESSAGES = 10;
  private static final int DEFAULT_BYTES = 8192;

  // struct mq_attr: mq_flags, mq_maxmsg, mq_msgsize, mq_curmsgs and four reserved longs
  private static final int ATTR_FLAGS = 0;
  private static final int ATTR_MAXMSG = 8;
  private static final int ATTR_MSGSIZE = 16;
  private static final int ATTR_CURMSGS = 24;
  private static final int ATTR_SIZEOF = 64;

  // struct sigevent
  private static final int SIGEV_VALUE = 0;
  private static final int SIGEV_SIGNO = 8;
  private static final int SIGEV_NOTIFY = 12;
  private static final int SIGEV_SIZEOF = 64;
  private static final int NOTIFY_SIGNAL = 0;
  private static final int NOTIFY_NONE = 1;
  private static final int NOTIFY_THREAD = 2;

  private QueueCalls() {}

  public static void register(SyscallTable t) {
    t.on(240, "mq_open", 4, QueueCalls::open, PARTIAL, "not shown in /dev/mqueue");
    t.on(241, "mq_unlink", 1, QueueCalls::unlink, FULL);
    t.on(242, "mq_timedsend", 5, QueueCalls::send, FULL);
    t.on(243, "mq_timedreceive", 5, QueueCalls::receive, FULL);
    t.on(244, "mq_notify", 2, QueueCalls::notify, PARTIAL, "no SIGEV_THREAD; si_pid is 0");
    t.on(245, "mq_getsetattr", 3, QueueCalls::attributes, FULL);
  }

  private static QueueTable table(Syscall c) {
    return c.task.kernel.messageQueues();
  }

  /** The name, one component; null with an errno. */
  private static String name(Syscall c, long address) {
    String name = c.memory().readPath(c, address);
    if (name == null) {
      return null;
    }
    if (name.isEmpty()) {
      return c.fail(-Errno.ENOENT);
    }
    if (name.indexOf('/') >= 0 || name.equals(".") || name.equals("..")) {
      return c.fail(-Errno.EACCES);
    }
    return name.length() > NAME_MAX ? c.fail(-Errno.ENAMETOOLONG) : name;
  }

  // ---- names ----

  private static long open(Syscall c) {
    int flags = (int) c.arg1;
    long maxMessages = QueueTable.max(c, "msg_default", DEFAULT_MESSAGES);
    long maxBytes = QueueTable.max(c, "msgsize_default", DEFAULT_BYTES);
    if (c.arg3 != 0) {
      MemorySegment s = c.scratch().small;
      if (c.memory().read(c.arg3, s, ATTR_SIZEOF) < 0) {
        return -Errno.EFAULT;
      }
      maxMessages = Memory.getLong(s, ATTR_MAXMSG);
      maxBytes = Memory.getLong(s, ATTR_MSGSIZE);
    }
    String name = name(c, c.arg0);
    if (name == null) {
      return c.error();
    }
    QueueTable table = table(c);
    PosixQueue q;
    synchronized (table) {
      q = table.get(c, name);
      if (q == null && (flags & Opening.O_CREAT) != 0) {
        int permissions = (int) c.arg2 & 07777 & ~c.task.fs.umask();
        q = table.create(c, name, permissions, maxMessages, maxBytes);
      } else if (q != null) {
        int r = mayOpen(c, q, flags);
        if (r < 0) {
          table.release(q);
          return r;
        }
      }
    }
    if (q == null) {
      return c.error();
    }
    int kept = flags & (OpenFile.O_ACCMODE | OpenFile.O_NONBLOCK);
    OpenFile f = new QueueFile(table, q, name, c.task.process, kept);
    int fd = c.task.files.install(f, 0, true, c.task.process.limits.files());
    if (fd < 0) {
      f.close();
    }
    return fd;
  }

  private static int mayOpen(Syscall c, PosixQueue q, int flags) {
    int exclusive = Opening.O_CREAT | Opening.O_EXCL;
    if ((flags & exclusive) == exclusive) {
      return -Errno.EEXIST;
    }
    return switch (flags & OpenFile.O_ACCMODE) {
      case OpenFile.O_RDONLY -> q.access(c, 4);
      case OpenFile.O_WRONLY -> q.access(c, 2);
      case OpenFile.O_RDWR -> q.access(c, 6);
      default -> -Errno.EINVAL;
    };
  }

  private static long unlink(Syscall c) {
    String name = name(c, c.arg0);
    return name == null ? c.error() : table(c).unlink(c, name);
  }

  // ---- messages ----

  /** Reads the time at which to give up. @return 0 or a negative errno */
  private static int deadline(Syscall c, long address) {
    if (address == 0 || c.isRetry()) {
      return 0;
    }
    MemorySegment s = c.scratch().small;
    if (c.memory().read(address, s, 16) < 0) {
      return -Errno.EFAULT;
    }
    long seconds = Memory.getLong(s, 0);
    long nanos = Memory.getLong(s, 8);
    if (!Clocks.isValid(seconds, nanos)) {
      return -Errno.EINVAL;
    }
    c.deadline(Math.max(0, Clocks.nanos(seconds, nanos) - Clocks.now(Clocks.REALTIME)));
    return 0;
  }

  private static QueueFile file(Syscall c) {
    return c.hold(c.arg0) instanceof QueueFile f ? f : c.fail(-Errno.EBADF);
  }

  private static long send(Syscall c) {
    int r = deadline(c, c.arg4);
    if (r < 0) {
      return r;
    }
    if (Long.compareUnsigned(c.arg3 & 0xffffffffL, MAX_PRIORITY) >= 0) {
      return -Errno.EINVAL;
    }
    QueueFile f = file(c);
    if (f == null || !f.isWritable()) {
      return -Errno.EBADF;
    }
    if (Long.compareUnsigned(c.arg2, f.queue.maxBytes) > 0) {
      return -Errno.EMSGSIZE;
    }
    PosixQueue.Message m = (PosixQueue.Message) c.state;
    if (m == null) {
      byte[] text = new byte[(int) c.arg2];
      if (c.memory().readBytes(c.arg1, text, 0, text.length) < 0) {
        return -Errno.EFAULT;
      }
      m = new PosixQueue.Message(text, (int) c.arg3);
      c.state = m;
    }
    r = f.queue.send(c, m);
    return r == -Errno.EAGAIN ? await(c, f, f.queue.changes, PollEvents.OUT) : r;
  }

  private static long await(
      Syscall c, QueueFile f, io.redoubt.sentry.kernel.WaitQueue queue, int events) {
    if (f.isNonblocking()) {
      return -Errno.EAGAIN;
    }
    return c.timedOut() ? -Errno.ETIMEDOUT : c.block(queue, events, Syscall.ERESTARTSYS);
  }

  private static long receive(Syscall c) {
    int r = deadline(c, c.arg4);
    if (r < 0) {
      return r;
    }
    QueueFile f = file(c);
    if (f == null || !f.isReadable()) {
      return -Errno.EBADF;
    }
    if (Long.compareUnsigned(c.arg2, f.queue.maxBytes) < 0) {
      return -Errno.EMSGSIZE;
    }
    PosixQueue.Message m = f.queue.receive();
    if (m == null) {
      return await(c, f, f.queue.receivers, PollEvents.IN);
    }
    // As on Linux a message that cannot be delivered is lost.
    if (c.arg3 != 0 && c.memory().writeInt(c.arg3, m.priority()) != 0) {
      return -Errno.EFAULT;
    }
    int length = m.text().length;
    return c.memory().writeBytes(c.arg1, m.text(), 0, length) != 0 ? -Errno.EFAULT : length;
  }

  // ---- the rest ----

  private static long notify(Syscall c) {
    PosixQueue.Notification n = null;
    if (c.arg1 != 0) {
      MemorySegment s = c.scratch().small;
      if (c.memory().read(c.arg1, s, SIGEV_SIZEOF) < 0) {
        return -Errno.EFAULT;
      }
      int kind = Memory.getInt(s, SIGEV_NOTIFY);
      int signal = Memory.getInt(s, SIGEV_SIGNO);
      if (kind != NOTIFY_SIGNAL && kind != NOTIFY_NONE && kind != NOTIFY_THREAD) {
        return -Errno.EINVAL;
      }
      if (kind == NOTIFY_SIGNAL && (signal < 0 || signal > 64)) {
        return -Errno.EINVAL;
      }
      if (kind == NOTIFY_THREAD) {
        return -Errno.EBADF; // libc's way is a netlink socket, of which there are none
      }
      n =
          new PosixQueue.Notification(
              c.task.process, kind == NOTIFY_SIGNAL ? signal : 0, Memory.getLong(s, SIGEV_VALUE));
    }
    QueueFile f = file(c);
    return f == null ? c.error() : f.queue.notify(c.task.process, n);
  }

  private static long attributes(Syscall c) {
    MemorySegment s = c.scratch().small;
    boolean sets = c.arg1 != 0;
    int flags = 0;
    if (sets) {
      if (c.memory().read(c.arg1, s, ATTR_SIZEOF) < 0) {
        return -Errno.EFAULT;
      }
      long asked = Memory.getLong(s, ATTR_FLAGS);
      if ((asked & ~OpenFile.O_NONBLOCK) != 0) {
        return -Errno.EINVAL;
      }
      flags = (int) asked;
    }
    QueueFile f = file(c);
    if (f == null) {
      return c.error();
    }
    s.asSlice(0, ATTR_SIZEOF).fill((byte) 0);
    Memory.setLong(s, ATTR_FLAGS, f.flags() & OpenFile.O_NONBLOCK);
    Memory.setLong(s, ATTR_MAXMSG, f.queue.maxMessages);
    Memory.setLong(s, ATTR_MSGSIZE, f.queue.maxBytes);
    Memory.setLong(s, ATTR_CURMSGS, f.queue.count());
    if (sets) {
      f.setFlags(f.flags() & ~OpenFile.O_NONBLOCK | flags);
    }
    return c.arg2 == 0 ? 0 : c.memory().write(c.arg2, s, ATTR_SIZEOF);
  }
}
