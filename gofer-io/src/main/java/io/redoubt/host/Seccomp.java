package io.redoubt.host;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** linux/seccomp.h: the supervisor's side of user notification, seccomp_unotify(2). */
public final class Seccomp {
  public static final int SECCOMP_SET_MODE_STRICT = 0;
  public static final int SECCOMP_SET_MODE_FILTER = 1;
  public static final int SECCOMP_GET_ACTION_AVAIL = 2;
  public static final int SECCOMP_GET_NOTIF_SIZES = 3;
  public static final int SECCOMP_FILTER_FLAG_TSYNC = 0x1;
  public static final int SECCOMP_FILTER_FLAG_LOG = 0x2;
  public static final int SECCOMP_FILTER_FLAG_SPEC_ALLOW = 0x4;
  public static final int SECCOMP_FILTER_FLAG_NEW_LISTENER = 0x8;
  public static final int SECCOMP_FILTER_FLAG_TSYNC_ESRCH = 0x10;
  public static final int SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 0x20;
  public static final long SECCOMP_RET_KILL_PROCESS = 0x80000000L;
  public static final int SECCOMP_RET_KILL_THREAD = 0x0;
  public static final int SECCOMP_RET_TRAP = 0x30000;
  public static final int SECCOMP_RET_ERRNO = 0x50000;
  public static final int SECCOMP_RET_USER_NOTIF = 0x7fc00000;
  public static final int SECCOMP_RET_TRACE = 0x7ff00000;
  public static final int SECCOMP_RET_LOG = 0x7ffc0000;
  public static final int SECCOMP_RET_ALLOW = 0x7fff0000;
  public static final int SECCOMP_USER_NOTIF_FLAG_CONTINUE = 0x1;
  public static final int SECCOMP_ADDFD_FLAG_SETFD = 0x1;
  public static final int SECCOMP_ADDFD_FLAG_SEND = 0x2;
  public static final long SECCOMP_IOCTL_NOTIF_RECV = 0xc0502100L;
  public static final long SECCOMP_IOCTL_NOTIF_SEND = 0xc0182101L;
  public static final int SECCOMP_IOCTL_NOTIF_ID_VALID = 0x40082102;
  public static final int SECCOMP_IOCTL_NOTIF_ADDFD = 0x40182103;

  /**
   * Linux 6.6: SEND and RECV wake the other side on the same CPU. 52 us a call without, 7.7 with.
   */
  public static final int SECCOMP_IOCTL_NOTIF_SET_FLAGS = 0x40082104;

  public static final int SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP = 1;

  /** {@code struct seccomp_notif}, seccomp_unotify(2). */
  public static final class Notif {
    public static final String C_NAME = "struct seccomp_notif";
    public static final int SIZEOF = 80;
    public static final int ID = 0; // __u64
    public static final int PID = 8; // __u32
    public static final int FLAGS = 12; // __u32
    public static final int DATA__NR = 16; // int
    public static final int DATA__ARCH = 20; // __u32
    public static final int DATA__INSTRUCTION_POINTER = 24; // __u64
    public static final int DATA__ARGS = 32; // __u64[6]

    private Notif() {}
  }

  /** {@code struct seccomp_notif_resp}, seccomp_unotify(2). */
  public static final class NotifResp {
    public static final String C_NAME = "struct seccomp_notif_resp";
    public static final int SIZEOF = 24;
    public static final int ID = 0; // __u64
    public static final int VAL = 8; // __s64
    public static final int ERROR = 16; // __s32
    public static final int FLAGS = 20; // __u32

    private NotifResp() {}
  }

  /** {@code struct seccomp_notif_addfd}, seccomp_unotify(2). */
  public static final class NotifAddfd {
    public static final String C_NAME = "struct seccomp_notif_addfd";
    public static final int SIZEOF = 24;
    public static final int ID = 0; // __u64
    public static final int FLAGS = 8; // __u32
    public static final int SRCFD = 12; // __u32
    public static final int NEWFD = 16; // __u32
    public static final int NEWFD_FLAGS = 20; // __u32

    private NotifAddfd() {}
  }

  /** {@code struct seccomp_notif_sizes}, seccomp(2). */
  public static final class NotifSizes {
    public static final String C_NAME = "struct seccomp_notif_sizes";
    public static final int SIZEOF = 6;
    public static final int SECCOMP_NOTIF = 0; // __u16
    public static final int SECCOMP_NOTIF_RESP = 2; // __u16
    public static final int SECCOMP_DATA = 4; // __u16

    private NotifSizes() {}
  }

  private static final int SOCK_FILTER_BYTES = 8;

  private Seccomp() {}

  /**
   * SECCOMP_IOCTL_NOTIF_RECV: waits for a notification. The kernel wants {@code to} zeroed: this
   * does it. Returns 0 or -errno; -EINTR and -ENOENT mean try again.
   */
  public static int receive(int listener, MemorySegment to) {
    long address = Syscall.address(to, Notif.SIZEOF);
    Memory.zero(to, 0, Notif.SIZEOF);
    return (int) Syscall.call(Nr.IOCTL, listener, SECCOMP_IOCTL_NOTIF_RECV, address);
  }

  /** SECCOMP_IOCTL_NOTIF_SEND of a {@link NotifResp}. Returns 0, or -ENOENT: the guest is gone. */
  public static int send(int listener, MemorySegment response) {
    return (int)
        Syscall.call(
            Nr.IOCTL,
            listener,
            SECCOMP_IOCTL_NOTIF_SEND,
            Syscall.address(response, NotifResp.SIZEOF));
  }

  /**
   * Fills {@code response} and sends it.
   *
   * @param error 0, or the negative errno that the guest gets instead of {@code value}
   * @param flags 0 or SECCOMP_USER_NOTIF_FLAG_CONTINUE, with which value and error must be 0
   */
  public static int send(
      int listener, MemorySegment response, long id, long value, int error, int flags) {
    Memory.setLong(response, NotifResp.ID, id);
    Memory.setLong(response, NotifResp.VAL, value);
    Memory.setInt(response, NotifResp.ERROR, error);
    Memory.setInt(response, NotifResp.FLAGS, flags);
    return send(listener, response);
  }

  /** SECCOMP_IOCTL_NOTIF_ID_VALID. Returns 0 while the guest still waits, else -ENOENT. */
  public static int idValid(int listener, long id) {
    MemorySegment s = CallState.get().scratch;
    Memory.setLong(s, 0, id);
    return (int) Syscall.call(Nr.IOCTL, listener, SECCOMP_IOCTL_NOTIF_ID_VALID, s.address());
  }

  /**
   * SECCOMP_IOCTL_NOTIF_ADDFD: gives the guest a copy of {@code fd}.
   *
   * @param flags SECCOMP_ADDFD_FLAG_SETFD to choose {@code newFd}, SECCOMP_ADDFD_FLAG_SEND to
   *     answer the call with the number as well
   * @param newFdFlags 0 or O_CLOEXEC
   * @return the number in the guest or -errno; -EINPROGRESS: the notification is already answered
   */
  public static int addFd(int listener, long id, int flags, int fd, int newFd, int newFdFlags) {
    MemorySegment s = CallState.get().scratch;
    Memory.setLong(s, NotifAddfd.ID, id);
    Memory.setInt(s, NotifAddfd.FLAGS, flags);
    Memory.setInt(s, NotifAddfd.SRCFD, fd);
    Memory.setInt(s, NotifAddfd.NEWFD, newFd);
    Memory.setInt(s, NotifAddfd.NEWFD_FLAGS, newFdFlags);
    return (int) Syscall.call(Nr.IOCTL, listener, SECCOMP_IOCTL_NOTIF_ADDFD, s.address());
  }

  /** SECCOMP_IOCTL_NOTIF_SET_FLAGS. Returns 0 or -errno, -EINVAL before Linux 6.6. */
  public static int setFlags(int listener, long flags) {
    return (int) Syscall.call(Nr.IOCTL, listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, flags);
  }

  /**
   * seccomp(2) SECCOMP_GET_NOTIF_SIZES.
   *
   * @return notif | resp << 16 | data << 32, each in bytes, or -errno
   */
  public static long notifSizes() {
    MemorySegment s = CallState.get().scratch;
    long r = Syscall.call(Nr.SECCOMP, SECCOMP_GET_NOTIF_SIZES, 0, s.address());
    if (r < 0) {
      return r;
    }
    return (Memory.getShort(s, NotifSizes.SECCOMP_NOTIF) & 0xffffL)
        | (Memory.getShort(s, NotifSizes.SECCOMP_NOTIF_RESP) & 0xffffL) << 16
        | (Memory.getShort(s, NotifSizes.SECCOMP_DATA) & 0xffffL) << 32;
  }

  /** seccomp(2) SECCOMP_GET_ACTION_AVAIL. Returns 0, or -EOPNOTSUPP. */
  public static int actionAvailable(int action) {
    MemorySegment s = CallState.get().scratch;
    Memory.setInt(s, 0, action);
    return (int) Syscall.call(Nr.SECCOMP, SECCOMP_GET_ACTION_AVAIL, 0, s.address());
  }

  /**
   * seccomp(2) SECCOMP_SET_MODE_FILTER for all threads of this process, without mitigations against
   * speculation beyond those of other processes.
   *
   * @param filter an array of struct sock_filter
   * @return 0 or -errno; -ESRCH if a thread has a filter of another origin
   */
  public static int confine(byte[] filter) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment program = arena.allocate(filter.length, 8);
      Memory.copy(filter, 0, program, 0, filter.length);
      MemorySegment s = CallState.get().scratch; // struct sock_fprog
      Memory.setLong(s, 0, filter.length / SOCK_FILTER_BYTES);
      Memory.setLong(s, 8, program.address());
      long r =
          Syscall.call(
              Nr.SECCOMP,
              SECCOMP_SET_MODE_FILTER,
              SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW,
              s.address());
      return r > 0 ? -Errno.ESRCH : (int) r; // the number of that thread
    }
  }
}
