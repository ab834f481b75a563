package io.redoubt.host;

import java.lang.foreign.MemorySegment;

/** sys/ioctl.h: terminals, ioctl_tty(2), and the bytes that wait in a descriptor. */
public final class Ioctl {
  public static final int TCGETS = 0x5401;
  public static final int TCSETS = 0x5402;
  public static final int TCSETSW = 0x5403;
  public static final int TCSETSF = 0x5404;
  public static final int TCGETA = 0x5405;
  public static final int TCSETA = 0x5406;
  public static final int TCSBRK = 0x5409;
  public static final int TCXONC = 0x540a;
  public static final int TCFLSH = 0x540b;
  public static final int TIOCEXCL = 0x540c;
  public static final int TIOCNXCL = 0x540d;
  public static final int TIOCSCTTY = 0x540e;
  public static final int TIOCGPGRP = 0x540f;
  public static final int TIOCSPGRP = 0x5410;
  public static final int TIOCOUTQ = 0x5411;
  public static final int TIOCSTI = 0x5412;
  public static final int TIOCGWINSZ = 0x5413;
  public static final int TIOCSWINSZ = 0x5414;
  public static final int TIOCMGET = 0x5415;
  public static final int FIONREAD = 0x541b;
  public static final int TIOCNOTTY = 0x5422;
  public static final int TIOCSETD = 0x5423;
  public static final int TIOCGETD = 0x5424;
  public static final int TCSBRKP = 0x5425;
  public static final int TIOCGSID = 0x5429;
  public static final long TIOCGPTN = 0x80045430L;
  public static final int TIOCSPTLCK = 0x40045431;
  public static final int TIOCGPTPEER = 0x5441;
  public static final int FIONBIO = 0x5421;
  public static final int FIOASYNC = 0x5452;
  public static final int FIOCLEX = 0x5451;
  public static final int FIONCLEX = 0x5450;
  public static final int FIOQSIZE = 0x5460;
  public static final int TIOCPKT = 0x5420;

  /** {@code struct winsize}, ioctl_tty(2). */
  public static final class Winsize {
    public static final String C_NAME = "struct winsize";
    public static final int SIZEOF = 8;
    public static final int WS_ROW = 0; // unsigned short
    public static final int WS_COL = 2; // unsigned short
    public static final int WS_XPIXEL = 4; // unsigned short
    public static final int WS_YPIXEL = 6; // unsigned short

    private Winsize() {}
  }

  private Ioctl() {}

  /** ioctl(2) with an integer or raw pointer argument. Returns its value or -errno. */
  public static int ioctl(int fd, long request, long argument) {
    return (int) Syscall.call(Nr.IOCTL, fd, request & 0xffffffffL, argument);
  }

  /** ioctl(2) with a pointer to {@code argument}; the caller knows the size that it needs. */
  public static int ioctl(int fd, long request, MemorySegment argument) {
    return ioctl(fd, request, Syscall.address(argument, 0));
  }

  /** FIONREAD: bytes that can be read now, or -errno. */
  public static int bytesReadable(int fd) {
    MemorySegment s = CallState.get().scratch;
    int r = ioctl(fd, FIONREAD, s.address());
    return r < 0 ? r : Memory.getInt(s, 0);
  }
}
