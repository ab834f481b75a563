package io.redoubt.sentry.net;

import static io.redoubt.host.Errno.EADDRINUSE;
import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.EPERM;

import io.redoubt.host.Memory;
import io.redoubt.sentry.kernel.Syscall;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A NETLINK_ROUTE socket (rtnetlink(7)). What a guest may send is what asks: every message in a
 * datagram is looked at, in the sentry's own copy of it. Another one is sent as a type that does
 * not exist, so that the host kernel answers it with an error as it would.
 *
 * <p>Its port is the guest's process, as if the host kernel had chosen it.
 */
final class NetlinkSocket extends HostSocket {
  private static final int AF_NETLINK = 16;
  private static final int NETLINK_ROUTE = 0;

  // struct sockaddr_nl { sa_family_t family; unsigned short pad; u32 pid; u32 groups; }
  private static final int SIZEOF_SOCKADDR_NL = 12;
  private static final int NL_PID = 4;
  private static final int NL_GROUPS = 8;

  // struct nlmsghdr { u32 len; u16 type; u16 flags; u32 seq; u32 pid; }
  private static final int SIZEOF_NLMSGHDR = 16;
  private static final int NLMSG_TYPE = 4;
  private static final int FIRST_TYPE = 16; // RTM_BASE: below are those of netlink itself

  /** Past every RTM_*: EOPNOTSUPP (rtnetlink_rcv_msg()). */
  private static final short NO_SUCH_TYPE = (short) 0x7ff0;

  private static final int RTM_GETLINK = 18;
  private static final int RTM_GETADDR = 22;
  private static final int RTM_GETROUTE = 26;
  private static final int RTM_GETNEIGH = 30;
  private static final int RTM_GETRULE = 34;
  private static final int RTM_GETQDISC = 38;
  private static final int RTM_GETMULTICAST = 58;
  private static final int RTM_GETANYCAST = 62;
  private static final int RTM_GETNEIGHTBL = 66;
  private static final int RTM_GETADDRLABEL = 74;
  private static final int RTM_GETNETCONF = 82;
  private static final int RTM_GETNSID = 90;
  private static final int RTM_GETSTATS = 94;
  private static final int RTM_GETNEXTHOP = 106;

  private boolean bound; // guarded by this

  NetlinkSocket(Network network, int fd, int type, int flags) {
    super(network, fd, AF_NETLINK, type, NETLINK_ROUTE, flags);
  }

  private static byte[] address(int pid, int groups) {
    byte[] a = new byte[SIZEOF_SOCKADDR_NL];
    a[0] = AF_NETLINK;
    putInt(a, NL_PID, pid);
    putInt(a, NL_GROUPS, groups);
    return a;
  }

  private static void putInt(byte[] a, int at, int value) {
    for (int i = 0; i < 4; i++) {
      a[at + i] = (byte) (value >>> 8 * i);
    }
  }

  private static int getInt(byte[] a, int at) {
    return a[at] & 0xff | (a[at + 1] & 0xff) << 8 | (a[at + 2] & 0xff) << 16 | a[at + 3] << 24;
  }

  private static boolean isAddress(byte[] a) {
    return a.length >= SIZEOF_SOCKADDR_NL && familyOf(a) == AF_NETLINK;
  }

  /** netlink_autobind(): the process, or when that is taken a number below zero. */
  private synchronized long autobind(Syscall c, int groups) {
    if (bound) {
      return 0;
    }
    int pid = c.task.process.pid;
    long r;
    do {
      r = super.bind(c, address(pid, groups));
      pid = -4096 - ThreadLocalRandom.current().nextInt(1 << 30);
    } while (r == -EADDRINUSE);
    bound = r == 0;
    return r;
  }

  @Override
  public long bind(Syscall c, byte[] a) {
    if (!isAddress(a)) {
      return -EINVAL;
    }
    synchronized (this) {
      if (getInt(a, NL_PID) != 0 || bound) {
        long r = super.bind(c, a);
        bound |= r == 0;
        return r;
      }
    }
    return autobind(c, getInt(a, NL_GROUPS));
  }

  /** Only to the host kernel: other sockets of the namespace are not for guests to talk to. */
  private static boolean isKernel(byte[] a) {
    return getInt(a, NL_PID) == 0 && getInt(a, NL_GROUPS) == 0;
  }

  @Override
  public long connect(Syscall c, byte[] a) {
    if (isAddress(a) && !isKernel(a)) {
      return -EPERM;
    }
    long r = isAddress(a) ? autobind(c, 0) : 0;
    return r != 0 ? r : super.connect(c, a);
  }

  @Override
  public long send(Syscall c, Message m) {
    if (m.to != null) {
      if (!isAddress(m.to)) {
        return -EINVAL;
      }
      if (!isKernel(m.to)) {
        return -EPERM;
      }
    }
    long r = autobind(c, 0);
    return r != 0 ? r : sendDatagram(c, m);
  }

  private static boolean isQuestion(int type) {
    return switch (type) {
      case RTM_GETLINK,
          RTM_GETADDR,
          RTM_GETROUTE,
          RTM_GETNEIGH,
          RTM_GETRULE,
          RTM_GETQDISC,
          RTM_GETMULTICAST,
          RTM_GETANYCAST,
          RTM_GETNEIGHTBL,
          RTM_GETADDRLABEL,
          RTM_GETNETCONF,
          RTM_GETNSID,
          RTM_GETSTATS,
          RTM_GETNEXTHOP ->
          true;
      default -> type < FIRST_TYPE;
    };
  }

  @Override
  long checkDatagram(Syscall c, Message m, MemorySegment data, long length) {
    // As netlink_rcv_skb() goes through them: it stops at the first that does not fit.
    for (long at = 0; length - at >= SIZEOF_NLMSGHDR; ) {
      long size = Memory.getInt(data, at) & 0xffffffffL;
      if (size < SIZEOF_NLMSGHDR || size > length - at) {
        break;
      }
      int type = Memory.getShort(data, at + NLMSG_TYPE) & 0xffff;
      if (!isQuestion(type)) {
        Memory.setShort(data, at + NLMSG_TYPE, NO_SUCH_TYPE);
      }
      at += size + 3 & ~3L;
    }
    return 0;
  }
}
