package io.redoubt.sentry.net;

import static io.redoubt.host.Errno.EAGAIN;
import static io.redoubt.host.Errno.ECONNREFUSED;
import static io.redoubt.host.Errno.ECONNRESET;
import static io.redoubt.host.Errno.EFAULT;
import static io.redoubt.host.Errno.EINTR;
import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.EISCONN;
import static io.redoubt.host.Errno.EMSGSIZE;
import static io.redoubt.host.Errno.ENFILE;
import static io.redoubt.host.Errno.ENOTCONN;
import static io.redoubt.host.Errno.EOPNOTSUPP;
import static io.redoubt.host.Errno.EPIPE;
import static io.redoubt.host.Errno.ETOOMANYREFS;

import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.WaitQueue;
import io.redoubt.sentry.limits.Limit;
import java.util.ArrayDeque;
import java.util.Iterator;

/**
 * SOCK_STREAM and SOCK_SEQPACKET of AF_UNIX: they listen and connect alike; one keeps the bounds of
 * messages.
 */
final class UnixConnection extends UnixSocket {
  private static final int MAX_BACKLOG = 4096; // net.core.somaxconn
  private static final int NOT_LISTENING = -1;

  /** What fits into one record at most; a bound on how long a lock is held. */
  private static final int MAX_CHUNK = 256 * 1024;

  // Guarded by this.
  private volatile int backlog = NOT_LISTENING;
  private ArrayDeque<UnixConnection> waiting; // connections that nobody has accepted
  private Ucred listener; // credentials of listen(2): what clients see

  /** Clients that found the backlog full. */
  private final WaitQueue acceptQueue = new WaitQueue();

  private volatile boolean accepted = true;

  UnixConnection(UnixNames names, int type, int flags) {
    super(names, type, flags);
  }

  private boolean isStream() {
    return type() == SOCK_STREAM;
  }

  /** Connects two new sockets: socketpair(2). */
  static UnixConnection[] pair(Syscall c, UnixNames names, int type, int flags) {
    UnixConnection a = new UnixConnection(names, type, flags);
    UnixConnection b = new UnixConnection(names, type, flags);
    a.peer = b;
    b.peer = a;
    a.peerCredentials = b.peerCredentials = Ucred.effective(c);
    return new UnixConnection[] {a, b};
  }

  @Override
  public boolean isListening() {
    return backlog != NOT_LISTENING;
  }

  @Override
  boolean isAccepted() {
    return accepted;
  }

  // ---- connections ----

  @Override
  public synchronized long listen(Syscall c, int requested) {
    if (address == null || peer != null) {
      return -EINVAL;
    }
    // Negative is a very large unsigned number.
    backlog = requested < 0 ? MAX_BACKLOG : Math.min(requested, MAX_BACKLOG);
    if (waiting == null) {
      waiting = new ArrayDeque<>();
    }
    listener = Ucred.effective(c);
    acceptQueue.wake(PollEvents.OUT);
    return 0;
  }

  @Override
  public SocketFile accept(Syscall c) {
    UnixConnection s;
    synchronized (this) {
      if (!isListening()) {
        return c.fail(-EINVAL);
      }
      s = waiting.poll();
      if (s == null) {
        return c.fail((shutdown & RCV_SHUTDOWN) != 0 ? -EINVAL : -EAGAIN);
      }
      s.accepted = true;
    }
    acceptQueue.wake(PollEvents.OUT);
    return s;
  }

  @Override
  public void unaccept(SocketFile connection) {
    UnixConnection s = (UnixConnection) connection;
    synchronized (this) {
      if (!dead) {
        s.accepted = false;
        waiting.addFirst(s);
        s = null;
      }
    }
    if (s != null) {
      s.close();
    } else {
      queue.wake(PollEvents.READABLE);
    }
  }

  @Override
  public long connect(Syscall c, byte[] name) {
    int r = UnixAddress.check(name);
    if (r != 0) {
      return r;
    }
    if (options.passCredentials && address == null) {
      long bound = autobind(c);
      if (bound != 0) {
        return bound;
      }
    }
    WaitQueue waitedOn = null;
    for (; ; ) {
      UnixSocket found = names.find(c, name, type());
      if (found == null) {
        return c.error();
      }
      UnixConnection other = (UnixConnection) found;
      long n = connectTo(c, other);
      if (n != -EAGAIN || isNonblocking()) {
        return n;
      }
      long timeout = options.sendTimeout;
      if (timeout != 0) {
        if (c.timedOut()) {
          return -EAGAIN;
        }
        c.deadline(timeout);
      }
      if (waitedOn == other.acceptQueue) {
        return c.blockHere(timeout != 0 ? -EINTR : Syscall.ERESTARTSYS);
      }
      // The name may lead to another listener than at the last run: wait on this one, and look once
      // more after that.
      c.forgetWaits();
      waitedOn = other.acceptQueue;
      c.alsoWait(waitedOn, PollEvents.OUT);
    }
  }

  private long connectTo(Syscall c, UnixConnection other) {
    if (other == this) {
      return isListening() ? -EINVAL : -ECONNREFUSED;
    }
    UnixConnection lower = number < other.number ? this : other;
    UnixConnection upper = lower == this ? other : this;
    UnixConnection server = new UnixConnection(names, type(), 0);
    synchronized (lower) {
      synchronized (upper) {
        if (!other.isListening() || other.dead || (other.shutdown & RCV_SHUTDOWN) != 0) {
          return -ECONNREFUSED;
        }
        if (other.waiting.size() > other.backlog) {
          return -EAGAIN;
        }
        if (isListening()) {
          return -EINVAL;
        }
        if (peer != null) {
          return -EISCONN;
        }
        if (!Limit.UNIX_SOCKETS.charge(1)) {
          return -ENFILE;
        }
        server.accepted = false;
        server.address = other.address;
        server.peer = this;
        server.peerCredentials = Ucred.effective(c);
        peer = server;
        peerCredentials = other.listener;
        other.waiting.add(server);
      }
    }
    other.queue.wake(PollEvents.READABLE);
    queue.wake(PollEvents.WRITABLE);
    return 0;
  }

  // ---- messages ----

  @Override
  public boolean continuesWrites() {
    return isStream();
  }

  @Override
  public long send(Syscall c, Message m) {
    UnixConnection other = (UnixConnection) peer;
    if (m.has(Message.MSG_OOB)) {
      return -EOPNOTSUPP;
    }
    if (isStream()) {
      if (m.to != null) {
        return other != null ? -EISCONN : -EOPNOTSUPP;
      }
      return other == null ? -ENOTCONN : sendBytes(c, m, other);
    }
    if (other == null) {
      return -ENOTCONN;
    }
    return sendRecord(c, m, other);
  }

  private long brokenPipe(Syscall c, Message m) {
    if (m.done > 0) {
      return m.done;
    }
    if (!m.has(Message.MSG_NOSIGNAL)) {
      c.task.sendSignal(SIGPIPE);
    }
    return -EPIPE;
  }

  private long sendBytes(Syscall c, Message m, UnixConnection other) {
    if ((shutdown & SEND_SHUTDOWN) != 0) {
      return brokenPipe(c, m);
    }
    Ucred credentials = credentialsFor(c, m, other);
    while (m.data.remaining() > 0) {
      int room = sendRoom();
      if (room <= 0) {
        return -EAGAIN;
      }
      int n = (int) Math.min(Math.min(m.data.remaining(), room), MAX_CHUNK);
      int r;
      synchronized (other) {
        if (other.dead || (other.shutdown & RCV_SHUTDOWN) != 0) {
          r = -EPIPE;
        } else {
          charge(n);
          if (m.files == null) {
            r = other.in.appendBytes(m.data, n, this, credentials);
          } else {
            r = appendWithFiles(m, n, other, credentials, n, null);
          }
          if (r != 0) {
            uncharge(n);
          }
        }
      }
      if (r == -EPIPE) {
        return brokenPipe(c, m);
      }
      if (r == -EFAULT && m.done > 0) {
        return m.done;
      }
      if (r != 0) {
        return r;
      }
      m.done += n;
      other.queue.wake(PollEvents.READABLE);
    }
    return m.done;
  }

  private int appendWithFiles(
      Message m, int n, UnixSocket other, Ucred credentials, int charge, byte[] from) {
    ReceiveQueue.Record record = new ReceiveQueue.Record(this, credentials, from, m.files);
    int files = m.files == null ? 0 : m.files.length;
    if (files > 0 && !InFlight.add(files)) {
      return -ETOOMANYREFS;
    }
    int r = other.in.append(m.data, n, charge, record);
    if (r == 0) {
      m.files = null; // now the record's
    } else {
      InFlight.remove(files);
    }
    return r;
  }

  private long sendRecord(Syscall c, Message m, UnixConnection other) {
    long n = m.data.remaining();
    if (n > options.sendBuffer - 32) {
      return -EMSGSIZE;
    }
    if ((shutdown & SEND_SHUTDOWN) != 0) {
      return -EPIPE;
    }
    if (sendRoom() <= 0) {
      return -EAGAIN;
    }
    int charge = (int) n + UnixDatagram.OVERHEAD;
    Ucred credentials = credentialsFor(c, m, other);
    int r;
    synchronized (other) {
      if (other.dead || (other.shutdown & RCV_SHUTDOWN) != 0) {
        return -EPIPE;
      }
      charge(charge);
      r = appendWithFiles(m, (int) n, other, credentials, charge, null);
      if (r != 0) {
        uncharge(charge);
      }
    }
    if (r != 0) {
      return r;
    }
    other.queue.wake(PollEvents.READABLE);
    return m.done += n;
  }

  @Override
  public long receive(Syscall c, Message m) {
    if (m.has(Message.MSG_OOB)) {
      return isStream() ? -EINVAL : -EOPNOTSUPP;
    }
    if (peer == null) {
      return isStream() ? -EINVAL : -ENOTCONN;
    }
    return isStream() ? receiveBytes(m) : receiveRecord(m);
  }

  private long receiveBytes(Message m) {
    boolean peek = m.has(Message.MSG_PEEK);
    long size = m.done + m.data.remaining();
    long target =
        m.has(Message.MSG_WAITALL) && !peek ? size : Math.min(options.receiveLowWater, size);
    synchronized (this) {
      boolean gluing = m.done > 0; // bytes of other credentials must not follow
      long offset = 0; // of the record, when peeking
      for (ReceiveQueue.Record r : peek ? in.all() : new FirstOf(in)) {
        if (gluing && options.passCredentials && !sameCredentials(m.credentials, r.credentials)) {
          return m.done;
        }
        gluing = true;
        boolean hadFiles = r.files != null;
        long n = in.ring.peek(m.data, offset, r.length);
        if (n < 0) {
          return m.done > 0 ? m.done : n;
        }
        if (m.from == null) {
          m.from = r.sender.address;
        }
        deliver(m, r, peek);
        m.done += n;
        if (peek) {
          offset += n;
        } else {
          in.ring.consume(n);
          r.length -= (int) n;
          int part = Math.min(r.charge, (int) n);
          r.charge -= part;
          if (r.length == 0) {
            in.removeFirst();
          }
          r.sender.uncharge(part);
        }
        if (hadFiles) {
          return m.done;
        }
        if (m.data.remaining() == 0) {
          break;
        }
      }
      if (m.done >= target) {
        return m.done;
      }
      if (peek && m.done > 0) {
        return m.done;
      }
      if (error != 0) {
        return m.done > 0 ? m.done : -takeError();
      }
      return (shutdown & RCV_SHUTDOWN) != 0 ? m.done : -EAGAIN;
    }
  }

  /**
   * The first record again and again, as long as there is one: what is consumed makes place for the
   * next.
   */
  private record FirstOf(ReceiveQueue queue) implements Iterable<ReceiveQueue.Record> {
    @Override
    public Iterator<ReceiveQueue.Record> iterator() {
      return new Iterator<>() {
        @Override
        public boolean hasNext() {
          return !queue.isEmpty();
        }

        @Override
        public ReceiveQueue.Record next() {
          return queue.first();
        }
      };
    }
  }

  private static boolean sameCredentials(Ucred received, Ucred sent) {
    return (sent == null ? Ucred.UNKNOWN : sent).equals(received);
  }

  private long receiveRecord(Message m) {
    synchronized (this) {
      if (error != 0) {
        return -takeError();
      }
      if (in.isEmpty()) {
        return (shutdown & RCV_SHUTDOWN) != 0 ? 0 : -EAGAIN;
      }
      return takeRecord(m);
    }
  }

  // ---- end ----

  @Override
  public long shutdown(Syscall c, int how) {
    int events = 0;
    synchronized (this) {
      shutdown |= how;
      events = eventsOf(shutdown);
    }
    queue.wake(events);
    acceptQueue.wake(PollEvents.OUT);
    UnixSocket other = peer;
    if (other != null) {
      synchronized (other) {
        other.shutdown |= (how & RCV_SHUTDOWN) << 1 | (how & SEND_SHUTDOWN) >> 1;
        events = eventsOf(other.shutdown);
      }
      other.queue.wake(events);
    }
    return 0;
  }

  private static int eventsOf(int shutdown) {
    return PollEvents.WRITABLE
        | ((shutdown & RCV_SHUTDOWN) != 0 ? PollEvents.READABLE | PollEvents.RDHUP : 0)
        | (shutdown == SHUTDOWN_MASK ? PollEvents.HUP : 0);
  }

  @Override
  protected void release() {
    boolean reset;
    OpenFile[] files;
    ArrayDeque<UnixConnection> orphans;
    UnixSocket other;
    synchronized (this) {
      dead = true;
      shutdown = SHUTDOWN_MASK;
      reset = !in.isEmpty() || !accepted;
      files = in.clear();
      orphans = waiting;
      waiting = null;
      backlog = NOT_LISTENING;
      other = peer;
    }
    Limit.UNIX_SOCKETS.release(1);
    unbind();
    if (other != null) {
      synchronized (other) {
        other.shutdown = SHUTDOWN_MASK;
        if (reset) {
          other.error = ECONNRESET;
        }
      }
      other.queue.wake(eventsOf(SHUTDOWN_MASK) | (reset ? PollEvents.ERR : 0));
    }
    acceptQueue.wake(PollEvents.OUT);
    if (orphans != null) {
      for (UnixConnection o : orphans) {
        o.close();
      }
    }
    if (files != null) {
      InFlight.discard(files);
    }
  }

  @Override
  public int poll(int interest) {
    synchronized (this) {
      int ready = error != 0 ? PollEvents.ERR : 0;
      int down = shutdown;
      if (down == SHUTDOWN_MASK) {
        ready |= PollEvents.HUP;
      }
      if ((down & RCV_SHUTDOWN) != 0) {
        ready |= PollEvents.RDHUP | PollEvents.READABLE;
      }
      if (isListening()) {
        return waiting.isEmpty() ? ready : ready | PollEvents.READABLE;
      }
      if (!in.isEmpty()) {
        ready |= PollEvents.READABLE;
      }
      if (peer == null) {
        ready |= PollEvents.HUP;
      }
      return isRoomy() ? ready | PollEvents.WRITABLE | PollEvents.WRBAND : ready;
    }
  }
}
