package io.redoubt.sentry.tty;

import io.redoubt.host.Errno;
import io.redoubt.sentry.dev.DevFs;
import io.redoubt.sentry.dev.DeviceNode;
import io.redoubt.sentry.dev.Devices;
import io.redoubt.sentry.fs.DirSink;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.pseudo.PseudoDir;
import io.redoubt.sentry.fs.pseudo.PseudoFs;
import io.redoubt.sentry.kernel.Syscall;
import java.util.HashMap;

/** devpts: {@code ptmx}, which makes ptys, and a node for the slave of each. */
public final class DevPts extends PseudoDir {
  private static final int MINOR = 24;
  private static final int FIRST_INO = 3; // of pty 0, as on Linux

  private final Terminals terminals;

  // Nodes keep a changed mode or owner as long as their pty lives. Guarded by itself.
  private final HashMap<Integer, Node> nodes = new HashMap<>();

  /** The node of a slave, for one life of its number. */
  private record Node(Terminal of, DeviceNode inode) {}

  private DevPts(PseudoFs fs, Terminals terminals) {
    super(fs, 1, 0755);
    this.terminals = terminals;
    add("ptmx", new DeviceNode(fs, 2, 0666, Devices.PTMX));
  }

  /** The root directory of a new instance. */
  public static PseudoDir create(Terminals terminals) {
    return new DevPts(new PseudoFs(MINOR), terminals);
  }

  @Override
  public boolean isCacheable() {
    return false;
  }

  /** The node of a pty's slave, or null. */
  Inode node(int index) {
    Terminals.Entry e = terminals.find(index);
    if (e == null) {
      return null;
    }
    synchronized (nodes) {
      Node n = nodes.get(index);
      if (n == null || n.of != e.terminal()) {
        DeviceNode d =
            new DeviceNode(fs, FIRST_INO + index, 0620, Stat.makedev(Devices.MAJOR_PTS, index));
        d.ownedBy(e.uid(), DevFs.GROUP_TTY);
        n = new Node(e.terminal(), d);
        nodes.put(index, n);
      }
      return n.inode;
    }
  }

  @Override
  public Inode lookup(Syscall c, String name) {
    int index = 0;
    for (int i = 0; i < name.length() && index >= 0; i++) {
      int digit = name.charAt(i) - '0';
      boolean leadingZero = i > 0 && index == 0;
      index =
          digit < 0 || digit > 9 || leadingZero || index > Terminals.MAX ? -1 : index * 10 + digit;
    }
    if (index < 0) {
      return super.lookup(c, name);
    }
    Inode n = node(index);
    return n == null ? c.fail(-Errno.ENOENT) : n;
  }

  @Override
  public int readdir(Syscall c, long position, DirSink sink) {
    int fixed = fixedCount();
    if (position < fixed && !sink.add("ptmx", 2, Stat.S_IFCHR >> 12, fixed)) {
      return 0;
    }
    int from = (int) Math.min(Math.max(0, position - fixed), Terminals.MAX);
    for (int i = terminals.next(from); i >= 0; i = terminals.next(i + 1)) {
      if (!sink.add(
          Integer.toString(i), (long) FIRST_INO + i, Stat.S_IFCHR >> 12, (long) fixed + i + 1)) {
        return 0;
      }
    }
    return 0;
  }
}
