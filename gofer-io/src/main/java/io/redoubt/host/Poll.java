package io.redoubt.host;

import java.lang.foreign.MemorySegment;

/** poll.h, sys/epoll.h, sys/eventfd.h, sys/timerfd.h: waiting for several things at once. */
public final class Poll {
  public static final int POLLIN = 0x1;
  public static final int POLLPRI = 0x2;
  public static final int POLLOUT = 0x4;
  public static final int POLLERR = 0x8;
  public static final int POLLHUP = 0x10;
  public static final int POLLNVAL = 0x20;
  public static final int POLLRDNORM = 0x40;
  public static final int POLLRDBAND = 0x80;
  public static final int POLLWRNORM = 0x100;
  public static final int POLLWRBAND = 0x200;
  public static final int POLLMSG = 0x400;
  public static final int POLLREMOVE = 0x1000;
  public static final int POLLRDHUP = 0x2000;
  public static final int EPOLL_CTL_ADD = 1;
  public static final int EPOLL_CTL_DEL = 2;
  public static final int EPOLL_CTL_MOD = 3;
  public static final int EPOLLIN = 0x1;
  public static final int EPOLLPRI = 0x2;
  public static final int EPOLLOUT = 0x4;
  public static final int EPOLLERR = 0x8;
  public static final int EPOLLHUP = 0x10;
  public static final int EPOLLRDHUP = 0x2000;
  public static final int EPOLLEXCLUSIVE = 0x10000000;
  public static final int EPOLLWAKEUP = 0x20000000;
  public static final int EPOLLONESHOT = 0x40000000;
  public static final int EPOLLET = 0x80000000;

  public static final int EPOLL_CLOEXEC = 0x80000;
  public static final int EFD_CLOEXEC = 0x80000;
  public static final int EFD_NONBLOCK = 0x800;
  public static final int EFD_SEMAPHORE = 0x1;
  public static final int TFD_CLOEXEC = 0x80000;
  public static final int TFD_NONBLOCK = 0x800;
  public static final int TFD_TIMER_ABSTIME = 0x1;
  public static final int TFD_TIMER_CANCEL_ON_SET = 0x2;

  /** {@code struct pollfd}, poll(2). */
  public static final class Pollfd {
    public static final String C_NAME = "struct pollfd";
    public static final int SIZEOF = 8;
    public static final int FD = 0; // int
    public static final int EVENTS = 4; // short
    public static final int REVENTS = 6; // short

    private Pollfd() {}
  }

  /** {@code struct epoll_event}, epoll_event(3type), packed on x86-64: use unaligned access. */
  public static final class EpollEvent {
    public static final String C_NAME = "struct epoll_event";
    public static final int SIZEOF = 12;
    public static final int EVENTS = 0; // uint32_t
    public static final int DATA = 4; // epoll_data_t

    private EpollEvent() {}
  }

  /** {@code struct itimerspec}, timerfd_create(2). */
  public static final class Itimerspec {
    public static final String C_NAME = "struct itimerspec";
    public static final int SIZEOF = 32;
    public static final int IT_INTERVAL__TV_SEC = 0; // time_t
    public static final int IT_INTERVAL__TV_NSEC = 8; // long
    public static final int IT_VALUE__TV_SEC = 16; // time_t
    public static final int IT_VALUE__TV_NSEC = 24; // long

    private Itimerspec() {}
  }

  private Poll() {}

  /** poll(2) of {@code count} {@link Pollfd}. Returns how many are ready, 0, or -errno. */
  public static int poll(MemorySegment fds, int count, int timeoutMillis) {
    return (int)
        Syscall.call(
            Nr.POLL, Syscall.address(fds, (long) count * Pollfd.SIZEOF), count, timeoutMillis);
  }

  /** poll(2) of one fd. Returns its POLL* bits, 0 at the end of the time, or -errno. */
  public static int poll(int fd, int events, int timeoutMillis) {
    MemorySegment p = CallState.get().scratch;
    Memory.setInt(p, Pollfd.FD, fd);
    Memory.setShort(p, Pollfd.EVENTS, (short) events);
    Memory.setShort(p, Pollfd.REVENTS, (short) 0);
    int r = poll(p, 1, timeoutMillis);
    return r <= 0 ? r : Memory.getShort(p, Pollfd.REVENTS) & 0xffff;
  }

  /**
   * ppoll(2) without a signal mask.
   *
   * @param timeoutNanos nanoseconds, or negative for ever
   */
  public static int ppoll(MemorySegment fds, int count, long timeoutNanos) {
    MemorySegment s = CallState.get().scratch;
    Memory.setLong(s, 0, timeoutNanos / 1_000_000_000L);
    Memory.setLong(s, 8, timeoutNanos % 1_000_000_000L);
    return (int)
        Syscall.call(
            Nr.PPOLL,
            Syscall.address(fds, (long) count * Pollfd.SIZEOF),
            count,
            timeoutNanos < 0 ? 0 : s.address(),
            0,
            8);
  }

  /** epoll_create1(2). Returns an fd or -errno. */
  public static int epollCreate1(int flags) {
    return (int) Syscall.call(Nr.EPOLL_CREATE1, flags);
  }

  /** epoll_ctl(2). Returns 0 or -errno. */
  public static int epollCtl(int epoll, int operation, int fd, int events, long data) {
    MemorySegment s = CallState.get().scratch;
    Memory.setInt(s, EpollEvent.EVENTS, events);
    Memory.setLong(s, EpollEvent.DATA, data);
    return (int) Syscall.call(Nr.EPOLL_CTL, epoll, operation, fd, s.address());
  }

  /** epoll_wait(2) for up to {@code max} {@link EpollEvent}. Returns their number or -errno. */
  public static int epollWait(int epoll, MemorySegment events, int max, int timeoutMillis) {
    return (int)
        Syscall.call(
            Nr.EPOLL_WAIT,
            epoll,
            Syscall.address(events, (long) max * EpollEvent.SIZEOF),
            max,
            timeoutMillis);
  }

  /** eventfd(2). Returns an fd or -errno. */
  public static int eventfd(int initial, int flags) {
    return (int) Syscall.call(Nr.EVENTFD2, initial, flags);
  }

  /** Adds to an eventfd's counter. Returns 0 or -errno. */
  public static int eventfdWrite(int fd, long value) {
    MemorySegment s = CallState.get().scratch;
    Memory.setLong(s, 0, value);
    long r = Unistd.write(fd, s, 8);
    return r < 0 ? (int) r : 0;
  }

  /** Takes an eventfd's or timerfd's counter. Returns it or -errno (-EAGAIN: nothing there). */
  public static long eventfdRead(int fd) {
    MemorySegment s = CallState.get().scratch;
    long r = Unistd.read(fd, s, 8);
    return r < 0 ? r : Memory.getLong(s, 0);
  }

  /** timerfd_create(2). Returns an fd or -errno. */
  public static int timerfdCreate(int clock, int flags) {
    return (int) Syscall.call(Nr.TIMERFD_CREATE, clock, flags);
  }

  /** timerfd_settime(2) in nanoseconds; a value of 0 disarms. Returns 0 or -errno. */
  public static int timerfdSettime(int fd, int flags, long valueNanos, long intervalNanos) {
    MemorySegment s = CallState.get().scratch;
    Memory.setLong(s, Itimerspec.IT_INTERVAL__TV_SEC, intervalNanos / 1_000_000_000L);
    Memory.setLong(s, Itimerspec.IT_INTERVAL__TV_NSEC, intervalNanos % 1_000_000_000L);
    Memory.setLong(s, Itimerspec.IT_VALUE__TV_SEC, valueNanos / 1_000_000_000L);
    Memory.setLong(s, Itimerspec.IT_VALUE__TV_NSEC, valueNanos % 1_000_000_000L);
    return (int) Syscall.call(Nr.TIMERFD_SETTIME, fd, flags, s.address(), 0);
  }
}
