package io.redoubt.sentry.syscalls;

import static io.redoubt.host.Errno.EAFNOSUPPORT;
import static io.redoubt.host.Errno.EAGAIN;
import static io.redoubt.host.Errno.EFAULT;
import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.ENOTCONN;
import static io.redoubt.host.Errno.ENOTSOCK;
import static io.redoubt.host.Errno.EOPNOTSUPP;
import static io.redoubt.sentry.kernel.SyscallTable.Support.PARTIAL;

import io.redoubt.host.Memory;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import io.redoubt.sentry.net.SocketFamily;
import io.redoubt.sentry.net.SocketFile;
import java.lang.foreign.MemorySegment;

/** Making, naming and connecting sockets: net/socket.c of Linux, in its order of checks. */
final class SocketCalls {
  private static final int SOCK_TYPE_MASK = 0xf;
  private static final int SOCK_CLOEXEC = 02000000;
  private static final int SOCK_NONBLOCK = OpenFile.O_NONBLOCK;
  private static final int AF_PACKET = 17;
  private static final int SOCK_MAX = 11;
  private static final int SIZEOF_SOCKADDR_STORAGE = 128;

  static final String FAMILIES =
      "AF_UNIX, AF_INET, AF_INET6, AF_NETLINK; AF_PACKET and SOCK_RAW with --net-raw";

  private SocketCalls() {}

  static void register(SyscallTable t) {
    t.on(41, "socket", 3, SocketCalls::socket, PARTIAL, FAMILIES);
    t.on(42, "connect", 3, SocketCalls::connect, PARTIAL, FAMILIES);
    t.on(43, "accept", 3, c -> accept(c, 0), PARTIAL, FAMILIES);
    t.on(48, "shutdown", 2, SocketCalls::shutdown, PARTIAL, FAMILIES);
    t.on(49, "bind", 3, SocketCalls::bind, PARTIAL, FAMILIES);
    t.on(50, "listen", 2, SocketCalls::listen, PARTIAL, FAMILIES);
    t.on(51, "getsockname", 3, SocketCalls::getsockname, PARTIAL, FAMILIES);
    t.on(52, "getpeername", 3, SocketCalls::getpeername, PARTIAL, FAMILIES);
    t.on(53, "socketpair", 4, SocketCalls::socketpair, PARTIAL, "AF_UNIX");
    t.on(
        54,
        "setsockopt",
        5,
        SocketCalls::setsockopt,
        PARTIAL,
        "AF_UNIX: SOL_SOCKET; others: a list of options");
    t.on(
        55,
        "getsockopt",
        5,
        SocketCalls::getsockopt,
        PARTIAL,
        "AF_UNIX: SOL_SOCKET; others: a list of options");
    t.on(288, "accept4", 4, c -> accept(c, (int) c.arg3), PARTIAL, FAMILIES);
  }

  /** The socket of an fd, held for the call. @return null with -EBADF or -ENOTSOCK */
  static SocketFile hold(Syscall c, long fd) {
    OpenFile f = c.hold(fd);
    if (f == null) {
      return null;
    }
    return f instanceof SocketFile s ? s : c.fail(-ENOTSOCK);
  }

  /** move_addr_to_kernel(). @return the bytes, or null with -EINVAL or -EFAULT */
  static byte[] readAddress(Syscall c, long address, int length) {
    if (length < 0 || length > SIZEOF_SOCKADDR_STORAGE) {
      return c.fail(-EINVAL);
    }
    byte[] bytes = new byte[length];
    return length == 0 || c.memory().readBytes(address, bytes, 0, length) == 0
        ? bytes
        : c.fail(-EFAULT);
  }

  /**
   * move_addr_to_user(): as much as there is room for, and the whole length. @return 0, -EFAULT or
   * -EINVAL
   */
  static long writeAddress(Syscall c, byte[] name, long address, long lengthAddress) {
    MemorySegment s = c.scratch().small;
    if (c.memory().read(lengthAddress, s, 4) != 0) {
      return -EFAULT;
    }
    int room = Memory.getInt(s, 0);
    if (room < 0) {
      return -EINVAL;
    }
    int n = Math.min(room, name.length);
    if (n > 0 && c.memory().writeBytes(address, name, 0, n) != 0) {
      return -EFAULT;
    }
    return c.memory().writeInt(lengthAddress, name.length);
  }

  /**
   * The family that the arguments of socket(2) ask for. @return null with -EINVAL or -EAFNOSUPPORT
   */
  private static SocketFamily family(Syscall c) {
    int domain = (int) c.arg0;
    int flags = (int) c.arg1 & ~SOCK_TYPE_MASK;
    if ((flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) != 0) {
      return c.fail(-EINVAL);
    }
    int type = (int) c.arg1 & SOCK_TYPE_MASK;
    if (domain < 0 || domain >= 46) {
      return c.fail(-EAFNOSUPPORT);
    }
    if (type >= SOCK_MAX) {
      return c.fail(-EINVAL);
    }
    SocketFamily family = c.task.kernel.socketFamily(domain);
    return family != null ? family : c.fail(-EAFNOSUPPORT);
  }

  private static long socket(Syscall c) {
    SocketFamily family = family(c);
    if (family == null) {
      return c.error();
    }
    int flags = (int) c.arg1;
    SocketFile s = family.create(c, flags & SOCK_TYPE_MASK, (int) c.arg2, flags & SOCK_NONBLOCK);
    return s == null ? c.error() : FdCalls.installNew(c, s, (flags & SOCK_CLOEXEC) != 0);
  }

  private static long socketpair(Syscall c) {
    SocketFamily family = family(c);
    if (family == null) {
      return c.error();
    }
    int flags = (int) c.arg1;
    SocketFile[] pair = family.pair(c, flags & SOCK_TYPE_MASK, (int) c.arg2, flags & SOCK_NONBLOCK);
    return pair == null
        ? c.error()
        : PipeCalls.installPair(c, pair, (flags & SOCK_CLOEXEC) != 0, c.arg3);
  }

  private static long bind(Syscall c) {
    SocketFile s = hold(c, c.arg0);
    byte[] name = s == null ? null : readAddress(c, c.arg1, (int) c.arg2);
    return name == null ? c.error() : s.bind(c, name);
  }

  private static long connect(Syscall c) {
    SocketFile s = hold(c, c.arg0);
    byte[] name = s == null ? null : readAddress(c, c.arg1, (int) c.arg2);
    return name == null ? c.error() : s.connect(c, name);
  }

  private static long listen(Syscall c) {
    SocketFile s = hold(c, c.arg0);
    return s == null ? c.error() : s.listen(c, (int) c.arg1);
  }

  private static long accept(Syscall c, int flags) {
    if ((flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) != 0) {
      return -EINVAL;
    }
    SocketFile s = hold(c, c.arg0);
    if (s == null) {
      return c.error();
    }
    SocketFile connection = s.accept(c);
    if (connection == null) {
      long r = c.error();
      return r == -EAGAIN ? s.await(c, PollEvents.IN) : r;
    }
    if ((flags & SOCK_NONBLOCK) != 0) {
      connection.setFlags(connection.flags() | OpenFile.O_NONBLOCK);
    }
    if (c.arg1 != 0) {
      byte[] peer = connection.peerName();
      long r = writeAddress(c, peer == null ? new byte[0] : peer, c.arg1, c.arg2);
      if (r != 0) {
        connection.close(); // as on Linux the connection is lost
        return r;
      }
    }
    int fd =
        c.task.files.install(
            connection, 0, (flags & SOCK_CLOEXEC) != 0, c.task.process.limits.files());
    if (fd < 0) {
      s.unaccept(connection);
    }
    return fd;
  }

  private static long shutdown(Syscall c) {
    SocketFile s = hold(c, c.arg0);
    if (s == null) {
      return c.error();
    }
    int how = (int) c.arg1;
    return how < 0 || how > 2 ? -EINVAL : s.shutdown(c, how + 1);
  }

  private static long getsockname(Syscall c) {
    SocketFile s = hold(c, c.arg0);
    return s == null ? c.error() : writeAddress(c, s.name(), c.arg1, c.arg2);
  }

  private static long getpeername(Syscall c) {
    SocketFile s = hold(c, c.arg0);
    if (s == null) {
      return c.error();
    }
    byte[] peer = s.peerName();
    if (peer == null && s.domain() == AF_PACKET) {
      return -EOPNOTSUPP; // packet_getname()
    }
    return peer == null ? -ENOTCONN : writeAddress(c, peer, c.arg1, c.arg2);
  }

  private static long setsockopt(Syscall c) {
    SocketFile s = hold(c, c.arg0);
    if (s == null) {
      return c.error();
    }
    int length = (int) c.arg4;
    if (length < 0) {
      return -EINVAL;
    }
    return s.setOption(c, (int) c.arg1, (int) c.arg2, c.arg3, length);
  }

  private static long getsockopt(Syscall c) {
    SocketFile s = hold(c, c.arg0);
    if (s == null) {
      return c.error();
    }
    return s.getOption(c, (int) c.arg1, (int) c.arg2, c.arg3, c.arg4);
  }
}
