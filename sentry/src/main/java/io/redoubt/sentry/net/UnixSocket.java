package io.redoubt.sentry.net;

import static io.redoubt.host.Errno.EFAULT;
import static io.redoubt.host.Errno.EINVAL;

import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Syscall;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** What the kinds of AF_UNIX sockets have in common: names, credentials, the sender's account. */
abstract class UnixSocket extends SocketFile {
  static final int RCV_SHUTDOWN = 1;
  static final int SEND_SHUTDOWN = 2;
  static final int SHUTDOWN_MASK = 3;
  static final int SIGPIPE = 13;

  private static final int SIOCINQ = 0x541b; // FIONREAD
  private static final int SIOCOUTQ = 0x5411; // TIOCOUTQ

  private static final AtomicLong NUMBERS = new AtomicLong();

  /** Order in which two sockets are locked. */
  final long number = NUMBERS.incrementAndGet();

  final UnixNames names;
  private final int type;

  /** What was sent and not received yet, with overhead: bounded by SO_SNDBUF. */
  private final AtomicInteger charged = new AtomicInteger();

  // Guarded by this; what is volatile is also read without.
  final ReceiveQueue in = new ReceiveQueue();
  volatile byte[] address; // null: no name
  private Path boundPath; // pinned, when the name is a path
  volatile UnixSocket peer;
  volatile int shutdown;
  volatile boolean dead;
  volatile Ucred peerCredentials = Ucred.NONE;
  volatile int error; // positive, taken by the next call that looks

  UnixSocket(UnixNames names, int type, int flags) {
    super(flags);
    this.names = names;
    this.type = type;
  }

  @Override
  public final int domain() {
    return UnixAddress.AF_UNIX;
  }

  @Override
  public final int type() {
    return type;
  }

  // ---- the sender's account ----

  /** Bytes that may still be sent before the sender has to wait. */
  final int sendRoom() {
    return options.sendBuffer - charged.get();
  }

  final void charge(int n) {
    charged.addAndGet(n);
  }

  /** Something that this socket sent has been received. */
  final void uncharge(int n) {
    int before = charged.getAndAdd(-n);
    int mark = options.sendBuffer / 4;
    if (before > mark && before - n <= mark) {
      queue.wake(PollEvents.WRITABLE | PollEvents.WRBAND);
    }
  }

  /** unix_writable(): a quarter of the buffer at most is in use. */
  final boolean isRoomy() {
    return (long) charged.get() * 4 <= options.sendBuffer;
  }

  // ---- names ----

  @Override
  public final long bind(Syscall c, byte[] name) {
    if (name.length == UnixAddress.PATH && UnixAddress.family(name) == UnixAddress.AF_UNIX) {
      return autobind(c);
    }
    int r = UnixAddress.check(name);
    if (r != 0) {
      return r;
    }
    if (address != null) {
      return -EINVAL;
    }
    if (UnixAddress.isAbstract(name)) {
      r = names.bind(this, name);
      if (r == 0) {
        synchronized (this) {
          address = name;
        }
      }
      return r;
    }
    Path path = UnixPaths.bind(c, this, UnixAddress.path(name));
    if (path == null) {
      return c.error();
    }
    synchronized (this) {
      boundPath = path;
      address = UnixAddress.normalised(name);
    }
    return 0;
  }

  final long autobind(Syscall c) {
    if (address != null) {
      return 0;
    }
    byte[] name = names.autobind(c, this);
    if (name == null) {
      return c.error();
    }
    synchronized (this) {
      address = name;
    }
    return 0;
  }

  /** Lets go of the name. */
  final void unbind() {
    byte[] name;
    Path path;
    synchronized (this) {
      name = address;
      path = boundPath;
      boundPath = null;
    }
    if (path != null) {
      UnixPaths.unbind(this, path);
    } else if (name != null && UnixAddress.isAbstract(name)) {
      names.unbind(this, name);
    }
  }

  @Override
  public final byte[] name() {
    byte[] a = address;
    return a == null ? UnixAddress.UNNAMED : a;
  }

  @Override
  public final byte[] peerName() {
    UnixSocket p = peer;
    return p == null ? null : p.name();
  }

  // ---- the rest of what is the same for all ----

  @Override
  public final Ucred peerCredentials() {
    return peerCredentials;
  }

  @Override
  public final synchronized int takeError() {
    int e = error;
    error = 0;
    return e;
  }

  /** The credentials that a message to {@code other} carries: unix_maybe_add_creds(). */
  final Ucred credentialsFor(Syscall c, Message m, UnixSocket other) {
    if (m.credentials != null) {
      return m.credentials;
    }
    boolean wanted =
        options.passCredentials || other.options.passCredentials || !other.isAccepted();
    return wanted ? Ucred.real(c) : null;
  }

  /** Whether a process has the socket: false for a connection that still waits for accept. */
  boolean isAccepted() {
    return true;
  }

  /** Hands what came with a record over to the receiver. */
  final void deliver(Message m, ReceiveQueue.Record r, boolean peek) {
    if (options.passCredentials) {
      m.credentials = r.credentials == null ? Ucred.UNKNOWN : r.credentials;
    }
    if (r.files == null) {
      return;
    }
    m.files = r.files;
    if (peek) {
      m.files = r.files.clone();
      for (OpenFile f : m.files) {
        f.acquire();
      }
    } else {
      r.files = null;
      InFlight.remove(m.files.length);
    }
  }

  /**
   * Takes the first message; under the monitor. @return its bytes, or all of its length for
   * MSG_TRUNC, or -EFAULT
   */
  final long takeRecord(Message m) {
    ReceiveQueue.Record r = in.first();
    int length = r.length;
    boolean peek = m.has(Message.MSG_PEEK);
    long size = Math.min(length, m.data.remaining());
    long n = size == 0 ? 0 : in.ring.peek(m.data, 0, length);
    m.from = r.from;
    if (length > size) {
      m.resultFlags |= Message.MSG_TRUNC;
    }
    if (n == size) {
      deliver(m, r, peek);
    }
    if (!peek) {
      in.ring.consume(length);
      in.removeFirst();
      r.sender.uncharge(r.charge);
      if (r.files != null) {
        // Not copied whole: the message is lost with all that came with it.
        m.files = r.files;
        InFlight.remove(r.files.length);
      }
    }
    if (n != size) {
      return -EFAULT;
    }
    m.done = m.has(Message.MSG_TRUNC) ? length : size;
    return m.done;
  }

  @Override
  public final long ioctl(Syscall c, int command, long arg) {
    int n;
    switch (command) {
      case SIOCINQ:
        synchronized (this) {
          if (isListening()) {
            return -EINVAL;
          }
          n = type == SOCK_DGRAM ? (in.isEmpty() ? 0 : in.first().length) : in.bytes();
        }
        break;
      case SIOCOUTQ:
        n = charged.get();
        break;
      default:
        return InterfaceIoctl.ofOther(c, command, arg);
    }
    return c.memory().writeInt(arg, n);
  }
}
