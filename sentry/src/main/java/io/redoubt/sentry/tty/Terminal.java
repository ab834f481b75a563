package io.redoubt.sentry.tty;

import io.redoubt.host.Errno;
import io.redoubt.sentry.dev.Devices;
import io.redoubt.sentry.kernel.Kernel;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Process;
import io.redoubt.sentry.kernel.Signals;
import io.redoubt.sentry.kernel.WaitQueue;
import java.lang.foreign.MemorySegment;

/**
 * A pseudo-terminal, pty(7): what its master and its slave have in common, and the session that it
 * controls.
 *
 * <p>Lock: its own monitor ("tty" in the lock order, below Kernel.tasks). Signals are sent, the
 * console is fed and waiters are woken after it is let go of.
 */
public final class Terminal {
  /** What the slave has written and the master has not read. */
  private static final int OUTPUT_LIMIT = 16 * 1024;

  // TIOCPKT_*: why a master in packet mode is told, ioctl_tty(2).
  private static final int PKT_FLUSHREAD = 1;
  private static final int PKT_FLUSHWRITE = 2;
  private static final int PKT_STOP = 4;
  private static final int PKT_START = 8;
  private static final int PKT_NOSTOP = 16;
  private static final int PKT_DOSTOP = 32;

  final Kernel kernel;
  public final int index;
  final WaitQueue slaveQueue = new WaitQueue();
  final WaitQueue masterQueue = new WaitQueue();

  private final Terminals owner;
  private final LineDiscipline discipline = new LineDiscipline(OUTPUT_LIMIT);
  private volatile ConsolePump console;

  // Guarded by this.
  private boolean masterOpen = true;
  private int slaves;
  private boolean slaveWasOpen;
  private boolean locked = true;
  private boolean exclusive;
  private boolean packetMode;
  private int packetStatus;
  private int rows;
  private int columns;
  private int xPixels;
  private int yPixels;
  private int
      oldForeground; // whom the end of the session leader is told when the terminal went first

  private volatile int session; // 0: controls none
  private volatile int foreground; // process group, 0: none
  private volatile boolean hungUp;

  Terminal(Terminals owner, Kernel kernel, int index) {
    this.owner = owner;
    this.kernel = kernel;
    this.index = index;
  }

  /** The number of the slave's device as /proc/PID/stat shows it (new_encode_dev() of Linux). */
  public int deviceNumber() {
    return index & 0xff | Devices.MAJOR_PTS << 8 | (index & ~0xff) << 12;
  }

  /** The foreground process group, 0 when there is none. */
  public int foregroundGroup() {
    return foreground;
  }

  int session() {
    return session;
  }

  boolean isHungUp() {
    return hungUp;
  }

  void setConsole(ConsolePump pump) {
    console = pump;
  }

  // ---- open and close ----

  /**
   * @return 0 or a negative errno
   */
  synchronized int openSlave(boolean privileged) {
    if (!masterOpen || locked) {
      return -Errno.EIO;
    }
    if (exclusive && !privileged) {
      return -Errno.EBUSY;
    }
    slaves++;
    slaveWasOpen = true;
    return 0;
  }

  void closeSlave() {
    boolean last;
    synchronized (this) {
      last = --slaves == 0;
      if (last) {
        exclusive = false;
      }
      retire();
    }
    if (last) {
      masterQueue.wake(PollEvents.HUP | PollEvents.READABLE);
    }
  }

  /** The master is gone: whoever has the slave open has lost it, and the session leader is told. */
  void closeMaster() {
    int sid;
    synchronized (this) {
      masterOpen = false;
      hungUp = true;
      sid = session;
      oldForeground = foreground;
      session = 0;
      foreground = 0;
      retire();
    }
    if (sid != 0) {
      for (Process p : kernel.tasks.processes()) {
        if (p.controllingTerminal == this) {
          if (p.pid == sid) {
            kernel.signals.toProcess(p, Signals.SIGHUP);
            kernel.signals.toProcess(p, Signals.SIGCONT);
          } else {
            p.controllingTerminal = null;
          }
        }
      }
    }
    slaveQueue.wake(PollEvents.READABLE | PollEvents.WRITABLE | PollEvents.HUP | PollEvents.ERR);
  }

  private void retire() {
    if (!masterOpen && slaves == 0) {
      owner.forget(this);
    }
  }

  // ---- data ----

  /** Input from the master. @return bytes taken, 0 when there is no room now, or -EIO */
  int input(byte[] from, int length) {
    int n = 0;
    long signals;
    synchronized (this) {
      while (n < length && discipline.room() > 0) {
        boolean stopped = discipline.isStopped();
        discipline.receive(from[n++]);
        if (stopped != discipline.isStopped()) {
          tellPacket(stopped ? PKT_START : PKT_STOP);
        }
      }
      signals = discipline.takeSignals();
      if (discipline.takeFlushed() != 0) {
        tellPacket(PKT_FLUSHREAD | PKT_FLUSHWRITE);
      }
    }
    send(signals);
    slaveQueue.wake(PollEvents.READABLE | PollEvents.WRITABLE);
    outputArrived();
    return n;
  }

  /** Output from the slave. @return bytes taken, 0 when there is no room now */
  int output(byte[] from, int offset, int length) {
    int n;
    synchronized (this) {
      n = discipline.write(from, offset, length);
    }
    if (n > 0) {
      outputArrived();
    }
    return n;
  }

  /** What the slave has written, for the master. @return bytes, 0 when there are none */
  int takeOutput(byte[] to, int length) {
    int n;
    synchronized (this) {
      n = discipline.output.take(to, 0, length);
    }
    if (n > 0) {
      slaveQueue.wake(PollEvents.WRITABLE);
    }
    return n;
  }

  /**
   * What a read of the slave gets. @return bytes (0: end of file), or -EAGAIN when the reader must
   * wait
   */
  int takeInput(byte[] to, int length, int atLeast) {
    int n;
    synchronized (this) {
      if (!discipline.hasInput(Math.max(1, Math.min(atLeast, length)))) {
        return -Errno.EAGAIN;
      }
      n = discipline.read(to, length);
    }
    masterQueue.wake(PollEvents.WRITABLE);
    ConsolePump p = console;
    if (p != null) {
      p.inputRoom();
    }
    return n;
  }

  private void outputArrived() {
    masterQueue.wake(PollEvents.READABLE | PollEvents.PRI);
    ConsolePump p = console;
    if (p != null) {
      p.flush();
    }
  }

  /** Sends the signals of {@code set} to the foreground group. */
  private void send(long set) {
    int group = foreground;
    for (long left = set; left != 0 && group > 0; left &= left - 1) {
      kernel.signals.toGroup(group, Long.numberOfTrailingZeros(left) + 1);
    }
  }

  // ---- readiness ----

  synchronized int pollSlave() {
    if (hungUp) {
      return PollEvents.READABLE | PollEvents.WRITABLE | PollEvents.ERR | PollEvents.HUP;
    }
    int r = 0;
    int minimum = discipline.modes.cc[Termios.VMIN] & 0xff;
    int time = discipline.modes.cc[Termios.VTIME] & 0xff;
    if (discipline.hasInput(time == 0 && minimum > 0 ? minimum : 1)) {
      r |= PollEvents.READABLE;
    }
    if (!discipline.isStopped() && discipline.output.room() > 8) {
      r |= PollEvents.WRITABLE;
    }
    return r;
  }

  synchronized int pollMaster() {
    int r = 0;
    if (discipline.output.size() > 0) {
      r |= PollEvents.READABLE;
    }
    if (packetMode && packetStatus != 0) {
      r |= PollEvents.READABLE | PollEvents.PRI;
    }
    if (discipline.room() > 0) {
      r |= PollEvents.WRITABLE;
    }
    if (slaveWasOpen && slaves == 0) {
      r |= PollEvents.HUP;
    }
    return r;
  }

  /** Whether every slave that there was has been closed. */
  synchronized boolean isSlaveGone() {
    return slaveWasOpen && slaves == 0;
  }

  /** Bytes of input that a reader of the slave would get. */
  synchronized int inputReadable() {
    return discipline.readable();
  }

  synchronized int outputReadable() {
    return discipline.output.size();
  }

  synchronized boolean isCanonical() {
    return discipline.isCanonical();
  }

  /** VMIN. */
  synchronized int minimum() {
    return discipline.modes.cc[Termios.VMIN] & 0xff;
  }

  /** VTIME in tenths of a second. */
  synchronized int time() {
    return discipline.modes.cc[Termios.VTIME] & 0xff;
  }

  synchronized boolean stopsBackgroundOutput() {
    return discipline.modes.local(Termios.TOSTOP);
  }

  // ---- modes ----

  synchronized void getModes(MemorySegment to, boolean withSpeeds) {
    discipline.modes.get(to, withSpeeds);
  }

  void setModes(MemorySegment from, boolean withSpeeds, boolean flush) {
    synchronized (this) {
      Termios m = discipline.modes;
      int oldLocal = m.lflag;
      int oldInput = m.iflag;
      boolean couldStop = stopsOnControlS(m);
      if (flush) {
        discipline.flushInput();
      }
      m.set(from, withSpeeds);
      discipline.modesChanged(oldLocal, oldInput);
      if (couldStop != stopsOnControlS(m)) {
        tellPacket(couldStop ? PKT_NOSTOP : PKT_DOSTOP);
      }
    }
    slaveQueue.wake(PollEvents.READABLE | PollEvents.WRITABLE);
    masterQueue.wake(PollEvents.PRI | PollEvents.WRITABLE);
  }

  /** What rlogin and script want to know: whether ^S and ^Q are theirs or the program's. */
  private static boolean stopsOnControlS(Termios m) {
    return m.input(Termios.IXON) && m.cc[Termios.VSTOP] == 0x13 && m.cc[Termios.VSTART] == 0x11;
  }

  /**
   * @param what bits: 1 input, 2 output, as the slave sees them
   */
  void flush(int what) {
    synchronized (this) {
      if ((what & 1) != 0) {
        discipline.flushInput();
        tellPacket(PKT_FLUSHREAD);
      }
      if ((what & 2) != 0) {
        discipline.output.clear();
        tellPacket(PKT_FLUSHWRITE);
      }
    }
    slaveQueue.wake(PollEvents.WRITABLE);
    masterQueue.wake(PollEvents.WRITABLE | PollEvents.PRI);
  }

  /** tcflow(3) TCOOFF and TCOON. */
  void setStopped(boolean stop) {
    synchronized (this) {
      discipline.setStopped(stop);
      tellPacket(stop ? PKT_STOP : PKT_START);
    }
    slaveQueue.wake(PollEvents.WRITABLE);
    masterQueue.wake(PollEvents.PRI);
  }

  /** tcflow(3) TCIOFF and TCION: sends the STOP or START character to the master. */
  void sendFlowCharacter(boolean stop) {
    synchronized (this) {
      int c = discipline.modes.cc[stop ? Termios.VSTOP : Termios.VSTART] & 0xff;
      if (c != 0) {
        discipline.output.add(c);
      }
    }
    outputArrived();
  }

  synchronized void setLocked(boolean on) {
    locked = on;
  }

  synchronized boolean isLocked() {
    return locked;
  }

  synchronized void setExclusive(boolean on) {
    exclusive = on;
  }

  synchronized boolean isExclusive() {
    return exclusive;
  }

  // ---- packet mode ----

  private void tellPacket(int status) {
    if (packetMode) {
      // Stop and start, and the two stop modes, take each other back.
      if ((status & (PKT_STOP | PKT_START)) != 0) {
        packetStatus &= ~(PKT_STOP | PKT_START);
      }
      if ((status & (PKT_NOSTOP | PKT_DOSTOP)) != 0) {
        packetStatus &= ~(PKT_NOSTOP | PKT_DOSTOP);
      }
      packetStatus |= status;
    }
  }

  synchronized void setPacketMode(boolean on) {
    if (on != packetMode) {
      packetMode = on;
      packetStatus = 0;
    }
  }

  synchronized boolean isPacketMode() {
    return packetMode;
  }

  synchronized int takePacketStatus() {
    int s = packetStatus;
    packetStatus = 0;
    return s;
  }

  // ---- window ----

  /**
   * Rows, columns, horizontal and vertical pixels in one long, 16 bits each from the low end:
   * struct winsize.
   */
  synchronized long windowSize() {
    return rows | (long) columns << 16 | (long) xPixels << 32 | (long) yPixels << 48;
  }

  /** Sets the size (each 0 to 65535); a change is told to the foreground group with SIGWINCH. */
  public void resize(int newRows, int newColumns, int newXPixels, int newYPixels) {
    synchronized (this) {
      if (newRows == rows
          && newColumns == columns
          && newXPixels == xPixels
          && newYPixels == yPixels) {
        return;
      }
      rows = newRows;
      columns = newColumns;
      xPixels = newXPixels;
      yPixels = newYPixels;
    }
    send(1L << (Signals.SIGWINCH - 1));
  }

  // ---- session; the callers are JobControl ----

  /**
   * Makes this the controlling terminal of {@code leader}'s session. @return false when it controls
   * another one
   */
  synchronized boolean control(Process leader) {
    if (session != 0 || hungUp) {
      return false;
    }
    session = leader.sid;
    foreground = leader.pgid;
    leader.controllingTerminal = this;
    return true;
  }

  /** The session loses the terminal. @return the foreground group that it had, or 0 */
  synchronized int release() {
    int group = foreground != 0 ? foreground : oldForeground;
    session = 0;
    foreground = 0;
    oldForeground = 0;
    return group;
  }

  void setForeground(int pgid) {
    foreground = pgid;
  }
}
