package io.redoubt.sentry.net;

import static io.redoubt.host.Errno.EFAULT;
import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.ENOBUFS;
import static io.redoubt.host.Errno.EOPNOTSUPP;

import io.redoubt.host.Memory;
import io.redoubt.host.Socket;
import io.redoubt.sentry.kernel.Syscall;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;

/**
 * A socket of packet(7). Its memberships are counted: the host kernel keeps one for as long as the
 * socket wants it, charges nobody for it, and has no limit of its own.
 */
final class PacketSocket extends HostSocket {
  private static final int SIOCETHTOOL = 0x8946;

  // struct packet_mreq { int ifindex; unsigned short type, alen; unsigned char address[8]; }
  private static final int SIZEOF_MREQ = 16;
  private static final int MREQ_ALEN = 6;
  private static final int MREQ_ADDRESS = 8;
  private static final int SIZEOF_MREQ_MAX = 40; // with an address of MAX_ADDR_LEN

  /** What is wanted how often; guarded by this. */
  private final Map<ByteBuffer, Integer> memberships = new HashMap<>();

  PacketSocket(Network network, int fd, int type, int protocol, int flags) {
    super(network, fd, Socket.AF_PACKET, type, protocol, flags);
  }

  @Override
  public long setOption(Syscall c, int level, int option, long address, int length) {
    return RawOptions.isMembership(level, option)
        ? changeMembership(c, option, address, length)
        : super.setOption(c, level, option, address, length);
  }

  /** packet_mc_add(), packet_mc_drop(). The latter is 0 for one that there is not, too. */
  private long changeMembership(Syscall c, int option, long address, int length) {
    MemorySegment s = c.scratch().small;
    if (length < SIZEOF_MREQ) {
      return -EINVAL;
    }
    int size = Math.min(length, SIZEOF_MREQ_MAX);
    if (c.memory().read(address, s, size) != 0) {
      return -EFAULT;
    }
    int addressLength = Memory.getShort(s, MREQ_ALEN) & 0xffff;
    byte[] key = new byte[Math.min(size, MREQ_ADDRESS + addressLength)];
    Memory.copy(s, 0, key, 0, key.length);
    return option == RawOptions.PACKET_ADD_MEMBERSHIP
        ? add(ByteBuffer.wrap(key), s, size)
        : drop(ByteBuffer.wrap(key), s, size);
  }

  private synchronized int add(ByteBuffer key, MemorySegment s, int size) {
    boolean isNew = !memberships.containsKey(key);
    if (isNew && !network.admitMembership()) {
      return -ENOBUFS;
    }
    int r =
        Socket.setsockopt(
            fd, RawOptions.SOL_PACKET, RawOptions.PACKET_ADD_MEMBERSHIP, s.address(), size);
    if (r == 0) {
      memberships.merge(key, 1, Integer::sum);
    } else if (isNew) {
      network.endMemberships(1);
    }
    return r;
  }

  private synchronized int drop(ByteBuffer key, MemorySegment s, int size) {
    int r =
        Socket.setsockopt(
            fd, RawOptions.SOL_PACKET, RawOptions.PACKET_DROP_MEMBERSHIP, s.address(), size);
    Integer count = memberships.get(key);
    if (r == 0 && count != null) {
      if (count > 1) {
        memberships.put(key, count - 1);
      } else {
        memberships.remove(key);
        network.endMemberships(1);
      }
    }
    return r;
  }

  @Override
  protected void release() {
    super.release();
    synchronized (this) {
      network.endMemberships(memberships.size());
      memberships.clear();
    }
  }

  /** What libpcap asks a driver, and takes a "no" for in these words only. */
  @Override
  public long ioctl(Syscall c, int command, long arg) {
    return command == SIOCETHTOOL ? -EOPNOTSUPP : super.ioctl(c, command, arg);
  }
}
