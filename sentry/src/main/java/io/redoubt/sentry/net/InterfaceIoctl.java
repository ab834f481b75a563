package io.redoubt.sentry.net;

import static io.redoubt.host.Errno.EFAULT;
import static io.redoubt.host.Errno.ENOTTY;
import static io.redoubt.host.Errno.EPERM;

import io.redoubt.host.Ioctl;
import io.redoubt.host.Memory;
import io.redoubt.sentry.kernel.Syscall;
import java.lang.foreign.MemorySegment;

/** The ioctls of a socket (socket(7), tcp(7), netdevice(7)): those that ask. */
final class InterfaceIoctl {

  private static final int FIONREAD = 0x541b;
  private static final int SIOCOUTQ = 0x5411;
  private static final int SIOCATMARK = 0x8905;
  private static final int SIOCGSTAMP = 0x8906;
  private static final int SIOCGSTAMPNS = 0x8907;
  private static final int SIOCOUTQNSD = 0x894b;
  private static final int SIOCGIFNAME = 0x8910;
  private static final int SIOCGIFCONF = 0x8912;
  private static final int SIOCGIFFLAGS = 0x8913;
  private static final int SIOCGIFADDR = 0x8915;
  private static final int SIOCGIFDSTADDR = 0x8917;
  private static final int SIOCGIFBRDADDR = 0x8919;
  private static final int SIOCGIFNETMASK = 0x891b;
  private static final int SIOCGIFMETRIC = 0x891d;
  private static final int SIOCGIFMTU = 0x8921;
  private static final int SIOCGIFHWADDR = 0x8927;
  private static final int SIOCGIFINDEX = 0x8933;
  private static final int SIOCGIFTXQLEN = 0x8942;
  private static final int SIOCGIFMAP = 0x8970;
  private static final int FIRST_OF_SOCKETS = 0x8900;
  private static final int LAST_OF_SOCKETS = 0x89ff;

  // struct ifreq { char name[16]; union { ... } }; struct ifconf { int len; char *buf; }
  private static final int SIZEOF_IFREQ = 40;
  private static final int IFC_BUF = 8;
  private static final int SIZEOF_IFCONF = 16;

  private static final int BUFFER = 1024; // in Scratch.small, of the answer of SIOCGIFCONF
  private static final int BUFFER_MAX = 8192;

  private InterfaceIoctl() {}

  static long ioctl(Syscall c, int fd, int command, long arg) {
    return switch (command) {
      case FIONREAD, SIOCOUTQ, SIOCATMARK, SIOCOUTQNSD -> number(c, fd, command, arg);
      case SIOCGSTAMP, SIOCGSTAMPNS -> answer(c, fd, command, arg, 16, false);
      case SIOCGIFNAME,
          SIOCGIFFLAGS,
          SIOCGIFADDR,
          SIOCGIFDSTADDR,
          SIOCGIFBRDADDR,
          SIOCGIFNETMASK,
          SIOCGIFMETRIC,
          SIOCGIFMTU,
          SIOCGIFHWADDR,
          SIOCGIFINDEX,
          SIOCGIFTXQLEN,
          SIOCGIFMAP ->
          answer(c, fd, command, arg, SIZEOF_IFREQ, true);
      case SIOCGIFCONF -> interfaces(c, fd, arg);
      default ->
          // Nothing of the others is for a guest: they change the namespace.
          command >= FIRST_OF_SOCKETS && command <= LAST_OF_SOCKETS ? -EPERM : -ENOTTY;
    };
  }

  /**
   * An ioctl of a socket that is none of the network's: programs ask about interfaces with whatever
   * socket they have, libc with one of AF_UNIX.
   */
  static long ofOther(Syscall c, int command, long arg) {
    boolean asks = command >= SIOCGIFNAME && command <= SIOCGIFMAP;
    Network n = asks ? c.task.kernel.network() : null;
    int fd = n == null ? -ENOTTY : n.asking();
    return fd < 0 ? fd : ioctl(c, fd, command, arg);
  }

  private static long number(Syscall c, int fd, int command, long arg) {
    MemorySegment s = c.scratch().small;
    Memory.setInt(s, 0, 0);
    int r = Ioctl.ioctl(fd, command, s.address());
    return r < 0 ? r : c.memory().writeInt(arg, Memory.getInt(s, 0));
  }

  private static long answer(Syscall c, int fd, int command, long arg, int size, boolean reads) {
    MemorySegment s = c.scratch().small;
    if (reads && c.memory().read(arg, s, size) != 0) {
      return -EFAULT;
    }
    int r = Ioctl.ioctl(fd, command, s.address());
    return r < 0 ? r : c.memory().write(arg, s, size);
  }

  private static long interfaces(Syscall c, int fd, long arg) {
    MemorySegment s = c.scratch().small;
    if (c.memory().read(arg, s, SIZEOF_IFCONF) != 0) {
      return -EFAULT;
    }
    int room = Memory.getInt(s, 0);
    long to = Memory.getLong(s, IFC_BUF);
    Memory.setInt(s, 0, Math.min(room, BUFFER_MAX));
    Memory.setLong(s, IFC_BUF, to == 0 ? 0 : s.address() + BUFFER);
    int r = Ioctl.ioctl(fd, SIOCGIFCONF, s.address());
    if (r < 0) {
      return r;
    }
    int length = Memory.getInt(s, 0);
    if (to != 0 && length > 0 && c.memory().copyOut(to, s, BUFFER, length) != length) {
      return -EFAULT;
    }
    return c.memory().writeInt(arg, length);
  }
}
