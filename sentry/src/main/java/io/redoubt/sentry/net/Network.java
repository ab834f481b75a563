package io.redoubt.sentry.net;

import static io.redoubt.host.Errno.EAGAIN;
import static io.redoubt.host.Errno.EINTR;
import static io.redoubt.host.Errno.ENETDOWN;
import static io.redoubt.host.Errno.ENFILE;

import io.redoubt.host.Ioctl;
import io.redoubt.host.Memory;
import io.redoubt.host.Mman;
import io.redoubt.host.Socket;
import io.redoubt.host.Unistd;
import io.redoubt.sentry.kernel.Kernel;
import io.redoubt.sentry.limits.Limit;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The network namespace of the sandbox: where its AF_INET, AF_INET6, AF_NETLINK and AF_PACKET
 * sockets are. Made when the guest first asks for such a socket.
 *
 * <p>A guest's socket is a socket of the host that only the sentry has. In a namespace of the
 * sandbox's own it is made by the front's socket maker ({@code network.h}): a process that is in
 * there, has no capabilities (with {@code --net-raw} CAP_NET_RAW in there), and answers {domain,
 * type, protocol} with a descriptor. In the host's namespace the sentry makes it.
 */
public final class Network {
  private static final int AF_INET = 2;
  private static final int AF_INET6 = 10;
  private static final int AF_NETLINK = 16;
  private static final int AF_PACKET = 17;

  /** Of packet sockets: multicast addresses, promiscuous interfaces. */
  private static final int MAX_MEMBERSHIPS = 4096;

  final Kernel kernel;
  private final AtomicInteger memberships = new AtomicInteger();
  private final int maker; // a socket, or negative: the sentry's own namespace
  private final SocketFamily inet = new InetFamily(this, AF_INET);
  private final SocketFamily inet6 = new InetFamily(this, AF_INET6);
  private final SocketFamily netlink = new NetlinkFamily(this);

  // Guarded by this: one request at a time is under way.
  private final MemorySegment message = Mman.anonymous(64);
  private final int[] received = new int[1];
  private int asking = -1;
  private long lastKind = -1; // of socket: domain, type, protocol
  private boolean ahead; // one more of that kind has been asked for

  /**
   * A network.
   *
   * @param maker the connection to the socket maker; negative for the host's namespace
   */
  public Network(Kernel kernel, int maker) {
    this.kernel = kernel;
    this.maker = maker;
  }

  /** Whether it is the host's own network. */
  boolean isHost() {
    return maker < 0;
  }

  /** The family of an AF_* number, or null. */
  public SocketFamily family(int domain) {
    return switch (domain) {
      case AF_INET -> inet;
      case AF_INET6 -> inet6;
      case AF_NETLINK -> netlink;
      case AF_PACKET -> new PacketFamily(this);
      default -> null;
    };
  }

  /**
   * Makes a socket of the host, non-blocking and close-on-exec. It counts against the bound until
   * {@link #close}.
   *
   * @return an fd, or -errno of socket(2)
   */
  int socket(int domain, int type, int protocol) {
    if (!admit()) {
      return -ENFILE;
    }
    int fd =
        maker < 0
            ? Socket.socket(domain, type | Socket.SOCK_CLOEXEC | Socket.SOCK_NONBLOCK, protocol)
            : request(domain, type, protocol);
    if (fd < 0) {
      Limit.NETWORK_SOCKETS.release(1);
    }
    return fd;
  }

  /** A socket to ask about interfaces with: SIOCGIF*. @return an fd that stays, or -errno */
  synchronized int asking() {
    if (asking < 0) {
      asking = socket(AF_INET, Socket.SOCK_DGRAM, 0);
    }
    return asking;
  }

  /** Has the namespace ready, as the first socket does. */
  public void start() {
    asking();
  }

  /**
   * Asks about an interface.
   *
   * @param request struct ifreq with the name, and room for the answer
   * @return 0 or -errno
   */
  public int ask(int command, MemorySegment request) {
    int fd = asking();
    return fd < 0 ? fd : Ioctl.ioctl(fd, command, request.address());
  }

  /** Counts a socket that came by accept4(2). @return false when there are too many */
  boolean admit() {
    return Limit.NETWORK_SOCKETS.charge(1);
  }

  /** Counts a membership of a packet socket. @return false when there are too many */
  boolean admitMembership() {
    if (memberships.incrementAndGet() <= MAX_MEMBERSHIPS) {
      return true;
    }
    memberships.decrementAndGet();
    return false;
  }

  /** Takes {@link #admitMembership} back. */
  void endMemberships(int count) {
    memberships.addAndGet(-count);
  }

  /** Takes {@link #admit} back. */
  void unadmit() {
    Limit.NETWORK_SOCKETS.release(1);
  }

  /** Closes a counted socket. */
  void close(int fd) {
    Unistd.close(fd);
    Limit.NETWORK_SOCKETS.release(1);
  }

  /**
   * Asks the maker, which answers at once: nothing that a guest does can keep it waiting. Who makes
   * sockets of one kind makes more of it: after the second in a row the next one is asked for
   * ahead, so that its answer is there already. Not one that receives from the moment that it is
   * made: it would have what came before its guest asked for it.
   */
  private synchronized int request(int domain, int type, int protocol) {
    long kind = (long) domain << 48 | (long) type << 32 | protocol;
    int fd = -EAGAIN;
    if (ahead) {
      ahead = false;
      fd = answer();
      if (fd >= 0 && kind != lastKind) {
        Unistd.close(fd);
        fd = -EAGAIN;
      }
    }
    if (fd < 0) {
      fd = ask(domain, type, protocol) ? answer() : -ENETDOWN;
    }
    boolean receives = type == Socket.SOCK_RAW && domain != AF_NETLINK || domain == AF_PACKET;
    ahead = fd >= 0 && kind == lastKind && !receives && ask(domain, type, protocol);
    lastKind = kind;
    return fd;
  }

  private boolean ask(int domain, int type, int protocol) {
    Memory.setInt(message, 0, domain);
    Memory.setInt(message, 4, type);
    Memory.setInt(message, 8, protocol);
    long n;
    do {
      n = Socket.send(maker, message, 12, Socket.MSG_NOSIGNAL);
    } while (n == -EINTR);
    return n == 12;
  }

  private int answer() {
    long n;
    do {
      n = Socket.recvFds(maker, message, 4, 0, received);
    } while (n == -EINTR);
    if (n != 4) {
      return -ENETDOWN;
    }
    int result = Memory.getInt(message, 0);
    return result < 0 ? result : received[0] >= 0 ? received[0] : -ENFILE;
  }
}
