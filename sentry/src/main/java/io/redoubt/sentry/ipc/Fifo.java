package io.redoubt.sentry.ipc;

import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.ENXIO;

import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Syscall;

/**
 * What an inode of type S_IFIFO keeps: the pipe that lives while any end is open, and the rules of
 * opening (fifo(7)).
 *
 * <p>An inode that is a FIFO holds one of these and its {@code open} is {@link #open}. Lock: its
 * own monitor, above the pipe's.
 */
public final class Fifo {
  private Pipe pipe; // null: never opened

  /** An open that waits for its other end: its end is counted already, as in fs/pipe.c. */
  private static final class Opening implements Syscall.Cleanup {
    final Fifo fifo;
    final Pipe pipe;
    final boolean reader;
    final int partnerOpens; // of the other end, when we came
    boolean handedOver;

    Opening(Fifo fifo, Pipe pipe, boolean reader, int partnerOpens) {
      this.fifo = fifo;
      this.pipe = pipe;
      this.reader = reader;
      this.partnerOpens = partnerOpens;
    }

    @Override
    public void cleanup() {
      if (!handedOver) {
        handedOver = true;
        pipe.close(reader, !reader);
      }
    }
  }

  /** The FIFO of an inode that keeps it in a one-element array (which guards itself). */
  public static Fifo of(Object[] perInodeState) {
    synchronized (perInodeState) {
      if (perInodeState[0] == null) {
        perInodeState[0] = new Fifo();
      }
      return (Fifo) perInodeState[0];
    }
  }

  /**
   * Opens an end.
   *
   * @return the open file; null with -ENXIO (no reader for a non-blocking writer), -EINVAL, or
   *     {@link Syscall#BLOCKED}
   */
  public OpenFile open(Syscall c, Path path, int flags) {
    int mode = flags & OpenFile.O_ACCMODE;
    boolean reader = mode == OpenFile.O_RDONLY || mode == OpenFile.O_RDWR;
    boolean writer = mode == OpenFile.O_WRONLY || mode == OpenFile.O_RDWR;
    boolean nonblocking = (flags & OpenFile.O_NONBLOCK) != 0;
    if (!reader && !writer) {
      return c.fail(-EINVAL);
    }
    if (c.state instanceof Opening waiting) {
      if (waiting.fifo == this && waiting.reader == reader) {
        return goOn(c, waiting, path, flags);
      }
      // The name leads elsewhere since the last run.
      waiting.cleanup();
      c.state = null;
      c.forgetWaits();
    }
    Pipe p;
    int partnerOpens;
    synchronized (this) {
      if (mode == OpenFile.O_WRONLY && nonblocking && (pipe == null || pipe.readers() == 0)) {
        return c.fail(-ENXIO);
      }
      if (pipe == null || !pipe.open(reader, writer)) {
        pipe = new Pipe();
        pipe.open(reader, writer);
      }
      p = pipe;
      partnerOpens = reader ? p.writerOpens() : p.readerOpens();
    }
    boolean alone = reader ? p.writers() == 0 : p.readers() == 0;
    if (!alone || nonblocking) {
      return new PipeFile(path, flags, p, alone ? partnerOpens : -1);
    }
    Opening o = new Opening(this, p, reader, partnerOpens);
    c.state = o;
    return goOn(c, o, path, flags);
  }

  private static OpenFile goOn(Syscall c, Opening o, Path path, int flags) {
    // Registered before the look: this may be a later run that comes to another FIFO, and then
    // nobody looks again for us.
    c.block(o.pipe.openQueue, PollEvents.IN, Syscall.ERESTARTSYS);
    int opens = o.reader ? o.pipe.writerOpens() : o.pipe.readerOpens();
    if (opens == o.partnerOpens) {
      return c.fail(Syscall.BLOCKED);
    }
    o.handedOver = true;
    return new PipeFile(path, flags, o.pipe, -1);
  }
}
