package io.redoubt.host;

import java.lang.foreign.MemorySegment;

/** sys/socket.h: AF_UNIX pairs, and descriptors that travel in messages (unix(7), cmsg(3)). */
public final class Socket {
  public static final int AF_UNSPEC = 0;
  public static final int AF_UNIX = 1;
  public static final int AF_INET = 2;
  public static final int AF_INET6 = 10;
  public static final int AF_NETLINK = 16;
  public static final int AF_PACKET = 17;
  public static final int SOCK_STREAM = 1;
  public static final int SOCK_DGRAM = 2;
  public static final int SOCK_RAW = 3;
  public static final int SOCK_SEQPACKET = 5;
  public static final int SOCK_CLOEXEC = 0x80000;
  public static final int SOCK_NONBLOCK = 0x800;
  public static final int SOL_SOCKET = 1;
  public static final int SO_REUSEADDR = 2;
  public static final int SO_TYPE = 3;
  public static final int SO_ERROR = 4;
  public static final int SO_BROADCAST = 6;
  public static final int SO_SNDBUF = 7;
  public static final int SO_RCVBUF = 8;
  public static final int SO_KEEPALIVE = 9;
  public static final int SO_LINGER = 13;
  public static final int SO_PASSCRED = 16;
  public static final int SO_PEERCRED = 17;
  public static final int SO_RCVTIMEO = 20;
  public static final int SO_SNDTIMEO = 21;
  public static final int SO_ACCEPTCONN = 30;
  public static final int SO_PROTOCOL = 38;
  public static final int SO_DOMAIN = 39;
  public static final int SO_REUSEPORT = 15;
  public static final int SCM_RIGHTS = 1;
  public static final int SCM_CREDENTIALS = 2;
  public static final int SHUT_RD = 0;
  public static final int SHUT_WR = 1;
  public static final int SHUT_RDWR = 2;
  public static final int MSG_OOB = 0x1;
  public static final int MSG_PEEK = 0x2;
  public static final int MSG_DONTROUTE = 0x4;
  public static final int MSG_CTRUNC = 0x8;
  public static final int MSG_TRUNC = 0x20;
  public static final int MSG_DONTWAIT = 0x40;
  public static final int MSG_EOR = 0x80;
  public static final int MSG_WAITALL = 0x100;
  public static final int MSG_NOSIGNAL = 0x4000;
  public static final int MSG_MORE = 0x8000;
  public static final int MSG_WAITFORONE = 0x10000;
  public static final int MSG_CMSG_CLOEXEC = 0x40000000;

  /** Most descriptors in one message here; the kernel's own limit is SCM_MAX_FD, 253. */
  public static final int MAX_FDS = 16;

  /** {@code struct msghdr}, recvmsg(2). */
  public static final class Msghdr {
    public static final String C_NAME = "struct msghdr";
    public static final int SIZEOF = 56;
    public static final int MSG_NAME = 0; // void*
    public static final int MSG_NAMELEN = 8; // socklen_t
    public static final int MSG_IOV = 16; // struct iovec*
    public static final int MSG_IOVLEN = 24; // size_t
    public static final int MSG_CONTROL = 32; // void*
    public static final int MSG_CONTROLLEN = 40; // size_t
    public static final int MSG_FLAGS = 48; // int

    private Msghdr() {}
  }

  /** {@code struct cmsghdr}, cmsg(3). */
  public static final class Cmsghdr {
    public static final String C_NAME = "struct cmsghdr";
    public static final int SIZEOF = 16;
    public static final int CMSG_LEN = 0; // size_t, with this header
    public static final int CMSG_LEVEL = 8; // int
    public static final int CMSG_TYPE = 12; // int

    private Cmsghdr() {}
  }

  /** {@code struct ucred}, unix(7). */
  public static final class Ucred {
    public static final String C_NAME = "struct ucred";
    public static final int SIZEOF = 12;
    public static final int PID = 0; // pid_t
    public static final int UID = 4; // uid_t
    public static final int GID = 8; // gid_t

    private Ucred() {}
  }

  // Where the pieces of a message lie in the thread's scratch memory.
  private static final int IOV = 64;
  private static final int CONTROL = 96;
  private static final int CONTROL_SIZE = 16 + 4 * MAX_FDS; // CMSG_SPACE: both parts 8-aligned

  private Socket() {}

  /** socket(2). Returns an fd or -errno. */
  public static int socket(int domain, int type, int protocol) {
    return (int) Syscall.call(Nr.SOCKET, domain, type, protocol);
  }

  /** socketpair(2) of AF_UNIX. Returns both fds ({@link Unistd#first}) or -errno. */
  public static long socketpair(int type) {
    MemorySegment fds = CallState.get().scratch;
    long r = Syscall.call(Nr.SOCKETPAIR, AF_UNIX, type, 0, fds.address());
    return r < 0 ? r : Unistd.pair(fds);
  }

  /** send(2). Returns bytes or -errno. */
  public static long send(int fd, MemorySegment from, long length, int flags) {
    return Syscall.call(Nr.SENDTO, fd, Syscall.address(from, length), length, flags, 0, 0);
  }

  /** recv(2). Returns bytes, 0 at the end, or -errno. */
  public static long recv(int fd, MemorySegment to, long length, int flags) {
    return Syscall.call(Nr.RECVFROM, fd, Syscall.address(to, length), length, flags, 0, 0);
  }

  /**
   * sendmsg(2) of {@code length} bytes (at least one) and descriptors, at most {@link #MAX_FDS}.
   *
   * @return bytes or -errno
   */
  public static long sendFds(int fd, MemorySegment from, long length, int flags, int... fds) {
    int n = fds.length;
    if (n > MAX_FDS) {
      return -Errno.EINVAL;
    }
    MemorySegment s = header(Syscall.address(from, length), length);
    if (n > 0) {
      Memory.setLong(s, Msghdr.MSG_CONTROL, s.address() + CONTROL);
      Memory.setLong(s, Msghdr.MSG_CONTROLLEN, Cmsghdr.SIZEOF + (4L * n + 7 & ~7L));
      Memory.setLong(s, CONTROL + Cmsghdr.CMSG_LEN, Cmsghdr.SIZEOF + 4L * n);
      Memory.setInt(s, CONTROL + Cmsghdr.CMSG_LEVEL, SOL_SOCKET);
      Memory.setInt(s, CONTROL + Cmsghdr.CMSG_TYPE, SCM_RIGHTS);
      for (int i = 0; i < n; i++) {
        Memory.setInt(s, CONTROL + Cmsghdr.SIZEOF + 4L * i, fds[i]);
      }
    }
    return Syscall.call(Nr.SENDMSG, fd, s.address(), flags);
  }

  /**
   * recvmsg(2) of bytes and descriptors; these are close-on-exec.
   *
   * <p>Descriptors beyond the length of {@code fds} are closed again: a peer cannot leave some
   * behind.
   *
   * @param fds receives the descriptors, the rest is set to -1; the first to -EMFILE if some came
   *     that this process has no number for
   * @return bytes, 0 at the end, or -errno
   */
  public static long recvFds(int fd, MemorySegment to, long length, int flags, int[] fds) {
    MemorySegment s = header(Syscall.address(to, length), length);
    Memory.setLong(s, Msghdr.MSG_CONTROL, s.address() + CONTROL);
    Memory.setLong(s, Msghdr.MSG_CONTROLLEN, CONTROL_SIZE);
    long r = Syscall.call(Nr.RECVMSG, fd, s.address(), flags | MSG_CMSG_CLOEXEC);
    java.util.Arrays.fill(fds, -1);
    if (r < 0) {
      return r;
    }
    long filled = Math.min(Memory.getLong(s, Msghdr.MSG_CONTROLLEN), CONTROL_SIZE);
    // SCM_RIGHTS comes as one block; credentials and the like are not asked for.
    if (filled >= Cmsghdr.SIZEOF
        && Memory.getInt(s, CONTROL + Cmsghdr.CMSG_LEVEL) == SOL_SOCKET
        && Memory.getInt(s, CONTROL + Cmsghdr.CMSG_TYPE) == SCM_RIGHTS) {
      long bytes = Math.min(Memory.getLong(s, CONTROL + Cmsghdr.CMSG_LEN), filled);
      int n = (int) (bytes - Cmsghdr.SIZEOF) / 4;
      int kept = Math.min(n, fds.length);
      for (int i = 0; i < kept; i++) {
        fds[i] = Memory.getInt(s, CONTROL + Cmsghdr.SIZEOF + 4L * i);
      }
      int[] surplus = new int[n - kept];
      for (int i = 0; i < surplus.length; i++) {
        surplus[i] = Memory.getInt(s, CONTROL + Cmsghdr.SIZEOF + 4L * (kept + i));
      }
      for (int one : surplus) {
        Unistd.close(one);
      }
    }
    if (fds.length > 0 && fds[0] == -1 && (Memory.getInt(s, Msghdr.MSG_FLAGS) & MSG_CTRUNC) != 0) {
      fds[0] = -Errno.EMFILE;
    }
    return r;
  }

  private static MemorySegment header(long buffer, long length) {
    MemorySegment s = CallState.get().scratch;
    Memory.zero(s, 0, CONTROL + CONTROL_SIZE);
    Memory.setLong(s, Msghdr.MSG_IOV, s.address() + IOV);
    Memory.setLong(s, Msghdr.MSG_IOVLEN, 1);
    Memory.setLong(s, IOV + Uio.Iovec.IOV_BASE, buffer);
    Memory.setLong(s, IOV + Uio.Iovec.IOV_LEN, length);
    return s;
  }

  /** sendmsg(2) of a {@link Msghdr} at a raw address. Returns bytes or -errno. */
  public static long sendmsg(int fd, long msghdr, int flags) {
    return Syscall.call(Nr.SENDMSG, fd, msghdr, flags);
  }

  /** recvmsg(2) into a {@link Msghdr} at a raw address. Returns bytes or -errno. */
  public static long recvmsg(int fd, long msghdr, int flags) {
    return Syscall.call(Nr.RECVMSG, fd, msghdr, flags);
  }

  /** sendto(2) with a raw buffer and address. Returns bytes or -errno. */
  public static long sendto(int fd, long from, long length, int flags, long name, int nameLength) {
    return Syscall.call(Nr.SENDTO, fd, from, length, flags, name, nameLength);
  }

  /** recvfrom(2) with raw addresses. Returns bytes or -errno. */
  public static long recvfrom(
      int fd, long to, long length, int flags, long name, long nameLengthAddress) {
    return Syscall.call(Nr.RECVFROM, fd, to, length, flags, name, nameLengthAddress);
  }

  /** bind(2). Returns 0 or -errno. */
  public static int bind(int fd, MemorySegment name, int length) {
    return (int) Syscall.call(Nr.BIND, fd, Syscall.address(name, length), length);
  }

  /** connect(2). Returns 0 or -errno. */
  public static int connect(int fd, MemorySegment name, int length) {
    return (int) Syscall.call(Nr.CONNECT, fd, Syscall.address(name, length), length);
  }

  /** listen(2). Returns 0 or -errno. */
  public static int listen(int fd, int backlog) {
    return (int) Syscall.call(Nr.LISTEN, fd, backlog);
  }

  /** accept4(2) with raw addresses, which may be 0. Returns an fd or -errno. */
  public static int accept4(int fd, long name, long nameLengthAddress, int flags) {
    return (int) Syscall.call(Nr.ACCEPT4, fd, name, nameLengthAddress, flags);
  }

  /** getsockname(2) with raw addresses. Returns 0 or -errno. */
  public static int getsockname(int fd, long name, long nameLengthAddress) {
    return (int) Syscall.call(Nr.GETSOCKNAME, fd, name, nameLengthAddress);
  }

  /** getpeername(2) with raw addresses. Returns 0 or -errno. */
  public static int getpeername(int fd, long name, long nameLengthAddress) {
    return (int) Syscall.call(Nr.GETPEERNAME, fd, name, nameLengthAddress);
  }

  /** getsockopt(2) of an int option. Returns it (as unsigned) or -errno. */
  public static long getsockopt(int fd, int level, int option) {
    MemorySegment s = CallState.get().scratch;
    Memory.setInt(s, 0, 0);
    Memory.setInt(s, 8, 4);
    long r = Syscall.call(Nr.GETSOCKOPT, fd, level, option, s.address(), s.address() + 8);
    return r < 0 ? r : Memory.getInt(s, 0) & 0xffffffffL;
  }

  /** getsockopt(2) with raw addresses. Returns 0 or -errno. */
  public static int getsockopt(int fd, int level, int option, long to, long lengthAddress) {
    return (int) Syscall.call(Nr.GETSOCKOPT, fd, level, option, to, lengthAddress);
  }

  /** setsockopt(2) of an int option. Returns 0 or -errno. */
  public static int setsockopt(int fd, int level, int option, int value) {
    MemorySegment s = CallState.get().scratch;
    Memory.setInt(s, 0, value);
    return (int) Syscall.call(Nr.SETSOCKOPT, fd, level, option, s.address(), 4);
  }

  /** setsockopt(2) with a raw address. Returns 0 or -errno. */
  public static int setsockopt(int fd, int level, int option, long from, int length) {
    return (int) Syscall.call(Nr.SETSOCKOPT, fd, level, option, from, length);
  }

  /** shutdown(2). Returns 0 or -errno. */
  public static int shutdown(int fd, int how) {
    return (int) Syscall.call(Nr.SHUTDOWN, fd, how);
  }
}
