package io.redoubt.sentry.dev;

import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Memory;
import io.redoubt.host.Poll;
import io.redoubt.host.Socket;
import io.redoubt.host.Stat.StatBuf;
import io.redoubt.host.Unistd;
import io.redoubt.sentry.fs.Dentry;
import io.redoubt.sentry.fs.Mount;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.kernel.Kernel;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Reactor;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.UserBuffer;
import io.redoubt.sentry.kernel.WaitQueue;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A file of the host that the sandbox was started with: its stdin, stdout, stderr, of whatever
 * kind.
 *
 * <p>No sentry thread ever waits in it. Pipes and terminals are opened a second time through
 * /proc/self/fd, because O_NONBLOCK belongs to the description, and the one that was given is
 * shared with the caller's shell. Regular files are used as they are, so that {@code (redoubt do a;
 * b) > file} goes on where the sandbox ended. Sockets have MSG_DONTWAIT. What could not be reopened
 * is polled before every transfer, and written a page at a time.
 */
public final class HostFile extends OpenFile {
  private static final int FIRST_PAGE =
      4096; // PIPE_BUF: what a writable pipe takes without waiting
  private static final int PIPE_CHUNK = 64 * 1024;
  private static final int EPOLLET = 1 << 31;
  private static final int SIGPIPE = 13;

  private final Kernel kernel;
  private final HostInode host;
  private final int fd;
  private final boolean ownsFd;
  private final boolean nonblocking;
  private final int type;
  private final boolean isTerminal;
  private final String linkText;
  private final WaitQueue waiters = new WaitQueue();

  // Guarded by waiters' user: this object's monitor.
  private Reactor.Registration registration;
  private boolean unpollable;
  private boolean armed;
  private boolean released;

  HostFile(
      Kernel kernel,
      Path path,
      int flags,
      HostInode host,
      int fd,
      boolean ownsFd,
      boolean nonblocking) {
    super(path, flags);
    this.kernel = kernel;
    this.host = host;
    this.fd = fd;
    this.ownsFd = ownsFd;
    this.nonblocking = nonblocking;
    this.type = host.type();
    this.isTerminal = type == Stat.S_IFCHR && HostTerminal.isTerminal(fd);
    this.linkText = path.dentry().name();
  }

  /**
   * Makes an open file of a host fd, which from now on belongs to it and is closed with its last
   * reference.
   *
   * @return null when {@code hostFd} is not open
   */
  public static HostFile adopt(Kernel kernel, int hostFd) {
    int mode;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment s = arena.allocate(StatBuf.SIZEOF, 8);
      if (io.redoubt.host.Stat.fstat(hostFd, s) < 0) {
        return null;
      }
      mode = Memory.getInt(s, StatBuf.ST_MODE);
    }
    int type = mode & Stat.S_IFMT;
    int hostFlags = Fcntl.fcntl(hostFd, Fcntl.F_GETFL, 0);
    int access = hostFlags & Fcntl.O_ACCMODE;
    int fd = hostFd;
    boolean nonblocking = (hostFlags & Fcntl.O_NONBLOCK) != 0;
    if ((type == Stat.S_IFIFO || type == Stat.S_IFCHR) && !nonblocking) {
      int own =
          kernel.hostProc.reopen(hostFd, access | (hostFlags & Fcntl.O_APPEND) | Fcntl.O_NONBLOCK);
      if (own >= 0) {
        Unistd.close(hostFd);
        fd = own;
        nonblocking = true;
      }
    }
    String link = kernel.hostProc.ownLink(fd);
    HostInode inode = new HostInode(fd, type, access);
    Dentry dentry = new Dentry(null, link == null ? "host:[" + hostFd + "]" : link, inode);
    Path path = new Path(new Mount("hostfs", "none", dentry), dentry);
    return new HostFile(
        kernel, path, access | (hostFlags & O_APPEND), inode, fd, false, nonblocking);
  }

  @Override
  protected void release() {
    Reactor.Registration r;
    synchronized (this) {
      released = true;
      r = registration;
      registration = null;
    }
    if (r != null) {
      r.remove();
    }
    if (ownsFd) {
      Unistd.close(fd);
    }
    host.drop();
  }

  // ---- data ----

  @Override
  public boolean isSeekable() {
    return type == Stat.S_IFREG;
  }

  @Override
  public boolean isPollable() {
    return type != Stat.S_IFREG && type != Stat.S_IFDIR && !isNullLike();
  }

  private boolean isNullLike() {
    return linkText.equals("/dev/null") || linkText.equals("/dev/zero");
  }

  @Override
  public long read(Syscall c, UserBuffer dst) {
    if (dst.remaining() == 0) {
      return 0;
    }
    MemorySegment bulk = c.scratch().bulk;
    long done = 0;
    do {
      long want = Math.min(dst.remaining(), bulk.byteSize());
      long n = readHost(bulk, want);
      if (n <= 0) {
        return done > 0 ? done : n;
      }
      long copied = dst.copyOut(bulk, 0, n);
      if (copied != n && type == Stat.S_IFREG) {
        Unistd.lseek(fd, Math.max(copied, 0) - n, Fcntl.SEEK_CUR);
      }
      if (copied < 0) {
        return done > 0 ? done : copied;
      }
      done += copied;
      if (copied < want) {
        break;
      }
    } while (type == Stat.S_IFREG && dst.remaining() > 0);
    return done;
  }

  private long readHost(MemorySegment to, long length) {
    if (type == Stat.S_IFSOCK) {
      return Socket.recv(fd, to, length, Socket.MSG_DONTWAIT);
    }
    if (mustPoll()
        && (Poll.poll(fd, PollEvents.IN, 0) & (PollEvents.IN | PollEvents.HUP | PollEvents.ERR))
            == 0) {
      return -Errno.EAGAIN;
    }
    return Unistd.read(fd, to, length);
  }

  @Override
  public long write(Syscall c, UserBuffer src) {
    MemorySegment bulk = c.scratch().bulk;
    boolean polled = mustPoll();
    long done = 0;
    while (src.remaining() > 0) {
      if (polled && (Poll.poll(fd, PollEvents.OUT, 0) & PollEvents.OUT) == 0) {
        return done > 0 ? done : -Errno.EAGAIN;
      }
      long want =
          Math.min(
              src.remaining(),
              polled ? FIRST_PAGE : type == Stat.S_IFREG ? bulk.byteSize() : PIPE_CHUNK);
      long have = src.copyIn(bulk, 0, want);
      if (have < 0) {
        return done > 0 ? done : have;
      }
      long n =
          type == Stat.S_IFSOCK
              ? Socket.send(fd, bulk, have, Socket.MSG_DONTWAIT | Socket.MSG_NOSIGNAL)
              : Unistd.write(fd, bulk, have);
      src.rewind(have - Math.max(n, 0));
      if (n < 0) {
        if (n == -Errno.EPIPE && done == 0) {
          c.task.sendSignal(SIGPIPE);
        }
        return done > 0 ? done : n;
      }
      done += n;
      if (n < want) {
        break;
      }
    }
    return done;
  }

  @Override
  public boolean continuesWrites() {
    return type != Stat.S_IFREG;
  }

  private boolean mustPoll() {
    return !nonblocking && (type == Stat.S_IFIFO || isTerminal);
  }

  @Override
  public long readAt(Syscall c, UserBuffer dst, long offset) {
    if (type != Stat.S_IFREG) {
      return -Errno.ESPIPE;
    }
    MemorySegment bulk = c.scratch().bulk;
    long done = 0;
    while (dst.remaining() > 0) {
      long want = Math.min(dst.remaining(), bulk.byteSize());
      long n = Unistd.pread(fd, bulk, want, offset + done);
      n = n > 0 ? dst.copyOut(bulk, 0, n) : n;
      if (n <= 0) {
        return done > 0 ? done : n;
      }
      done += n;
      if (n < want) {
        break;
      }
    }
    return done;
  }

  @Override
  public long writeAt(Syscall c, UserBuffer src, long offset) {
    if (type != Stat.S_IFREG) {
      return -Errno.ESPIPE;
    }
    MemorySegment bulk = c.scratch().bulk;
    long done = 0;
    while (src.remaining() > 0) {
      long want = Math.min(src.remaining(), bulk.byteSize());
      long n = src.copyIn(bulk, 0, want);
      n = n > 0 ? Unistd.pwrite(fd, bulk, n, offset + done) : n;
      if (n < 0) {
        return done > 0 ? done : n;
      }
      done += n;
      if (n < want) {
        break;
      }
    }
    return done;
  }

  @Override
  public long seek(Syscall c, long offset, int whence) {
    return Unistd.lseek(fd, offset, whence);
  }

  @Override
  public long truncate(Syscall c, long size) {
    return type == Stat.S_IFREG && isWritable() ? Unistd.ftruncate(fd, size) : -Errno.EINVAL;
  }

  @Override
  public long allocate(Syscall c, int mode, long offset, long length) {
    return Fcntl.fallocate(fd, mode, offset, length);
  }

  @Override
  public long sync(Syscall c, boolean dataOnly) {
    return dataOnly ? Unistd.fdatasync(fd) : Unistd.fsync(fd);
  }

  @Override
  public int mapFd(Syscall c, boolean sharedWritable) {
    return type == Stat.S_IFREG ? fd : -Errno.ENODEV;
  }

  // ---- readiness ----

  /**
   * What the host says now. Where somebody waits the reactor is armed, however much is ready (an
   * edge-triggered waiter has seen that): whoever registered on the queue looks here once more
   * after it, so no event is lost.
   */
  @Override
  public int poll(int interest) {
    if (type == Stat.S_IFREG || type == Stat.S_IFDIR) {
      return super.poll(interest);
    }
    int r = Poll.poll(fd, (interest & 0x7fff) | PollEvents.ALWAYS, 0);
    int ready = r < 0 ? PollEvents.ERR : r;
    if (!waiters.isEmpty()) {
      arm();
    }
    return ready;
  }

  @Override
  public WaitQueue waitQueue() {
    arm();
    return waiters;
  }

  /**
   * Edge-triggered, for everything, and only while somebody waits: each change on the host costs
   * one wake-up of the reactor, none when the guest is busy elsewhere.
   */
  private synchronized void arm() {
    if (armed || released || unpollable) {
      return;
    }
    int events = PollEvents.IN | PollEvents.OUT | PollEvents.PRI | PollEvents.RDHUP | EPOLLET;
    if (registration == null) {
      registration = kernel.reactor.add(fd, events, this::onHost);
      unpollable = registration == null;
    } else {
      registration.modify(events);
    }
    armed = registration != null;
  }

  private void onHost(int events) {
    int e = events;
    if ((e & PollEvents.IN) != 0) {
      e |= PollEvents.RDNORM;
    }
    if ((e & PollEvents.OUT) != 0) {
      e |= PollEvents.WRNORM;
    }
    synchronized (this) {
      if (waiters.isEmpty() && registration != null) {
        armed = false;
        // No events and no ERR or HUP either until somebody waits again: a hung-up pipe would wake
        // for ever if level-triggered.
        registration.modify(EPOLLET);
      }
    }
    waiters.wake(e);
  }

  // ---- the rest ----

  @Override
  public long ioctl(Syscall c, int command, long arg) {
    return HostTerminal.ioctl(c, fd, isTerminal, command, arg);
  }

  @Override
  public String linkText() {
    return linkText;
  }
}
