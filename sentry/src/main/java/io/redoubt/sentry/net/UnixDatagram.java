package io.redoubt.sentry.net;

import static io.redoubt.host.Errno.EAGAIN;
import static io.redoubt.host.Errno.ECONNREFUSED;
import static io.redoubt.host.Errno.ECONNRESET;
import static io.redoubt.host.Errno.EMSGSIZE;
import static io.redoubt.host.Errno.ENOTCONN;
import static io.redoubt.host.Errno.EOPNOTSUPP;
import static io.redoubt.host.Errno.EPERM;
import static io.redoubt.host.Errno.EPIPE;
import static io.redoubt.host.Errno.ETOOMANYREFS;

import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.WaitQueue;
import io.redoubt.sentry.limits.Limit;
import java.util.ArrayList;

/** SOCK_DGRAM of AF_UNIX: reliable, in order, from any number of senders. */
final class UnixDatagram extends UnixSocket {
  /**
   * What a small message costs of the sender's buffer beside its bytes: about the kernel's struct
   * sk_buff.
   */
  static final int OVERHEAD = 768;

  private static final int AF_UNSPEC = 0;

  /** net.unix.max_dgram_qlen: a queue with more messages than this takes no more from strangers. */
  private static final int MAX_MESSAGES = 10;

  /** Senders that found the queue full. */
  private final WaitQueue roomQueue = new WaitQueue();

  private final ArrayList<UnixDatagram> connected =
      new ArrayList<>(1); // whose peer this is; guarded by this

  UnixDatagram(UnixNames names, int flags) {
    super(names, SOCK_DGRAM, flags);
  }

  static UnixDatagram[] pair(Syscall c, UnixNames names, int flags) {
    UnixDatagram a = new UnixDatagram(names, flags);
    UnixDatagram b = new UnixDatagram(names, flags);
    a.setPeer(b);
    b.setPeer(a);
    a.peerCredentials = b.peerCredentials = Ucred.effective(c);
    return new UnixDatagram[] {a, b};
  }

  private void setPeer(UnixDatagram other) {
    peer = other;
    if (other != null) {
      synchronized (other) {
        other.connected.add(this);
      }
    }
  }

  @Override
  public boolean isListening() {
    return false;
  }

  @Override
  public long listen(Syscall c, int backlog) {
    return -EOPNOTSUPP;
  }

  @Override
  public SocketFile accept(Syscall c) {
    return c.fail(-EOPNOTSUPP);
  }

  @Override
  public void unaccept(SocketFile connection) {}

  @Override
  public long connect(Syscall c, byte[] name) {
    UnixDatagram to = null;
    if (UnixAddress.family(name) != AF_UNSPEC) {
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
      to = (UnixDatagram) names.find(c, name, SOCK_DGRAM);
      if (to == null) {
        return c.error();
      }
      if (!to.takesFrom(this)) {
        return -EPERM;
      }
    }
    UnixDatagram old = (UnixDatagram) peer;
    if (to != old) {
      disconnect(old);
      setPeer(to);
    }
    queue.wake(PollEvents.WRITABLE);
    return 0;
  }

  /**
   * Ends the connection to {@code old}; what came from there is dropped, as
   * unix_dgram_disconnected() does.
   */
  private void disconnect(UnixDatagram old) {
    if (old == null) {
      return;
    }
    OpenFile[] files;
    boolean dropped;
    synchronized (this) {
      peer = null;
      dropped = !in.isEmpty();
      files = in.clear();
    }
    synchronized (old) {
      old.connected.remove(this);
      if (dropped && !old.dead && old.peer == this) {
        old.error = ECONNRESET;
      }
    }
    if (dropped) {
      wakeSenders();
      old.queue.wake(PollEvents.ERR);
    }
    if (files != null) {
      InFlight.discard(files);
    }
  }

  private boolean takesFrom(UnixDatagram sender) {
    UnixSocket mine = peer;
    return mine == null || mine == sender;
  }

  private boolean isFullFor(UnixDatagram sender) {
    return peer != sender && in.count() > MAX_MESSAGES;
  }

  @Override
  protected WaitQueue sendQueue(Message m) {
    // A message that has found its receiver waits for that one.
    return m.target == null ? null : ((UnixDatagram) m.target).roomQueue;
  }

  @Override
  public long send(Syscall c, Message m) {
    if (m.has(Message.MSG_OOB)) {
      return -EOPNOTSUPP;
    }
    UnixDatagram other;
    if (m.to != null) {
      int r = UnixAddress.check(m.to);
      if (r != 0) {
        return r;
      }
      other = (UnixDatagram) names.find(c, m.to, SOCK_DGRAM);
      if (other == null) {
        return c.error();
      }
    } else {
      other = (UnixDatagram) peer;
      if (other == null) {
        return -ENOTCONN;
      }
    }
    long n = m.data.remaining();
    if (n > options.sendBuffer - 32) {
      return -EMSGSIZE;
    }
    if ((shutdown & SEND_SHUTDOWN) != 0) {
      return -EPIPE;
    }
    if (options.passCredentials && address == null) {
      autobind(c);
    }
    m.target = other;
    if (sendRoom() <= 0) {
      return -EAGAIN;
    }
    int charge = (int) n + OVERHEAD;
    Ucred credentials = credentialsFor(c, m, other);
    int r;
    synchronized (other) {
      r = refusal(other);
      if (r == 0) {
        int files = m.files == null ? 0 : m.files.length;
        if (files > 0 && !InFlight.add(files)) {
          return -ETOOMANYREFS;
        }
        charge(charge);
        ReceiveQueue.Record record = new ReceiveQueue.Record(this, credentials, address, m.files);
        r = other.in.append(m.data, (int) n, charge, record);
        if (r == 0) {
          m.files = null; // now the record's
        } else {
          uncharge(charge);
          InFlight.remove(files);
        }
      }
    }
    if (r == -ECONNREFUSED && m.to == null) {
      disconnect(other);
      return r;
    }
    if (r != 0) {
      return r;
    }
    other.queue.wake(PollEvents.READABLE);
    return m.done += n;
  }

  /** Why {@code other} does not take a message of this socket; 0 if it does. Under its monitor. */
  private int refusal(UnixDatagram other) {
    if (other.dead) {
      return -ECONNREFUSED;
    }
    if (!other.takesFrom(this)) {
      return -EPERM;
    }
    if ((other.shutdown & RCV_SHUTDOWN) != 0) {
      return -EPIPE;
    }
    return other != this && other.isFullFor(this) ? -EAGAIN : 0;
  }

  @Override
  public long receive(Syscall c, Message m) {
    if (m.has(Message.MSG_OOB)) {
      return -EOPNOTSUPP;
    }
    boolean wasFull;
    long n;
    synchronized (this) {
      if (error != 0) {
        return -takeError();
      }
      if (in.isEmpty()) {
        boolean ended = (shutdown & RCV_SHUTDOWN) != 0;
        return ended && !isNonblocking() && !m.has(Message.MSG_DONTWAIT) ? 0 : -EAGAIN;
      }
      wasFull = in.count() > MAX_MESSAGES;
      n = takeRecord(m);
      wasFull &= in.count() <= MAX_MESSAGES;
    }
    if (wasFull) {
      wakeSenders();
    }
    return n;
  }

  /** There is room again: for those that wait in a call, and for those that poll. */
  private void wakeSenders() {
    roomQueue.wake(PollEvents.OUT);
    synchronized (this) {
      for (int i = 0; i < connected.size(); i++) {
        connected.get(i).queue.wake(PollEvents.WRITABLE | PollEvents.WRBAND);
      }
    }
  }

  @Override
  public long shutdown(Syscall c, int how) {
    synchronized (this) {
      shutdown |= how;
    }
    queue.wake(PollEvents.READABLE | PollEvents.WRITABLE | PollEvents.RDHUP | PollEvents.HUP);
    roomQueue.wake(PollEvents.OUT);
    return 0;
  }

  @Override
  protected void release() {
    OpenFile[] files;
    UnixDatagram other;
    synchronized (this) {
      dead = true;
      shutdown = SHUTDOWN_MASK;
      files = in.clear();
      other = (UnixDatagram) peer;
      peer = null;
    }
    Limit.UNIX_SOCKETS.release(1);
    unbind();
    if (other != null) {
      synchronized (other) {
        other.connected.remove(this);
      }
    }
    wakeSenders();
    if (files != null) {
      InFlight.discard(files);
    }
  }

  @Override
  public int poll(int interest) {
    int ready = error != 0 ? PollEvents.ERR : 0;
    int down = shutdown;
    if (down == SHUTDOWN_MASK) {
      ready |= PollEvents.HUP;
    }
    if ((down & RCV_SHUTDOWN) != 0) {
      ready |= PollEvents.RDHUP | PollEvents.READABLE;
    }
    synchronized (this) {
      if (!in.isEmpty()) {
        ready |= PollEvents.READABLE;
      }
    }
    if (isRoomy()) {
      UnixDatagram other = (UnixDatagram) peer;
      boolean full = false;
      if (other != null && other != this) {
        synchronized (other) {
          full = other.isFullFor(this);
        }
      }
      if (!full) {
        ready |= PollEvents.WRITABLE | PollEvents.WRBAND;
      }
    }
    return ready;
  }
}
