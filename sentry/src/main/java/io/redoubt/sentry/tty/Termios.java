package io.redoubt.sentry.tty;

import io.redoubt.host.Memory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Modes of a terminal, termios(3), with the kernel's layouts and values for x86-64
 * (asm-generic/termbits.h).
 */
final class Termios {
  // c_iflag
  static final int ISTRIP = 0x20;
  static final int INLCR = 0x40;
  static final int IGNCR = 0x80;
  static final int ICRNL = 0x100;
  static final int IUCLC = 0x200;
  static final int IXON = 0x400;
  static final int IXANY = 0x800;
  static final int IUTF8 = 0x4000;
  // c_oflag
  static final int OPOST = 0x1;
  static final int OLCUC = 0x2;
  static final int ONLCR = 0x4;
  static final int OCRNL = 0x8;
  static final int ONOCR = 0x10;
  static final int ONLRET = 0x20;
  static final int XTABS = 0x1800;
  // c_lflag
  static final int ISIG = 0x1;
  static final int ICANON = 0x2;
  static final int ECHO = 0x8;
  static final int ECHOE = 0x10;
  static final int ECHOK = 0x20;
  static final int ECHONL = 0x40;
  static final int NOFLSH = 0x80;
  static final int TOSTOP = 0x100;
  static final int ECHOCTL = 0x200;
  static final int ECHOKE = 0x800;
  static final int IEXTEN = 0x8000;
  static final int EXTPROC = 0x10000;
  // c_cc
  static final int VINTR = 0;
  static final int VQUIT = 1;
  static final int VERASE = 2;
  static final int VKILL = 3;
  static final int VEOF = 4;
  static final int VTIME = 5;
  static final int VMIN = 6;
  static final int VSTART = 8;
  static final int VSTOP = 9;
  static final int VSUSP = 10;
  static final int VEOL = 11;
  static final int VREPRINT = 12;
  static final int VWERASE = 14;
  static final int VLNEXT = 15;
  static final int VEOL2 = 16;
  static final int NCCS = 19;

  /**
   * {@code struct termios} of the kernel: c_iflag, c_oflag, c_cflag, c_lflag (tcflag_t each),
   * c_line, c_cc[19].
   */
  static final int SIZEOF = 36;

  /** {@code struct termios2}: the same and c_ispeed, c_ospeed. */
  static final int SIZEOF2 = 44;

  private static final int C_IFLAG = 0; // tcflag_t
  private static final int C_OFLAG = 4; // tcflag_t
  private static final int C_CFLAG = 8; // tcflag_t
  private static final int C_LFLAG = 12; // tcflag_t
  private static final int C_LINE = 16; // cc_t
  private static final int C_CC = 17; // cc_t[19]
  private static final int C_ISPEED = 36; // speed_t
  private static final int C_OSPEED = 40; // speed_t

  private static final int CBAUD = 0x100f;
  private static final int CSIZE_CREAD = 0xb0; // CS8 | CREAD: what a pty always has
  private static final int CSIZE_PARENB = 0x130;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

  /** Baud rates of the CBAUD codes 0 to 15 and 4097 to 4111. */
  private static final int[] SPEEDS = {
    0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400, 0, 57600,
    115200, 230400, 460800, 500000, 576000, 921600, 1000000, 1152000, 1500000, 2000000, 2500000,
    3000000, 3500000, 4000000
  };

  int iflag = ICRNL | IXON;
  int oflag = OPOST | ONLCR;
  int cflag = 0xbf; // B38400 | CS8 | CREAD
  int lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
  int line;
  final byte[] cc = {
    3, 0x1c, 0x7f, 0x15, 4, 0, 1, 0, 0x11, 0x13, 0x1a, 0, 0x12, 0xf, 0x17, 0x16, 0, 0, 0
  };
  private int ispeed = 38400;
  private int ospeed = 38400;

  boolean input(int bits) {
    return (iflag & bits) != 0;
  }

  boolean output(int bits) {
    return (oflag & bits) != 0;
  }

  boolean local(int bits) {
    return (lflag & bits) != 0;
  }

  /**
   * Whether {@code c} is the special character {@code which}; a zero there means that it is
   * switched off.
   */
  boolean is(int c, int which) {
    return cc[which] != 0 && c == (cc[which] & 0xff);
  }

  /** Writes the struct, with speeds if there is room for them. */
  void get(MemorySegment to, boolean withSpeeds) {
    Memory.setInt(to, C_IFLAG, iflag);
    Memory.setInt(to, C_OFLAG, oflag);
    Memory.setInt(to, C_CFLAG, cflag);
    Memory.setInt(to, C_LFLAG, lflag);
    Memory.setByte(to, C_LINE, (byte) line);
    for (int i = 0; i < NCCS; i++) {
      Memory.setByte(to, C_CC + i, cc[i]);
    }
    if (withSpeeds) {
      Memory.setInt(to, C_ISPEED, ispeed);
      Memory.setInt(to, C_OSPEED, ospeed);
    }
  }

  /** Takes the struct; as pty_set_termios() it keeps a pty at 8 bits without parity. */
  void set(MemorySegment from, boolean withSpeeds) {
    iflag = Memory.getInt(from, C_IFLAG);
    oflag = Memory.getInt(from, C_OFLAG);
    cflag = Memory.getInt(from, C_CFLAG) & ~CSIZE_PARENB | CSIZE_CREAD;
    lflag = Memory.getInt(from, C_LFLAG);
    line = Memory.getByte(from, C_LINE);
    for (int i = 0; i < NCCS; i++) {
      cc[i] = Memory.getByte(from, C_CC + i);
    }
    int code = cflag & CBAUD;
    if (withSpeeds && code == 0x1000) { // BOTHER
      ispeed = Memory.getInt(from, C_ISPEED);
      ospeed = Memory.getInt(from, C_OSPEED);
    } else {
      ispeed = ospeed = SPEEDS[code & 15 | (code & 0x1000) >> 8];
    }
  }
}
