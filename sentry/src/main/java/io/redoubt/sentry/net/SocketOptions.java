package io.redoubt.sentry.net;

import static io.redoubt.host.Errno.EDOM;
import static io.redoubt.host.Errno.EFAULT;
import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.ENOPROTOOPT;
import static io.redoubt.host.Errno.ENOTCONN;
import static io.redoubt.host.Errno.EPERM;

import io.redoubt.host.Memory;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.GuestMemory;
import io.redoubt.sentry.kernel.Syscall;
import java.lang.foreign.MemorySegment;

/**
 * The options of level SOL_SOCKET: net/core/sock.c. Those that mean something to sockets of this
 * kernel are fields; the others are kept, so that a program reads back what it wrote.
 */
public final class SocketOptions {
  private static final int SO_DEBUG = 1;
  private static final int SO_REUSEADDR = 2;
  private static final int SO_TYPE = 3;
  private static final int SO_ERROR = 4;
  private static final int SO_DONTROUTE = 5;
  private static final int SO_BROADCAST = 6;
  private static final int SO_SNDBUF = 7;
  private static final int SO_RCVBUF = 8;
  private static final int SO_KEEPALIVE = 9;
  private static final int SO_OOBINLINE = 10;
  private static final int SO_NO_CHECK = 11;
  private static final int SO_PRIORITY = 12;
  private static final int SO_LINGER = 13;
  private static final int SO_BSDCOMPAT = 14;
  private static final int SO_REUSEPORT = 15;
  private static final int SO_PASSCRED = 16;
  private static final int SO_PEERCRED = 17;
  private static final int SO_RCVLOWAT = 18;
  private static final int SO_SNDLOWAT = 19;
  private static final int SO_RCVTIMEO = 20;
  private static final int SO_SNDTIMEO = 21;
  private static final int SO_PEERNAME = 28;
  private static final int SO_TIMESTAMP = 29;
  private static final int SO_ACCEPTCONN = 30;
  private static final int SO_SNDBUFFORCE = 32;
  private static final int SO_RCVBUFFORCE = 33;
  private static final int SO_MARK = 36;
  private static final int SO_PROTOCOL = 38;
  private static final int SO_DOMAIN = 39;
  private static final int SO_RCVTIMEO_NEW = 66;
  private static final int SO_SNDTIMEO_NEW = 67;

  private static final int DEFAULT_BUFFER = 212992; // net.core.wmem_default
  private static final int MAX_BUFFER = 4194304; // net.core.wmem_max
  private static final int MIN_SNDBUF = 4608;
  private static final int MIN_RCVBUF = 2304;

  /** Nanoseconds; 0: none. */
  volatile long receiveTimeout;

  volatile long sendTimeout;

  /**
   * Bytes that may be on their way, with the kernel's overhead: as getsockopt tells it, which is
   * twice what was asked for.
   */
  volatile int sendBuffer = DEFAULT_BUFFER;

  private volatile int receiveBuffer = DEFAULT_BUFFER;
  volatile boolean passCredentials;
  volatile int receiveLowWater = 1;
  private volatile int lingerOn;
  private volatile int lingerSeconds;
  private volatile int mark;
  private volatile int priority;
  private volatile long switches; // bit per option number below 64

  /** Options that are on or off and have no meaning here. */
  private static boolean isSwitch(int option) {
    return switch (option) {
      case SO_DEBUG,
          SO_REUSEADDR,
          SO_DONTROUTE,
          SO_BROADCAST,
          SO_KEEPALIVE,
          SO_OOBINLINE,
          SO_NO_CHECK,
          SO_REUSEPORT,
          SO_TIMESTAMP ->
          true;
      default -> false;
    };
  }

  /** setsockopt(2). @param length of the value, as given */
  public long set(Syscall c, int option, long address, int length) {
    GuestMemory memory = c.memory();
    MemorySegment s = c.scratch().small;
    if (length < 4) {
      return -EINVAL;
    }
    if (memory.read(address, s, 4) != 0) {
      return -EFAULT;
    }
    int value = Memory.getInt(s, 0);
    if (isSwitch(option)) {
      long bit = 1L << option;
      synchronized (this) {
        switches = value != 0 ? switches | bit : switches & ~bit;
      }
      return 0;
    }
    switch (option) {
      case SO_TYPE, SO_PROTOCOL, SO_DOMAIN, SO_ERROR:
        return -ENOPROTOOPT;
      case SO_PASSCRED:
        passCredentials = value != 0;
        return 0;
      case SO_SNDBUFFORCE:
      case SO_RCVBUFFORCE:
        if (!c.task.credentials.has(Credentials.CAP_NET_ADMIN)) {
          return -EPERM;
        }
        return setBuffer(option - SO_SNDBUFFORCE + SO_SNDBUF, value);
      case SO_SNDBUF, SO_RCVBUF:
        return setBuffer(option, value);
      case SO_RCVLOWAT:
        receiveLowWater = value < 0 ? Integer.MAX_VALUE : Math.max(1, value);
        return 0;
      case SO_PRIORITY:
        priority = value;
        return 0;
      case SO_MARK:
        if (!c.task.credentials.has(Credentials.CAP_NET_ADMIN)) {
          return -EPERM;
        }
        mark = value;
        return 0;
      case SO_BSDCOMPAT:
        return 0;
      case SO_LINGER:
        if (length < 8) {
          return -EINVAL;
        }
        if (memory.read(address, s, 8) != 0) {
          return -EFAULT;
        }
        lingerOn = Memory.getInt(s, 0) != 0 ? 1 : 0;
        lingerSeconds = Memory.getInt(s, 4);
        return 0;
      case SO_RCVTIMEO, SO_SNDTIMEO, SO_RCVTIMEO_NEW, SO_SNDTIMEO_NEW:
        return setTimeout(c, option, address, length);
      default:
        return -ENOPROTOOPT;
    }
  }

  /** What an accepted connection has of its listener: its timeouts and how it lingers. */
  void inherit(SocketOptions listener) {
    receiveTimeout = listener.receiveTimeout;
    sendTimeout = listener.sendTimeout;
    lingerOn = listener.lingerOn;
    lingerSeconds = listener.lingerSeconds;
  }

  /** Whether SO_LINGER is on, with no time. */
  boolean resetsOnClose() {
    return lingerOn != 0 && lingerSeconds == 0;
  }

  private long setBuffer(int option, int value) {
    int n = Math.min(value < 0 ? MAX_BUFFER : value, MAX_BUFFER);
    if (option == SO_SNDBUF) {
      sendBuffer = Math.max(2 * n, MIN_SNDBUF);
    } else {
      receiveBuffer = Math.max(2 * n, MIN_RCVBUF);
    }
    return 0;
  }

  // struct timeval { long sec; long usec; }; 0 means no timeout
  private long setTimeout(Syscall c, int option, long address, int length) {
    MemorySegment s = c.scratch().small;
    if (length < 16) {
      return -EINVAL;
    }
    if (c.memory().read(address, s, 16) != 0) {
      return -EFAULT;
    }
    long seconds = Memory.getLong(s, 0);
    long micros = Memory.getLong(s, 8);
    if (micros < 0 || micros >= 1_000_000) {
      return -EDOM;
    }
    // A negative one is taken as "at once"; a very long one as none.
    long nanos =
        seconds < 0
            ? 1
            : seconds >= Integer.MAX_VALUE ? 0 : seconds * 1_000_000_000L + micros * 1000;
    if (option == SO_RCVTIMEO || option == SO_RCVTIMEO_NEW) {
      receiveTimeout = nanos;
    } else {
      sendTimeout = nanos;
    }
    return 0;
  }

  /** getsockopt(2). @param address of the value @param lengthAddress of its length, in and out */
  public long get(Syscall c, SocketFile socket, int option, long address, long lengthAddress) {
    MemorySegment s = c.scratch().small;
    if (c.memory().read(lengthAddress, s, 4) != 0) {
      return -EFAULT;
    }
    int room = Memory.getInt(s, 0);
    if (room < 0) {
      return -EINVAL;
    }
    int length = 4;
    switch (option) {
      case SO_LINGER:
        length = 8;
        Memory.setInt(s, 0, lingerOn);
        Memory.setInt(s, 4, lingerSeconds);
        break;
      case SO_RCVTIMEO, SO_RCVTIMEO_NEW, SO_SNDTIMEO, SO_SNDTIMEO_NEW:
        length = 16;
        long nanos =
            option == SO_RCVTIMEO || option == SO_RCVTIMEO_NEW ? receiveTimeout : sendTimeout;
        Memory.setLong(s, 0, nanos / 1_000_000_000L);
        Memory.setLong(s, 8, nanos % 1_000_000_000L / 1000);
        break;
      case SO_PEERCRED:
        length = 12;
        Ucred u = socket.peerCredentials();
        Memory.setInt(s, 0, u.pid());
        Memory.setInt(s, 4, u.uid());
        Memory.setInt(s, 8, u.gid());
        break;
      case SO_PEERNAME:
        byte[] name = socket.peerName();
        if (name == null) {
          return -ENOTCONN;
        }
        if (name.length < room) {
          return -EINVAL;
        }
        length = name.length;
        Memory.copy(name, 0, s, 0, length);
        break;
      default:
        long value = intValue(socket, option);
        if (value < Integer.MIN_VALUE) {
          return -ENOPROTOOPT;
        }
        Memory.setInt(s, 0, (int) value);
        break;
    }
    length = Math.min(length, room);
    if (c.memory().write(address, s, length) != 0) {
      return -EFAULT;
    }
    return c.memory().writeInt(lengthAddress, length);
  }

  /** An option that is one int; Long.MIN_VALUE when unknown. */
  private long intValue(SocketFile socket, int option) {
    if (isSwitch(option)) {
      return switches >>> option & 1;
    }
    return switch (option) {
      case SO_TYPE -> socket.type();
      case SO_DOMAIN -> socket.domain();
      case SO_PROTOCOL -> socket.protocol();
      case SO_ERROR -> socket.takeError();
      case SO_ACCEPTCONN -> socket.isListening() ? 1 : 0;
      case SO_SNDBUF -> sendBuffer;
      case SO_RCVBUF -> receiveBuffer;
      case SO_PASSCRED -> passCredentials ? 1 : 0;
      case SO_RCVLOWAT -> receiveLowWater;
      case SO_SNDLOWAT -> 1;
      case SO_PRIORITY -> priority;
      case SO_MARK -> mark;
      case SO_BSDCOMPAT -> 0;
      default -> Long.MIN_VALUE;
    };
  }
}
