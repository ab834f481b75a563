package io.redoubt.sentry.dev;

import io.redoubt.host.Errno;
import io.redoubt.host.Ioctl;
import io.redoubt.sentry.kernel.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What a sandbox may ask of the caller's own terminal, when it was given that as stdin, stdout or
 * stderr.
 *
 * <p>It may look (isatty, the window's size) and it may not change: the terminal belongs to
 * programs outside of the sandbox. TIOCSTI would type commands into the caller's shell; a changed
 * mode would outlive the sandbox. Setting the mode is answered with success, without effect,
 * because programs that cannot set it give up where they need not. Who wants a terminal for line
 * editing and job control asks for one of the sandbox's own with {@code -t}.
 */
final class HostTerminal {
  private static final int TCGETS2 = 0x802c542a;
  private static final int TCSETS2 = 0x402c542b;
  private static final int TCSETSW2 = 0x402c542c;
  private static final int TCSETSF2 = 0x402c542d;
  private static final int TERMIOS_BYTES = 36; // struct termios of the kernel
  private static final int TERMIOS2_BYTES = 44;

  private HostTerminal() {}

  static boolean isTerminal(int fd) {
    try (Arena arena = Arena.ofConfined()) {
      return Ioctl.ioctl(fd, Ioctl.TCGETS, arena.allocate(TERMIOS_BYTES, 8)) == 0;
    }
  }

  static long ioctl(Syscall c, int fd, boolean isTerminal, int command, long arg) {
    if (command == Ioctl.FIONREAD) {
      int n = Ioctl.bytesReadable(fd);
      return n < 0 ? n : c.memory().writeInt(arg, n);
    }
    if (!isTerminal) {
      return -Errno.ENOTTY;
    }
    return switch (command) {
      case Ioctl.TCGETS -> get(c, fd, command, arg, TERMIOS_BYTES);
      case TCGETS2 -> get(c, fd, command, arg, TERMIOS2_BYTES);
      case Ioctl.TIOCGWINSZ -> get(c, fd, command, arg, Ioctl.Winsize.SIZEOF);
      case Ioctl.TIOCOUTQ -> get(c, fd, command, arg, 4);
      case Ioctl.TCSETS, Ioctl.TCSETSW, Ioctl.TCSETSF -> accept(c, arg, TERMIOS_BYTES);
      case TCSETS2, TCSETSW2, TCSETSF2 -> accept(c, arg, TERMIOS2_BYTES);
      case Ioctl.TCFLSH, Ioctl.TCXONC, Ioctl.TCSBRK, Ioctl.TCSBRKP -> 0;
      case Ioctl.TIOCSTI,
          Ioctl.TIOCSETD,
          Ioctl.TIOCSWINSZ,
          Ioctl.TIOCSCTTY,
          Ioctl.TIOCEXCL,
          Ioctl.TIOCNXCL ->
          -Errno.EPERM;
      default -> -Errno.ENOTTY; // among them TIOCGPGRP: it is nobody's controlling terminal in here
    };
  }

  private static long get(Syscall c, int fd, int command, long arg, int size) {
    MemorySegment s = c.scratch().small;
    int r = Ioctl.ioctl(fd, command, s);
    return r < 0 ? r : c.memory().write(arg, s, size);
  }

  private static long accept(Syscall c, long arg, int size) {
    return c.memory().read(arg, c.scratch().small, size);
  }
}
