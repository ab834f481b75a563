package io.redoubt.sentry.syscalls;

import static io.redoubt.host.Errno.EBADF;
import static io.redoubt.host.Errno.EFAULT;
import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.ENOBUFS;
import static io.redoubt.host.Errno.EPERM;
import static io.redoubt.host.Errno.ESRCH;

import io.redoubt.host.Memory;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.net.Message;
import io.redoubt.sentry.net.SocketFile;
import io.redoubt.sentry.net.Ucred;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** Ancillary data of sendmsg(2) and recvmsg(2): cmsg(3), net/core/scm.c. */
final class ControlMessages {

  private static final int SOL_SOCKET = 1;
  private static final int SOL_IP = 0;
  private static final int SOL_UDP = 17;
  private static final int SOL_IPV6 = 41;
  private static final int SO_TIMESTAMPING = 37;
  private static final int IP_TOS = 1;
  private static final int IP_TTL = 2;
  private static final int IP_PKTINFO = 8;
  private static final int IPV6_PKTINFO = 50;
  private static final int IPV6_HOPLIMIT = 52;
  private static final int IPV6_DONTFRAG = 62;
  private static final int IPV6_TCLASS = 67;
  private static final int UDP_SEGMENT = 103;
  private static final int CONTROL_MAX = 8192; // that HostSocket has room for
  private static final int SCM_RIGHTS = 1;
  private static final int SCM_CREDENTIALS = 2;
  private static final int SCM_MAX_FD = 253;

  // struct cmsghdr { size_t cmsg_len; int cmsg_level; int cmsg_type; }
  private static final int CMSG_LEVEL = 8;
  private static final int CMSG_TYPE = 12;
  private static final int SIZEOF_CMSGHDR = 16;
  private static final int SIZEOF_UCRED = 12; // struct ucred { pid_t pid; uid_t uid; gid_t gid; }

  private ControlMessages() {}

  private static long align(long n) {
    return n + 7 & ~7L;
  }

  /**
   * Takes what the guest wants to send along into {@code m}.
   *
   * @return 0, or -EINVAL, -EBADF, -EPERM, -EFAULT, -ENOBUFS; files that were taken so far are the
   *     message's
   */
  static long read(Syscall c, SocketFile socket, Message m, long address, long length) {
    MemorySegment s = c.scratch().small;
    if (length < 0 || length > s.byteSize()) {
      return -ENOBUFS;
    }
    if (length == 0) {
      return 0;
    }
    if (c.memory().copyIn(address, s, 0, length) != length) {
      return -EFAULT;
    }
    for (long at = 0; at + SIZEOF_CMSGHDR <= length; ) {
      long size = Memory.getLong(s, at);
      if (size < SIZEOF_CMSGHDR || size > length - at) {
        return -EINVAL;
      }
      if (socket.takesControl()) {
        if (!mayPass(Memory.getInt(s, at + CMSG_LEVEL), Memory.getInt(s, at + CMSG_TYPE))) {
          return -EINVAL;
        }
      } else if (Memory.getInt(s, at + CMSG_LEVEL) == SOL_SOCKET) {
        long data = at + SIZEOF_CMSGHDR;
        long r =
            switch (Memory.getInt(s, at + CMSG_TYPE)) {
              case SCM_RIGHTS -> takeFiles(c, m, s, data, (int) (size - SIZEOF_CMSGHDR) / 4);
              case SCM_CREDENTIALS ->
                  size == SIZEOF_CMSGHDR + SIZEOF_UCRED ? takeCredentials(c, m, s, data) : -EINVAL;
              default -> -EINVAL;
            };
        if (r != 0) {
          return r;
        }
      }
      at += align(size);
    }
    if (socket.takesControl()) {
      if (length > CONTROL_MAX) {
        return -ENOBUFS;
      }
      m.control = new byte[(int) length];
      Memory.copy(s, 0, m.control, 0, (int) length);
    }
    return 0;
  }

  /**
   * What the host is given along with a message of the guest: addresses and how a packet is marked,
   * ip(7), ipv6(7), udp(7). Not SO_MARK, SCM_TXTIME and options that need a capability.
   */
  private static boolean mayPass(int level, int type) {
    return switch (level) {
      case SOL_SOCKET -> type == SO_TIMESTAMPING;
      case SOL_IP -> type == IP_TOS || type == IP_TTL || type == IP_PKTINFO;
      case SOL_IPV6 ->
          type == IPV6_PKTINFO
              || type == IPV6_HOPLIMIT
              || type == IPV6_TCLASS
              || type == IPV6_DONTFRAG;
      case SOL_UDP -> type == UDP_SEGMENT;
      default -> false;
    };
  }

  private static long takeFiles(Syscall c, Message m, MemorySegment s, long at, int count) {
    int have = m.files == null ? 0 : m.files.length;
    if (count == 0) {
      return 0;
    }
    if (have + count > SCM_MAX_FD) {
      return -EINVAL;
    }
    OpenFile[] files = new OpenFile[count];
    int n = 0;
    for (; n < count; n++) {
      OpenFile f = c.task.files.get(Memory.getInt(s, at + 4L * n));
      if (f == null || !f.acquire()) {
        break;
      }
      files[n] = f;
    }
    OpenFile[] all = have == 0 ? new OpenFile[n] : Arrays.copyOf(m.files, have + n);
    System.arraycopy(files, 0, all, have, n);
    m.files = all.length == 0 ? null : all;
    return n < count ? -EBADF : 0;
  }

  /** scm_check_creds(): one's own, or whatever one has the capability for. */
  private static long takeCredentials(Syscall c, Message m, MemorySegment s, long at) {
    int pid = Memory.getInt(s, at);
    int uid = Memory.getInt(s, at + 4);
    int gid = Memory.getInt(s, at + 8);
    Credentials k = c.task.credentials;
    if ((pid != c.task.process.pid && !k.has(Credentials.CAP_SYS_ADMIN))
        || (uid != k.uid() && uid != k.euid() && uid != k.suid() && !k.has(Credentials.CAP_SETUID))
        || (gid != k.gid()
            && gid != k.egid()
            && gid != k.sgid()
            && !k.has(Credentials.CAP_SETGID))) {
      return -EPERM;
    }
    if (pid != c.task.process.pid && c.task.kernel.tasks.process(pid) == null) {
      return -ESRCH;
    }
    m.credentials = new Ucred(pid, uid, gid);
    return 0;
  }

  /**
   * Gives the guest what came along with {@code m}; files without room are left to the message's
   * cleanup.
   *
   * @param length bytes at {@code address}; no buffer when the address is 0
   * @return bytes used of it, and MSG_CTRUNC in {@link Message#resultFlags} when not all fitted
   */
  static long write(Syscall c, Message m, long address, long length) {
    if (m.control != null) {
      // The host has seen how much room there is.
      return c.memory().writeBytes(address, m.control, 0, m.control.length) == 0
          ? m.control.length
          : 0;
    }
    if (m.credentials == null && m.files == null) {
      return 0;
    }
    if (address == 0) {
      m.resultFlags |= Message.MSG_CTRUNC;
      return 0;
    }
    long used = 0;
    MemorySegment s = c.scratch().small;
    if (m.credentials != null) {
      if (length < SIZEOF_CMSGHDR) {
        m.resultFlags |= Message.MSG_CTRUNC;
      } else {
        long size = SIZEOF_CMSGHDR + SIZEOF_UCRED;
        if (length < size) {
          m.resultFlags |= Message.MSG_CTRUNC;
          size = length;
        }
        header(s, size, SCM_CREDENTIALS);
        Memory.setInt(s, SIZEOF_CMSGHDR, m.credentials.pid());
        Memory.setInt(s, SIZEOF_CMSGHDR + 4, m.credentials.uid());
        Memory.setInt(s, SIZEOF_CMSGHDR + 8, m.credentials.gid());
        if (c.memory().write(address, s, size) == 0) {
          used = Math.min(align(size), length);
        }
      }
    }
    return m.files == null ? used : used + giveFiles(c, m, address + used, length - used);
  }

  private static void header(MemorySegment s, long size, int type) {
    Memory.setLong(s, 0, size);
    Memory.setInt(s, CMSG_LEVEL, SOL_SOCKET);
    Memory.setInt(s, CMSG_TYPE, type);
  }

  private static long giveFiles(Syscall c, Message m, long address, long length) {
    OpenFile[] files = m.files;
    int room =
        length <= SIZEOF_CMSGHDR ? 0 : (int) Math.min((length - SIZEOF_CMSGHDR) / 4, SCM_MAX_FD);
    boolean cloexec = (m.flags & Message.MSG_CMSG_CLOEXEC) != 0;
    MemorySegment s = c.scratch().small;
    int n = 0;
    while (n < Math.min(room, files.length)) {
      if (!files[n].acquire()) {
        break;
      }
      int fd = FdCalls.installNew(c, files[n], cloexec);
      if (fd < 0) {
        break;
      }
      Memory.setInt(s, SIZEOF_CMSGHDR + 4L * n, fd);
      n++;
    }
    if (n < files.length) {
      m.resultFlags |= Message.MSG_CTRUNC;
    }
    if (n == 0) {
      return 0;
    }
    long size = SIZEOF_CMSGHDR + 4L * n;
    header(s, size, SCM_RIGHTS);
    // As on Linux a fault here leaves the descriptors installed and unknown to the guest.
    return c.memory().write(address, s, size) == 0 ? Math.min(align(size), length) : 0;
  }
}
