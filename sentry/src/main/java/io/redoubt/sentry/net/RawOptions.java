package io.redoubt.sentry.net;

import static io.redoubt.host.Errno.EFAULT;
import static io.redoubt.host.Errno.EINVAL;

import io.redoubt.host.Memory;
import io.redoubt.host.Socket;
import io.redoubt.sentry.kernel.Syscall;
import java.lang.foreign.MemorySegment;

/**
 * What sockets of raw(7) and packet(7) have for options besides those of {@link HostOptions}. Left
 * out is what has the guest and the host kernel share memory (PACKET_RX_RING, PACKET_TX_RING), what
 * has been broken often and few need (PACKET_FANOUT, PACKET_VNET_HDR), what gets past the shaping
 * of an interface (PACKET_QDISC_BYPASS), and eBPF.
 *
 * <p>Of rings libpcap asks first by PACKET_HDRLEN. ENOPROTOOPT is what it takes for a kernel
 * without them; up to 1.9 it then receives by recvmsg(2), from 1.10 on it says that there are none.
 */
final class RawOptions {
  private static final int AF_INET = 2;
  private static final int SOL_IP = 0;
  private static final int SOL_SOCKET = 1;
  private static final int SOL_IPV6 = 41;
  private static final int SOL_ICMPV6 = 58;
  private static final int SOL_RAW = 255;
  static final int SOL_PACKET = 263;

  private static final int SO_ATTACH_FILTER = 26;
  private static final int SO_DETACH_FILTER = 27;
  private static final int SO_LOCK_FILTER = 44;
  private static final int IP_HDRINCL = 3;
  private static final int IP_NODEFRAG = 22;
  private static final int IPV6_HDRINCL = 36;
  private static final int IPV6_CHECKSUM = 7;
  private static final int ICMP_FILTER = 1; // ICMPV6_FILTER too

  static final int PACKET_ADD_MEMBERSHIP = 1;
  static final int PACKET_DROP_MEMBERSHIP = 2;
  private static final int PACKET_STATISTICS = 6;
  private static final int PACKET_AUXDATA = 8;
  private static final int PACKET_ORIGDEV = 9;
  private static final int PACKET_TIMESTAMP = 17;
  private static final int PACKET_IGNORE_OUTGOING = 23;

  // struct sock_fprog { unsigned short len; struct sock_filter *filter; }
  private static final int SIZEOF_SOCK_FPROG = 16;
  private static final int FPROG_FILTER = 8;
  private static final int SIZEOF_SOCK_FILTER = 8;
  private static final int BPF_MAXINSNS = 4096;

  private RawOptions() {}

  /** Whether it is for the host kernel to say what becomes of it. */
  static boolean maySet(HostSocket socket, int level, int option) {
    if (!socket.isRaw()) {
      return false;
    }
    return switch (level) {
      case SOL_SOCKET -> option == SO_DETACH_FILTER || option == SO_LOCK_FILTER;
      case SOL_IP -> option == IP_HDRINCL || option == IP_NODEFRAG;
      case SOL_IPV6 -> option == IPV6_HDRINCL;
      case SOL_ICMPV6 -> option == ICMP_FILTER;
      case SOL_RAW -> option == (socket.domain() == AF_INET ? ICMP_FILTER : IPV6_CHECKSUM);
      case SOL_PACKET ->
          switch (option) {
            case PACKET_AUXDATA, PACKET_ORIGDEV, PACKET_TIMESTAMP, PACKET_IGNORE_OUTGOING -> true;
            default -> false;
          };
      default -> false;
    };
  }

  static boolean mayGet(HostSocket socket, int level, int option) {
    return switch (level) {
      case SOL_SOCKET -> socket.isRaw() && option == SO_LOCK_FILTER;
      case SOL_PACKET ->
          maySet(socket, level, option) || socket.isRaw() && option == PACKET_STATISTICS;
      default -> maySet(socket, level, option);
    };
  }

  /** Whether getsockopt(2) of a level that it has says ENOPROTOOPT of what it does not know. */
  static boolean isLevel(HostSocket socket, int level) {
    return socket.isRaw() && level == SOL_RAW;
  }

  /** Whether it is for {@link PacketSocket} to count. */
  static boolean isMembership(int level, int option) {
    return level == SOL_PACKET
        && (option == PACKET_ADD_MEMBERSHIP || option == PACKET_DROP_MEMBERSHIP);
  }

  static boolean isFilter(HostSocket socket, int level, int option) {
    return socket.isRaw() && level == SOL_SOCKET && option == SO_ATTACH_FILTER;
  }

  /**
   * Attaches a program of classic BPF: what the host kernel sees is the sentry's copy of it, of a
   * checked length. Whether it is a program is for the kernel's own checker (bpf_check_classic()),
   * which knows that it comes from a user.
   */
  static long attachFilter(Syscall c, HostSocket socket, long address, int length) {
    MemorySegment s = c.scratch().small;
    MemorySegment bulk = c.scratch().bulk;
    if (length != SIZEOF_SOCK_FPROG) {
      // sk_setsockopt() looks at an int of it first.
      return length >= 4 && c.memory().read(address, s, 4) != 0 ? -EFAULT : -EINVAL;
    }
    if (c.memory().read(address, s, SIZEOF_SOCK_FPROG) != 0) {
      return -EFAULT;
    }
    int count = Memory.getInt(s, 0) & 0xffff;
    long filter = Memory.getLong(s, FPROG_FILTER);
    if (count == 0 || count > BPF_MAXINSNS || filter == 0) {
      return -EINVAL; // bpf_check_basics_ok()
    }
    long bytes = (long) count * SIZEOF_SOCK_FILTER;
    if (c.memory().copyIn(filter, bulk, 0, bytes) != bytes) {
      return -EFAULT;
    }
    Memory.setLong(s, 0, count);
    Memory.setLong(s, FPROG_FILTER, bulk.address());
    return Socket.setsockopt(
        socket.fd, SOL_SOCKET, SO_ATTACH_FILTER, s.address(), SIZEOF_SOCK_FPROG);
  }
}
