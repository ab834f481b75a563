package io.redoubt.sentry.syscalls;

import static io.redoubt.host.Errno.EAGAIN;
import static io.redoubt.host.Errno.EFAULT;
import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.EMSGSIZE;
import static io.redoubt.sentry.kernel.SyscallTable.Support.PARTIAL;

import io.redoubt.host.Memory;
import io.redoubt.sentry.ipc.Clocks;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import io.redoubt.sentry.kernel.UserBuffer;
import io.redoubt.sentry.net.Message;
import io.redoubt.sentry.net.SocketFile;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Sending and receiving: sendto, recvfrom, sendmsg, recvmsg, sendmmsg, recvmmsg.
 *
 * <p>The {@link Message} is made at the first run of a call and kept while it blocks: what was read
 * of the guest's headers then holds for all runs, and files that are to be sent stay referenced.
 */
final class MessageCalls {
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

  // struct msghdr
  private static final int MSG_NAME = 0; // void *
  private static final int MSG_NAMELEN = 8; // int
  private static final int MSG_IOV = 16; // struct iovec *
  private static final int MSG_IOVLEN = 24; // size_t
  private static final int MSG_CONTROL = 32; // void *
  private static final int MSG_CONTROLLEN = 40; // size_t
  private static final int MSG_FLAGS = 48; // int
  private static final int SIZEOF_MSGHDR = 56;

  // struct mmsghdr { struct msghdr msg_hdr; unsigned msg_len; }
  private static final int MSG_LEN = 56;
  private static final int SIZEOF_MMSGHDR = 64;

  private static final int SIZEOF_SOCKADDR_STORAGE = 128;
  private static final int UIO_MAXIOV = 1024;
  private static final int MSG_CMSG_COMPAT = 0x80000000;

  /** Urgent data and errors are there or not: to receive them never waits. */
  private static final int NEVER_WAITS =
      Message.MSG_DONTWAIT | Message.MSG_OOB | Message.MSG_ERRQUEUE;

  private static final int PLAIN_RECEIVE =
      Message.MSG_DONTWAIT | Message.MSG_NOSIGNAL | Message.MSG_PEEK;

  private MessageCalls() {}

  static void register(SyscallTable t) {
    t.on(44, "sendto", 6, MessageCalls::sendto, PARTIAL, SocketCalls.FAMILIES);
    t.on(45, "recvfrom", 6, MessageCalls::recvfrom, PARTIAL, SocketCalls.FAMILIES);
    t.on(46, "sendmsg", 3, MessageCalls::sendmsg, PARTIAL, SocketCalls.FAMILIES);
    t.on(47, "recvmsg", 3, MessageCalls::recvmsg, PARTIAL, SocketCalls.FAMILIES);
    t.on(299, "recvmmsg", 5, MessageCalls::recvmmsg, PARTIAL, SocketCalls.FAMILIES);
    t.on(307, "sendmmsg", 4, MessageCalls::sendmmsg, PARTIAL, SocketCalls.FAMILIES);
  }

  /** A message with what a guest's header says that does not belong to the socket. */
  private static final class Header {
    long name;
    long control;
    long controlLength;
  }

  private static boolean dontWait(int flags) {
    return (flags & Message.MSG_DONTWAIT) != 0;
  }

  // ---- one buffer ----

  private static long sendto(Syscall c) {
    int flags = (int) c.arg3;
    if (!UserBuffer.transferOk(c.arg1, c.arg2)) {
      return -EFAULT;
    }
    SocketFile s = SocketCalls.hold(c, c.arg0);
    if (s == null) {
      return c.error();
    }
    if (c.arg4 == 0 && s.hasPlainTransfers()) {
      return sendPlain(c, s, flags);
    }
    Message m = (Message) c.state;
    if (m == null) {
      m = new Message(UserBuffer.of(c.memory(), c.arg1, UserBuffer.clamped(c.arg2)), flags);
      if (c.arg4 != 0) {
        byte[] to = SocketCalls.readAddress(c, c.arg4, (int) c.arg5);
        if (to == null) {
          return c.error();
        }
        m.to = to.length == 0 ? null : to;
        m.hasEmptyName = to.length == 0;
      }
      c.state = m;
    }
    return finishSend(c, s, m);
  }

  /** send(2) of a stream, which makes no object. What earlier runs have sent is the progress. */
  private static long sendPlain(Syscall c, SocketFile s, int flags) {
    UserBuffer data = c.buffer(c.arg1, UserBuffer.clamped(c.arg2));
    data.skip(c.progress);
    long n = s.sendPlain(c, data, flags);
    if (n >= 0) {
      c.progress += n;
      if (data.remaining() == 0) {
        return c.progress;
      }
    } else if (n != -EAGAIN) {
      return c.progress > 0 ? c.progress : n;
    }
    return s.await(c, null, PollEvents.OUT, dontWait(flags), c.progress);
  }

  private static long finishSend(Syscall c, SocketFile s, Message m) {
    long n = s.send(c, m);
    if (n != -EAGAIN) {
      return n;
    }
    c.progress = m.done;
    return s.await(c, m, PollEvents.OUT, dontWait(m.flags), m.done);
  }

  private static long finishReceive(Syscall c, SocketFile s, Message m) {
    long n = s.receive(c, m);
    if (n != -EAGAIN) {
      return n;
    }
    c.progress = m.done;
    return s.await(c, m, PollEvents.IN, (m.flags & NEVER_WAITS) != 0, m.done);
  }

  private static long recvfrom(Syscall c) {
    int flags = (int) c.arg3;
    if (!UserBuffer.transferOk(c.arg1, c.arg2)) {
      return -EFAULT;
    }
    SocketFile s = SocketCalls.hold(c, c.arg0);
    if (s == null) {
      return c.error();
    }
    if ((flags & ~PLAIN_RECEIVE) == 0 && c.arg4 == 0 && s.hasPlainTransfers()) {
      long n = s.receivePlain(c, c.buffer(c.arg1, UserBuffer.clamped(c.arg2)), flags);
      return n == -EAGAIN ? s.await(c, null, PollEvents.IN, dontWait(flags), 0) : n;
    }
    Message m = (Message) c.state;
    if (m == null) {
      m = new Message(UserBuffer.of(c.memory(), c.arg1, UserBuffer.clamped(c.arg2)), flags);
      c.state = m;
    }
    long n = finishReceive(c, s, m);
    if (n >= 0 && c.arg4 != 0) {
      byte[] from = m.from == null ? new byte[0] : m.from;
      long r = SocketCalls.writeAddress(c, from, c.arg4, c.arg5);
      if (r != 0) {
        return r;
      }
    }
    return n;
  }

  // ---- headers ----

  /**
   * Reads a struct msghdr and makes the message of it.
   *
   * @param sending whether name and control data are the guest's to give
   * @return null with -EFAULT, -EINVAL, -EMSGSIZE, -ENOBUFS, or what the control data is refused
   *     for
   */
  private static Message readHeader(
      Syscall c, SocketFile socket, long address, int flags, boolean sending, Header h) {
    MemorySegment s = c.scratch().small;
    if (c.memory().read(address, s, SIZEOF_MSGHDR) != 0) {
      return c.fail(-EFAULT);
    }
    h.name = Memory.getLong(s, MSG_NAME);
    int nameLength = h.name == 0 ? 0 : Memory.getInt(s, MSG_NAMELEN);
    long iov = Memory.getLong(s, MSG_IOV);
    long iovCount = Memory.getLong(s, MSG_IOVLEN);
    h.control = Memory.getLong(s, MSG_CONTROL);
    h.controlLength = Memory.getLong(s, MSG_CONTROLLEN);
    if (nameLength < 0) {
      return c.fail(-EINVAL);
    }
    byte[] to = null;
    if (sending && nameLength > 0) {
      to = SocketCalls.readAddress(c, h.name, Math.min(nameLength, SIZEOF_SOCKADDR_STORAGE));
      if (to == null) {
        return null;
      }
    }
    if (iovCount < 0 || iovCount > UIO_MAXIOV) {
      return c.fail(-EMSGSIZE);
    }
    long[] pairs = c.memory().readIovecs(c, iov, iovCount);
    if (pairs == null) {
      return null;
    }
    if (!UserBuffer.accessOk(pairs)) {
      return c.fail(-EFAULT);
    }
    Message m = new Message(UserBuffer.of(c.memory(), pairs), flags);
    m.to = to;
    if (sending) {
      long r = ControlMessages.read(c, socket, m, h.control, h.controlLength);
      if (r != 0) {
        m.cleanup();
        return c.fail(r);
      }
    } else if (h.control != 0) {
      m.controlRoom = (int) Math.max(0, Math.min(h.controlLength, Integer.MAX_VALUE));
    }
    return m;
  }

  private static long sendmsg(Syscall c) {
    int flags = (int) c.arg2;
    if ((flags & MSG_CMSG_COMPAT) != 0) {
      return -EINVAL;
    }
    SocketFile s = SocketCalls.hold(c, c.arg0);
    if (s == null) {
      return c.error();
    }
    if (c.state == null) {
      c.state = readHeader(c, s, c.arg1, flags, true, new Header());
      if (c.state == null) {
        return c.error();
      }
    }
    return finishSend(c, s, (Message) c.state);
  }

  private static long recvmsg(Syscall c) {
    int flags = (int) c.arg2;
    if ((flags & MSG_CMSG_COMPAT) != 0) {
      return -EINVAL;
    }
    SocketFile s = SocketCalls.hold(c, c.arg0);
    if (s == null) {
      return c.error();
    }
    Receiving r = (Receiving) c.state;
    if (r == null) {
      Header h = new Header();
      Message m = readHeader(c, s, c.arg1, flags, false, h);
      if (m == null) {
        return c.error();
      }
      r = new Receiving(m, h);
      c.state = r;
    }
    long n = finishReceive(c, s, r.message);
    return n < 0 ? n : writeHeader(c, r, c.arg1, n);
  }

  /** A message that is being received, and where its header wants things. */
  private record Receiving(Message message, Header header) implements Syscall.Cleanup {
    @Override
    public void cleanup() {
      message.cleanup();
    }
  }

  /** Tells the guest what came with the bytes. @return {@code n} or a negative errno */
  private static long writeHeader(Syscall c, Receiving r, long address, long n) {
    Message m = r.message;
    Header h = r.header;
    if (h.controlLength < 0) {
      return -EFAULT;
    }
    long used = ControlMessages.write(c, m, h.control, h.controlLength);
    if (h.name != 0) {
      byte[] from = m.from == null ? new byte[0] : m.from;
      long e = SocketCalls.writeAddress(c, from, h.name, address + MSG_NAMELEN);
      if (e != 0) {
        return e;
      }
    } else if (c.memory().writeInt(address + MSG_NAMELEN, 0) != 0) {
      return -EFAULT;
    }
    int flags = m.resultFlags | m.flags & Message.MSG_CMSG_CLOEXEC;
    if (c.memory().writeInt(address + MSG_FLAGS, flags) != 0
        || c.memory().writeLong(address + MSG_CONTROLLEN, used) != 0) {
      return -EFAULT;
    }
    return n;
  }

  // ---- several messages; progress counts them ----

  private static long sendmmsg(Syscall c) {
    int flags = (int) c.arg3;
    if ((flags & MSG_CMSG_COMPAT) != 0) {
      return -EINVAL;
    }
    SocketFile s = SocketCalls.hold(c, c.arg0);
    if (s == null) {
      return c.error();
    }
    long count = Math.min(c.arg2 & 0xffffffffL, UIO_MAXIOV);
    while (c.progress < count) {
      long address = c.arg1 + c.progress * SIZEOF_MMSGHDR;
      if (c.state == null) {
        c.state = readHeader(c, s, address, flags, true, new Header());
        if (c.state == null) {
          return c.progress > 0 ? c.progress : c.error();
        }
      }
      Message m = (Message) c.state;
      long n = s.send(c, m);
      if (n == -EAGAIN) {
        boolean stop = dontWait(flags) || s.isNonblocking();
        if (!stop || c.progress > 0 || m.done == 0) {
          return s.await(c, m, PollEvents.OUT, dontWait(flags), c.progress);
        }
        n = m.done;
      }
      m.cleanup();
      c.state = null;
      if (n >= 0 && c.memory().writeInt(address + MSG_LEN, (int) n) != 0) {
        n = -EFAULT;
      }
      if (n < 0) {
        return c.progress > 0 ? c.progress : n;
      }
      c.progress++;
    }
    return c.progress;
  }

  private static long recvmmsg(Syscall c) {
    int flags = (int) c.arg3;
    if ((flags & MSG_CMSG_COMPAT) != 0) {
      return -EINVAL;
    }
    long timeout = PollCalls.timespec(c, c.arg4);
    if (timeout < PollCalls.NO_TIMEOUT) {
      return timeout + 1;
    }
    SocketFile s = SocketCalls.hold(c, c.arg0);
    if (s == null) {
      return c.error();
    }
    long count = Math.min(c.arg2 & 0xffffffffL, UIO_MAXIOV);
    long start = Clocks.now(Clocks.MONOTONIC);
    while (c.progress < count) {
      long address = c.arg1 + c.progress * SIZEOF_MMSGHDR;
      Receiving r = (Receiving) c.state;
      if (r == null) {
        Header h = new Header();
        Message m = readHeader(c, s, address, flags & ~Message.MSG_WAITFORONE, false, h);
        if (m == null) {
          return c.progress > 0 ? c.progress : c.error();
        }
        r = new Receiving(m, h);
        c.state = r;
      }
      long n = s.receive(c, r.message);
      if (n == -EAGAIN) {
        boolean stop =
            (flags & NEVER_WAITS) != 0 || ((flags & Message.MSG_WAITFORONE) != 0 && c.progress > 0);
        return s.await(c, r.message, PollEvents.IN, stop, c.progress);
      }
      if (n >= 0) {
        n = writeHeader(c, r, address, n);
      }
      r.cleanup();
      c.state = null;
      if (n >= 0 && c.memory().writeInt(address + MSG_LEN, (int) n) != 0) {
        n = -EFAULT;
      }
      if (n < 0) {
        return c.progress > 0 ? c.progress : n;
      }
      c.progress++;
      // The timeout is only looked at after a message has come: recvmmsg(2), BUGS.
      if (timeout >= 0 && Clocks.now(Clocks.MONOTONIC) - start >= timeout) {
        break;
      }
    }
    return c.progress;
  }
}
