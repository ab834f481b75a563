package io.redoubt.sentry.proc;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.sentry.fs.DirSink;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.pseudo.Content;
import io.redoubt.sentry.fs.pseudo.PseudoDir;
import io.redoubt.sentry.fs.pseudo.PseudoFile;
import io.redoubt.sentry.fs.pseudo.PseudoFs;
import io.redoubt.sentry.kernel.KernelThread;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.net.Network;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * {@code /sys/class/net}: the interfaces of the sandbox's network namespace, each a directory of
 * what is asked for most, made when somebody looks.
 */
final class InterfacesDir extends PseudoDir {
  private static final long FIRST_INO = PseudoFs.COMPUTED + (1L << 24);
  private static final int ENTRIES_EACH = 64;

  private static final int SIOCGIFFLAGS = 0x8913;
  private static final int SIOCGIFMTU = 0x8921;
  private static final int SIOCGIFHWADDR = 0x8927;
  private static final int SIOCGIFINDEX = 0x8933;
  private static final int SIOCGIFTXQLEN = 0x8942;

  // struct ifreq { char name[16]; union { short flags; int mtu; struct sockaddr hwaddr; ... } }
  private static final int SIZEOF_IFREQ = 40;
  private static final int IFNAMSIZ = 16;
  private static final int ANSWER = 16;
  private static final int IFF_UP = 0x1;
  private static final int IFF_LOOPBACK = 0x8;
  private static final int IFF_RUNNING = 0x40;

  /** Of the columns in /proc/net/dev. */
  private static final String[] STATISTICS = {
    "rx_bytes",
    "rx_packets",
    "rx_errors",
    "rx_dropped",
    "rx_fifo_errors",
    "rx_frame_errors",
    "rx_compressed",
    "multicast",
    "tx_bytes",
    "tx_packets",
    "tx_errors",
    "tx_dropped",
    "tx_fifo_errors",
    "collisions",
    "tx_carrier_errors",
    "tx_compressed"
  };

  InterfacesDir(PseudoFs fs) {
    super(fs, 0555);
  }

  @Override
  public boolean isCacheable() {
    return false;
  }

  /** The lines of /proc/net/dev behind its two of headings. */
  private static List<String> lines(Syscall c) {
    List<String> lines = new ArrayList<>();
    String dev = c.task.kernel.readNetworkFile(c.task, "dev");
    for (String line : dev == null ? new String[0] : dev.split("\n")) {
      int colon = line.indexOf(':');
      if (colon > 0 && line.indexOf('|') < 0) {
        lines.add(line.strip());
      }
    }
    return lines;
  }

  private static String nameOf(String line) {
    return line.substring(0, line.indexOf(':'));
  }

  @Override
  public Inode lookup(Syscall c, String name) {
    List<String> lines = lines(c);
    for (int i = 0; i < lines.size(); i++) {
      if (nameOf(lines.get(i)).equals(name)) {
        return directory(name, FIRST_INO + (long) i * ENTRIES_EACH);
      }
    }
    return c.fail(-Errno.ENOENT);
  }

  @Override
  public int readdir(Syscall c, long position, DirSink sink) {
    List<String> lines = lines(c);
    for (int i = (int) Math.min(position, lines.size()); i < lines.size(); i++) {
      if (!sink.add(nameOf(lines.get(i)), FIRST_INO + (long) i * ENTRIES_EACH, 4, i + 1L)) {
        return 0;
      }
    }
    return 0;
  }

  private PseudoDir directory(String name, long ino) {
    PseudoDir d = new PseudoDir(fs, ino, 0555);
    long n = ino + 1;
    n = add(d, n, "address", (c, out) -> ask(c, name, SIOCGIFHWADDR, s -> address(s, out)));
    n = add(d, n, "carrier", (c, out) -> flags(c, name, f -> out.append(bit(f, IFF_RUNNING))));
    n = add(d, n, "flags", (c, out) -> flags(c, name, f -> out.append("0x").append(hex(f))));
    n = add(d, n, "ifindex", (c, out) -> number(c, name, SIOCGIFINDEX, out));
    n = add(d, n, "iflink", (c, out) -> number(c, name, SIOCGIFINDEX, out));
    n = add(d, n, "mtu", (c, out) -> number(c, name, SIOCGIFMTU, out));
    n = add(d, n, "operstate", (c, out) -> flags(c, name, f -> out.append(state(f))));
    n = add(d, n, "tx_queue_len", (c, out) -> number(c, name, SIOCGIFTXQLEN, out));
    n = add(d, n, "type", (c, out) -> ask(c, name, SIOCGIFHWADDR, s -> out.append(family(s))));
    PseudoDir statistics = new PseudoDir(fs, n++, 0555);
    d.add("statistics", statistics);
    for (int i = 0; i < STATISTICS.length; i++) {
      int column = i;
      n = add(statistics, n, STATISTICS[i], (c, out) -> statistic(c, name, column, out));
    }
    return d;
  }

  private long add(PseudoDir d, long ino, String name, Content value) {
    Content line =
        (c, out) -> {
          int r = value.write(c, out);
          if (r == 0) {
            out.append('\n');
          }
          return r;
        };
    d.add(name, new PseudoFile(fs, ino, 0444, line, null));
    return ino + 1;
  }

  /** Takes the answer to a question about an interface. */
  private interface Answer {
    void take(MemorySegment request);
  }

  private static int ask(Syscall c, String name, int command, Answer answer) {
    Network network = c.task.kernel.network();
    if (network == null) {
      return -Errno.ENODEV;
    }
    MemorySegment s = KernelThread.scratch().small;
    byte[] bytes = name.getBytes(StandardCharsets.ISO_8859_1);
    if (bytes.length >= IFNAMSIZ) {
      return -Errno.ENODEV;
    }
    Memory.zero(s, 0, SIZEOF_IFREQ);
    Memory.copy(bytes, 0, s, 0, bytes.length);
    int r = network.ask(command, s);
    if (r == 0) {
      answer.take(s);
    }
    return r;
  }

  private static int number(Syscall c, String name, int command, StringBuilder out) {
    return ask(c, name, command, s -> out.append(Memory.getInt(s, ANSWER)));
  }

  /** Takes IFF_* bits. */
  private interface Flags {
    void take(int flags);
  }

  private static int flags(Syscall c, String name, Flags taker) {
    return ask(c, name, SIOCGIFFLAGS, s -> taker.take(Memory.getShort(s, ANSWER) & 0xffff));
  }

  private static int bit(int flags, int bit) {
    return (flags & bit) != 0 ? 1 : 0;
  }

  /** The ioctl adds RUNNING, which is not one of the device's own flags. */
  private static String hex(int flags) {
    return Integer.toHexString(flags & ~IFF_RUNNING);
  }

  private static String state(int flags) {
    if ((flags & (IFF_LOOPBACK | IFF_UP)) == (IFF_LOOPBACK | IFF_UP)) {
      return "unknown"; // it has no carrier to know of
    }
    return (flags & IFF_RUNNING) != 0 ? "up" : "down";
  }

  private static int family(MemorySegment s) {
    return Memory.getShort(s, ANSWER) & 0xffff;
  }

  private static void address(MemorySegment s, StringBuilder out) {
    for (int i = 0; i < 6; i++) {
      int b = Memory.getByte(s, ANSWER + 2 + i) & 0xff;
      out.append(i == 0 ? "" : ":").append(b < 16 ? "0" : "").append(Integer.toHexString(b));
    }
  }

  private static int statistic(Syscall c, String name, int column, StringBuilder out) {
    for (String line : lines(c)) {
      if (nameOf(line).equals(name)) {
        String[] columns = line.substring(line.indexOf(':') + 1).strip().split("\\s+");
        out.append(column < columns.length ? columns[column] : "0");
        return 0;
      }
    }
    return -Errno.ENODEV;
  }
}
