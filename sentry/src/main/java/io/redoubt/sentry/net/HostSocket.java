package io.redoubt.sentry.net;

import static io.redoubt.host.Errno.EACCES;
import static io.redoubt.host.Errno.EAGAIN;
import static io.redoubt.host.Errno.EALREADY;
import static io.redoubt.host.Errno.EFAULT;
import static io.redoubt.host.Errno.EINPROGRESS;
import static io.redoubt.host.Errno.EINTR;
import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.EMSGSIZE;
import static io.redoubt.host.Errno.ENFILE;
import static io.redoubt.host.Errno.EPIPE;

import io.redoubt.host.Memory;
import io.redoubt.host.Poll;
import io.redoubt.host.Socket;
import io.redoubt.host.Socket.Msghdr;
import io.redoubt.host.Stat;
import io.redoubt.host.Uio.Iovec;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Reactor;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.UserBuffer;
import io.redoubt.sentry.kernel.WaitQueue;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;

/**
 * A socket of the guest that is one of the host (AF_INET, AF_INET6), in the sandbox's {@link
 * Network}. The host's is always non-blocking; it is the guest's call that waits, on the queue, and
 * tries again. So what Linux answers is what the host kernel answers, and this class only decides
 * what may be asked.
 *
 * <p>Data goes through the bulk buffer of the sentry thread: one host call and one copy.
 */
class HostSocket extends SocketFile {

  private static final int FIRST_FREE_PORT = 1024; // net.ipv4.ip_unprivileged_port_start
  private static final int SIGPIPE = 13;

  /** What is copied before the host has said how much it takes. */
  private static final int CHUNK = 256 * 1024;

  // Where the pieces of a message lie in Scratch.small.
  private static final int IOV = 64;
  private static final int NAME = 128;
  private static final int NAME_LENGTH = 384;
  private static final int CONTROL = 512;

  /** Most ancillary data of one message; what is asked for more is cut off. */
  static final int CONTROL_MAX = 8192;

  private static final int NAME_MAX = 128; // struct sockaddr_storage
  private static final int MSG_CONFIRM = 0x800;

  /** The rest, such as MSG_ZEROCOPY and MSG_FASTOPEN, is left out. */
  private static final int SEND_FLAGS =
      Message.MSG_OOB | Socket.MSG_DONTROUTE | Socket.MSG_EOR | MSG_CONFIRM | Socket.MSG_MORE;

  private static final int RECEIVE_FLAGS =
      Message.MSG_OOB | Message.MSG_PEEK | Message.MSG_TRUNC | Message.MSG_ERRQUEUE;

  final Network network;
  final int fd;
  private final int domain;
  private final int type;
  private final int protocol;

  // Guarded by this.
  private Reactor.Registration registration;
  private volatile boolean armed; // written under this
  private boolean released;
  private ArrayDeque<HostSocket> returned; // accepted, but there was no number for them

  HostSocket(Network network, int fd, int domain, int type, int protocol, int flags) {
    super(flags, numberOf(fd));
    this.network = network;
    this.fd = fd;
    this.domain = domain;
    this.type = type;
    this.protocol = protocol;
  }

  private static long numberOf(int fd) {
    MemorySegment s = io.redoubt.sentry.kernel.KernelThread.scratch().small;
    return Stat.fstat(fd, s) < 0 ? fd : Memory.getLong(s, Stat.StatBuf.ST_INO);
  }

  @Override
  public int domain() {
    return domain;
  }

  @Override
  public int type() {
    return type;
  }

  @Override
  public int protocol() {
    return protocol;
  }

  /** Whether it is a socket of raw(7) or packet(7). */
  final boolean isRaw() {
    return type == SOCK_RAW && (domain == Socket.AF_INET || domain == Socket.AF_INET6)
        || domain == Socket.AF_PACKET;
  }

  private boolean isStream() {
    return type == SOCK_STREAM;
  }

  // ---- names and connections ----

  /** Copies an address into the scratch memory. */
  private static MemorySegment nameSegment(Syscall c, byte[] address) {
    MemorySegment s = c.scratch().small;
    Memory.copy(address, 0, s, NAME, address.length);
    return s.asSlice(NAME, NAME_MAX);
  }

  /** AF_* of an address; -1 when it is too short to have one. */
  static int familyOf(byte[] address) {
    return address.length < 2 ? -1 : address[0] & 0xff | (address[1] & 0xff) << 8;
  }

  private static long firstFreePort(Syscall c) {
    return c.task.kernel.sysctls.of("net.ipv4.ip_unprivileged_port_start", FIRST_FREE_PORT, 0xffff);
  }

  /** Whether the guest may bind here at all: inet_bind() looks at the sandbox's capabilities. */
  private boolean mayBind(Syscall c, byte[] address) {
    int family = familyOf(address);
    // raw(7) has no ports, and packet(7) a protocol in that place.
    boolean hasPort = (family == domain || family == 0) && address.length >= 16 && !isRaw();
    int port = hasPort ? (address[2] & 0xff) << 8 | address[3] & 0xff : 0;
    return port == 0
        || port >= firstFreePort(c)
        || c.task.credentials.has(Credentials.CAP_NET_BIND_SERVICE);
  }

  @Override
  public long bind(Syscall c, byte[] address) {
    return mayBind(c, address) ? Socket.bind(fd, nameSegment(c, address), address.length) : -EACCES;
  }

  @Override
  public long listen(Syscall c, int backlog) {
    return Socket.listen(fd, backlog);
  }

  @Override
  public SocketFile accept(Syscall c) {
    synchronized (this) {
      HostSocket first = returned == null ? null : returned.poll();
      if (first != null) {
        return first;
      }
    }
    if (!network.admit()) {
      return c.fail(-ENFILE);
    }
    int n = Socket.accept4(fd, 0, 0, Socket.SOCK_CLOEXEC | Socket.SOCK_NONBLOCK);
    if (n < 0) {
      network.unadmit();
      return c.fail(n);
    }
    HostSocket s = new HostSocket(network, n, domain, type, protocol, 0);
    s.options.inherit(options);
    return s;
  }

  @Override
  public void unaccept(SocketFile connection) {
    synchronized (this) {
      if (!released) {
        if (returned == null) {
          returned = new ArrayDeque<>();
        }
        returned.addFirst((HostSocket) connection);
        connection = null;
      }
    }
    if (connection != null) {
      connection.close();
    } else {
      queue.wake(PollEvents.READABLE);
    }
  }

  /**
   * Connects. A later run asks the host again: as long as the connection is on its way that is
   * EALREADY, and then, once, what has become of it (__inet_stream_connect()).
   */
  @Override
  public long connect(Syscall c, byte[] address) {
    long r = Socket.connect(fd, nameSegment(c, address), address.length);
    if ((r != -EINPROGRESS && r != -EALREADY) || isNonblocking()) {
      return r;
    }
    long timeout = options.sendTimeout;
    if (timeout != 0) {
      if (c.timedOut()) {
        return -EINPROGRESS;
      }
      c.deadline(timeout);
    }
    return c.block(waitQueue(), PollEvents.OUT, timeout != 0 ? -EINTR : Syscall.ERESTARTSYS);
  }

  private byte[] nameOf(boolean peer) {
    MemorySegment s = io.redoubt.sentry.kernel.KernelThread.scratch().small;
    Memory.setInt(s, NAME_LENGTH, NAME_MAX);
    long name = s.address() + NAME;
    long length = s.address() + NAME_LENGTH;
    int r = peer ? Socket.getpeername(fd, name, length) : Socket.getsockname(fd, name, length);
    return r < 0 ? null : nameIn(s, Memory.getInt(s, NAME_LENGTH));
  }

  private static byte[] nameIn(MemorySegment s, int length) {
    byte[] b = new byte[Math.max(0, Math.min(length, NAME_MAX))];
    Memory.copy(s, NAME, b, 0, b.length);
    return b;
  }

  @Override
  public byte[] name() {
    byte[] n = nameOf(false);
    return n == null ? new byte[0] : n;
  }

  @Override
  public byte[] peerName() {
    return nameOf(true);
  }

  @Override
  public long shutdown(Syscall c, int how) {
    return Socket.shutdown(fd, how - 1);
  }

  @Override
  public boolean isListening() {
    return Socket.getsockopt(fd, Socket.SOL_SOCKET, Socket.SO_ACCEPTCONN) == 1;
  }

  @Override
  public Ucred peerCredentials() {
    return new Ucred(0, -1, -1);
  }

  @Override
  public int takeError() {
    return (int) Math.max(0, Socket.getsockopt(fd, Socket.SOL_SOCKET, Socket.SO_ERROR));
  }

  // ---- data ----

  @Override
  public boolean continuesWrites() {
    return isStream();
  }

  @Override
  public boolean takesControl() {
    return true;
  }

  @Override
  public long read(Syscall c, UserBuffer dst) {
    return dst.remaining() == 0 ? 0 : receivePlain(c, dst, 0); // sock_read_iter()
  }

  @Override
  public long write(Syscall c, UserBuffer src) {
    return isStream() ? sendPlain(c, src, 0) : super.write(c, src);
  }

  @Override
  public boolean hasPlainTransfers() {
    return isStream();
  }

  @Override
  public long receivePlain(Syscall c, UserBuffer data, int flags) {
    MemorySegment bulk = c.scratch().bulk;
    long want = Math.min(data.remaining(), bulk.byteSize());
    long n = Socket.recv(fd, bulk, want, flags & RECEIVE_FLAGS | Socket.MSG_DONTWAIT);
    return n > 0 ? data.copyOut(bulk, 0, Math.min(n, want)) : n;
  }

  @Override
  public long sendPlain(Syscall c, UserBuffer data, int flags) {
    return sendStream(c, data, flags, null, null);
  }

  @Override
  public long send(Syscall c, Message m) {
    return isStream() ? sendBytes(c, m) : sendDatagram(c, m);
  }

  private long sendBytes(Syscall c, Message m) {
    long n = sendStream(c, m.data, m.flags, m.to, m.control);
    if (n < 0) {
      return n == -EAGAIN || m.done == 0 ? n : m.done;
    }
    m.done += n;
    return m.data.remaining() == 0 ? m.done : -EAGAIN;
  }

  /** Sends as much as there is room for. @return bytes, or -errno when none were sent */
  private long sendStream(Syscall c, UserBuffer data, int flags, byte[] to, byte[] control) {
    MemorySegment bulk = c.scratch().bulk;
    int all = flags & SEND_FLAGS | Socket.MSG_DONTWAIT | Socket.MSG_NOSIGNAL;
    long done = 0;
    do {
      long want = Math.min(data.remaining(), CHUNK);
      long have = want == 0 ? 0 : data.copyIn(bulk, 0, want);
      if (have < 0) {
        return done > 0 ? done : have;
      }
      // The urgent byte is the last one of all; a push comes after the last one.
      int now = data.remaining() > 0 ? all & ~Message.MSG_OOB | Socket.MSG_MORE : all;
      long n = sendHost(c, to, control, bulk, have, now);
      data.rewind(have - Math.max(n, 0));
      if (n < 0) {
        boolean first = done == 0 && c.progress == 0;
        if (n == -EPIPE && first && (flags & Message.MSG_NOSIGNAL) == 0) {
          c.task.sendSignal(SIGPIPE);
        }
        return done > 0 ? done : n;
      }
      done += n;
      if (n < have) {
        break;
      }
    } while (data.remaining() > 0);
    return done;
  }

  /** Sends one message whole or not at all. */
  long sendDatagram(Syscall c, Message m) {
    MemorySegment bulk = c.scratch().bulk;
    long length = m.data.remaining();
    if (m.hasEmptyName && domain != Socket.AF_NETLINK) {
      return -EINVAL;
    }
    if (length > bulk.byteSize()) {
      return -EMSGSIZE;
    }
    long have = length == 0 ? 0 : m.data.copyIn(bulk, 0, length);
    if (have != length) {
      return -EFAULT;
    }
    long r = checkDatagram(c, m, bulk, length);
    if (r != 0) {
      return r;
    }
    int flags = m.flags & SEND_FLAGS | Socket.MSG_DONTWAIT | Socket.MSG_NOSIGNAL;
    long n = sendHost(c, m.to, m.control, bulk, length, flags);
    if (n < 0) {
      m.data.rewind(length);
      return n;
    }
    return m.done += n;
  }

  /** A look at what is about to be sent. @return 0 or -errno */
  long checkDatagram(Syscall c, Message m, MemorySegment data, long length) {
    return 0;
  }

  private long sendHost(
      Syscall c, byte[] to, byte[] control, MemorySegment from, long length, int flags) {
    if (to == null && control == null) {
      return Socket.send(fd, from, length, flags);
    }
    MemorySegment s = c.scratch().small;
    int nameLength = to == null ? 0 : to.length;
    if (nameLength > 0) {
      Memory.copy(to, 0, s, NAME, nameLength);
    }
    int controlLength = control == null ? 0 : control.length;
    if (controlLength > 0) {
      Memory.copy(control, 0, s, CONTROL, controlLength);
    }
    header(s, nameLength, from, length, controlLength);
    return Socket.sendmsg(fd, s.address(), flags);
  }

  private static void header(
      MemorySegment s, int nameLength, MemorySegment data, long length, int controlLength) {
    Memory.setLong(s, Msghdr.MSG_NAME, nameLength == 0 ? 0 : s.address() + NAME);
    Memory.setLong(s, Msghdr.MSG_NAMELEN, nameLength); // and its padding
    Memory.setLong(s, Msghdr.MSG_IOV, s.address() + IOV);
    Memory.setLong(s, Msghdr.MSG_IOVLEN, 1);
    Memory.setLong(s, Msghdr.MSG_CONTROL, controlLength == 0 ? 0 : s.address() + CONTROL);
    Memory.setLong(s, Msghdr.MSG_CONTROLLEN, controlLength);
    Memory.setLong(s, Msghdr.MSG_FLAGS, 0);
    Memory.setLong(s, IOV + Iovec.IOV_BASE, data.address());
    Memory.setLong(s, IOV + Iovec.IOV_LEN, length);
  }

  @Override
  public long receive(Syscall c, Message m) {
    boolean plain = (m.flags & (Message.MSG_OOB | Message.MSG_ERRQUEUE)) == 0 && m.controlRoom == 0;
    return isStream() && plain ? receiveBytes(c, m) : receiveMessage(c, m);
  }

  private long receiveBytes(Syscall c, Message m) {
    MemorySegment bulk = c.scratch().bulk;
    boolean all = m.has(Message.MSG_WAITALL);
    boolean peek = m.has(Message.MSG_PEEK);
    for (; ; ) {
      long want = Math.min(m.data.remaining(), bulk.byteSize());
      long n = Socket.recv(fd, bulk, want, m.flags & RECEIVE_FLAGS | Socket.MSG_DONTWAIT);
      if (n < 0) {
        return n == -EAGAIN || m.done == 0 ? n : m.done;
      }
      if (peek && all && n < want && !isEnded()) {
        return -EAGAIN; // and nothing of it yet
      }
      if (n > 0) {
        if (m.has(Message.MSG_TRUNC)) {
          m.data.skip(n); // tcp(7): the bytes are thrown away
        } else {
          long copied = m.data.copyOut(bulk, 0, n);
          if (copied < 0) {
            return m.done > 0 ? m.done : copied;
          }
        }
      }
      m.done += n;
      if (!all || peek || n == 0 || m.data.remaining() == 0) {
        return m.done;
      }
    }
  }

  /** Whether nothing will come after what is there. */
  private boolean isEnded() {
    return (Poll.poll(fd, PollEvents.RDHUP, 0)
            & (PollEvents.RDHUP | PollEvents.HUP | PollEvents.ERR))
        != 0;
  }

  private long receiveMessage(Syscall c, Message m) {
    MemorySegment bulk = c.scratch().bulk;
    MemorySegment s = c.scratch().small;
    long want = Math.min(m.data.remaining(), bulk.byteSize());
    header(s, NAME_MAX, bulk, want, Math.min(m.controlRoom, CONTROL_MAX));
    long n = Socket.recvmsg(fd, s.address(), m.flags & RECEIVE_FLAGS | Socket.MSG_DONTWAIT);
    if (n < 0) {
      return n == -EAGAIN || m.done == 0 ? n : m.done;
    }
    m.resultFlags |= Memory.getInt(s, Msghdr.MSG_FLAGS) & ~Message.MSG_CMSG_CLOEXEC;
    int nameLength = Memory.getInt(s, Msghdr.MSG_NAMELEN);
    m.from = nameLength > 0 ? nameIn(s, nameLength) : null;
    int used = (int) Math.min(Memory.getLong(s, Msghdr.MSG_CONTROLLEN), CONTROL_MAX);
    if (used > 0) {
      m.control = new byte[used];
      Memory.copy(s, CONTROL, m.control, 0, used);
    }
    // With MSG_TRUNC n is the length of the datagram.
    long have = Math.min(n, want);
    if (have > 0 && !(isStream() && m.has(Message.MSG_TRUNC))) {
      long copied = m.data.copyOut(bulk, 0, have);
      if (copied < have) {
        return -EFAULT;
      }
    }
    m.done += n;
    boolean more = isStream() && m.has(Message.MSG_WAITALL) && n > 0 && m.data.remaining() > 0;
    return more && (m.flags & (Message.MSG_PEEK | Message.MSG_OOB)) == 0 ? -EAGAIN : m.done;
  }

  // ---- readiness ----

  /**
   * What the host says now. Where somebody waits the reactor is armed first: whoever registers on
   * the queue looks here, or at {@link #waitQueue}, once more after it, so no event is lost to
   * {@link #onHost} that saw the queue empty.
   */
  @Override
  public int poll(int interest) {
    if (!armed && !queue.isEmpty()) {
      arm();
    }
    int r = Poll.poll(fd, (interest & 0x7fff) | PollEvents.ALWAYS, 0);
    int ready = r < 0 ? PollEvents.ERR : r;
    synchronized (this) {
      if (returned != null && !returned.isEmpty()) {
        ready |= PollEvents.READABLE;
      }
    }
    return ready;
  }

  @Override
  public WaitQueue waitQueue() {
    if (!armed) {
      arm();
    }
    return queue;
  }

  /**
   * Edge-triggered, for everything, and only while somebody waits: each change on the host costs
   * one wake-up of the reactor, none when the guest is busy elsewhere.
   */
  private synchronized void arm() {
    if (armed || released) {
      return;
    }
    int events = PollEvents.IN | PollEvents.OUT | PollEvents.PRI | PollEvents.RDHUP | Poll.EPOLLET;
    if (registration == null) {
      registration = network.kernel.reactor.add(fd, events, this::onHost);
    } else {
      registration.modify(events);
    }
    armed = registration != null;
  }

  private void onHost(int events) {
    int e = events;
    if ((e & PollEvents.IN) != 0) {
      e |= PollEvents.RDNORM;
    }
    if ((e & PollEvents.OUT) != 0) {
      e |= PollEvents.WRNORM;
    }
    if ((e & PollEvents.PRI) != 0) {
      e |= PollEvents.RDBAND;
    }
    synchronized (this) {
      if (queue.isEmpty() && registration != null) {
        // Whoever registers looks at this word after it, so one of the two sees the other.
        armed = false;
        if (queue.isEmpty()) {
          registration.modify(Poll.EPOLLET);
        } else {
          armed = true;
        }
      }
    }
    queue.wake(e);
  }

  @Override
  protected void release() {
    Reactor.Registration r;
    ArrayDeque<HostSocket> orphans;
    synchronized (this) {
      released = true;
      r = registration;
      registration = null;
      orphans = returned;
      returned = null;
    }
    if (r != null) {
      r.remove();
    }
    network.close(fd);
    while (orphans != null && !orphans.isEmpty()) {
      orphans.poll().close();
    }
  }

  // ---- options ----

  @Override
  public long setOption(Syscall c, int level, int option, long address, int length) {
    return HostOptions.set(c, this, level, option, address, length);
  }

  @Override
  public long getOption(Syscall c, int level, int option, long address, long lengthAddress) {
    return HostOptions.get(c, this, level, option, address, lengthAddress);
  }

  @Override
  public long ioctl(Syscall c, int command, long arg) {
    return InterfaceIoctl.ioctl(c, fd, command, arg);
  }
}
