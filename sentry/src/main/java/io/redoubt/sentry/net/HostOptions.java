package io.redoubt.sentry.net;

import static io.redoubt.host.Errno.EFAULT;
import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.ENOENT;
import static io.redoubt.host.Errno.ENOPROTOOPT;
import static io.redoubt.host.Errno.EOPNOTSUPP;
import static io.redoubt.host.Errno.EPERM;

import io.redoubt.host.Memory;
import io.redoubt.host.Socket;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.Syscall;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * getsockopt(2) and setsockopt(2) of host sockets: what is listed here is passed on, as bytes;
 * everything else is ENOPROTOOPT. Nothing in the lists has a pointer in its value, loads a module,
 * runs a program (filters, BPF), or reaches out of the namespace. What raw sockets have besides is
 * in {@link RawOptions}.
 */
final class HostOptions {

  private static final int AF_INET = 2;
  private static final int SOL_IP = 0;
  private static final int SOL_SOCKET = 1;
  private static final int SOL_TCP = 6;
  private static final int SOL_UDP = 17;
  private static final int SOL_IPV6 = 41;
  private static final int SOL_NETLINK = 270;

  private static final int SO_SNDBUF = 7;
  private static final int SO_RCVBUF = 8;
  private static final int SO_LINGER = 13;
  private static final int SO_BINDTODEVICE = 25;
  private static final int SO_SNDBUFFORCE = 32;
  private static final int SO_RCVBUFFORCE = 33;
  private static final int TCP_CONGESTION = 13;

  // Where value and length lie in Scratch.small.
  private static final int VALUE = 0;
  private static final int LENGTH = 8192;
  private static final int MAX_VALUE = 4096;

  /** Bit n of word n / 64 is option n: may be set, and read. */
  private static final long[] SOCKET =
      options(
          2, // SO_REUSEADDR
          5, // SO_DONTROUTE
          6, // SO_BROADCAST
          SO_SNDBUF, SO_RCVBUF, 9, // SO_KEEPALIVE
          10, // SO_OOBINLINE
          11, // SO_NO_CHECK
          15, // SO_REUSEPORT
          18, // SO_RCVLOWAT
          29, // SO_TIMESTAMP
          35, // SO_TIMESTAMPNS
          37, // SO_TIMESTAMPING
          40, // SO_RXQ_OVFL
          42, // SO_PEEK_OFF
          45, // SO_SELECT_ERR_QUEUE
          47, // SO_MAX_PACING_RATE
          63, 64, 65); // the three of time stamps, with 64 bits

  /** May be read only. */
  private static final long[] SOCKET_READ =
      options(
          3, // SO_TYPE
          4, // SO_ERROR
          19, // SO_SNDLOWAT
          SO_BINDTODEVICE,
          30, // SO_ACCEPTCONN
          38, // SO_PROTOCOL
          39, // SO_DOMAIN
          49, // SO_INCOMING_CPU
          55, // SO_MEMINFO
          57); // SO_COOKIE

  private static final long[] IP =
      options(
          1, // IP_TOS
          2, // IP_TTL
          6, 7, 8, // IP_RECVOPTS, IP_RETOPTS, IP_PKTINFO
          10, 11, 12, 13, // IP_MTU_DISCOVER, IP_RECVERR, IP_RECVTTL, IP_RECVTOS
          15, // IP_FREEBIND
          20, 21, // IP_RECVORIGDSTADDR, IP_MINTTL
          23, 24, 25, // IP_CHECKSUM, IP_BIND_ADDRESS_NO_PORT, IP_RECVFRAGSIZE
          32, 33, 34, 35, 36, 37, 38, 39, 40, 41, // multicast
          42, 43, 44, 45, 46, 47, 48, 49, // MCAST_*, IP_MULTICAST_ALL
          50, 51); // IP_UNICAST_IF, IP_LOCAL_PORT_RANGE

  private static final long[] IP_READ = options(4, 9, 14, 19, 52); // IP_OPTIONS ... IP_PROTOCOL

  private static final long[] IPV6 =
      options(
          2, 3, 4, 5, 6, 7, 8, // the same of RFC 2292
          16, 17, 18, 19, 20, 21, // hops and multicast
          23, 25, 26, // IPV6_MTU_DISCOVER, IPV6_RECVERR, IPV6_V6ONLY
          29, 33, // IPV6_MULTICAST_ALL, IPV6_FLOWINFO_SEND
          42, 43, 44, 45, 46, 47, 48, // MCAST_*
          49, 50, 51, 52, 53, // IPV6_RECVPKTINFO ... IPV6_RECVHOPOPTS
          56, 58, 60, 62, // IPV6_RECVRTHDR, IPV6_RECVDSTOPTS, IPV6_RECVPATHMTU, IPV6_DONTFRAG
          66, 67, 70, 72, 73, 74, // IPV6_RECVTCLASS, IPV6_TCLASS ... IPV6_RECVORIGDSTADDR
          76, 77, 78); // IPV6_UNICAST_IF, IPV6_RECVFRAGSIZE, IPV6_FREEBIND

  private static final long[] IPV6_READ = options(24, 61, 75); // IPV6_MTU, IPV6_PATHMTU

  private static final long[] TCP =
      options(
          1,
          2,
          3,
          4,
          5,
          6,
          7,
          8,
          9,
          10, // TCP_NODELAY ... TCP_WINDOW_CLAMP
          12,
          TCP_CONGESTION,
          16,
          18, // TCP_QUICKACK, TCP_THIN_*, TCP_USER_TIMEOUT
          23,
          24,
          25,
          27, // TCP_FASTOPEN, TCP_TIMESTAMP, TCP_NOTSENT_LOWAT, TCP_SAVE_SYN
          30,
          36,
          37); // TCP_FASTOPEN_CONNECT, TCP_INQ, TCP_TX_DELAY

  private static final long[] TCP_READ =
      options(11, 26, 28); // TCP_INFO, TCP_CC_INFO, TCP_SAVED_SYN

  private static final long[] UDP =
      options(1, 101, 102, 103, 104); // UDP_CORK, UDP_NO_CHECK6_*, UDP_SEGMENT, UDP_GRO

  private static final long[] NETLINK =
      options(1, 2, 3, 4, 10, 11, 12); // memberships, NETLINK_PKTINFO ... NETLINK_GET_STRICT_CHK

  private static final long[] NETLINK_READ = options(9); // NETLINK_LIST_MEMBERSHIPS

  private static final long[] NONE = {};

  private HostOptions() {}

  private static long[] options(int... numbers) {
    long[] set = new long[numbers[numbers.length - 1] / 64 + 1];
    for (int n : numbers) {
      set[n / 64] |= 1L << n;
    }
    return set;
  }

  private static boolean has(long[] set, int option) {
    return option >= 0 && option / 64 < set.length && (set[option / 64] >>> option & 1) != 0;
  }

  private static boolean maySet(int level, int option) {
    return has(
        switch (level) {
          case SOL_SOCKET -> SOCKET;
          case SOL_IP -> IP;
          case SOL_IPV6 -> IPV6;
          case SOL_TCP -> TCP;
          case SOL_UDP -> UDP;
          case SOL_NETLINK -> NETLINK;
          default -> NONE;
        },
        option);
  }

  private static boolean isLevel(int level) {
    return switch (level) {
      case SOL_IP, SOL_TCP, SOL_UDP, SOL_IPV6 -> true;
      default -> false;
    };
  }

  private static boolean mayGet(int level, int option) {
    return maySet(level, option)
        || has(
            switch (level) {
              case SOL_SOCKET -> SOCKET_READ;
              case SOL_IP -> IP_READ;
              case SOL_IPV6 -> IPV6_READ;
              case SOL_TCP -> TCP_READ;
              case SOL_NETLINK -> NETLINK_READ;
              default -> NONE;
            },
            option);
  }

  static long set(Syscall c, HostSocket socket, int level, int option, long address, int length) {
    int name = option;
    if (level == SOL_SOCKET) {
      if (option == SO_BINDTODEVICE) {
        return -EPERM; // it would show through which interfaces others talk
      }
      if (option == SO_LINGER) {
        return linger(c, socket, address, length);
      }
      if (option == SO_SNDBUFFORCE || option == SO_RCVBUFFORCE) {
        if (!c.task.credentials.has(Credentials.CAP_NET_ADMIN)) {
          return -EPERM;
        }
        name = option - SO_SNDBUFFORCE + SO_SNDBUF; // within the host's limit
      } else if (RawOptions.isFilter(socket, level, option)) {
        return RawOptions.attachFilter(c, socket, address, length);
      } else if (!maySet(level, option) && !RawOptions.maySet(socket, level, option)) {
        return socket.options.set(c, option, address, length);
      }
    }
    boolean isOfRaw = RawOptions.maySet(socket, level, name);
    if (!isOfRaw && !maySet(level, name)) {
      return -ENOPROTOOPT;
    }
    MemorySegment s = c.scratch().small;
    if (isOfRaw) {
      length = Math.min(length, MAX_VALUE); // what is longer than they are is not looked at
    } else if (length > MAX_VALUE) {
      return -EINVAL;
    }
    if (length > 0 && c.memory().copyIn(address, s, VALUE, length) != length) {
      return -EFAULT;
    }
    if (level == SOL_TCP && name == TCP_CONGESTION && !isUsualCongestion(s, length)) {
      return -ENOENT; // root's sentry would load a module for it
    }
    return Socket.setsockopt(socket.fd, level, name, s.address() + VALUE, length);
  }

  private static boolean isUsualCongestion(MemorySegment s, int length) {
    byte[] b = new byte[Math.min(length, 15)];
    Memory.copy(s, VALUE, b, 0, b.length);
    String name = new String(b, StandardCharsets.ISO_8859_1);
    int end = name.indexOf(0);
    name = end < 0 ? name : name.substring(0, end);
    return name.equals("cubic") || name.equals("reno");
  }

  /**
   * The host is told of the reset that a time of 0 means. With another time its close would wait,
   * and a thread of the sentry with it: the data is sent all the same, after the guest's close.
   */
  private static long linger(Syscall c, HostSocket socket, long address, int length) {
    long r = socket.options.set(c, SO_LINGER, address, length);
    if (r != 0) {
      return r;
    }
    MemorySegment s = c.scratch().small;
    Memory.setInt(s, VALUE, socket.options.resetsOnClose() ? 1 : 0);
    Memory.setInt(s, VALUE + 4, 0);
    return Socket.setsockopt(socket.fd, SOL_SOCKET, SO_LINGER, s.address() + VALUE, 8);
  }

  static long get(
      Syscall c, HostSocket socket, int level, int option, long address, long lengthAddress) {
    if (!mayGet(level, option) && !RawOptions.mayGet(socket, level, option)) {
      return level == SOL_SOCKET
          ? socket.options.get(c, socket, option, address, lengthAddress)
          : isLevel(level) || RawOptions.isLevel(socket, level) || socket.domain() != AF_INET
              ? -ENOPROTOOPT
              : -EOPNOTSUPP;
    }
    MemorySegment s = c.scratch().small;
    if (c.memory().read(lengthAddress, s, 4) != 0) {
      return -EFAULT;
    }
    int room = Memory.getInt(s, 0);
    if (room < 0) {
      return -EINVAL;
    }
    room = Math.min(room, MAX_VALUE);
    // Some options take input here as well (MCAST_MSFILTER).
    if (room > 0 && c.memory().copyIn(address, s, VALUE, room) != room) {
      return -EFAULT;
    }
    Memory.setInt(s, LENGTH, room);
    long value = s.address() + VALUE;
    int r = Socket.getsockopt(socket.fd, level, option, value, s.address() + LENGTH);
    if (r < 0) {
      return r;
    }
    int length = Memory.getInt(s, LENGTH);
    int filled = Math.max(0, Math.min(length, room));
    if (filled > 0 && c.memory().copyOut(address, s, VALUE, filled) != filled) {
      return -EFAULT;
    }
    return c.memory().writeInt(lengthAddress, length);
  }
}
