package io.redoubt.sentry.tty;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.host.Socket;
import io.redoubt.host.Unistd;
import io.redoubt.sentry.kernel.Kernel;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Reactor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The sandbox's own terminal ({@code -t}): the master of a pty at one end, a stream socket of the
 * host at the other, behind which is the caller's terminal in raw mode.
 *
 * <p>Output is sent by the thread that wrote it, at once; what the socket does not take is kept,
 * which stops further output until the reactor says that there is room again. Input is taken from
 * the socket only as far as the line discipline has room.
 *
 * <p>Lock: its own monitor, outside of the terminal's and inside of no other of the tty package.
 */
public final class ConsolePump {
  private static final int CHUNK = 8192;

  private final Terminal terminal;
  private final int socket;
  private final MemorySegment native_ = Arena.ofAuto().allocate(CHUNK);

  // Guarded by this.
  private final byte[] out = new byte[CHUNK];
  private int outFrom;
  private int outTo;
  private final byte[] in = new byte[CHUNK];
  private int inFrom;
  private int inTo;
  private int armed; // events that the reactor waits for
  private Reactor.Registration registration;
  private boolean closed;
  private boolean receiving;
  private Runnable whenDrained;

  private ConsolePump(Terminal terminal, int socket) {
    this.terminal = terminal;
    this.socket = socket;
  }

  /**
   * Makes a pty whose master is the host socket {@code socket}, which from now on belongs to the
   * pump.
   *
   * <p>Its slave is /dev/pts/N with N = {@link Terminal#index}; it is unlocked. Who opens it as a
   * session leader, or is given it with {@link JobControl#give}, has it as controlling terminal.
   *
   * @param uid who owns the slave
   * @param isConsole whether it is /dev/console as well
   * @return null when there is no pty left
   */
  public static ConsolePump attach(Kernel kernel, int socket, int uid, boolean isConsole) {
    Terminals terminals = kernel.terminals;
    Terminal t = terminals.create(uid);
    if (t == null) {
      return null;
    }
    t.setLocked(false);
    ConsolePump p = new ConsolePump(t, socket);
    t.setConsole(p);
    if (isConsole) {
      terminals.setConsole(t);
    }
    synchronized (p) {
      p.armed = PollEvents.IN;
      p.registration = kernel.reactor.add(socket, PollEvents.IN, p::ready);
    }
    return p;
  }

  public Terminal terminal() {
    return terminal;
  }

  /** The caller's window has another size. */
  public void resize(int rows, int columns, int xPixels, int yPixels) {
    terminal.resize(rows, columns, xPixels, yPixels);
  }

  /** Whether all output has gone to the socket. */
  public synchronized boolean isDrained() {
    return closed || outFrom == outTo && terminal.outputReadable() == 0;
  }

  /**
   * Runs {@code action} when all output has gone to the socket or the socket is gone; at once if
   * that is so now.
   */
  public void whenDrained(Runnable action) {
    synchronized (this) {
      if (!isDrained()) {
        whenDrained = action;
        return;
      }
    }
    action.run();
  }

  /** Closes the socket and hangs the terminal up. */
  public void close() {
    Runnable drained;
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      if (registration != null) {
        registration.remove();
      }
      Unistd.close(socket);
      drained = whenDrained;
      whenDrained = null;
    }
    terminal.closeMaster();
    if (drained != null) {
      drained.run();
    }
  }

  /** The slave has written. Called with no lock of the terminal held. */
  void flush() {
    boolean gone;
    Runnable drained = null;
    synchronized (this) {
      gone = !closed && !send();
      if (!gone && whenDrained != null && isDrained()) {
        drained = whenDrained;
        whenDrained = null;
      }
    }
    if (gone) {
      close();
    }
    if (drained != null) {
      drained.run();
    }
  }

  /**
   * @return false when the other end is gone
   */
  private boolean send() {
    for (; ; ) {
      if (outFrom == outTo) {
        outFrom = 0;
        outTo = terminal.takeOutput(out, CHUNK);
        if (outTo == 0) {
          arm(armed & ~PollEvents.OUT);
          return true;
        }
      }
      int n = outTo - outFrom;
      Memory.copy(out, outFrom, native_, 0, n);
      long sent = Socket.send(socket, native_, n, Socket.MSG_DONTWAIT | Socket.MSG_NOSIGNAL);
      if (sent == -Errno.EAGAIN || sent == -Errno.EINTR) {
        arm(armed | PollEvents.OUT);
        return true;
      }
      if (sent < 0) {
        return false;
      }
      outFrom += (int) sent;
    }
  }

  /** The slave has read: there may be room for input that waits. */
  void inputRoom() {
    boolean waits;
    synchronized (this) {
      waits = !closed && !receiving && inFrom != inTo;
    }
    if (waits) {
      receive();
    }
  }

  private void ready(int events) {
    if ((events & PollEvents.OUT) != 0) {
      flush();
    }
    if ((events & (PollEvents.IN | PollEvents.HUP | PollEvents.ERR)) != 0) {
      receive();
    }
    boolean hungUp;
    synchronized (this) {
      hungUp = (events & (PollEvents.HUP | PollEvents.ERR)) != 0 && (armed & PollEvents.IN) == 0;
    }
    if (hungUp) {
      close(); // what is left of the input finds no room, and would be told of for ever
    }
  }

  /**
   * Moves input from the socket to the terminal until one of them has no more, or no room. One
   * thread at a time, so that input stays in order; it looks once more, under the lock, before it
   * stops.
   */
  private void receive() {
    synchronized (this) {
      if (receiving) {
        return;
      }
      receiving = true;
    }
    for (byte[] part = next(); part != null; part = next()) {
      // Without the lock: input echoes, which comes back here as output, and sends signals.
      int taken = terminal.input(part, part.length);
      synchronized (this) {
        inFrom += taken;
      }
    }
  }

  /** The input to go on with; null to stop, and then nobody is receiving any more. */
  private byte[] next() {
    boolean gone = false;
    synchronized (this) {
      while (!closed && !gone) {
        if (inFrom == inTo) {
          long n = Socket.recv(socket, native_, CHUNK, Socket.MSG_DONTWAIT);
          if (n > 0) {
            Memory.copy(native_, 0, in, 0, (int) n);
            inFrom = 0;
            inTo = (int) n;
          } else if (n == -Errno.EAGAIN || n == -Errno.EINTR) {
            arm(armed | PollEvents.IN);
            break;
          } else {
            gone = true;
          }
        } else if ((terminal.pollMaster() & PollEvents.OUT) != 0) {
          return java.util.Arrays.copyOfRange(in, inFrom, inTo);
        } else {
          arm(armed & ~PollEvents.IN); // inputRoom() goes on
          break;
        }
      }
      receiving = false;
    }
    if (gone) {
      close();
    }
    return null;
  }

  private void arm(int events) {
    if (events != armed && registration != null && !closed) {
      armed = events;
      registration.modify(events);
    }
  }
}
