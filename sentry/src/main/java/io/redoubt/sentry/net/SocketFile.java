package io.redoubt.sentry.net;

import static io.redoubt.host.Errno.EAGAIN;
import static io.redoubt.host.Errno.EINTR;
import static io.redoubt.host.Errno.EOPNOTSUPP;

import io.redoubt.sentry.fs.AnonInode;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.UserBuffer;
import io.redoubt.sentry.kernel.WaitQueue;

/**
 * A socket (socket(7)), of whatever family. As for every open file an operation never waits: what
 * cannot be done now is -EAGAIN, and the call blocks by {@link #await}.
 */
public abstract class SocketFile extends OpenFile {
  private static final int SOL_SOCKET = 1;

  public static final int SOCK_STREAM = 1;
  public static final int SOCK_DGRAM = 2;
  public static final int SOCK_RAW = 3;
  public static final int SOCK_SEQPACKET = 5;

  /** SOL_SOCKET options that are kept for every family. */
  public final SocketOptions options = new SocketOptions();

  /** Told of every change of readiness. */
  protected final WaitQueue queue = new WaitQueue();

  protected SocketFile(int flags) {
    super(AnonInode.path("socket", Stat.S_IFSOCK | 0777), O_RDWR | flags);
  }

  /** A socket with the number that the host's /proc/net has for it. */
  protected SocketFile(int flags, long ino) {
    super(AnonInode.path("socket", new AnonInode(Stat.S_IFSOCK | 0777, ino)), O_RDWR | flags);
  }

  /** AF_* of the socket. */
  public abstract int domain();

  /** SOCK_* of the socket. */
  public abstract int type();

  public int protocol() {
    return 0;
  }

  public abstract long bind(Syscall c, byte[] address);

  public abstract long listen(Syscall c, int backlog);

  /**
   * Takes a connection that waits. @return it, with one reference; null with -EAGAIN, -EINVAL,
   * -EOPNOTSUPP
   */
  public abstract SocketFile accept(Syscall c);

  /** Puts a connection back that could not be given a number: it is the next one again. */
  public abstract void unaccept(SocketFile connection);

  /** Connects. @return 0, {@link Syscall#BLOCKED}, or a negative errno */
  public abstract long connect(Syscall c, byte[] address);

  /** Its own address, as getsockname(2) gives it. */
  public abstract byte[] name();

  /** The peer's address, or null: -ENOTCONN. */
  public abstract byte[] peerName();

  /**
   * Sends from where {@link Message#data} stands. What is moved is added to {@link Message#done}.
   *
   * @return {@link Message#done} or a negative errno; -EAGAIN when not all could be moved and the
   *     caller may wait
   */
  public abstract long send(Syscall c, Message m);

  /** Receives into {@link Message#data}; returns as {@link #send} does. */
  public abstract long receive(Syscall c, Message m);

  /**
   * Whether {@link #sendPlain} and {@link #receivePlain} are there: bytes to or from the peer,
   * without names and ancillary data, and without an object made for the call.
   */
  public boolean hasPlainTransfers() {
    return false;
  }

  /**
   * Sends as much as there is room for.
   *
   * @return bytes, by which {@code data} has gone on, or a negative errno
   */
  public long sendPlain(Syscall c, UserBuffer data, int flags) {
    return -EOPNOTSUPP;
  }

  /** Receives what is there. @return bytes, 0 at the end, or a negative errno */
  public long receivePlain(Syscall c, UserBuffer data, int flags) {
    return -EOPNOTSUPP;
  }

  /** shutdown(2). @param how bits: 1 receiving, 2 sending */
  public abstract long shutdown(Syscall c, int how);

  /** Whether it listens: SO_ACCEPTCONN. */
  public abstract boolean isListening();

  /** SO_PEERCRED. */
  public abstract Ucred peerCredentials();

  /** SO_ERROR: the pending error, positive, which is taken. */
  public abstract int takeError();

  /**
   * Whether ancillary data of other levels than SOL_SOCKET means something to it: {@link
   * Message#control}.
   */
  public boolean takesControl() {
    return false;
  }

  /** setsockopt(2). @param length of the value, not negative */
  public long setOption(Syscall c, int level, int option, long address, int length) {
    return level == SOL_SOCKET ? options.set(c, option, address, length) : -EOPNOTSUPP;
  }

  /** getsockopt(2). @param lengthAddress of the length of the value, in and out */
  public long getOption(Syscall c, int level, int option, long address, long lengthAddress) {
    return level == SOL_SOCKET ? options.get(c, this, option, address, lengthAddress) : -EOPNOTSUPP;
  }

  /** A queue other than its own that a blocked send waits for, or null. */
  protected WaitQueue sendQueue(Message m) {
    return null;
  }

  /**
   * Blocks after -EAGAIN, within the socket's timeout.
   *
   * @param dontWait the caller asked for MSG_DONTWAIT
   * @param interruptResult what was done so far when positive, else 0
   */
  public final long await(
      Syscall c, Message m, int events, boolean dontWait, long interruptResult) {
    if (dontWait || isNonblocking()) {
      return interruptResult > 0 ? interruptResult : -EAGAIN;
    }
    long timeout = (events & PollEvents.IN) != 0 ? options.receiveTimeout : options.sendTimeout;
    if (timeout != 0) {
      if (c.timedOut()) {
        return interruptResult > 0 ? interruptResult : -EAGAIN;
      }
      c.deadline(timeout);
    }
    // At every run: a host socket that found nobody waiting may have stopped to watch just before
    // this call was registered.
    WaitQueue own = waitQueue();
    if (!c.isRetry()) {
      c.alsoWait(own, events);
      WaitQueue other = m == null ? null : sendQueue(m);
      if (other != null) {
        c.alsoWait(other, events);
      }
    }
    // sock_intr_errno(): with a timeout the call is not restarted.
    return c.blockHere(
        interruptResult > 0 ? interruptResult : timeout != 0 ? -EINTR : Syscall.ERESTARTSYS);
  }

  @Override
  public final long await(Syscall c, int events) {
    return await(c, null, events, false, c.progress);
  }

  @Override
  public long read(Syscall c, UserBuffer dst) {
    if (dst.remaining() == 0) {
      return 0; // sock_read_iter()
    }
    Message m = new Message(dst, 0);
    long n = receive(c, m);
    m.cleanup();
    return n == -EAGAIN && m.done > 0 ? m.done : n;
  }

  @Override
  public long write(Syscall c, UserBuffer src) {
    Message m = new Message(src, 0);
    long n = send(c, m);
    return n == -EAGAIN && m.done > 0 ? m.done : n;
  }

  @Override
  public WaitQueue waitQueue() {
    return queue;
  }

  @Override
  public String linkText() {
    return inode() instanceof AnonInode a ? "socket:[" + a.ino + "]" : null;
  }
}
