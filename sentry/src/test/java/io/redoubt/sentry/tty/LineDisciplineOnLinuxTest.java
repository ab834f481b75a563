package io.redoubt.sentry.tty;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.redoubt.host.Fcntl;
import io.redoubt.host.Ioctl;
import io.redoubt.host.Poll;
import io.redoubt.host.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Linux is the oracle: the same modes and the same typing on a pty of the host give the same screen
 * and the same reads.
 */
class LineDisciplineOnLinuxTest {
  private static final int CASES = 120;
  private static final String TYPED =
      "abc _.x\t\n\r\n\177\177\25\27\26\22\4\3\34\32\23\21\1\33\303\244\344\270\255 wörd";
  private static final int[] INPUT = {
    Termios.ISTRIP,
    Termios.INLCR,
    Termios.IGNCR,
    Termios.ICRNL,
    Termios.IXON,
    Termios.IXANY,
    Termios.IUTF8
  };
  private static final int[] OUTPUT = {
    Termios.OPOST,
    Termios.ONLCR,
    Termios.OCRNL,
    Termios.ONOCR,
    Termios.ONLRET,
    Termios.XTABS,
    Termios.OLCUC
  };
  private static final int[] LOCAL = {
    Termios.ISIG,
    Termios.ICANON,
    Termios.ECHO,
    Termios.ECHOE,
    Termios.ECHOK,
    Termios.ECHONL,
    Termios.NOFLSH,
    Termios.ECHOCTL,
    Termios.ECHOKE,
    Termios.IEXTEN
  };

  private final Random random = new Random(42);
  private final MemorySegment s = Arena.ofAuto().allocate(8192, 8);

  @Test
  void agreesWithLinux() {
    int master =
        Fcntl.open(
            "/dev/ptmx", Fcntl.O_RDWR | Fcntl.O_NOCTTY | Fcntl.O_NONBLOCK | Fcntl.O_CLOEXEC, 0);
    assumeTrue(master >= 0, "no /dev/ptmx here");
    Unistd.close(master);
    for (int i = 0; i < CASES; i++) {
      compare(i);
    }
  }

  private void compare(int number) {
    LineDiscipline d = new LineDiscipline(16 * 1024);
    boolean typical = random.nextInt(3) > 0;
    if (!typical) {
      d.modes.iflag = some(INPUT);
      d.modes.oflag = some(OUTPUT);
      d.modes.lflag = some(LOCAL);
      d.modes.cc[Termios.VMIN] = 1;
    }
    int master =
        Fcntl.open(
            "/dev/ptmx", Fcntl.O_RDWR | Fcntl.O_NOCTTY | Fcntl.O_NONBLOCK | Fcntl.O_CLOEXEC, 0);
    s.set(ValueLayout.JAVA_INT, 0, 0);
    Ioctl.ioctl(master, Ioctl.TIOCSPTLCK, s);
    Ioctl.ioctl(master, Ioctl.TIOCGPTN, s);
    String name = "/dev/pts/" + s.get(ValueLayout.JAVA_INT, 0);
    int slave =
        Fcntl.open(name, Fcntl.O_RDWR | Fcntl.O_NOCTTY | Fcntl.O_NONBLOCK | Fcntl.O_CLOEXEC, 0);
    assertTrue(slave >= 0, name);
    d.modes.get(s, false);
    assertEquals(0, Ioctl.ioctl(slave, Ioctl.TCSETS, s));
    String what =
        "case "
            + number
            + ": iflag="
            + Integer.toHexString(d.modes.iflag)
            + ", oflag="
            + Integer.toHexString(d.modes.oflag)
            + ", lflag="
            + Integer.toHexString(d.modes.lflag);
    String log = "";
    for (int round = 0; round < 5; round++) {
      String typed = typing();
      log += "\ntyped " + visible(typed);
      put(master, typed);
      for (byte b : typed.getBytes(ISO_8859_1)) {
        d.receive(b);
      }
      byte[] b = new byte[8192];
      String screen = new String(b, 0, d.output.take(b, 0, b.length), ISO_8859_1);
      String linuxScreen = screen(master, screen.length());
      assertEquals(visible(linuxScreen), visible(screen), what + log);
      if (!d.isStopped()) {
        String written = random.nextBoolean() ? "out\tput\nx" : "\r\n\tab\b\b";
        put(slave, written);
        byte[] w = written.getBytes(ISO_8859_1);
        d.write(w, 0, w.length);
        screen = new String(b, 0, d.output.take(b, 0, b.length), ISO_8859_1);
        linuxScreen = screen(master, screen.length());
        assertEquals(
            visible(linuxScreen), visible(screen), what + log + "\nwrote " + visible(written));
      }
      int size = 1 + random.nextInt(20);
      for (int i = 0; i < 3; i++) {
        long n = Unistd.read(slave, s, size);
        String linux = n < 0 ? "errno " + -n : visible(string((int) n));
        String ours =
            d.hasInput(1) ? visible(new String(b, 0, d.read(b, size), ISO_8859_1)) : "errno 11";
        assertEquals(linux, ours, what + log + "\nread " + size);
      }
    }
    Unistd.close(slave);
    Unistd.close(master);
  }

  private int some(int[] flags) {
    int set = 0;
    for (int f : flags) {
      set |= random.nextInt(3) > 0 ? f : 0;
    }
    return set;
  }

  private String typing() {
    StringBuilder out = new StringBuilder();
    for (int i = random.nextInt(24); i >= 0; i--) {
      char c = TYPED.charAt(random.nextInt(TYPED.length()));
      // Linux echoes at the end of what came at once: a STOP in the middle would hold what was
      // typed before it, too, and a signal
      // would discard it unseen.
      if ("\23\3\34\32".indexOf(c) < 0 || out.isEmpty()) {
        out.append(c);
      }
    }
    return out.toString();
  }

  private void put(int fd, String text) {
    byte[] b = text.getBytes(ISO_8859_1);
    MemorySegment.copy(b, 0, s, ValueLayout.JAVA_BYTE, 0, b.length);
    assertEquals(b.length, Unistd.write(fd, s, b.length));
  }

  /** What the master gets; Linux moves it in a worker, so wait until nothing more comes. */
  private String screen(int master, int expected) {
    StringBuilder out = new StringBuilder();
    while (Poll.poll(master, 1, out.length() < expected ? 500 : 3) > 0) {
      long n = Unistd.read(master, s, 4096);
      if (n <= 0) {
        break;
      }
      out.append(string((int) n));
    }
    return out.toString();
  }

  private String string(int n) {
    byte[] b = new byte[n];
    MemorySegment.copy(s, ValueLayout.JAVA_BYTE, 0, b, 0, n);
    return new String(b, ISO_8859_1);
  }

  private static String visible(String text) {
    StringBuilder out = new StringBuilder();
    for (char c : text.toCharArray()) {
      out.append(c < 32 || c > 126 ? String.format("\\%03o", (int) c) : String.valueOf(c));
    }
    return out.toString();
  }
}
